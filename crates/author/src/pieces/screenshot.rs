//! Photographs of the live book for the README. They are made by hand when the book
//! has changed, and not compared: letters look different on every machine.

use std::fs;
use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use nanoserde::SerJson;

use crate::pieces::ONE_READ;
use crate::pieces::shop::Workshop;

/// Chromium and the building of the book take seconds; after this they are stuck.
const DEADLINE: Duration = Duration::from_secs(120);

/// The window, in CSS pixels; a pixel of it is four of the picture.
const WINDOW: &str = "1160,1000";

/// What the page shows: an exercise whose last check has failed.
const PAGE: &str = "01-tcp.html#exercise-timestamps";

/// Photographs the live book with a failing exercise into `docs/live-book.png`.
pub fn take(root: &Path) -> Result<()> {
    let shop = Workshop::open(root)?;
    let verdict = ONE_READ.verdict(&shop)?.serialize_json();
    let mut server = Server::start(&shop)?;
    server.tell(&format!("{{\"kind\":\"verdict\",\"verdict\":{verdict}}}"))?;
    server.tell("{\"kind\":\"current\",\"exercise\":\"tcp/timestamps\"}")?;
    let picture = root.join("docs/live-book.png");
    fs::create_dir_all(root.join("docs")).context("cannot make docs")?;
    photograph(&format!("{}{PAGE}", server.url), &picture, shop.folder())?;
    println!("{}", picture.display());
    Ok(())
}

/// The live book's server. When this is dropped, it ends.
struct Server {
    child: Child,
    url: String,
}

impl Server {
    fn start(shop: &Workshop) -> Result<Self> {
        let mut command = Command::new(shop.program("book-server")?);
        command
            .args(["serve", "--port", "0"])
            .current_dir(shop.root());
        command.stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut child = command.spawn().context("cannot start the book's server")?;
        let stdout = child.stdout.take().context("it has no output")?;
        let mut server = Self {
            child,
            url: String::new(),
        };
        let mut line = String::new();
        BufReader::new(stdout).read_line(&mut line)?;
        let url = line.trim().strip_prefix("listening on ");
        server.url = url.context("it does not say where it listens")?.to_string();
        Ok(server)
    }

    fn tell(&mut self, line: &str) -> Result<()> {
        let stdin = self.child.stdin.as_mut().context("it has no input")?;
        writeln!(stdin, "{line}").context("the book's server has ended")
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn photograph(url: &str, picture: &Path, folder: &Path) -> Result<()> {
    let browser = browser().context(
        "there is no `chromium` here (nor `google-chrome`), and without one no picture \
         of a page can be taken",
    )?;
    let mut command = Command::new(browser);
    command.args([
        "--headless",
        "--no-sandbox", // it sees only our own page, and CI runs as root
        "--disable-gpu",
        "--disable-background-networking",
        "--hide-scrollbars",
        "--force-device-scale-factor=2",
    ]);
    command.arg(format!("--window-size={WINDOW}"));
    command.arg(format!(
        "--user-data-dir={}",
        folder.join("browser").display()
    ));
    command
        .arg(format!("--screenshot={}", picture.display()))
        .arg(url);
    command.stdout(Stdio::null()).stderr(Stdio::null());
    let mut child = command.spawn().context("cannot start the browser")?;
    let started = Instant::now();
    let status = loop {
        if let Some(status) = child.try_wait()? {
            break status;
        }
        if started.elapsed() > DEADLINE {
            child.kill()?;
            child.wait()?;
            bail!("the browser does not end");
        }
        thread::sleep(Duration::from_millis(20));
    };
    if !status.success() {
        bail!("the browser has failed: {status}");
    }
    Ok(())
}

fn browser() -> Option<PathBuf> {
    let path = std::env::var_os("PATH")?;
    let names = ["chromium", "chromium-browser", "google-chrome"];
    let folders: Vec<PathBuf> = std::env::split_paths(&path).collect();
    let in_folders = |name: &str| {
        folders
            .iter()
            .map(move |dir| dir.join(name))
            .collect::<Vec<_>>()
    };
    names
        .iter()
        .flat_map(|name| in_folders(name))
        .find(|file| file.is_file())
}
