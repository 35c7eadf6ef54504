//! `options/packets`: packets over a pair of sockets.

use std::io::{self, ErrorKind};
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};

use rustix::net::{
    AddressFamily, RecvFlags, SendFlags, SocketFlags, SocketType, recv, send,
    socketpair,
};
use wire::{Recorder, Side, view};

use checks::diagnosis::Rule;
use checks::engine::{Check, Given, Place, Probe, Report, Seen, Stage};
use checks::symptom::{Kind, Symptom};
use checks_bytes::{failed, succeeded, told as told_kind};

/// The longest packet that the two sides have agreed on, in bytes.
const MAX: usize = 1024;

type Received = io::Result<Option<Vec<u8>>>;

/// The learner's two functions.
#[derive(Clone, Copy)]
struct Answer {
    send: fn(BorrowedFd<'_>, &[u8]) -> io::Result<()>,
    receive: fn(BorrowedFd<'_>) -> Received,
}

/// The learner's end and the peer's, and what has gone between them.
struct Ends {
    theirs: OwnedFd,
    ours: Option<OwnedFd>,
    recorder: Recorder,
}

impl Ends {
    fn open(report: &Report) -> Result<Self, Symptom> {
        let (theirs, ours) = pair()?;
        let recorder = report.recorder();
        Ok(Self {
            theirs,
            ours: Some(ours),
            recorder,
        })
    }

    /// A packet for the learner's end.
    fn give(&self, packet: &[u8]) -> Result<(), Symptom> {
        self.recorder.sent(1, Side::Left, packet);
        let ours = self.ours.as_ref().map(AsFd::as_fd);
        match ours.map(|ours| send(ours, packet, SendFlags::empty())) {
            Some(Err(error)) => Err(broken("send", error)),
            _ => Ok(()),
        }
    }

    /// No more packets will come.
    fn end(&mut self) {
        self.recorder.end(1, Side::Left);
        self.ours = None;
    }

    /// The next packet that the learner's function has sent, if there is one.
    fn take(&self) -> Result<Option<Vec<u8>>, Symptom> {
        let Some(ours) = &self.ours else {
            return Ok(None);
        };
        let mut packet = vec![0; 64 << 10];
        match recv(ours, &mut packet[..], RecvFlags::DONTWAIT) {
            Ok((read, _)) => {
                packet.truncate(read);
                self.recorder.sent(1, Side::Right, &packet);
                Ok(Some(packet))
            }
            Err(rustix::io::Errno::AGAIN) => Ok(None),
            Err(error) => Err(broken("receive", error)),
        }
    }
}

fn pair() -> Result<(OwnedFd, OwnedFd), Symptom> {
    let (family, kind) = (AddressFamily::UNIX, SocketType::SEQPACKET);
    let pair = socketpair(family, kind, SocketFlags::empty(), None);
    pair.map_err(|error| {
        let why = format!("this system has no SEQPACKET: {}", told(error));
        Symptom::new(Kind::Skipped, why)
    })
}

fn told(error: rustix::io::Errno) -> String {
    io::Error::from(error).to_string()
}

fn broken(operation: &str, error: rustix::io::Errno) -> Symptom {
    let summary = format!("the check itself could not {operation}: {}", told(error));
    Symptom::new(Kind::Broken, summary)
}

type Judge = fn(Answer, &mut Ends) -> Result<(), Symptom>;

/// The check of `options/packets`: one function sends a packet, the other receives one.
pub fn packets(
    send: fn(BorrowedFd<'_>, &[u8]) -> io::Result<()>,
    receive: fn(BorrowedFd<'_>) -> Received,
) -> Check {
    let answer = Answer { send, receive };
    let probe = |name, title, judge: Judge| {
        Probe::script(name, title, move |report| {
            judge(answer, &mut Ends::open(report)?)
        })
    };
    let probes = vec![
        probe("receive", "a packet to receive", |answer, ends| {
            ends.give(b"ping")?;
            message(answer, ends, Some(b"ping"))
        }),
        probe("send", "a packet to send", |answer, ends| {
            let result = (answer.send)(ends.theirs.as_fd(), b"pong");
            succeeded(result, "Ok(())")?;
            sent(ends, b"pong")
        }),
        probe("two", "two packets that wait together, and the end", two),
        waits(receive),
        probe("longest", "packets of 1024 bytes", longest),
        probe("long", "a packet of 2000 bytes, and one behind it", long),
        probe(
            "refused",
            "a packet of 1025 bytes to send",
            |answer, ends| refused(answer, ends, &[b'x'; MAX + 1]),
        ),
        probe("empty", "an empty packet to send", |answer, ends| {
            refused(answer, ends, b"")
        }),
        probe(
            "gone",
            "a packet to send, and nobody there",
            |answer, ends| {
                ends.end();
                let result = (answer.send)(ends.theirs.as_fd(), b"anybody?");
                failed(result, ErrorKind::BrokenPipe, |()| "Ok(())".into())
            },
        ),
    ];
    Check::new("options/packets", probes, diagnose)
}

/// A packet that is sent only when the function waits for it.
fn waits(receive: fn(BorrowedFd<'_>) -> Received) -> Probe {
    const LATE: &[u8] = b"late";
    let act = move |report: &Report, mut given: Given| {
        let socket: OwnedFd = given.descriptor();
        let received = receive(socket.as_fd()).map_err(|error| told_kind(&error));
        report.returned(received.map(|packet| shown(packet.as_deref())));
    };
    let play = |stage: &mut Stage, place: &Place| {
        let (theirs, ours) = pair()?;
        stage.hand(place, &[theirs.as_fd()])?;
        drop(theirs);
        let wrong = |summary, got: Result<String, String>| {
            let got = got.unwrap_or_else(|error| error);
            Symptom::new(Kind::WrongValue, summary).with_words(shown(Some(LATE)), got)
        };
        if let Some(got) = stage.returned_early()? {
            return Err(wrong("your function did not wait for a packet", got));
        }
        stage.note("sends a packet");
        send(&ours, LATE, SendFlags::empty()).map_err(|e| broken("send", e))?;
        match stage.returned()? {
            Ok(got) if got == shown(Some(LATE)) => Ok(()),
            got => Err(wrong("that is not the packet which was sent", got)),
        }
    };
    Probe::local("waits", "a packet that is late", act, play)
}

fn shown(packet: Option<&[u8]>) -> String {
    match packet {
        Some(bytes) if bytes.len() > 100 => {
            format!("a packet of {} bytes", bytes.len())
        }
        Some(bytes) => format!("Some({})", view::escaped(bytes)),
        None => "None".into(),
    }
}

/// Has the learner's function receive, and compares.
fn message(
    answer: Answer,
    ends: &Ends,
    expected: Option<&[u8]>,
) -> Result<(), Symptom> {
    let result = (answer.receive)(ends.theirs.as_fd());
    let got = succeeded(result, &shown(expected))?;
    let note = format!("returns {}", shown(got.as_deref()));
    ends.recorder.note(1, Side::Right, note);
    if got.as_deref() == expected {
        return Ok(());
    }
    let summary = "that is not the packet which was sent";
    let mut symptom = Symptom::new(Kind::WrongValue, summary)
        .with_words(shown(expected), shown(got.as_deref()));
    symptom.expected_bytes = expected.unwrap_or_default().to_vec();
    symptom.got_bytes = got.unwrap_or_default();
    Err(symptom)
}

/// That this packet, whole and alone, has come from the learner's function.
fn sent(ends: &Ends, expected: &[u8]) -> Result<(), Symptom> {
    let got = ends.take()?;
    let more = ends.take()?;
    if got.as_deref() == Some(expected) && more.is_none() {
        return Ok(());
    }
    let got = match (got, more) {
        (None, _) => "no packet".to_string(),
        (got, None) => shown(got.as_deref()),
        (got, more) => {
            format!("{}, then {}", shown(got.as_deref()), shown(more.as_deref()))
        }
    };
    let summary = "that is not the packet which was to be sent";
    Err(Symptom::new(Kind::Wrong, summary).with_words(shown(Some(expected)), got))
}

const ONE: &[u8] = b"first packet";
const TWO: &[u8] = b"second";

fn two(answer: Answer, ends: &mut Ends) -> Result<(), Symptom> {
    ends.give(ONE)?;
    ends.give(TWO)?;
    ends.end();
    message(answer, ends, Some(ONE))?;
    message(answer, ends, Some(TWO))?;
    message(answer, ends, None)
}

fn longest(answer: Answer, ends: &mut Ends) -> Result<(), Symptom> {
    let packet = vec![b'z'; MAX];
    ends.give(&packet)?;
    message(answer, ends, Some(&packet))?;
    succeeded((answer.send)(ends.theirs.as_fd(), &packet), "Ok(())")?;
    sent(ends, &packet)
}

fn long(answer: Answer, ends: &mut Ends) -> Result<(), Symptom> {
    ends.give(&[b'x'; 2000])?;
    ends.give(b"next")?;
    ends.end();
    let result = (answer.receive)(ends.theirs.as_fd());
    failed(result, ErrorKind::InvalidData, |got| shown(got.as_deref()))?;
    message(answer, ends, Some(b"next"))
}

fn refused(answer: Answer, ends: &mut Ends, packet: &[u8]) -> Result<(), Symptom> {
    let result = (answer.send)(ends.theirs.as_fd(), packet);
    if let Some(got) = ends.take()? {
        let summary = "a packet was sent that was to be refused";
        return Err(Symptom::new(Kind::Rule, summary).with_words(
            "an error of the kind InvalidInput, and no packet",
            format!("a packet of {} bytes", got.len()),
        ));
    }
    failed(result, ErrorKind::InvalidInput, |()| "Ok(())".into())
}

fn diagnose(seen: &[Seen<'_>]) -> Option<(&'static str, String)> {
    super::diagnose(RULES, seen)
}

const RULES: &[Rule] = &[
    Rule {
        mistake: "M6",
        fits: |all| {
            let first = all.first(&["receive"]);
            first.is_some_and(|s| {
                let behind = s.got_bytes.strip_prefix(&b"ping"[..]);
                behind.is_some_and(|behind| behind.starts_with(&[0, 0]))
            })
        },
        why: "The packet is followed by zeros that nobody sent: what was returned is \
              the whole buffer, not the part that was filled.",
    },
    Rule {
        mistake: "M87",
        fits: |all| {
            let glued = [ONE, TWO].concat();
            all.first(&["two"])
                .is_some_and(|s| s.kind == Kind::WrongValue && s.got_bytes == glued)
        },
        why: "Both packets came back as one: your function read on after the first. \
              Here one call brings one packet, and there is nothing to collect.",
    },
    Rule {
        mistake: "M87",
        fits: |all| {
            all.first(&["long"]).is_some_and(|s| {
                s.kind == Kind::NoError && s.got == "a packet of 1024 bytes"
            })
        },
        why: "The packet had 2000 bytes, and your function returned the first 1024 as \
              if they were all. What does not fit into the buffer is thrown away; \
              MSG_TRUNC, or a buffer with room for one byte more, tells.",
    },
    Rule {
        mistake: "M88",
        fits: |all| {
            all.first(&["empty"]).is_some_and(|s| {
                s.kind == Kind::Rule && s.got == "a packet of 0 bytes"
            })
        },
        why: "An empty packet was sent. Whoever receives it gets 0 bytes, as at the end \
              of the connection, and will hang up.",
    },
];
