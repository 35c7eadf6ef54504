//! `udp/transfer`: a file over a network that loses and doubles.

use std::io::{self, ErrorKind};
use std::net::{Ipv4Addr, SocketAddr, UdpSocket};
use std::thread;
use std::time::{Duration, Instant};

use wire::relay::Lossy;

use super::{diagnose, expect_bytes, expect_time_out, pattern, told};
use checks::diagnosis::Rule;
use checks::engine::{Check, Correspondent, Probe, Report, Seen, Stage};
use checks::symptom::{Kind, Symptom};

/// What the learner's function is.
type Receive = fn(UdpSocket, Duration, Duration) -> io::Result<Vec<u8>>;

const BLOCK: usize = 512;

/// A sender that is there does not let the receiver wait so long. Who does wait so long
/// will not wake while we look.
const LONG: Duration = Duration::from_secs(30);
/// Where nobody sends, the probe takes that long.
const SHORT: Duration = Duration::from_millis(150);
/// Where the sender takes its time, it takes longer than this for the whole file, and
/// far less for each block.
const UNHURRIED: Duration = Duration::from_millis(600);
/// It rests so long before each of its blocks.
const REST: Duration = Duration::from_millis(100);
/// Where the last acknowledgement arrives, the probe takes that long in the end.
const BRIEF: Duration = Duration::from_millis(50);
/// Where it does not, it comes again long before this is over.
const AMPLE: Duration = Duration::from_secs(2);

/// After so long without an acknowledgement the peer behind the relay sends again.
const AGAIN: Duration = Duration::from_millis(40);
/// And after so long in all it gives up: any receiver would have taken a block by
/// then.
const ENOUGH: Duration = Duration::from_secs(10);

/// The check of `udp/transfer`.
pub fn transfer(receive: Receive) -> Check {
    let probe = |name,
                 title,
                 (patience, linger),
                 play: fn(&mut Stage) -> Result<(), Symptom>| {
        let act = move |report: &Report| act(report, receive, patience, linger);
        Probe::datagrams(name, title, act, play)
    };
    let probes = vec![
        probe("whole", "a file of one block", (LONG, BRIEF), |stage| {
            in_order(stage, 5)
        }),
        probe("blocks", "a file of three blocks", (LONG, BRIEF), |stage| {
            in_order(stage, 2 * BLOCK + 100)
        }),
        probe("full", "a last block that is full", (LONG, BRIEF), full),
        probe("empty", "an empty file", (LONG, BRIEF), |stage| {
            in_order(stage, 0)
        }),
        probe(
            "almost",
            "a last block of 511 bytes",
            (LONG, BRIEF),
            |stage| in_order(stage, 2 * BLOCK - 1),
        ),
        probe("many", "a file of 300 blocks", (LONG, BRIEF), |stage| {
            in_order(stage, 299 * BLOCK + 1)
        }),
        probe("again", "a lost acknowledgement", (LONG, BRIEF), again),
        probe("late", "a block from long ago", (LONG, BRIEF), late),
        probe("last", "the last block, twice", (LONG, AMPLE), last),
        probe("after", "old blocks after the last", (LONG, AMPLE), after),
        probe("ahead", "a number too high", (LONG, BRIEF), ahead),
        probe("foreign", "a block from a stranger", (LONG, BRIEF), foreign),
        probe("early", "a stranger before block 1", (LONG, BRIEF), early),
        probe("zero", "a block with the number 0", (LONG, BRIEF), zero),
        probe("unreadable", "what is no block", (LONG, BRIEF), unreadable),
        probe("long", "a block that is too long", (LONG, BRIEF), long),
        probe(
            "silent",
            "a sender that falls silent",
            (SHORT, BRIEF),
            silent,
        ),
        probe(
            "slow",
            "a sender that takes its time",
            (UNHURRIED, BRIEF),
            slow,
        )
        .early(),
        probe("relay", "over the lossy relay", (LONG, AMPLE), relay).early(),
    ];
    Check::new("udp/transfer", probes, |seen: &[Seen<'_>]| {
        diagnose(RULES, seen)
    })
}

fn act(report: &Report, receive: Receive, patience: Duration, linger: Duration) {
    let socket = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0));
    match socket.and_then(|socket| Ok((socket.local_addr()?, socket))) {
        Ok((addr, socket)) => {
            report.listening(addr);
            report.returned(told(receive(socket, patience, linger)));
        }
        Err(error) => eprintln!("the check cannot bind on 127.0.0.1: {error}"),
    }
}

