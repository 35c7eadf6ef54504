//! `options/passfd`: a connection for another process.

use std::io::{self, Write};
use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::net::UnixStream;

use rustix::io::FdFlags;
use wire::view;

use checks::diagnosis::Rule;
use checks::engine::{
    Check, Given, Peer, Place, Probe, Report, Seen, Stage, send_descriptors,
};
use checks::symptom::{Kind, Symptom};

/// The check of `options/passfd`: one function hands a caller over, the other takes a
/// connection that was handed over.
pub fn passfd(
    hand_over: fn(&TcpListener, &UnixStream) -> io::Result<()>,
    take_over: fn(&UnixStream) -> io::Result<TcpStream>,
) -> Check {
    type Play = fn(&mut Stage, &Place) -> Result<(), Symptom>;
    let giving = |name, title, play: Play| {
        let act = move |report: &Report, mut given: Given| {
            let worker: UnixStream = given.descriptor();
            let listener: TcpListener = given.descriptor();
            if let Ok(addr) = listener.local_addr() {
                report.listening(addr);
            }
            report.returned(hand_over(&listener, &worker).map(|()| ""));
            report.stay() // what is open now, the function has left open
        };
        Probe::local(name, title, act, play)
    };
    let taking = |name, title, play: Play| {
        let act = move |report: &Report, mut given: Given| {
            let giver: UnixStream = given.descriptor();
            report.returned(
                take_over(&giver)
                    .map_err(with_kind)
                    .and_then(|stream| shown(&stream)),
            );
            report.stay()
        };
        Probe::local(name, title, act, play)
    };
    let probes = vec![
        giving("hands", "a caller that is handed over", |stage, place| {
            hands(stage, place).map(|_| ())
        }),
        giving("closes", "the end of a caller's visit", closes),
        giving("next", "a caller of two, the first to come", first_of_two),
        taking("takes", "a connection that is handed over", takes),
        taking("cloexec", "a program that is started afterwards", cloexec),
        taking("bare", "a byte without a descriptor", |stage, place| {
            let (ours, theirs) = pair()?;
            stage.hand(place, &[theirs.as_fd()])?;
            stage.note("sends a byte, and no descriptor");
            give(&ours, b"+", &[])?;
            refuses(stage, "InvalidData")
        }),
        taking("cut", "an end instead of a descriptor", |stage, place| {
            let (ours, theirs) = pair()?;
            stage.hand(place, &[theirs.as_fd()])?;
            drop(theirs);
            stage.note("ends the local connection");
            drop(ours);
            refuses(stage, "UnexpectedEof")
        }),
    ];
    Check::new("options/passfd", probes, diagnose)
}

fn with_kind(error: io::Error) -> String {
    format!("{:?}: {error}", error.kind())
}

/// What there is to say of the stream that was taken over: its addresses, and whether
/// the programs that this one starts will have it too.
fn shown(stream: &TcpStream) -> Result<String, String> {
    let addresses = stream
        .local_addr()
        .and_then(|local| Ok((local, stream.peer_addr()?)));
    let (local, remote) = addresses.map_err(|error| format!("no stream: {error}"))?;
    let flags = rustix::io::fcntl_getfd(stream);
    let closed = flags.is_ok_and(|flags| flags.contains(FdFlags::CLOEXEC));
    let inherited = if closed { CLOSED } else { INHERITED };
    say(stream, b"taken\n");
    Ok(format!("{local} {remote} {inherited}"))
}

const CLOSED: &str = "close-on-exec";
const INHERITED: &str = "inherited";

/// Who waits for the bytes will tell if they do not come.
fn say(mut stream: &TcpStream, bytes: &[u8]) {
    let _ = stream.write_all(bytes);
}

fn unable(operation: &str) -> impl Fn(io::Error) -> Symptom + '_ {
    move |error| {
        let summary = format!("the check itself could not {operation}: {error}");
        Symptom::new(Kind::Broken, summary)
    }
}

fn pair() -> Result<(UnixStream, UnixStream), Symptom> {
    UnixStream::pair().map_err(unable("make a pair of sockets"))
}

