//! A browser without a window, for photographs of pages.
//!
//! It is driven by WebDriver (<https://www.w3.org/TR/webdriver2/>): JSON over HTTP to
//! a `chromedriver` on this machine. Chromium's own `--screenshot` would be simpler,
//! and gives a blank picture of a page that is scrolled.

use std::io::{BufRead, BufReader, ErrorKind, Read, Write};
use std::net::TcpStream;
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, anyhow, bail};
use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use nanoserde::{DeJson, SerJson};
use rustix::process::{Pid, Signal, kill_process};

/// A page is there within a second or two; after this something is wrong.
const PATIENCE: Duration = Duration::from_secs(60);

/// The driver ends at once; after this it will not.
const ENDING: Duration = Duration::from_secs(10);

/// The longest answer that is read: a picture, with room to spare.
const MOST: u64 = 64 << 20;

/// A running browser; it is closed when this is dropped.
pub struct Browser {
    driver: Child,
    port: u16,
    /// Where its commands are, such as `/session/0123`; empty until it has a session.
    session: String,
}

#[derive(DeJson)]
struct Answer<T> {
    value: T,
}

#[derive(DeJson)]
struct Session {
    #[nserde(rename = "sessionId")]
    id: String,
}

impl Browser {
    /// Starts one with a window of this size, in CSS pixels; a picture of it has
    /// twice as many in each direction.
    pub fn start(width: u32, height: u32) -> Result<Self> {
        let mut command = Command::new("chromedriver");
        command.arg("--port=0").stdin(Stdio::null());
        command.stdout(Stdio::piped()).stderr(Stdio::null());
        let mut driver = command.spawn().map_err(|error| match error.kind() {
            ErrorKind::NotFound => anyhow!(
                "there is no `chromedriver` here, and without it no picture of a \
                 page can be taken; it comes with Chromium (Debian: chromium-driver)"
            ),
            _ => anyhow!("cannot start chromedriver: {error}"),
        })?;
        let stdout = driver.stdout.take();
        let mut browser = Self {
            driver,
            port: 0,
            session: String::new(),
        };
        let lines = BufReader::new(stdout.context("it has no output")?).lines();
        let mut ports = lines
            .map_while(Result::ok)
            .filter_map(|line| port_in(&line));
        browser.port = ports.next().context("chromedriver does not start")?;
        let session =
            browser.call("POST", "/session", &capabilities(width, height))?;
        let session: Answer<Session> = read(&session)?;
        browser.session = format!("/session/{}", session.value.id);
        Ok(browser)
    }

    /// Opens a page.
    pub fn open(&self, url: &str) -> Result<()> {
        let url = url.to_string().serialize_json();
        self.command("url", &format!("{{\"url\":{url}}}")).map(drop)
    }

    /// Waits until this expression is true in the page.
    pub fn wait_for(&self, expression: &str) -> Result<()> {
        let script = format!("return Boolean({expression})").serialize_json();
        let started = Instant::now();
        while started.elapsed() < PATIENCE {
            let body = format!("{{\"script\":{script},\"args\":[]}}");
            let answer = self.command("execute/sync", &body)?;
            if read::<Answer<bool>>(&answer)?.value {
                return Ok(());
            }
            thread::sleep(Duration::from_millis(50));
        }
        bail!("the page never comes to `{expression}`")
    }

    /// What the window shows, as PNG.
    pub fn photograph(&self) -> Result<Vec<u8>> {
        let answer = self.call("GET", &format!("{}/screenshot", self.session), "")?;
        let answer: Answer<String> = read(&answer)?;
        BASE64_STANDARD
            .decode(answer.value)
            .map_err(|error| anyhow!("the picture makes no sense: {error}"))
    }

    fn command(&self, name: &str, body: &str) -> Result<String> {
        self.call("POST", &format!("{}/{name}", self.session), body)
    }

    /// One request, and the body of the answer if it is a good one.
    fn call(&self, method: &str, path: &str, body: &str) -> Result<String> {
        let mut stream = TcpStream::connect(("127.0.0.1", self.port))?;
        stream.set_read_timeout(Some(PATIENCE))?;
        let request = format!(
            "{method} {path} HTTP/1.1\r\nHost: 127.0.0.1:{}\r\nContent-Type: \
             application/json\r\nContent-Length: {}\r\n\r\n{body}",
            self.port,
            body.len()
        );
        stream.write_all(request.as_bytes())?;
        let answer = answer(&mut BufReader::new(stream));
        answer.with_context(|| format!("the browser does not do {method} {path}"))
    }
}

