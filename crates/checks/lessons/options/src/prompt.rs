//! `options/prompt`: a request in pieces that is not held back.

use std::io::{self, ErrorKind, Read, Write};
use std::net::{Ipv4Addr, Shutdown, TcpListener, TcpStream};
use std::thread;
use std::time::{Duration, Instant};

use wire::script::Script;
use wire::{Recorder, Side, view};

use checks::diagnosis::Rule;
use checks::engine::{Check, Probe, Report, Seen};
use checks::symptom::{Kind, Symptom};
use checks_bytes::{failed, scripted, succeeded};

/// Loopback brings a piece in microseconds; even one that is held back comes after
/// some 40 ms. This only bounds the wait for one that was never sent.
const PATIENCE: Duration = Duration::from_secs(2);

type Whole = fn(&mut Script, &[u8], &[u8]) -> io::Result<Vec<u8>>;
type Pieces =
    fn(&TcpStream, &mut dyn Iterator<Item = Vec<u8>>) -> io::Result<Vec<u8>>;

/// The check of `options/prompt`: one function sends a request whose parts are there,
/// the other one whose parts become ready one after the other.
pub fn prompt(whole: Whole, pieces: Pieces) -> Check {
    type Judge = fn(Whole, &dyn Fn() -> Script) -> Result<(), Symptom>;
    let probe = |name, title, judge: Judge| {
        scripted(name, title, move |script| judge(whole, script))
    };
    let probes = vec![
        probe("asks", "head and body, and a reply", |whole, script| {
            ask(whole, script().gives(REPLY)).map(|_| ())
        }),
        probe("once", "head and body in one write", once),
        probe(
            "short",
            "writes that take 3 bytes at a time",
            |whole, script| {
                ask(whole, script().gives(REPLY).takes_at_most(3)).map(|_| ())
            },
        ),
        probe(
            "drip",
            "a reply that arrives byte by byte",
            |whole, script| ask(whole, script().gives_in(REPLY, 1)).map(|_| ()),
        ),
        probe("open", "a server that stays connected", stays),
        probe("cut", "a reply that ends too early", |whole, script| {
            [&b"4"[..], b""].iter().try_for_each(|came| {
                let result = whole(&mut script().gives(came), HEAD, BODY);
                failed(result, ErrorKind::UnexpectedEof, |got| view::escaped(&got))
            })
        }),
        probe("any", "a reply of any bytes", any_bytes),
        Probe::script(
            "pieces",
            "three pieces, each made after the one before was sent",
            move |report| send_pieces(pieces, report),
        ),
        Probe::script(
            "pieces-cut",
            "three pieces, and a reply that ends too early",
            move |report| cut_after_pieces(pieces, report),
        ),
    ];
    Check::new("options/prompt", probes, diagnose)
}

const HEAD: &[u8] = b"SUM 3\n";
const BODY: &[u8] = b"7 14 21\n";
const REPLY: &[u8] = b"42\n";
const LINE: &[u8] = b"42";

/// Has a request made over a script, and looks at both directions.
fn ask(whole: Whole, mut script: Script) -> Result<Script, Symptom> {
    let got = succeeded(whole(&mut script, HEAD, BODY), "the reply")?;
    let (sent, wanted) = (script.written(), [HEAD, BODY].concat());
    if sent != wanted {
        let summary = "other bytes were written than head and body";
        return Err(Symptom::new(Kind::Wrong, summary).with_bytes(&wanted, &sent));
    }
    is_reply(&got)?;
    Ok(script)
}

fn is_reply(got: &[u8]) -> Result<(), Symptom> {
    if got == LINE {
        return Ok(());
    }
    Err(Symptom::new(Kind::WrongValue, "that was not the reply")
        .with_bytes(LINE, got))
}

fn once(whole: Whole, script: &dyn Fn() -> Script) -> Result<(), Symptom> {
    let script = ask(whole, script().gives(REPLY))?;
    match script.writes() {
        1 => Ok(()),
        writes => {
            let summary = "head and body did not leave in one write";
            Err(Symptom::new(Kind::Rule, summary)
                .with_words("1 write", format!("{writes} writes")))
        }
    }
}

/// Blanks at both ends, and a byte that is no text.
const ANY: &[u8] = b" 4\xff2 \n";

