//! The whole lesson in one terminal: a server's log of its waits, turn by turn.

use std::collections::HashMap;
use std::io::{self, Read, Write};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::mpsc::{self, Receiver, RecvTimeoutError};
use std::thread;
use std::time::Duration;

use anyhow::{Context, Result, bail};
use lesson_10::conn::News;
use lesson_10::{ANY_PORT, echo, polling};

/// Loopback needs less than a millisecond; after this, something is wrong.
const PATIENCE: Duration = Duration::from_secs(10);

pub fn play(out: &mut impl Write) -> Result<()> {
    writeln!(out, "SELECT: two clients, one thread, no queue\n")?;
    let server = Watched::start(|listener, tell| echo::serve(&listener, tell))?;
    two_clients(server, out)?;
    writeln!(out, "\nPOLL: half a line keeps nobody waiting\n")?;
    let server = Watched::start(|listener, tell| polling::serve(&listener, tell))?;
    half_a_line(server, out)?;
    writeln!(out, "\nPOLL: a client that does not read\n")?;
    let server = Watched::start(|listener, tell| polling::serve(&listener, tell))?;
    slow_reader(server, out)
}

fn two_clients(mut server: Watched, out: &mut impl Write) -> Result<()> {
    let mut a = server.connect("A", out)?;
    let mut b = server.connect("B", out)?;
    server.says(&mut b, "B", "me first", out)?;
    server.says(&mut a, "A", "good morning", out)?;
    server.closes(a, "A", out)?;
    server.closes(b, "B", out)
}

fn half_a_line(mut server: Watched, out: &mut impl Write) -> Result<()> {
    let mut a = server.connect("A", out)?;
    let mut b = server.connect("B", out)?;
    server.says(&mut a, "A", "good mor", out)?;
    server.says(&mut b, "B", "quick\n", out)?;
    server.says(&mut a, "A", "ning\n", out)?;
    server.closes(b, "B", out)?;
    server.closes(a, "A", out)
}

/// A client that sends megabytes and reads nothing: how far it gets depends on the
/// kernel's buffers, so the numbers are not told.
fn slow_reader(mut server: Watched, out: &mut impl Write) -> Result<()> {
    let mut a = server.connect("A", out)?;
    let mut b = server.connect("B", out)?;
    a.set_nonblocking(true)?;
    let line = [&[b'x'; 1023][..], b"\n"].concat();
    let mut sent = 0;
    let mut pauses = 0;
    while pauses < 20 {
        match a.write(&line[sent % line.len()..]) {
            Ok(length) => (sent, pauses) = (sent + length, 0),
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                pauses += 1;
                thread::sleep(Duration::from_millis(10)); // is it full, or only busy?
            }
            Err(error) => return Err(error).context("cannot write to the server"),
        }
    }
    server.settle()?;
    row(
        out,
        "A sends until there is no room",
        "does not read A any more",
    )?;
    server.only = Some("B");
    server.says(&mut b, "B", "still there?\n", out)?;
    a.set_nonblocking(false)?;
    let unsent = line.len() - sent % line.len();
    let mut back = a.try_clone()?;
    let reader = thread::spawn(move || io::copy(&mut back, &mut io::sink()));
    if unsent < line.len() {
        a.write_all(&line[line.len() - unsent..])?;
        sent += unsent;
    }
    a.shutdown(Shutdown::Write)?;
    let read = reader
        .join()
        .map_err(|_| anyhow::anyhow!("the reader panicked"))??;
    let all = if read == sent as u64 {
        "all"
    } else {
        "not all"
    };
    row(
        out,
        &format!("A reads to the end: {all} its lines"),
        "A left",
    )
}

fn row(out: &mut impl Write, left: &str, right: &str) -> Result<()> {
    writeln!(out, "{left:36}{right}")?;
    Ok(())
}

/// A server, and what it tells.
struct Watched {
    addr: SocketAddr,
    news: Receiver<News>,
    names: HashMap<SocketAddr, &'static str>,
    /// Where it is busy with others: whose news to tell.
    only: Option<&'static str>,
}

