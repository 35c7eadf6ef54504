//! Photographs of the live book for the README. They are made when the book has
//! changed, and not compared: letters look different on every machine.

use std::fs;
use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Child, Command, Stdio};

use anyhow::{Context, Result};
use nanoserde::SerJson;

use crate::pieces::ONE_READ;
use crate::pieces::browser::Browser;
use crate::pieces::shop::Workshop;

const PICTURE: &str = "book/pictures/live-book.png";

/// The window, in CSS pixels: the sidebar, and an exercise with all of its verdict.
const WIDTH: u32 = 1180;
const HEIGHT: u32 = 1420;

/// Photographs the live book, with an exercise whose check has just failed.
pub fn take(root: &Path) -> Result<()> {
    let shop = Workshop::open(root)?;
    let verdict = ONE_READ.verdict(&shop)?.serialize_json();
    let mut server = Server::start(&shop)?;
    server.tell(&format!("{{\"kind\":\"verdict\",\"verdict\":{verdict}}}"))?;
    server.tell("{\"kind\":\"current\",\"exercise\":\"tcp/timestamps\"}")?;

    let browser = Browser::start(WIDTH, HEIGHT)?;
    browser.open(&format!("{}01-tcp.html#exercise-timestamps", server.url))?;
    browser
        .wait_for("document.querySelector('#exercise-timestamps .hs-is-failing')")?;
    browser.wait_for("document.getAnimations().length == 0")?;
    let picture = browser.photograph()?;
    let path = root.join(PICTURE);
    fs::create_dir_all(root.join("book/pictures"))
        .and_then(|()| fs::write(&path, picture))
        .with_context(|| format!("cannot write {PICTURE}"))?;
    println!("{PICTURE}");
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
        let stdout = child.stdout.take();
        let mut server = Self {
            child,
            url: String::new(),
        };
        let mut line = String::new();
        let stdout = stdout.context("the book's server has no output")?;
        BufReader::new(stdout).read_line(&mut line)?;
        let url = line.trim().strip_prefix("listening on ");
        let url = url.context("the book's server does not say where it listens")?;
        server.url = url.to_string();
        Ok(server)
    }

    fn tell(&mut self, line: &str) -> Result<()> {
        let stdin = self.child.stdin.as_mut();
        let stdin = stdin.context("the book's server has no input")?;
        writeln!(stdin, "{line}").context("the book's server has ended")
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