fn block(number: u16, data: &[u8]) -> Vec<u8> {
    [&number.to_be_bytes(), data].concat()
}

/// Sends a block, and expects that it is acknowledged.
fn send(
    stage: &mut Stage,
    peer: &Correspondent,
    number: u16,
    data: &[u8],
) -> Result<(), Symptom> {
    stage.tell(peer, &block(number, data))?;
    stage.expect_datagram(peer, &number.to_be_bytes())
}

/// The blocks of a file: the last one has room.
fn blocks(file: &[u8]) -> impl Iterator<Item = (u16, &[u8])> {
    let last = (file.len() / BLOCK) * BLOCK;
    let full = file[..last].chunks(BLOCK);
    (1..).zip(full.chain([&file[last..]]))
}

fn in_order(stage: &mut Stage, length: usize) -> Result<(), Symptom> {
    let peer = stage.stranger()?;
    let file = pattern(length);
    for (number, data) in blocks(&file) {
        if let Err(symptom) = send(stage, &peer, number, data) {
            // Where the function has returned, what it returned tells more.
            if symptom.is_over() && symptom.panic.is_none() && !symptom.signs.failed {
                expect_bytes(stage, &file)?;
            }
            return Err(symptom);
        }
    }
    expect_bytes(stage, &file)
}

fn full(stage: &mut Stage) -> Result<(), Symptom> {
    in_order(stage, 2 * BLOCK)
}

fn again(stage: &mut Stage) -> Result<(), Symptom> {
    let peer = stage.stranger()?;
    let file = pattern(2 * BLOCK + 7);
    for (number, data) in blocks(&file) {
        if number == 1 {
            peer.lose_next();
            send(stage, &peer, number, data)?;
        }
        send(stage, &peer, number, data)?;
    }
    expect_bytes(stage, &file)
}

fn late(stage: &mut Stage) -> Result<(), Symptom> {
    let peer = stage.stranger()?;
    let file = pattern(4 * BLOCK + 7);
    let first = &file[..BLOCK];
    for (number, data) in blocks(&file) {
        if number == 5 {
            peer.note("the network had kept block 1");
            send(stage, &peer, 1, first)?;
        }
        send(stage, &peer, number, data)?;
    }
    expect_bytes(stage, &file)
}

fn last(stage: &mut Stage) -> Result<(), Symptom> {
    let peer = stage.stranger()?;
    let file = pattern(BLOCK + 7);
    send(stage, &peer, 1, &file[..BLOCK])?;
    peer.lose_next();
    send(stage, &peer, 2, &file[BLOCK..])?;
    send(stage, &peer, 2, &file[BLOCK..])?;
    expect_bytes(stage, &file)
}

fn after(stage: &mut Stage) -> Result<(), Symptom> {
    let peer = stage.stranger()?;
    let file = pattern(BLOCK + 7);
    for (number, data) in blocks(&file) {
        send(stage, &peer, number, data)?;
    }
    peer.note("what follows, the network had kept");
    stage.tell(&peer, &block(3, b"of a file before this one"))?;
    send(stage, &peer, 1, &file[..BLOCK])?;
    expect_bytes(stage, &file)
}

fn ahead(stage: &mut Stage) -> Result<(), Symptom> {
    let peer = stage.stranger()?;
    let file = pattern(2 * BLOCK + 7);
    for (number, data) in blocks(&file) {
        if number == 2 {
            stage.tell(&peer, &block(3, &file[2 * BLOCK..]))?;
        }
        send(stage, &peer, number, data)?;
    }
    expect_bytes(stage, &file)
}

fn foreign(stage: &mut Stage) -> Result<(), Symptom> {
    let (peer, stranger) = (stage.stranger()?, stage.stranger()?);
    let file = pattern(2 * BLOCK + 7);
    for (number, data) in blocks(&file) {
        if number == 2 {
            stage.tell(&stranger, &block(2, STRANGE))?;
        }
        let acknowledged = send(stage, &peer, number, data);
        unanswered(&stranger)?; // it came first, so its answer would, too
        acknowledged?;
    }
    expect_bytes(stage, &file)
}

/// What a stranger sends for a block of the file.
const STRANGE: &[u8] = b"bytes of another file";

/// A stranger speaks before anybody has sent block 1.
fn early(stage: &mut Stage) -> Result<(), Symptom> {
    let (peer, stranger) = (stage.stranger()?, stage.stranger()?);
    let file = pattern(BLOCK + 7);
    stage.tell(&stranger, &block(2, STRANGE))?;
    for (number, data) in blocks(&file) {
        let acknowledged = send(stage, &peer, number, data);
        unanswered(&stranger)?;
        acknowledged?;
    }
    expect_bytes(stage, &file)
}

