//! The whole lesson in one terminal. The servers are processes of their own, since
//! some of them fork.

use std::io::{ErrorKind, Write};
use std::time::Duration;

use anyhow::{Context, Result};
use lesson_13::client::Client;
use lesson_13::place::Place;
use lesson_13::strategies::STRATEGIES;

use crate::experiments::{self, PATIENCE, Served, ask};

/// What is not to come is waited for so long.
const SHORT: Duration = Duration::from_millis(300);

pub fn play(out: &mut impl Write) -> Result<()> {
    writeln!(
        out,
        "ONE WORD: a second caller, while the first says nothing\n"
    )?;
    for (word, _) in STRATEGIES {
        second_caller(word, out)?;
    }
    writeln!(out, "\nFOUR TRANSPORTS: the same handler\n")?;
    transports(out)?;
    writeln!(out, "\nTHE STEPS, of one request\n")?;
    experiments::trace("threads", out)?;
    writeln!(out, "\nTHE HOTLINE\n")?;
    hotline(out)
}

fn second_caller(word: &str, out: &mut impl Write) -> Result<()> {
    let served = Served::start(&["server", "upper", word, "127.0.0.1:0"])?;
    let first = Client::call(&served.place, PATIENCE).context("cannot connect")?;
    let limit = if word == "inline" { SHORT } else { PATIENCE };
    let mut second = Client::call(&served.place, limit).context("cannot connect")?;
    let told = match ask(&mut second, "hello") {
        Ok(answer) => {
            drop(first);
            format!("is answered \"{answer}\"")
        }
        Err(error) if is_a_limit(&error) => {
            drop(first);
            let answer = second.hear();
            let late = answer.context("no answer, even then")?.unwrap_or_default();
            let late = experiments::printable(&late);
            format!("waits, and is answered \"{late}\" when the first has left")
        }
        Err(error) => return Err(error).context("no answer"),
    };
    drop(second);
    served.stop()?;
    Ok(writeln!(out, "{word:12}{told}")?)
}

fn is_a_limit(error: &std::io::Error) -> bool {
    matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut)
}

fn transports(out: &mut impl Write) -> Result<()> {
    let own = std::process::id();
    let path = |kind: &str| {
        let path = std::env::temp_dir().join(format!("lesson-13-{kind}-{own}"));
        path.display().to_string()
    };
    let places = [
        ("a stream over IP", "127.0.0.1:0".to_owned()),
        ("datagrams over IP", "udp:127.0.0.1:0".to_owned()),
        ("a stream at a file", format!("unix:{}", path("stream"))),
        (
            "datagrams at a file",
            format!("unixgram:{}", path("datagram")),
        ),
    ];
    for (what, place) in places {
        let served = Served::start(&["server", "upper", "threads", &place])?;
        let answer = Client::call(&served.place, PATIENCE)
            .and_then(|mut client| ask(&mut client, "hello"))
            .with_context(|| format!("no answer from {place}"))?;
        let left = served.place.clone();
        served.stop()?;
        let file = match &left {
            Place::Unix(path) | Place::UnixDatagram(path) if path.exists() => {
                ", and its file is left"
            }
            Place::Unix(_) | Place::UnixDatagram(_) => ", and its file is gone",
            _ => "",
        };
        writeln!(out, "{what:22}is answered \"{answer}\"{file}")?;
    }
    Ok(())
}

fn hotline(out: &mut impl Write) -> Result<()> {
    let served = Served::start(&["server", "hotline", "threads", "127.0.0.1:0"])?;
    let mut client =
        Client::call(&served.place, PATIENCE).context("cannot connect")?;
    let welcome = client.hear().context("no greeting")?.unwrap_or_default();
    writeln!(out, "    {}", experiments::printable(&welcome))?;
    for line in ["hello", "0", "exit", "still there?"] {
        writeln!(out, ">>> {line}")?;
        // After `exit` the server is gone: a write may fail, or nothing comes.
        let answer =
            ask(&mut client, line).unwrap_or_else(|_| "(the end)".to_owned());
        writeln!(out, "    {answer}")?;
    }
    drop(client);
    let said = served.stop()?;
    let last = said.last().map_or("", String::as_str);
    Ok(writeln!(out, "\nThe server says: {last}")?)
}