fn any_bytes(whole: Whole, script: &dyn Fn() -> Script) -> Result<(), Symptom> {
    let (line, _) = ANY.split_at(ANY.len() - 1);
    let result = whole(&mut script().gives(ANY), HEAD, BODY);
    let got = succeeded(result, &view::escaped(line))?;
    if got == line {
        return Ok(());
    }
    let summary = "that is not the reply without its newline";
    Err(Symptom::new(Kind::WrongValue, summary).with_bytes(line, &got))
}

/// Over a socket, a read behind the reply would wait for ever; here it is an error.
fn stays(whole: Whole, script: &dyn Fn() -> Script) -> Result<(), Symptom> {
    let mut script = script().gives(REPLY).fails(ErrorKind::WouldBlock);
    match whole(&mut script, HEAD, BODY) {
        Err(error) if error.kind() == ErrorKind::WouldBlock => {
            let summary = "your function reads on behind the newline";
            Err(Symptom::new(Kind::Rule, summary).with_words(
                "the reply, as soon as its newline is there",
                "one more read, which waits as long as the server stays connected",
            ))
        }
        result => is_reply(&succeeded(result, "the reply")?),
    }
}

/// Makes the pieces of a request, and looks each time what has become of those before.
struct Maker<'a> {
    client: &'a TcpStream,
    server: &'a TcpStream,
    recorder: Recorder,
    pieces: Vec<&'static [u8]>,
    /// What comes when the last piece is made; the end follows one that is cut short.
    reply: &'static [u8],
    made: Vec<u8>,
    arrived: Vec<u8>,
    /// What was wrong, first.
    late: Option<Symptom>,
    held_back: Option<Symptom>,
}

impl Iterator for Maker<'_> {
    type Item = Vec<u8>;

    fn next(&mut self) -> Option<Vec<u8>> {
        if !self.made.is_empty() {
            self.look();
        }
        if self.pieces.is_empty() {
            if !self.recorder.timeline().events.is_empty() {
                // The request is over: its reply.
                self.recorder.sent(1, Side::Left, self.reply);
            }
            let mut server = self.server;
            let _ = server.write_all(self.reply); // who waits for it will tell
            if !self.reply.ends_with(b"\n") {
                self.recorder.end(1, Side::Left);
                let _ = server.shutdown(Shutdown::Write);
            }
            return None;
        }
        let piece = self.pieces.remove(0).to_vec();
        self.made.extend_from_slice(&piece);
        Some(piece)
    }
}

impl<'a> Maker<'a> {
    fn new(
        client: &'a TcpStream,
        server: &'a TcpStream,
        report: &Report,
        reply: &'static [u8],
    ) -> Self {
        Self {
            client,
            server,
            recorder: report.recorder(),
            pieces: vec![b"SUM 3\n", b"7 14 ", b"21\n"],
            reply,
            made: Vec::new(),
            arrived: Vec::new(),
            late: None,
            held_back: None,
        }
    }

    /// Has everything arrived that was made? Is the next piece going to wait for an
    /// acknowledgement of this one?
    fn look(&mut self) {
        let before = self.arrived.len();
        let start = Instant::now();
        // Once a piece has not come, the others need not be waited for.
        let patience = match self.late {
            None => PATIENCE,
            Some(_) => Duration::ZERO,
        };
        while self.arrived.len() < self.made.len() && start.elapsed() < patience {
            let mut buffer = [0; 1024];
            let mut server = self.server;
            match server.read(&mut buffer) {
                Ok(read @ 1..) => self.arrived.extend_from_slice(&buffer[..read]),
                Ok(0) => break,
                _ => thread::sleep(Duration::from_millis(1)),
            }
        }
        if self.arrived.len() > before {
            let news = self.arrived[before..].to_vec();
            self.recorder.sent(1, Side::Right, &news);
        }
        if self.arrived != self.made && self.late.is_none() {
            let summary = "a piece had not been sent when the next was asked for";
            self.late = Some(
                Symptom::new(Kind::Rule, summary)
                    .with_bytes(&self.made, &self.arrived),
            );
        }
        let on = self.client.nodelay().unwrap_or_default();
        let told = format!("TCP_NODELAY is {}", if on { "on" } else { "off" });
        self.recorder.note(1, Side::Right, told);
        if !on && !self.pieces.is_empty() && self.held_back.is_none() {
            let summary = "the next piece may have to wait for an acknowledgement";
            self.held_back = Some(
                Symptom::new(Kind::Rule, summary)
                    .with_words("TCP_NODELAY on", "TCP_NODELAY off"),
            );
        }
    }
}