fn unanswered(stranger: &Correspondent) -> Result<(), Symptom> {
    let Some((got, _)) = stranger.take()? else {
        return Ok(());
    };
    let summary = "a stranger's block was answered";
    let symptom = Symptom::new(Kind::Rule, summary);
    Err(symptom.with_words("no answer", checks::symptom::shown(&got)))
}

fn zero(stage: &mut Stage) -> Result<(), Symptom> {
    let peer = stage.stranger()?;
    let file = pattern(BLOCK + 7);
    for (number, data) in blocks(&file) {
        stage.tell(&peer, &block(0, b"nothing of the file"))?;
        send(stage, &peer, number, data)?;
    }
    expect_bytes(stage, &file)
}

fn unreadable(stage: &mut Stage) -> Result<(), Symptom> {
    let peer = stage.stranger()?;
    let file = pattern(BLOCK + 7);
    for (number, data) in blocks(&file) {
        stage.tell(&peer, b"")?;
        stage.tell(&peer, b"\0")?;
        send(stage, &peer, number, data)?;
    }
    expect_bytes(stage, &file)
}

fn long(stage: &mut Stage) -> Result<(), Symptom> {
    let peer = stage.stranger()?;
    let file = pattern(BLOCK + 7);
    for (number, data) in blocks(&file) {
        if number == 1 {
            stage.tell(&peer, &block(number, &[b'x'; BLOCK + 1]))?;
        }
        send(stage, &peer, number, data)?;
    }
    expect_bytes(stage, &file)
}

fn silent(stage: &mut Stage) -> Result<(), Symptom> {
    let peer = stage.stranger()?;
    send(stage, &peer, 1, &pattern(BLOCK))?;
    peer.note("says no more");
    expect_time_out(stage)
}

/// The whole file takes longer than the receiver's patience, no block of it does.
fn slow(stage: &mut Stage) -> Result<(), Symptom> {
    let peer = stage.stranger()?;
    let file = pattern(8 * BLOCK);
    let (mut before, mut longest) = (Instant::now(), Duration::ZERO);
    for (number, data) in blocks(&file) {
        thread::sleep(REST); // shapes the input
        longest = longest.max(before.elapsed());
        before = Instant::now();
        let acknowledged = send(stage, &peer, number, data);
        if acknowledged.is_err() && longest > UNHURRIED / 2 {
            return Ok(()); // a busy machine has tried the program's patience, not we
        }
        acknowledged?;
    }
    expect_bytes(stage, &file)
}

fn relay(stage: &mut Stage) -> Result<(), Symptom> {
    let relay = stage.relay(Lossy::new(3).lose(20).double(15).hold(15))?;
    let file = pattern(24 * BLOCK);
    let carried = carry(&file, relay.addr())
        .map_err(|error| checks::engine::broken("send over the relay", error))?;
    match carried {
        None => expect_bytes(stage, &file),
        Some(number) if usize::from(number) * BLOCK > file.len() => {
            // Whoever sent the last block cannot know whether it arrived.
            expect_bytes(stage, &file)
        }
        Some(number) => {
            let summary = format!("block {number} is not acknowledged any more");
            Err(Symptom::new(Kind::NoAnswer, summary).with_words(
                format!("an acknowledgement of block {number}"),
                format!("none, though it was sent for {} s", ENOUGH.as_secs()),
            ))
        }
    }
}

/// Sends a file as the exercise says; the number of the block that was given up, if
/// one was.
fn carry(file: &[u8], to: SocketAddr) -> io::Result<Option<u16>> {
    let socket = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0))?;
    socket.connect(to)?;
    for (number, data) in blocks(file) {
        let start = Instant::now();
        while !is_carried(&socket, number, data)? {
            if start.elapsed() > ENOUGH {
                return Ok(Some(number));
            }
        }
    }
    Ok(None)
}

/// Sends a block once, and waits a moment for its acknowledgement.
fn is_carried(socket: &UdpSocket, number: u16, data: &[u8]) -> io::Result<bool> {
    socket.send(&block(number, data))?;
    let until = Instant::now() + AGAIN;
    loop {
        let left = until.saturating_duration_since(Instant::now());
        if left.is_zero() {
            return Ok(false);
        }
        socket.set_read_timeout(Some(left))?;
        let mut buffer = [0; 3];
        match socket.recv(&mut buffer) {
            Ok(length) if buffer[..length] == number.to_be_bytes() => {
                return Ok(true);
            }
            Ok(_) => {} // an acknowledgement from before: RFC 1123, 4.2.3.1
            Err(error) => match error.kind() {
                ErrorKind::WouldBlock | ErrorKind::TimedOut => return Ok(false),
                ErrorKind::Interrupted => {}
                _ => return Err(error),
            },
        }
    }
}