impl Drop for Browser {
    fn drop(&mut self) {
        if !self.session.is_empty() {
            let _ = self.call("DELETE", &self.session, ""); // closes the browser
        }
        // Asked to end, the driver closes what it has opened; killed, it cannot.
        let pid = i32::try_from(self.driver.id()).ok().and_then(Pid::from_raw);
        let _ = pid.map(|pid| kill_process(pid, Signal::TERM));
        let started = Instant::now();
        while let Ok(None) = self.driver.try_wait() {
            if started.elapsed() > ENDING {
                let _ = self.driver.kill();
            }
            thread::sleep(Duration::from_millis(20));
        }
    }
}

/// The port in `ChromeDriver was started successfully on port 39213.`
fn port_in(line: &str) -> Option<u16> {
    let (_, port) = line.split_once("started successfully on port ")?;
    port.trim_end().trim_end_matches('.').parse().ok()
}

fn capabilities(width: u32, height: u32) -> String {
    // Without its sandbox, because CI runs as root; it sees only our own page.
    let size = format!("--window-size={width},{height}");
    let args: Vec<String> = [
        "--headless=new",
        "--no-sandbox",
        "--disable-gpu",
        "--disable-background-networking",
        "--hide-scrollbars",
        "--force-device-scale-factor=2",
        &size,
    ]
    .map(String::from)
    .to_vec();
    let args = args.serialize_json();
    let wanted = format!("{{\"goog:chromeOptions\":{{\"args\":{args}}}}}");
    format!("{{\"capabilities\":{{\"alwaysMatch\":{wanted}}}}}")
}

/// Reads an answer with status 200 and a length, as chromedriver sends it.
fn answer(stream: &mut impl BufRead) -> Result<String> {
    let mut status = String::new();
    stream.read_line(&mut status)?;
    let mut length = 0;
    loop {
        let mut line = String::new();
        stream.read_line(&mut line)?;
        let field = line.trim_end().to_ascii_lowercase();
        if let Some(value) = field.strip_prefix("content-length:") {
            length = value.trim().parse()?;
        }
        if field.is_empty() {
            break;
        }
    }
    let mut body = Vec::new();
    stream.take(length.min(MOST)).read_to_end(&mut body)?;
    let body = String::from_utf8_lossy(&body).into_owned();
    if status.split(' ').nth(1) != Some("200") {
        bail!("{} {body}", status.trim());
    }
    Ok(body)
}

fn read<T: DeJson>(answer: &str) -> Result<T> {
    T::deserialize_json(answer)
        .map_err(|error| anyhow!("the browser's answer makes no sense: {error}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_ends_where_its_length_says() {
        let told =
            "HTTP/1.1 200 OK\r\nContent-Length: 14\r\n\r\n{\"value\":true}rest";
        let body = answer(&mut told.as_bytes()).unwrap();
        assert!(read::<Answer<bool>>(&body).unwrap().value);
    }

    #[test]
    fn an_answer_that_is_no_good_is_an_error_that_tells_it() {
        let told = "HTTP/1.1 404 Not Found\r\nContent-Length: 2\r\n\r\nno";
        let error = answer(&mut told.as_bytes()).unwrap_err();
        assert_eq!(error.to_string(), "HTTP/1.1 404 Not Found no");
        assert!(answer(&mut "".as_bytes()).is_err());
    }

    #[test]
    fn a_session_is_read() {
        let told =
            r#"{"value":{"capabilities":{"browserName":"chrome"},"sessionId":"0a"}}"#;
        assert_eq!(read::<Answer<Session>>(told).unwrap().value.id, "0a");
    }

    #[test]
    fn the_port_is_found() {
        let line = "ChromeDriver was started successfully on port 39213.";
        assert_eq!(port_in(line), Some(39213));
        assert_eq!(port_in("Starting ChromeDriver 156"), None);
    }
}