fn send_pieces(send: Pieces, report: &Report) -> Result<(), Symptom> {
    let (client, server) = pair().map_err(unable)?;
    let mut maker = Maker::new(&client, &server, report, REPLY);
    let result = send(&client, &mut maker);
    let Maker {
        made,
        arrived,
        late,
        held_back,
        ..
    } = maker;
    if let Some(symptom) = late.or(held_back) {
        return Err(symptom);
    }
    let got = succeeded(result, "the reply")?;
    let wanted = [HEAD, BODY].concat();
    if made != wanted || arrived != wanted {
        let summary = "other bytes were sent than the pieces";
        return Err(Symptom::new(Kind::Wrong, summary).with_bytes(&wanted, &arrived));
    }
    is_reply(&got)
}

fn cut_after_pieces(send: Pieces, report: &Report) -> Result<(), Symptom> {
    let (client, server) = pair().map_err(unable)?;
    let mut maker = Maker::new(&client, &server, report, b"4");
    let result = send(&client, &mut maker);
    failed(result, ErrorKind::UnexpectedEof, |got| view::escaped(&got))
}

fn unable(error: io::Error) -> Symptom {
    let summary = format!("the check itself could not connect: {error}");
    Symptom::new(Kind::Broken, summary)
}

/// Both ends of a new connection; the second does not wait.
fn pair() -> io::Result<(TcpStream, TcpStream)> {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
    let client = TcpStream::connect(listener.local_addr()?)?;
    let (server, _) = listener.accept()?;
    server.set_nonblocking(true)?;
    Ok((client, server))
}

fn diagnose(seen: &[Seen<'_>]) -> Option<(&'static str, String)> {
    super::diagnose(RULES, seen)
}

const RULES: &[Rule] = &[
    Rule {
        mistake: "M43",
        fits: |all| {
            let once = all.first(&["once"]);
            once.is_some_and(|s| s.kind == Kind::Rule)
        },
        why: "Both parts were there, and more than one write was made of them: the \
              second may have to wait until the first has been acknowledged. Put them \
              together, then write once. (`write_vectored` is one write only where the \
              stream knows how, as a socket does; elsewhere it takes the first part.)",
    },
    Rule {
        mistake: "M4",
        fits: |all| {
            let short = all.first(&["short"]);
            short.is_some_and(|s| {
                s.kind == Kind::Wrong
                    && s.got_bytes.len() < s.expected_bytes.len()
                    && s.expected_bytes.starts_with(&s.got_bytes)
            })
        },
        why: "A write took 3 bytes and said so, and your function went on as if all had \
              gone: `write_all` goes on where it stopped.",
    },
    Rule {
        mistake: "M1",
        fits: |all| {
            let drip = all.first(&["drip"]);
            drip.is_some_and(|s| {
                s.kind == Kind::WrongValue
                    && s.got_bytes.len() < s.expected_bytes.len()
                    && s.expected_bytes.starts_with(&s.got_bytes)
            })
        },
        why: "The reply arrived in pieces, and your function took the first of them for \
              all of it. The newline says where it ends.",
    },
    Rule {
        mistake: "M39",
        fits: |all| {
            let cut = all.first(&["cut", "pieces-cut"]);
            cut.is_some_and(|s| s.kind == Kind::NoError)
        },
        why: "The reply had no newline when the stream ended: the rest of it is \
              missing, and your function returned what there was.",
    },
    Rule {
        mistake: "M86",
        fits: |all| {
            let pieces = all.first(&["pieces"]);
            pieces.is_some_and(|s| s.kind == Kind::Rule && s.got == "TCP_NODELAY off")
        },
        why: "The first piece is on its way and not acknowledged. Until it is, the \
              kernel holds the next small piece back (Nagle's algorithm), and the \
              other kernel may take some 40 ms over its acknowledgement. Where pieces \
              have to go one by one, set TCP_NODELAY before the first.",
    },
];
