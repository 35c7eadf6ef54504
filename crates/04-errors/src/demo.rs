//! The whole lesson in one terminal.

use std::io::{self, BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::mpsc;
use std::thread;
use std::time::Duration;

use anyhow::{Context, Result};
use lesson_4::gopher::{self, Failure};
use lesson_4::slam;
use socket2::SockRef;

use crate::experiments;

/// For what is to come; what is not to come is waited for a shorter time.
const PATIENCE: Duration = Duration::from_secs(10);
const SHORT: Duration = Duration::from_millis(200);

pub fn play(out: &mut impl Write) -> Result<()> {
    writeln!(out, "GOPHER: one question, seven answers\n")?;
    stages(out)?;
    writeln!(out, "\nSLAM DOOR: three ends of a conversation\n")?;
    endings(out)?;
    writeln!(out, "\nDEADLINE: a reply that drips\n")?;
    experiments::deadline(out)
}

/// What a server does to its one caller, once it has read the selector.
type Deed = fn(&TcpStream) -> io::Result<()>;

/// A server for one caller; closes the connection when `deed` is done.
fn server(deed: Deed) -> Result<SocketAddr> {
    let listener = TcpListener::bind("127.0.0.1:0").context("cannot listen")?;
    let addr = listener.local_addr()?;
    thread::spawn(move || -> io::Result<()> {
        let (stream, _) = listener.accept()?;
        BufReader::new(&stream).read_until(b'\n', &mut Vec::new())?;
        deed(&stream)
    });
    Ok(addr)
}

fn send(mut stream: &TcpStream, text: &str) -> io::Result<()> {
    stream.write_all(text.as_bytes())
}

fn stages(out: &mut impl Write) -> Result<()> {
    const PAGE: &str = "Darjeeling.\r\n";
    let closed = TcpListener::bind("127.0.0.1:0")?.local_addr()?; // and dropped
    let whole = server(|stream| send(stream, "Darjeeling.\r\n.\r\n"))?;
    let missing = server(|stream| send(stream, &gopher::answer("/coffee")))?;
    let truncated = server(|stream| send(stream, PAGE))?;
    let reset =
        server(|stream| SockRef::from(stream).set_linger(Some(Duration::ZERO)))?;
    let silent = server(|mut stream| stream.read(&mut [0]).map(drop))?;
    for (what, place, limit) in [
        ("a page", whole.to_string(), PATIENCE),
        ("no such page", missing.to_string(), PATIENCE),
        ("a name that is none", "no..host:70".into(), PATIENCE),
        ("nobody listens", closed.to_string(), PATIENCE),
        ("a reset", reset.to_string(), PATIENCE),
        ("silence", silent.to_string(), SHORT),
        ("half a page", truncated.to_string(), PATIENCE),
    ] {
        writeln!(
            out,
            "{what:21}{}",
            told(gopher::fetch(&place, "/tea", limit))
        )?;
    }
    Ok(())
}

fn told(fetched: Result<Vec<u8>, Failure>) -> String {
    match fetched {
        Ok(page) => format!("exit 0  \"{}\"", page.escape_ascii()),
        Err(failure) => format!("exit {}  {failure}", failure.exit_code()),
    }
}

fn endings(out: &mut impl Write) -> Result<()> {
    for word in ["fin", "rst", "silence"] {
        let listener = TcpListener::bind("127.0.0.1:0").context("cannot listen")?;
        let addr = listener.local_addr()?;
        let (sender, ended) = mpsc::channel();
        thread::spawn(move || {
            let ended = listener
                .accept()
                .and_then(|(stream, _)| slam::talk(&stream, PATIENCE));
            let _ = sender.send(ended); // nobody waits: the demonstration is over
        });
        let limit = if word == "silence" { SHORT } else { PATIENCE };
        let stream = TcpStream::connect(addr).context("cannot connect")?;
        let outcome = slam::knock(&stream, word, limit).context("cannot speak")?;
        writeln!(out, "{word:21}{outcome}")?;
        drop(stream);
        ended
            .recv_timeout(PATIENCE)?
            .context("the slam door failed")?;
    }
    Ok(())
}