const RULES: &[Rule] = &[
    Rule {
        mistake: "M30",
        fits: |all| {
            all.first(&["whole"])
                .is_some_and(|s| s.kind == Kind::Wrong && s.got_bytes == [1, 0])
        },
        why: "The number came back with its least significant byte first. \
              `to_be_bytes` puts the most significant one first.",
    },
    Rule {
        mistake: "M29",
        fits: |all| all.first(&["blocks"]).is_some_and(is_cut_in_blocks),
        why: "Bytes are missing at the end of a full block. A datagram of 514 bytes \
              wants a buffer of that size: the kernel throws away what does not fit.",
    },
    Rule {
        mistake: "M57",
        fits: |all| {
            let first = all.first(&["full"]);
            first.is_some_and(|s| {
                s.panic.is_none() && matches!(s.kind, Kind::NoAnswer | Kind::Error)
            }) && all.passed("blocks")
        },
        why: "The file ends exactly where a block ends, so the last block has no bytes. \
              It is a block all the same: it says that this was all, and it wants its \
              acknowledgement.",
    },
    Rule {
        mistake: "M58",
        fits: |all| {
            all.first(&["again", "late"]).is_some_and(|s| {
                s.kind == Kind::NoAnswer
                    && s.expected_bytes == [0, 1] // the one that comes twice
                    && s.panic.is_none()
                    && (!s.is_over() || s.signs.failed)
            })
        },
        why: "A block came that had come before, and nothing was said. The sender has \
              not got your acknowledgement, and it will not go on without it.",
    },
    Rule {
        mistake: "M56",
        fits: |all| {
            all.first(&["again", "late"]).is_some_and(|s| {
                s.kind == Kind::WrongValue
                    && s.got_bytes.len() == s.expected_bytes.len() + BLOCK
            })
        },
        why: "A block that came twice is in the file twice. Its number says that it is \
              not new: acknowledge it, and keep nothing.",
    },
    Rule {
        mistake: "M58",
        fits: |all| {
            all.first(&["last"]).is_some_and(|s| {
                s.kind == Kind::NoAnswer
                    && s.expected_bytes == [0, 2]
                    && s.panic.is_none()
                    && !s.signs.failed
            })
        },
        why: "The acknowledgement of the last block was lost, the sender sent that \
              block again, and got no answer: your function had returned, or it did \
              not look at what still came.",
    },
    Rule {
        mistake: "M54",
        fits: |all| {
            all.first(&["foreign"]).is_some_and(|s| {
                s.kind == Kind::Rule
                    || (s.kind == Kind::WrongValue
                        && s.got_bytes.windows(STRANGE.len()).any(|w| w == STRANGE))
            })
        },
        why: "A stranger's datagram was taken for a block of this file. The file is \
              that of whoever sent block 1.",
    },
    Rule {
        mistake: "M59",
        fits: |all| {
            all.first(&["zero", "unreadable"])
                .is_some_and(|s| s.kind == Kind::NoAnswer && s.is_over())
        },
        why: "A datagram that is no block has ended your program. Look at its length \
              and its number before you take it apart.",
    },
    Rule {
        mistake: "M29",
        fits: |all| {
            all.first(&["long"]).is_some_and(|s| {
                s.kind == Kind::Wrong
                    && (&s.expected_bytes[..], &s.got_bytes[..]) == (&[0, 2], &[0, 1])
            })
        },
        why: "A datagram with more than 512 bytes of a file was acknowledged like a \
              block. If your buffer ends with the block, the kernel has thrown the rest \
              away, and it looks like one; with room for one byte more you can tell.",
    },
];

/// Each full block is there to the same byte, and no further.
fn is_cut_in_blocks(symptom: &Symptom) -> bool {
    let (expected, got) = (&symptom.expected_bytes, &symptom.got_bytes);
    let same = expected.iter().zip(got).take_while(|(a, b)| a == b).count();
    let cut: Vec<u8> = (expected.chunks(BLOCK))
        .flat_map(|block| block.iter().take(same).copied())
        .collect();
    symptom.kind == Kind::WrongValue
        && (1..BLOCK).contains(&same)
        && (*got == cut || got.len() == same) // what is cut may look like the last one
}
