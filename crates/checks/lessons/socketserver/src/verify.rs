//! `socketserver/verify`: who is served, and what is counted when something goes wrong.

use std::collections::HashMap;
use std::fs;
use std::io::{self, Read, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::sync::{Mutex, MutexGuard, OnceLock, PoisonError, mpsc};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use rustix::net::sockopt::set_socket_linger;

use checks::diagnosis::{self, Findings, Rule};
use checks::engine::{Check, Probe, Report, Seen};
use checks::symptom::{Kind, Symptom};
use checks_async::{Story, failed};

use super::{A_WHILE, end_of};

/// Refused, failed, panicked, broken.
pub type Counts = [u64; 4];

/// What answers a line.
pub type Answer = fn(&[u8]) -> Result<Vec<u8>, String>;

/// The learner's server: where it listens, who is welcome, what a line is answered, and
/// what returns when it has to stop.
type Serve = fn(
    TcpListener,
    fn(SocketAddr) -> bool,
    Answer,
    Box<dyn FnOnce() + Send>,
) -> io::Result<Counts>;

/// A backstop for what a right program does at once.
const BACKSTOP: Duration = Duration::from_secs(8);

/// How a peer is met at the door.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Met {
    Welcomed,
    Refused,
    /// The test whether it is welcome panics.
    Panics,
}

/// How the peers are met, by their ports.
static GUESTS: OnceLock<Mutex<HashMap<u16, Met>>> = OnceLock::new();

fn guests() -> MutexGuard<'static, HashMap<u16, Met>> {
    let guests = GUESTS.get_or_init(Mutex::default);
    guests.lock().unwrap_or_else(PoisonError::into_inner)
}

fn welcome(peer: SocketAddr) -> bool {
    let met = guests().get(&peer.port()).copied();
    match met {
        Some(Met::Panics) => panic!("this test of a peer panics on purpose"),
        met => met == Some(Met::Welcomed),
    }
}

fn answer(line: &[u8]) -> Result<Vec<u8>, String> {
    match line {
        b"fail" => Err("this line fails on purpose".to_owned()),
        b"panic" => panic!("this line panics on purpose"),
        line => Ok(line.to_ascii_uppercase()),
    }
}

/// The check of `socketserver/verify`.
pub fn verify(serve: Serve) -> Check {
    let probe =
        |name, title, counts: Counts, play: fn(&mut Door) -> Result<(), Symptom>| {
            Probe::tasks(name, title, move |report: &Report| {
                let story = Story::new(report, "the peers", "your server");
                let mut door = Door::open(story, serve)?;
                play(&mut door)?;
                door.stop(counts)
            })
        };
    let probes = vec![
        probe("welcome", "two peers who are welcome", [0; 4], |door| {
            let mut silent = door.connect(Met::Welcomed)?;
            let mut second = door.connect(Met::Welcomed)?;
            door.ask(&mut second, "hello")?;
            door.ask(&mut silent, "good morning")?;
            door.ask(&mut second, "and again")
        }),
        probe("refused", "one who is not welcome", [1, 0, 0, 0], |door| {
            door.turned_away(Met::Refused)?;
            door.visit()
        }),
        probe(
            "door panics",
            "one whose test panics",
            [1, 0, 0, 0],
            |door| {
                door.turned_away(Met::Panics)?;
                door.visit()
            },
        ),
        probe("fails", "a line that fails", [0, 1, 0, 0], |door| {
            door.cut("fail")?;
            door.visit()
        }),
        probe("panics", "a line that panics", [0, 0, 1, 0], |door| {
            door.cut("panic")?;
            door.visit()
        }),
        probe("breaks", "a peer that resets", [0, 0, 0, 1], |door| {
            let mut peer = door.connect(Met::Welcomed)?;
            door.ask(&mut peer, "hello")?;
            door.reset(peer)?;
            door.visit()
        }),
        probe(
            "beside",
            "one who stays, beside all of these",
            [2, 1, 1, 1],
            |door| {
                let mut stays = door.connect(Met::Welcomed)?;
                door.ask(&mut stays, "hello")?;
                door.turned_away(Met::Refused)?;
                door.cut("fail")?;
                door.turned_away(Met::Panics)?;
                door.cut("panic")?;
                let mut peer = door.connect(Met::Welcomed)?;
                door.ask(&mut peer, "hello")?;
                door.reset(peer)?;
                door.ask(&mut stays, "still there?")
            },
        ),
        probe("kinds", "many of each kind", [4, 5, 3, 0], |door| {
            for turn in 0..5 {
                door.cut("fail")?;
                if turn < 3 {
                    door.cut("panic")?;
                }
                if turn < 4 {
                    door.turned_away([Met::Refused, Met::Panics][turn % 2])?;
                }
            }
            door.visit()
        }),
    ];
    Check::new("socketserver/verify", probes, diagnose)
}

