//! The whole lesson in one terminal: what passes between both ends, as it passes.

use std::io::{self, BufReader, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::mpsc::{self, RecvTimeoutError, Sender};
use std::thread;
use std::time::{Duration, SystemTime};

use anyhow::{Context, Result, bail};
use lesson_1::card::card;
use lesson_1::client::{ask, connect};
use lesson_1::greeting::thanks;
use lesson_1::lines::{converse, read_line, send};
use lesson_1::server::{ANY_PORT, BACKLOG, listen};
use lesson_1::timestamps::stamp;
use lesson_1::upper::upper;

/// Loopback needs less than a millisecond; after this, something is wrong.
const PATIENCE: Duration = Duration::from_secs(10);

pub fn play(out: &mut impl Write) -> Result<()> {
    writeln!(
        out,
        "GREETING: the server talks, the client listens to the end\n"
    )?;
    watch(out, 1, greet, be_greeted)?;
    writeln!(out, "\nTIMESTAMPS: one client after another\n")?;
    watch(out, 2, stamp_lines, take_turns)?;
    writeln!(out, "\nUPPER: text is bytes\n")?;
    watch(out, 1, upper_lines, speak_german)
}

// What the servers do. They are those of the library, with a `Watched` for a socket.

fn greet(mut client: Watched<'_>) -> io::Result<()> {
    let card = card(client.stream)?;
    client.story.right(format!("  local  {}", card.local));
    client.story.right(format!("  remote {}", card.remote));
    client.write_all(thanks(card.remote).as_bytes())
}

fn stamp_lines(client: Watched<'_>) -> io::Result<()> {
    let now = SystemTime::now;
    converse(BufReader::new(client), client, |line| stamp(line, now())).map(drop)
}

fn upper_lines(client: Watched<'_>) -> io::Result<()> {
    converse(BufReader::new(client), client, upper).map(drop)
}

// What the clients do. They tell of it beforehand, and only while the server waits
// for them: so the story has the order of cause and effect, and is always the same.

fn be_greeted(server: SocketAddr, story: &Story) -> io::Result<()> {
    story.to_right("A connects".into());
    let mut stream = connect(server)?;
    stream.read_to_end(&mut Vec::new())?;
    story.left("A reads all of it, then 0 bytes".into());
    let card = card(&stream)?;
    story.left(format!("  local  {}", card.local));
    story.left(format!("  remote {}", card.remote));
    Ok(())
}

fn take_turns(server: SocketAddr, story: &Story) -> io::Result<()> {
    story.to_right(r#"A connects, "good morning\n""#.into());
    let mut a = BufReader::new(connect(server)?);
    ask(&mut a, b"good morning")?;

    story.to_right(r#"B connects, "me too\n""#.into());
    let mut b = BufReader::new(connect(server)?);
    send(b.get_mut(), b"me too".to_vec())?;

    story.to_right(r#"A "and now?\n""#.into());
    ask(&mut a, b"and now?")?;
    story.to_right("A closes".into());
    drop(a);

    read_line(&mut b)?;
    story.to_right("B closes".into());
    Ok(())
}

fn speak_german(server: SocketAddr, story: &Story) -> io::Result<()> {
    story.to_right(r#"A connects, "stra\xc3\x9fe\n""#.into());
    let mut a = BufReader::new(connect(server)?);
    ask(&mut a, "straße".as_bytes())?;
    story.to_right("A closes".into());
    Ok(())
}

// ANCHOR: watched
/// The server's end of a connection. What it writes, it tells first: what the client
/// tells on reading it comes later, then, in the story as in the world.
#[derive(Clone, Copy)]
struct Watched<'a> {
    stream: &'a TcpStream,
    story: &'a Story,
}

impl Read for Watched<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let length = self.stream.read(buffer)?;
        if length == 0 {
            self.story.right("reads 0 bytes: the end".into());
        }
        Ok(length)
    }
}

impl Write for Watched<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.story.to_left(format!("\"{}\"", bytes.escape_ascii()));
        self.stream.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.stream.flush()
    }
}
// ANCHOR_END: watched

/// Takes the lines of the story from both ends.
#[derive(Clone)]
struct Story(Sender<String>);

impl Story {
    fn left(&self, what: String) {
        self.row(what, "", String::new());
    }

    fn to_right(&self, what: String) {
        self.row(what, "--->", String::new());
    }

    fn to_left(&self, what: String) {
        self.row(String::new(), "<---", what);
    }

    fn right(&self, what: String) {
        self.row(String::new(), "", what);
    }

    fn row(&self, left: String, arrow: &str, right: String) {
        let row = format!("{left:36}{arrow:4} {right}");
        let _ = self.0.send(row); // nobody listens: the demonstration is over
    }
}

/// Runs both ends, each on a thread, and prints what they tell until both are done.
fn watch(
    out: &mut impl Write,
    clients: usize,
    talk: fn(Watched<'_>) -> io::Result<()>,
    client: fn(SocketAddr, &Story) -> io::Result<()>,
) -> Result<()> {
    let listener = listen(ANY_PORT, BACKLOG).context("cannot listen")?;
    let server = listener.local_addr()?;
    let (sender, told) = mpsc::channel();
    let story = Story(sender);
    story.row("CLIENT".into(), "", "SERVER".into());
    story.right(format!("listening on {server}"));
    let clients_story = story.clone();
    let ends = [
        thread::spawn(move || client(server, &clients_story)),
        thread::spawn(move || serve(&listener, clients, talk, &story)),
    ];
    loop {
        match told.recv_timeout(PATIENCE) {
            Ok(row) => writeln!(out, "{}", row.trim_end())?,
            Err(RecvTimeoutError::Disconnected) => break, // both ends are done
            Err(RecvTimeoutError::Timeout) => {
                bail!("nothing happens for {PATIENCE:?}")
            }
        }
    }
    for end in ends {
        end.join()
            .expect("neither end panics")
            .context("the conversation failed")?;
    }
    Ok(())
}

fn serve(
    listener: &TcpListener,
    clients: usize,
    talk: fn(Watched<'_>) -> io::Result<()>,
    story: &Story,
) -> io::Result<()> {
    for _ in 0..clients {
        let (stream, peer) = listener.accept()?;
        story.right(format!("accepts {peer}"));
        talk(Watched {
            stream: &stream,
            story,
        })?;
        story.to_left("closes".into());
    }
    Ok(())
}
