//! `options/unix-echo`: a server at a file name.

use std::fs;
use std::io;
use std::os::unix::fs::MetadataExt;
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::{Path, PathBuf};

use crate::words;
use checks::diagnosis::Rule;
use checks::engine::{
    Check, Place, Probe, Report, Seen, Stage, while_nothing_starts,
};
use checks::symptom::{Doing, Kind, Symptom};

const NAME: &str = "echo.sock";

/// The check of `options/unix-echo`: a server at a path, which serves so many callers
/// one after the other and then leaves nothing behind.
pub fn unix_echo(serve: fn(&Path, usize) -> io::Result<()>) -> Check {
    type Play = fn(&mut Stage, &Place) -> Result<(), Symptom>;
    let at = |name, title, file: fn() -> PathBuf, visits: usize, play: Play| {
        let act = move |report: &Report, given: checks::engine::Given| {
            let served = serve(&given.folder.join(file()), visits);
            report.returned(served.map(|()| "").map_err(with_kind));
        };
        Probe::local(name, title, act, play)
    };
    let probe = |name, title, visits, play| {
        at(name, title, || PathBuf::from(NAME), visits, play)
    };
    let probes = vec![
        probe("echo", "a caller that says a word and waits", 1, echo),
        probe("file", "the socket file, after the last caller", 1, gone),
        probe(
            "two",
            "two callers, one after the other",
            2,
            |stage, place| {
                stage.hand(place, &[])?;
                visit(stage, place, b"one")?;
                visit(stage, place, b"and two")
            },
        ),
        probe("rude", "a caller that leaves without reading", 3, rude),
        probe("stale", "a socket file that nobody listens at", 1, stale),
        probe("live", "a socket file that somebody listens at", 1, live),
        probe("plain", "a file of that name which is no socket", 1, plain),
        at(
            "long",
            "a path that is too long for an address",
            || PathBuf::from("x".repeat(120)),
            1,
            |stage, place| {
                stage.hand(place, &[])?;
                refuses(stage, io::ErrorKind::InvalidInput, "InvalidInput")
            },
        ),
    ];
    Check::new("options/unix-echo", probes, diagnose)
}

fn unable(operation: &str) -> impl Fn(io::Error) -> Symptom + '_ {
    move |error| {
        let summary = format!("the check itself could not {operation}: {error}");
        Symptom::new(Kind::Broken, summary)
    }
}

/// One caller's visit, to its end.
fn visit(stage: &mut Stage, place: &Place, word: &[u8]) -> Result<(), Symptom> {
    let mut peer = stage.connect_local(&place.path(NAME))?;
    stage.send_local(&mut peer, word)?;
    stage.expect_local(&mut peer, word)?;
    peer.end();
    stage.expect_local_end(&mut peer)
}

fn echo(stage: &mut Stage, place: &Place) -> Result<(), Symptom> {
    stage.hand(place, &[])?;
    let mut peer = stage.connect_local(&place.path(NAME))?;
    stage.send_local(&mut peer, b"hello")?;
    stage.expect_local(&mut peer, b"hello")?;
    stage.send_local(&mut peer, b" and again")?;
    stage.expect_local(&mut peer, b" and again")?;
    peer.end();
    stage.expect_local_end(&mut peer)
}

/// Waits for the function to return without an error.
fn ends_well(stage: &mut Stage) -> Result<(), Symptom> {
    match stage.returned()? {
        Ok(_) => Ok(()),
        Err(error) => {
            Err(Symptom::new(Kind::Error, "your function returned an error")
                .with_words("Ok(())", error))
        }
    }
}

fn gone(stage: &mut Stage, place: &Place) -> Result<(), Symptom> {
    stage.hand(place, &[])?;
    visit(stage, place, b"hello")?;
    ends_well(stage)?;
    if fs::symlink_metadata(place.path(NAME)).is_err() {
        return Ok(());
    }
    let summary = "your function has returned, and its socket file is still there";
    Err(Symptom::new(Kind::Rule, summary)
        .with_words("no file of that name", "a socket that nobody listens at"))
}

fn rude(stage: &mut Stage, place: &Place) -> Result<(), Symptom> {
    stage.hand(place, &[])?;
    let mut polite = stage.connect_local(&place.path(NAME))?;
    stage.send_local(&mut polite, b"hello")?;
    stage.expect_local(&mut polite, b"hello")?;
    // It is gone before it is served: what it said is still there to be read, and
    // nobody to write to.
    let mut rude = stage.connect_local(&place.path(NAME))?;
    stage.send_local(&mut rude, b"is it my turn?")?;
    rude.leave();
    polite.end();
    stage.expect_local_end(&mut polite)?;
    visit(stage, place, b"anybody there?")?;
    ends_well(stage)
}

fn stale(stage: &mut Stage, place: &Place) -> Result<(), Symptom> {
    // The listener is closed at once; its file stays.
    let died = || UnixListener::bind(place.path(NAME)).map(drop);
    while_nothing_starts(died).map_err(unable("bind"))?;
    stage.note("a server that has died has left its socket file");
    let file = inode(&place.path(NAME));
    stage.hand(place, &[])?;
    let visited = visit(stage, place, b"hello");
    let Err(mut symptom) = visited else {
        return ends_well(stage);
    };
    if symptom.kind == Kind::Refused && inode(&place.path(NAME)) == file {
        symptom.summary = "nobody listens at the socket file, as before".into();
    }
    Err(symptom)
}

/// Tells a file from another that has its name.
fn inode(path: &Path) -> Option<(u64, u64)> {
    let file = fs::symlink_metadata(path).ok()?;
    Some((file.ino(), file.ctime_nsec().unsigned_abs()))
}