/// How many this process has open, where the kernel tells.
fn descriptors() -> usize {
    fs::read_dir("/proc/self/fd").map_or(0, Iterator::count)
}

struct Door {
    story: Story,
    addr: SocketAddr,
    stop: mpsc::Sender<()>,
    serving: Option<JoinHandle<io::Result<Counts>>>,
    /// Who stays until the end.
    silent: Vec<TcpStream>,
}

impl Door {
    fn open(story: Story, serve: Serve) -> Result<Self, Symptom> {
        let listen = || {
            let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
            Ok((listener.local_addr()?, listener))
        };
        let (addr, listener) = listen().map_err(|error| failed("listen", error))?;
        let (stop, stopped) = mpsc::channel::<()>();
        let wait = Box::new(move || {
            let _ = stopped.recv(); // the word, or the end of the check
        });
        let serving = thread::Builder::new()
            .name("serve".into())
            .spawn(move || serve(listener, welcome, answer, wait))
            .map_err(|error| failed("start a thread", error))?;
        Ok(Self {
            story,
            addr,
            stop,
            serving: Some(serving),
            silent: Vec::new(),
        })
    }

    fn connect(&mut self, met: Met) -> Result<TcpStream, Symptom> {
        // Whoever asks at the door waits for this lock: first the name is written down.
        let mut guests = guests();
        let connected = TcpStream::connect(self.addr).and_then(|stream| {
            stream.set_read_timeout(Some(BACKSTOP))?;
            guests.insert(stream.local_addr()?.port(), met);
            Ok(stream)
        });
        drop(guests);
        connected.map_err(|error| self.lost("nobody listens", &error.to_string()))
    }

    /// Something does not come. The server's own end may say why.
    fn lost(&mut self, summary: &str, got: &str) -> Symptom {
        let end = end_of(&mut self.serving, self.addr, "your function");
        let got = end.unwrap_or_else(|| got.to_owned());
        Symptom::new(Kind::NoAnswer, summary).with_words("", got)
    }

    fn ask(&mut self, peer: &mut TcpStream, line: &str) -> Result<(), Symptom> {
        let wanted = format!("{}\n", line.to_uppercase());
        let mut got = vec![0; wanted.len()];
        let asked = peer
            .write_all(format!("{line}\n").as_bytes())
            .and_then(|()| peer.read_exact(&mut got));
        match asked {
            Ok(()) if got == wanted.as_bytes() => {
                self.story.left(format!("\"{line}\" is answered"));
                Ok(())
            }
            Ok(()) => Err(Symptom::new(Kind::Wrong, "that is another answer")
                .with_bytes(wanted.as_bytes(), &got)),
            Err(error) => {
                self.story.left(format!("\"{line}\" is not answered"));
                let summary = "a peer who is welcome is not answered";
                Err(self.lost(summary, &error.to_string()))
            }
        }
    }

    /// Somebody who is served, and then says nothing for the rest.
    fn visit(&mut self) -> Result<(), Symptom> {
        let mut peer = self.connect(Met::Welcomed)?;
        self.ask(&mut peer, "hello")?;
        self.silent.push(peer);
        Ok(())
    }

    /// The end, and not a word before it.
    fn ends(&mut self, mut peer: TcpStream, who: &str) -> Result<(), Symptom> {
        let mut heard = Vec::new();
        let end = peer.read_to_end(&mut heard);
        if !heard.is_empty() {
            let summary = format!("{who} was to hear nothing but the end");
            return Err(Symptom::new(Kind::Wrong, summary).with_bytes(b"", &heard));
        }
        match end {
            Ok(_) => {
                self.story.left(format!("{who} sees the end"));
                Ok(())
            }
            Err(error) => {
                let summary = format!("{who} does not see the end of the stream");
                Err(self.lost(&summary, &error.to_string()))
            }
        }
    }