fn give(
    to: &UnixStream,
    bytes: &[u8],
    descriptors: &[std::os::fd::BorrowedFd<'_>],
) -> Result<(), Symptom> {
    send_descriptors(to.as_fd(), bytes, descriptors).map_err(unable("send"))
}

/// A caller, its connection as it arrives at the worker, and the worker's socket.
fn hands(
    stage: &mut Stage,
    place: &Place,
) -> Result<(Peer, TcpStream, UnixStream), Symptom> {
    let worker = begin(stage, place)?;
    let caller = stage.connect()?;
    take_and_talk(stage, caller, worker)
}

/// Starts the function with a listener, and a socket whose other end is returned.
fn begin(stage: &mut Stage, place: &Place) -> Result<UnixStream, Symptom> {
    let (ours, theirs) = pair()?;
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0));
    let listener = listener.map_err(unable("listen on 127.0.0.1"))?;
    stage.hand(place, &[theirs.as_fd(), listener.as_fd()])?;
    drop((theirs, listener));
    stage.until_listening()?;
    Ok(ours)
}

/// Takes the caller's connection as the worker would, and says hello over it.
fn take_and_talk(
    stage: &mut Stage,
    mut caller: Peer,
    worker: UnixStream,
) -> Result<(Peer, TcpStream, UnixStream), Symptom> {
    let (bytes, mut descriptors) = stage.receive_descriptors(&worker)?;
    let connection = match (descriptors.len(), bytes.is_empty()) {
        (1, false) => TcpStream::from(descriptors.remove(0)),
        (count, _) => {
            let got = match (count, bytes.is_empty()) {
                (0, true) => "the end of the local connection".to_string(),
                (0, false) => format!("{}, {ALONE}", view::escaped(&bytes)),
                _ => format!("{count} descriptors"),
            };
            let summary = "that is not a caller's connection";
            return Err(Symptom::new(Kind::Wrong, summary)
                .with_words("one descriptor, and at least one byte", got));
        }
    };
    let ends = (connection.peer_addr(), connection.local_addr());
    match ends {
        (Ok(remote), Ok(_)) if remote == caller.local() => {}
        (remote, _) => {
            let got = match remote {
                Ok(remote) => format!("the connection of {remote}"),
                Err(error) => format!("a descriptor of something else: {error}"),
            };
            let wanted = format!("the connection of {}", caller.local());
            let summary = "another descriptor was sent";
            return Err(Symptom::new(Kind::Wrong, summary).with_words(wanted, got));
        }
    }
    say(&connection, b"hello\n");
    stage.note("the check, as worker, answers over the descriptor");
    stage.expect(&mut caller, b"hello\n")?;
    Ok((caller, connection, worker))
}

fn closes(stage: &mut Stage, place: &Place) -> Result<(), Symptom> {
    let (mut caller, connection, _worker) = hands(stage, place)?;
    match stage.returned()? {
        Ok(_) => {}
        Err(error) => {
            return Err(Symptom::new(Kind::Error, "your function returned an error")
                .with_words("Ok(())", error));
        }
    }
    drop(connection);
    stage.note("the worker closes its descriptor");
    stage.expect_end(&mut caller).map_err(|mut symptom| {
        if symptom.kind == Kind::NoEnd {
            symptom.summary =
                "the worker has closed the connection, and it stays open".into();
        }
        symptom
    })
}

/// Two callers wait: the one that came first is the one to hand over.
fn first_of_two(stage: &mut Stage, place: &Place) -> Result<(), Symptom> {
    let worker = begin(stage, place)?;
    let first = stage.connect()?;
    let _second = stage.connect()?;
    take_and_talk(stage, first, worker).map(|_| ())
}

