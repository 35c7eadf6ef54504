//! A ribbon: where the same bytes were cut when they were written, and when they were
//! read.

use std::io::{self, Read, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::sync::mpsc;
use std::thread;
use std::time::Duration;

use anyhow::{Context, Result, bail};
use wire::proxy::{Cut, Proxy, Rechunk};
use wire::{Recorder, Timeline, What, view};

use crate::pieces::File;
use crate::pieces::picture::{Picture, text};
use crate::pieces::shop::Workshop;

/// What is written, a line a write.
const LINES: [&str; 3] = ["good morning\n", "how are you?\n", "goodbye\n"];

/// Chooses the pieces.
const SEED: u64 = 2;
const MOST: usize = 9;

/// A run takes some milliseconds; after this it is stuck.
const PATIENCE: Duration = Duration::from_secs(30);

/// How often a run may fail to be the one to be shown.
const ATTEMPTS: u32 = 20;

/// One row: what it shows, and the lengths of the pieces.
struct Ribbon {
    what: String,
    pieces: Vec<usize>,
}

/// Writes and reads in three ways, and draws all four rows.
pub fn make(name: &str, _: &Workshop) -> Result<Vec<File>> {
    let ribbons = [
        Ribbon {
            what: "writes".into(),
            pieces: LINES.iter().map(|line| line.len()).collect(),
        },
        Ribbon {
            what: "read, of a reader that came late".into(),
            pieces: read_through(&[joined()], 1024)?,
        },
        Ribbon {
            what: "reads, with a buffer of 8 bytes".into(),
            pieces: read_through(&[joined()], 8)?,
        },
        Ribbon {
            what: "reads, cut anew on the way".into(),
            pieces: read_cut()?,
        },
    ];
    for Ribbon { what, pieces } in &ribbons {
        let sum: usize = pieces.iter().sum();
        if sum != LINES.concat().len() {
            bail!("the {what} have {sum} bytes");
        }
    }
    Ok(vec![
        File::generated(&format!("{name}.svg"), draw(&ribbons)),
        File::generated(&format!("{name}.txt"), tell(&ribbons)),
    ])
}

/// All bytes are held back until they are together: so late comes the reader.
fn joined() -> Rechunk {
    Rechunk::new(Cut::Join {
        bytes: LINES.concat().len(),
        quiet: PATIENCE,
    })
}

/// The reads behind a proxy that cuts at random. Where the reader has not kept up
/// with the proxy, its kernel has joined pieces again; we want to see another run.
fn read_cut() -> Result<Vec<usize>> {
    let cut = Cut::Random {
        most: MOST,
        seed: SEED,
    };
    for attempt in 1..=ATTEMPTS {
        let recorder = Recorder::new("", "");
        let pause = Duration::from_millis(5) * attempt; // shapes the input
        let cutter = Rechunk::new(cut).pause(pause).record(recorder.clone());
        let reads = read_through(&[cutter, joined()], 1024)?;
        if reads == passed_on(&recorder.timeline()) {
            return Ok(reads);
        }
    }
    bail!("in {ATTEMPTS} attempts the reader has never kept up with the proxy")
}

fn passed_on(timeline: &Timeline) -> Vec<usize> {
    let sent = timeline
        .events
        .iter()
        .filter_map(|event| match &event.what {
            What::Sent(payload) => usize::try_from(payload.len).ok(),
            _ => None,
        });
    sent.collect()
}

/// Writes the lines through these proxies, the last first, and returns the lengths of
/// the reads at the other end.
fn read_through(proxies: &[Rechunk], buffer: usize) -> Result<Vec<usize>> {
    let any = SocketAddr::from((Ipv4Addr::LOCALHOST, 0));
    let listener = TcpListener::bind(any)?;
    let mut target = listener.local_addr()?;
    let mut running: Vec<Proxy> = Vec::new();
    for proxy in proxies {
        let proxy = proxy.clone().start(TcpListener::bind(any)?, target)?;
        target = proxy.addr();
        running.push(proxy);
    }
    let (sender, receiver) = mpsc::channel();
    thread::spawn(move || sender.send(read_all(&listener, buffer)));
    let mut stream = TcpStream::connect(target)?;
    stream.set_nodelay(true)?;
    for line in LINES {
        stream.write_all(line.as_bytes())?;
    }
    drop(stream);
    let reads = receiver.recv_timeout(PATIENCE);
    reads
        .context("the bytes do not arrive")?
        .context("cannot read the bytes")
}

fn read_all(listener: &TcpListener, buffer: usize) -> io::Result<Vec<usize>> {
    let (mut stream, _) = listener.accept()?;
    stream.set_read_timeout(Some(PATIENCE))?;
    let mut buffer = vec![0; buffer];
    let mut reads = Vec::new();
    loop {
        match stream.read(&mut buffer)? {
            0 => return Ok(reads),
            length => reads.push(length),
        }
    }
}

impl Ribbon {
    /// `3 writes`
    fn title(&self) -> String {
        format!("{} {}", self.pieces.len(), self.what)
    }

    /// Where each piece begins and ends.
    fn spans(&self) -> Vec<(usize, usize)> {
        let mut at = 0;
        let mut spans = Vec::new();
        for length in &self.pieces {
            spans.push((at, at + length));
            at += length;
        }
        spans
    }
}

/// The ribbons as text: the same bytes one below the other, a bar at every cut.
fn tell(ribbons: &[Ribbon]) -> String {
    let bytes = LINES.concat();
    let mut told = String::new();
    for ribbon in ribbons {
        let pieces = ribbon.spans().into_iter();
        let pieces: Vec<String> = pieces
            .map(|(from, to)| view::escape(&bytes.as_bytes()[from..to]))
            .collect();
        told += &format!("{}\n  |{}|\n", ribbon.title(), pieces.join("|"));
    }
    told
}

// All measures are in the picture's own units, as in the timelines of `wire`.
const WIDTH: usize = 420;
const LEFT: f64 = 20.0;
const ROW: usize = 64;
const BAND: usize = 26;

fn draw(ribbons: &[Ribbon]) -> String {
    let bottom = 14 + ROW * ribbons.len();
    let mut body = String::new();
    // The seams of the messages, through all rows.
    for (_, to) in &ribbons[0].spans()[..LINES.len() - 1] {
        let (x, bottom) = (x(*to), bottom - 6);
        body += &format!("<path class=\"hs-seam\" d=\"M{x:.1} 36V{bottom}\"/>\n");
    }
    for (row, ribbon) in ribbons.iter().enumerate() {
        let tone = if row == 0 { "hs-left" } else { "hs-right" };
        body += &ribbon.drawn(10 + ROW * row, tone);
    }
    let titles: Vec<String> = ribbons.iter().map(Ribbon::title).collect();
    let picture = Picture {
        class: "hs-ribbon",
        title: "The same bytes: three writes, and what reads make of them".into(),
        description: format!("{}. {}", titles.join("; "), tell(ribbons)),
        rules: RULES,
        body,
    };
    picture.draw(WIDTH, bottom + 2)
}

/// How wide a byte is.
fn cell() -> f64 {
    (WIDTH as f64 - 2.0 * LEFT) / LINES.concat().len() as f64
}

/// Where a byte begins.
fn x(at: usize) -> f64 {
    LEFT + at as f64 * cell()
}

impl Ribbon {
    fn drawn(&self, top: usize, tone: &str) -> String {
        let mut svg = format!(
            "<text class=\"hs-what {tone}\" x=\"{LEFT}\" y=\"{}\">{}</text>\n",
            top + 16,
            text(&self.title())
        );
        for (from, to) in self.spans() {
            svg += &format!(
                "<rect class=\"hs-band {tone}\" x=\"{:.1}\" y=\"{}\" width=\"{:.1}\" \
                 height=\"{BAND}\" rx=\"5\"/>\n",
                x(from) + 1.0,
                top + 24,
                x(to) - x(from) - 2.0
            );
        }
        for (at, byte) in LINES.concat().chars().enumerate() {
            let (class, sign) = match byte {
                ' ' => continue,
                '\n' => ("hs-byte hs-mark", '↵'),
                sign => ("hs-byte", sign),
            };
            svg += &format!(
                "<text class=\"{class}\" x=\"{:.1}\" y=\"{}\">{}</text>\n",
                x(at) + cell() / 2.0,
                top + 41,
                text(&sign.to_string())
            );
        }
        svg
    }
}

const RULES: &str = "\
.X .hs-what{fill:var(--_tone);font-size:12px;stroke:var(--_bg);stroke-width:5px;\
paint-order:stroke}
.X .hs-band{fill:var(--_tone);fill-opacity:.13;stroke:var(--_tone)}
.X .hs-byte{text-anchor:middle;font-size:12.5px}
.X .hs-mark{fill:var(--_muted)}
.X .hs-seam{fill:none;stroke:var(--_left);stroke-dasharray:2 4}
";
