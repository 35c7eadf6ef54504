//! A browser, driven by WebDriver: JSON over plain HTTP to a local `chromedriver`.

#![allow(clippy::unwrap_used, reason = "it is part of the tests")]

use std::env;
use std::fs;
use std::io::{self, BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};

use base64::Engine as _;
use serde_json::{Value, json};

use crate::support::LIMIT;

/// A browser with one window; it is closed with the value.
pub struct Browser {
    driver: Child,
    port: u16,
    session: String,
}

fn program(names: &[&str]) -> Option<PathBuf> {
    let folders: Vec<PathBuf> = env::split_paths(&env::var_os("PATH")?).collect();
    let mut paths = names
        .iter()
        .flat_map(|name| folders.iter().map(move |folder| folder.join(name)));
    paths.find(|path| path.is_file())
}

impl Browser {
    /// Opens a browser; none, visibly, where there is no driver for one.
    pub fn open() -> Option<Browser> {
        let Some(driver) = program(&["chromedriver"]) else {
            let remedy = "no chromedriver is installed (Debian: chromium-driver)";
            assert!(env::var_os("CI").is_none(), "{remedy}");
            eprintln!("SKIPPED: {remedy}");
            return None;
        };
        let mut driver = Command::new(driver)
            .arg("--port=0")
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let lines = BufReader::new(driver.stdout.take().unwrap()).lines();
        let port = lines.map_while(Result::ok).find_map(|line| {
            let (_, port) = line.split_once("started successfully on port ")?;
            port.trim_end_matches('.').parse().ok()
        });
        let mut browser = Browser {
            driver,
            port: port.expect("chromedriver says its port"),
            session: String::new(),
        };
        let value = browser.call("POST", "/session", &capabilities());
        let id = value["sessionId"].as_str().expect("a session");
        browser.session = id.to_owned();
        Some(browser)
    }

    fn call(&self, method: &str, path: &str, body: &Value) -> Value {
        let reply = self.exchange(method, path, body).expect("a reply");
        let value: Value = serde_json::from_slice(&reply).expect("a reply in JSON");
        let value = value["value"].clone();
        assert!(value["error"].is_null(), "{method} {path}: {value:#}");
        value
    }

    /// One request and the body of its reply. The driver keeps the connection open
    /// whatever it is asked, so the length has to be heeded.
    fn exchange(
        &self,
        method: &str,
        path: &str,
        body: &Value,
    ) -> io::Result<Vec<u8>> {
        let mut stream = TcpStream::connect(("127.0.0.1", self.port))?;
        stream.set_read_timeout(Some(LIMIT * 3))?;
        let body = if method == "GET" {
            String::new()
        } else {
            body.to_string()
        };
        let request = format!(
            "{method} {path} HTTP/1.1\r\nHost: 127.0.0.1:{}\r\n\
             Content-Type: application/json\r\nContent-Length: {}\r\n\r\n{body}",
            self.port,
            body.len()
        );
        stream.write_all(request.as_bytes())?;
        let mut reader = BufReader::new(stream);
        let (mut line, mut length) = (String::new(), 0);
        while reader.read_line(&mut line)? > 2 {
            let field = line.to_ascii_lowercase();
            if let Some(value) = field.strip_prefix("content-length:") {
                length = value.trim().parse().map_err(io::Error::other)?;
            }
            line.clear();
        }
        let mut reply = vec![0; length];
        reader.read_exact(&mut reply)?;
        Ok(reply)
    }

    fn post(&self, path: &str, body: Value) -> Value {
        let path = format!("/session/{}/{path}", self.session);
        self.call("POST", &path, &body)
    }

    pub fn go(&self, url: &str) {
        self.post("url", json!({ "url": url }));
    }

    /// Runs a script in the page and returns what it returns.
    pub fn run(&self, script: &str) -> Value {
        self.post("execute/sync", json!({ "script": script, "args": [] }))
    }

    /// Waits until an expression is true: looks whenever the page changes.
    pub fn wait(&self, expression: &str) {
        let script = format!(
            "const done = arguments[0];
             const look = () => ({expression}) && (watch.disconnect(), done(true));
             const watch = new MutationObserver(look);
             watch.observe(document, {{subtree: true, childList: true,
                 characterData: true, attributes: true}});
             look();"
        );
        self.post("execute/async", json!({ "script": script, "args": [] }));
    }