/// Hands a connection over to the function; its other end.
fn handed(
    stage: &mut Stage,
    place: &Place,
) -> Result<(TcpStream, String, UnixStream), Symptom> {
    let (ours, theirs) = pair()?;
    stage.hand(place, &[theirs.as_fd()])?;
    drop(theirs);
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0));
    let listener = listener.map_err(unable("listen on 127.0.0.1"))?;
    let ends = listener
        .local_addr()
        .and_then(TcpStream::connect)
        .and_then(|caller| Ok((caller, listener.accept()?.0)));
    let (caller, connection) = ends.map_err(unable("connect"))?;
    let address = |of: io::Result<std::net::SocketAddr>| {
        of.map_or(String::new(), |address| address.to_string())
    };
    let wanted = format!(
        "{} {}",
        address(connection.local_addr()),
        address(connection.peer_addr())
    );
    stage.note("sends a byte and a connection's descriptor");
    let connection: OwnedFd = connection.into();
    give(&ours, b"+", &[connection.as_fd()])?;
    Ok((caller, wanted, ours))
}

/// What the function returned of the connection that it was handed.
fn returned(stage: &mut Stage) -> Result<String, Symptom> {
    stage.returned()?.map_err(|error| {
        Symptom::new(Kind::Error, "your function returned an error")
            .with_words("the connection that was handed over", error)
    })
}

fn takes(stage: &mut Stage, place: &Place) -> Result<(), Symptom> {
    let (_caller, wanted, _ours) = handed(stage, place)?;
    let got = returned(stage)?;
    let stream = got.rsplit_once(' ').map_or("", |(stream, _)| stream);
    if stream == wanted {
        return Ok(());
    }
    let summary = "that is another connection than was handed over";
    let ends = |ends: &str| ends.replacen(' ', " with ", 1);
    Err(Symptom::new(Kind::WrongValue, summary)
        .with_words(ends(&wanted), ends(stream)))
}

fn cloexec(stage: &mut Stage, place: &Place) -> Result<(), Symptom> {
    let (_caller, _, _ours) = handed(stage, place)?;
    let got = returned(stage)?;
    if !got.ends_with(INHERITED) {
        return Ok(());
    }
    let summary = "every program that you start will have the connection, too";
    Err(Symptom::new(Kind::Rule, summary).with_words(
        "a descriptor that is closed on exec (FD_CLOEXEC)",
        "one that is inherited",
    ))
}

/// Waits for the function to return an error of this kind.
fn refuses(stage: &mut Stage, kind: &str) -> Result<(), Symptom> {
    let wanted = format!("an error of the kind {kind}");
    match stage.returned()? {
        Err(error) if error.starts_with(kind) => Ok(()),
        Err(error) => Err(Symptom::new(Kind::Error, "the error is of another kind")
            .with_words(wanted, error)),
        Ok(_) => Err(Symptom::new(Kind::NoError, "your function saw no error")
            .with_words(wanted, "a connection")),
    }
}

const ALONE: &str = "and no descriptor";

fn diagnose(seen: &[Seen<'_>]) -> Option<(&'static str, String)> {
    super::diagnose(RULES, seen)
}

const RULES: &[Rule] = &[
    Rule {
        mistake: "M89",
        fits: |all| {
            let first = all.first(&["hands"]);
            first.is_some_and(|s| s.kind == Kind::Wrong && s.got.ends_with(ALONE))
        },
        why: "Bytes came, and no descriptor beside them. A descriptor's number means \
              something in one process only; SCM_RIGHTS has the kernel make another \
              descriptor of the same socket in the other process.",
    },
    Rule {
        mistake: "M89",
        fits: |all| {
            use checks::symptom::Doing;
            let first = all.first(&["hands"]);
            first.is_some_and(|s| {
                s.kind == Kind::NoAnswer
                    && s.doing == Some(Doing::Returned)
                    && !s.signs.failed
            })
        },
        why: "Your function returned without an error, and nothing came: no byte, no \
              descriptor. On a stream a descriptor travels beside bytes; where no byte \
              is sent, nothing is.",
    },
    Rule {
        mistake: "M27",
        fits: |all| {
            all.passed("hands")
                && all
                    .first(&["closes"])
                    .is_some_and(|s| s.kind == Kind::NoEnd)
        },
        why: "The worker has closed the connection, and the caller sees no end: your \
              process has a descriptor of it too. Passing a descriptor makes a copy; \
              the connection ends when the last one is closed.",
    },
];
