//! The whole lesson in one terminal, and in one thread: what one end writes, the
//! kernel keeps until the other end reads it. So the rows always have the same order.

use std::io::{self, BufReader, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::time::Duration;

use anyhow::{Context, Result};
use lesson_2::chat::{self, Log};
use lesson_2::framing::{read_to_end, read_word};
use lesson_2::server::ANY_PORT;
use lesson_2::words;
use wire::proxy::{Cut, Proxy, Rechunk};
use wire::script::Script;

use crate::experiments;

/// Loopback needs less than a millisecond; after this, something is wrong.
const PATIENCE: Duration = Duration::from_secs(10);

pub fn play(out: &mut impl Write) -> Result<()> {
    writeln!(out, "SEAMS: a stream has none\n")?;
    experiments::seams(out)?;
    writeln!(out, "\nFRAMING: the same words, however the bytes arrive\n")?;
    for size in [1, 4, 100] {
        ribbon(size, out)?;
    }
    writeln!(out, "\nWORDS: through a proxy that cuts after every byte\n")?;
    through_a_proxy(out, pass_words)?;
    writeln!(out, "\nLINES: through the same proxy\n")?;
    through_a_proxy(out, pass_lines)
}

// ANCHOR: ribbon
/// Reads words from a stream that brings its bytes in pieces of `size`.
fn ribbon(size: usize, out: &mut impl Write) -> io::Result<()> {
    let bytes = b"\x00\x04four\x00\x03say\x00\x05hello";
    let pieces: Vec<String> = bytes
        .chunks(size)
        .map(|piece| piece.escape_ascii().to_string())
        .collect();
    writeln!(out, "bytes {}", pieces.join("|"))?;

    let mut input = Script::new().gives_in(bytes, size);
    write!(out, "words")?;
    while let Some(word) = read_word(&mut input)? {
        write!(out, " {}", word.escape_ascii())?;
    }
    writeln!(out)
}
// ANCHOR_END: ribbon

/// Both ends of a conversation, before the client has connected.
struct Ends {
    listener: TcpListener,
    proxy: Proxy,
}

impl Ends {
    /// The client's end and the server's, which the proxy has connected to.
    fn connect(&self) -> io::Result<(TcpStream, TcpStream)> {
        let client = TcpStream::connect(self.proxy.addr())?;
        let (server, _) = self.listener.accept()?;
        client.set_read_timeout(Some(PATIENCE))?;
        server.set_read_timeout(Some(PATIENCE))?;
        Ok((client, server))
    }
}

fn through_a_proxy<W: Write>(
    out: &mut W,
    converse: fn(&Ends, &mut W) -> io::Result<()>,
) -> Result<()> {
    let listener = TcpListener::bind(ANY_PORT).context("cannot listen")?;
    let server = listener.local_addr()?;
    row(out, "CLIENT", "", "SERVER")?;
    row(out, "", "", &format!("listening on {server}"))?;
    let proxy = Rechunk::new(Cut::Bytes(1))
        .start(TcpListener::bind(ANY_PORT)?, server)
        .context("cannot start the proxy")?;
    converse(&Ends { listener, proxy }, out).context("the conversation broke off")
}

fn pass_words(ends: &Ends, out: &mut impl Write) -> io::Result<()> {
    let (client, mut server) = ends.connect()?;
    words::tell(Told {
        stream: &mut server,
        out,
    })?;
    drop(server);
    let mut client = BufReader::new(client);
    while let Some(word) = read_word(&mut client)? {
        row(out, &chat::printable(&word), "", "")?;
    }
    Ok(())
}

fn pass_lines(ends: &Ends, out: &mut impl Write) -> io::Result<()> {
    let mut log = Log::default();
    for (name, lines) in [
        ("A", &b"hi\ngr\xc3\xbc\xc3\x9fe\n"[..]),
        ("B", b"caf\xe9\n"),
    ] {
        let (mut client, server) = ends.connect()?;
        row(
            out,
            &format!("{name} \"{}\"", lines.escape_ascii()),
            "--->",
            "",
        )?;
        client.write_all(lines)?;
        client.shutdown(Shutdown::Write)?;

        let output = Told {
            stream: &server,
            out,
        };
        chat::converse(BufReader::new(&server), output, &mut log)?;
        drop(server);
        for line in read_to_end(&mut client, 10_000)?.split_inclusive(|b| *b == b'\n')
        {
            row(
                out,
                &format!("{name} {}", chat::printable(line.trim_ascii())),
                "",
                "",
            )?;
        }
    }
    Ok(())
}

/// The server's end of a connection, which tells what it writes.
struct Told<'a, W> {
    stream: &'a TcpStream,
    out: &'a mut W,
}

impl<W: Write> Write for Told<'_, W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let length = self.stream.write(bytes)?;
        let written = bytes[..length].escape_ascii().to_string();
        row(self.out, "", "<---", &format!("\"{written}\""))?;
        Ok(length)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.stream.flush()
    }
}

fn row(out: &mut impl Write, left: &str, arrow: &str, right: &str) -> io::Result<()> {
    let row = format!("{left:36}{arrow:4} {right}");
    writeln!(out, "{}", row.trim_end())
}