    /// Presses a key, by its WebDriver code, wherever the focus is.
    pub fn press(&self, key: &str) {
        self.post(
            "actions",
            json!({ "actions": [{ "type": "key", "id": "keys", "actions": [
                { "type": "keyDown", "value": key },
                { "type": "keyUp", "value": key },
            ]}]}),
        );
    }

    /// Sends a command of Chromium's own protocol.
    pub fn devtools(&self, command: &str, parameters: Value) {
        let body = json!({ "cmd": command, "params": parameters });
        self.post("goog/cdp/execute", body);
    }

    pub fn look(&self, width: u32, height: u32, scheme: &str) {
        let size = json!({ "width": width, "height": height,
            "deviceScaleFactor": if width < 500 { 2 } else { 1 },
            "mobile": width < 500 });
        self.devtools("Emulation.setDeviceMetricsOverride", size);
        let scheme = json!({ "name": "prefers-color-scheme", "value": scheme });
        let still = json!({ "name": "prefers-reduced-motion", "value": "reduce" });
        let media = json!({ "features": [scheme, still] });
        self.devtools("Emulation.setEmulatedMedia", media);
    }

    pub fn scripts(&self, on: bool) {
        let value = json!({ "value": !on });
        self.devtools("Emulation.setScriptExecutionDisabled", value);
    }

    /// What has come into this log (`browser`, `performance`) since the last look.
    pub fn log(&self, kind: &str) -> Vec<String> {
        let entries = self.post("se/log", json!({ "type": kind }));
        let entries = entries.as_array().expect("a list of entries");
        let message = |entry: &Value| entry["message"].as_str().map(str::to_owned);
        entries.iter().filter_map(message).collect()
    }

    /// The addresses that the pages have asked for since the last look.
    pub fn requests(&self) -> Vec<String> {
        let log = self.log("performance");
        let events = log.iter().filter_map(|entry| {
            let entry: Value = serde_json::from_str(entry).ok()?;
            let message = &entry["message"];
            (message["method"] == "Network.requestWillBeSent").then(|| {
                let url = &message["params"]["request"]["url"];
                url.as_str().unwrap_or_default().to_owned()
            })
        });
        events.collect()
    }

    /// Keeps a picture of the window, where `HANDSHAKE_SCREENSHOTS` names a folder.
    pub fn screenshot(&self, name: &str) {
        let Some(folder) = env::var_os("HANDSHAKE_SCREENSHOTS").map(PathBuf::from)
        else {
            return;
        };
        let path = format!("/session/{}/screenshot", self.session);
        let picture = self.call("GET", &path, &Value::Null);
        let picture = picture.as_str().expect("a picture in Base64");
        let engine = base64::engine::general_purpose::STANDARD;
        let bytes = engine.decode(picture).expect("a picture in Base64");
        fs::create_dir_all(&folder).unwrap();
        fs::write(folder.join(format!("{name}.png")), bytes).unwrap();
    }
}

impl Drop for Browser {
    fn drop(&mut self) {
        // Ending the driver alone would leave the browser behind.
        if !self.session.is_empty() {
            let path = format!("/session/{}", self.session);
            let _ = self.exchange("DELETE", &path, &json!({}));
        }
        let _ = self.driver.kill();
        let _ = self.driver.wait();
    }
}

fn capabilities() -> Value {
    let mut options = json!({ "args": [
        "--headless=new", "--no-sandbox", "--disable-gpu", "--no-first-run",
        "--disable-background-networking", "--disable-component-update",
        "--disable-sync", "--disable-dev-shm-usage",
    ]});
    let names = ["chromium", "chromium-browser", "google-chrome"];
    if let Some(browser) = program(&names) {
        options["binary"] = json!(browser);
    }
    json!({ "capabilities": { "alwaysMatch": {
        "goog:chromeOptions": options,
        "goog:loggingPrefs": { "browser": "ALL", "performance": "ALL" },
        "timeouts": { "script": LIMIT.as_millis() as u64 },
    }}})
}