    fn turned_away(&mut self, met: Met) -> Result<(), Symptom> {
        let peer = self.connect(met)?;
        let who = match met {
            Met::Panics => "a peer whose test panics",
            _ => "a peer who is not welcome",
        };
        self.ends(peer, who)
    }

    /// A line after which the conversation is over.
    fn cut(&mut self, line: &str) -> Result<(), Symptom> {
        let mut peer = self.connect(Met::Welcomed)?;
        if let Err(error) = peer.write_all(format!("{line}\n").as_bytes()) {
            return Err(self.lost("a peer is not heard", &error.to_string()));
        }
        self.ends(peer, &format!("the peer who says \"{line}\""))
    }

    fn reset(&mut self, mut peer: TcpStream) -> Result<(), Symptom> {
        let reset = peer
            .write_all(b"half a li")
            .and_then(|()| Ok(set_socket_linger(&peer, Some(Duration::ZERO))?));
        reset.map_err(|error| failed("reset a connection", error))?;
        let both = descriptors();
        drop(peer);
        self.story.left("a peer resets in the middle of a line");
        // The server has closed its end too, if it is one that does: then it has seen
        // the reset, and not the word to stop before it.
        let until = Instant::now() + A_WHILE;
        while descriptors() + 2 > both && Instant::now() < until {
            thread::sleep(Duration::from_millis(1));
        }
        Ok(())
    }

    /// Says stop, and compares what was counted.
    fn stop(&mut self, wanted: Counts) -> Result<(), Symptom> {
        self.story.left("the server is told to stop");
        let _ = self.stop.send(());
        let Some(serving) = self.serving.take() else {
            return Ok(());
        };
        let got = match serving.join() {
            Ok(Ok(got)) => got,
            Ok(Err(error)) => {
                let summary = "your function has returned an error";
                return Err(Symptom::new(Kind::Error, summary)
                    .with_words("Ok", error.to_string()));
            }
            Err(_) => {
                return Err(Symptom::new(Kind::Gone, "your function has panicked"));
            }
        };
        self.story.right(shown(got));
        if got == wanted {
            return Ok(());
        }
        Err(Symptom::new(Kind::WrongValue, "that is another count")
            .with_words(shown(wanted), shown(got)))
    }
}

fn shown([refused, failed, panicked, broken]: Counts) -> String {
    format!(
        "{refused} refused, {failed} failed, {panicked} panicked, {broken} broken"
    )
}

/// How many a count that was [`shown`] has in all.
fn total(shown: &str) -> u64 {
    let words = shown.split(' ').filter_map(|word| word.parse::<u64>().ok());
    words.sum()
}

fn diagnose(seen: &[Seen<'_>]) -> Option<(&'static str, String)> {
    let findings = Findings {
        seen,
        reply: <[u8]>::to_ascii_uppercase,
    };
    diagnosis::name(&[RULES], &findings)
}

const RULES: &[Rule] = &[
    Rule {
        mistake: "M149",
        fits: |all| {
            let mixed = |s: &Symptom| {
                s.kind == Kind::WrongValue && total(&s.got) == total(&s.expected)
            };
            all.passed("refused")
                && all
                    .first(&["fails", "panics", "breaks", "beside", "kinds"])
                    .is_some_and(mixed)
        },
        why: "As many things were counted as have happened, some of them for what they \
              were not. An error that was returned, a panic and a connection that broke \
              have different causes, and different people who have to do something.",
    },
    Rule {
        mistake: "M144",
        fits: |all| {
            let over = |s: &Symptom| {
                s.kind == Kind::NoAnswer && s.got == "your function has panicked"
            };
            all.passed("refused")
                && all.first(&["door panics", "panics"]).is_some_and(over)
        },
        why: "Somebody else's function panicked for one peer, and your server was over. \
              What goes wrong with one peer has to end its visit only.",
    },
];