impl Watched {
    /// Starts a server that lives as long as this process.
    fn start(
        serve: impl Fn(TcpListener, &mut dyn FnMut(News)) -> io::Result<()>
        + Send
        + 'static,
    ) -> Result<Self> {
        let listener = TcpListener::bind(ANY_PORT).context("cannot listen")?;
        let addr = listener.local_addr()?;
        let (sender, news) = mpsc::channel();
        thread::spawn(move || {
            serve(listener, &mut |news| {
                let _ = sender.send(news); // nobody may listen any more
            })
        });
        let mut server = Self {
            addr,
            news,
            names: HashMap::new(),
            only: None,
        };
        server.settle()?;
        Ok(server)
    }

    /// What the server has done by the time at which it waits again.
    fn settle(&mut self) -> Result<Vec<News>> {
        let mut done = Vec::new();
        loop {
            match self.news.recv_timeout(PATIENCE) {
                Ok(News::Waits) => return Ok(done),
                Ok(news) => done.push(news),
                Err(RecvTimeoutError::Timeout) => bail!("the server does not wait"),
                Err(RecvTimeoutError::Disconnected) => bail!("the server has ended"),
            }
        }
    }

    /// Tells what the client does, and each wait of the server until it has done
    /// `all`.
    fn tell(
        &mut self,
        what: &str,
        all: impl Fn(&News) -> bool,
        out: &mut impl Write,
    ) -> Result<()> {
        let mut left = what.to_string();
        loop {
            let done = self.settle()?;
            let told = done.iter().filter_map(|news| self.told(news));
            let told: Vec<String> = told.collect();
            if !told.is_empty() {
                row(out, &left, &format!("woken: {}", told.join(", ")))?;
                left.clear();
            }
            if done.iter().any(|news| self.is_told(news) && all(news)) {
                return Ok(());
            }
        }
    }

    fn told(&self, news: &News) -> Option<String> {
        if !self.is_told(news) {
            return None;
        }
        let name = |peer| self.names.get(peer).copied().unwrap_or("somebody");
        Some(match news {
            News::Waits => return None,
            News::Came(peer) => format!("accepts {}", name(peer)),
            News::Read(peer, 0) => format!("reads the end of {}", name(peer)),
            News::Read(peer, length) => format!("reads {length} of {}", name(peer)),
            News::Wrote(peer, length) => format!("writes {length} to {}", name(peer)),
            News::Left(peer, _) => format!("{} left", name(peer)),
            News::Lost(peer, error) => format!("{} lost: {error}", name(peer)),
            News::Refused(peer) => format!("refuses {}", name(peer)),
            News::Full(error) => format!("no room: {error}"),
        })
    }

    fn is_told(&self, news: &News) -> bool {
        let peer = match news {
            News::Read(peer, _) | News::Wrote(peer, _) => peer,
            _ => return true,
        };
        self.only.is_none() || self.names.get(peer).copied() == self.only
    }

    fn connect(
        &mut self,
        name: &'static str,
        out: &mut impl Write,
    ) -> Result<TcpStream> {
        let stream = TcpStream::connect(self.addr)?;
        self.names.insert(stream.local_addr()?, name);
        let came = |news: &News| matches!(news, News::Came(_));
        self.tell(&format!("{name} connects"), came, out)?;
        Ok(stream)
    }

    /// Sends `text`, and reads the answer to it if it has one.
    fn says(
        &mut self,
        stream: &mut TcpStream,
        name: &str,
        text: &str,
        out: &mut impl Write,
    ) -> Result<()> {
        stream.write_all(text.as_bytes())?;
        let what = format!("{name} \"{}\"", text.escape_debug());
        let whole = text.ends_with('\n') || !text.ends_with("mor");
        let done = move |news: &News| match news {
            News::Wrote(..) => true,
            News::Read(..) => !whole,
            _ => false,
        };
        self.tell(&what, done, out)?;
        if whole {
            let mut answer = [0; 64];
            stream.set_read_timeout(Some(PATIENCE))?;
            let length = stream.read(&mut answer)?;
            let answer = String::from_utf8_lossy(&answer[..length]).into_owned();
            row(
                out,
                &format!("{name} gets \"{}\"", answer.escape_debug()),
                "",
            )?;
        }
        Ok(())
    }

    fn closes(
        &mut self,
        stream: TcpStream,
        name: &str,
        out: &mut impl Write,
    ) -> Result<()> {
        drop(stream);
        let left = |news: &News| matches!(news, News::Left(..));
        self.tell(&format!("{name} closes"), left, out)
    }
}