/// Waits for the function to return an error of this kind.
fn refuses(
    stage: &mut Stage,
    kind: io::ErrorKind,
    name: &str,
) -> Result<(), Symptom> {
    let wanted = format!("an error of the kind {name}");
    match stage.returned()? {
        Err(error) if is_of(kind, &error) => Ok(()),
        Err(error) => Err(Symptom::new(Kind::Error, "the error is of another kind")
            .with_words(wanted, error)),
        Ok(_) => Err(Symptom::new(Kind::NoError, "your function saw no error")
            .with_words(wanted, "Ok(())")),
    }
}

/// The words of an error come from the child; `kind` stands in front of them.
fn is_of(kind: io::ErrorKind, told: &str) -> bool {
    told.starts_with(&format!("{kind:?}: "))
}

fn live(stage: &mut Stage, place: &Place) -> Result<(), Symptom> {
    let path = place.path(NAME);
    let listener = UnixListener::bind(&path).map_err(unable("bind"))?;
    stage.note("another server listens at the socket file");
    let file = inode(&path);
    stage.hand(place, &[])?;
    let refused = refuses(stage, io::ErrorKind::AddrInUse, "AddrInUse");
    let still_there = inode(&path) == file && UnixStream::connect(&path).is_ok();
    drop(listener);
    if still_there {
        return refused;
    }
    let summary = "the other server's socket file has been removed";
    let mut symptom = Symptom::new(Kind::Rule, summary).with_words(
        "its file, where callers find it",
        "a server that nobody can call any more",
    );
    if let Err(refused) = refused {
        symptom.kernel = refused.kernel;
        symptom.doing = refused.doing;
    }
    Err(symptom)
}

fn plain(stage: &mut Stage, place: &Place) -> Result<(), Symptom> {
    const TEXT: &str = "somebody's notes\n";
    let path = place.path(NAME);
    fs::write(&path, TEXT).map_err(unable("write a file"))?;
    stage.note("a file of that name holds somebody's notes");
    stage.hand(place, &[])?;
    let refused = refuses(stage, io::ErrorKind::AddrInUse, "AddrInUse");
    if fs::read(&path).is_ok_and(|text| text == TEXT.as_bytes()) {
        return refused;
    }
    let summary = "a file that is no socket has been removed";
    let mut symptom = Symptom::new(Kind::Rule, summary)
        .with_words("the file as it was", "somebody's notes are gone");
    if let Err(refused) = refused {
        symptom.kernel = refused.kernel;
        symptom.doing = refused.doing;
    }
    Err(symptom)
}

fn diagnose(seen: &[Seen<'_>]) -> Option<(&'static str, String)> {
    super::diagnose(RULES, seen)
}

const RULES: &[Rule] = &[
    Rule {
        mistake: "M6",
        fits: |all| {
            all.first(&["echo"]).is_some_and(|s| {
                let behind = s.got_bytes.strip_prefix(&b"hello"[..]);
                let behind = behind.or(Some(&s.got_bytes));
                behind.is_some_and(|behind| behind.starts_with(&[0, 0]))
            })
        },
        why: "The answer is followed by zeros that nobody sent: your program sent its \
              whole buffer, not the part that was filled.",
    },
    Rule {
        mistake: "M5",
        fits: |all| {
            let first = all.first(&["echo", "file", "two"]);
            first.is_some_and(|s| {
                s.kind == Kind::NoEnd
                    && s.doing == Some(Doing::Spinning)
                    && s.signs.asks
            })
        },
        why: "The caller ended its side. From then on every read returns 0 bytes at \
              once, and your program reads again and again.",
    },
    Rule {
        mistake: "M14",
        fits: |all| {
            all.passed("two") && all.first(&["rude"]).is_some_and(Symptom::is_over)
        },
        why: "Two callers who stay to the end are served one after the other. One left \
              without reading its answer, and your server was over. What goes wrong \
              with one caller, such as a write that fails, has to end its visit only.",
    },
    Rule {
        mistake: "M83",
        fits: |all| {
            let file = all.first(&["file"]);
            file.is_some_and(|s| s.kind == Kind::Rule)
        },
        why: "Closing a listener does not remove its name. The next server finds the \
              file, and `bind` fails with EADDRINUSE. Whoever has bound a name removes \
              it.",
    },
    Rule {
        mistake: "M85",
        fits: |all| {
            let in_use = words(rustix::io::Errno::ADDRINUSE);
            let told = |s: &Symptom| {
                s.kernel
                    .iter()
                    .any(|line| line.contains(&in_use) || line.contains("AddrInUse"))
            };
            all.first(&["stale"])
                .is_some_and(|s| s.kind == Kind::Refused && told(s))
        },
        why: "There was a file, and your function gave up: EADDRINUSE. Nobody listened \
              there; a `connect` is refused (ECONNREFUSED). Such a file is a dead \
              server's, and may be removed.",
    },
    Rule {
        mistake: "M84",
        fits: |all| {
            let live = all.first(&["live"]);
            live.is_some_and(|s| s.kind == Kind::Rule)
        },
        why: "Somebody listened at that file, and it is not there any more. That does \
              not stop the other server; it takes its name away, and no caller finds \
              it. Who answers a `connect` is alive, and keeps the file.",
    },
    Rule {
        mistake: "M84",
        fits: |all| {
            let plain = all.first(&["plain"]);
            plain.is_some_and(|s| s.kind == Kind::Rule)
        },
        why: "The file was no socket, and it is not there any more. A `connect` to it \
              is refused as that to a dead server's socket is, so look at the file's \
              type before you remove it.",
    },
];

/// An error's kind and its words: what travels to the check is text.
fn with_kind(error: io::Error) -> String {
    format!("{:?}: {error}", error.kind())
}
