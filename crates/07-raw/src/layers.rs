//! One packet, byte by byte, each with the layer that it belongs to.

use std::fmt::Write as _;
use std::io;
use std::net::SocketAddrV4;
use std::time::{Duration, Instant};

use crate::malformed::Malformed;
use crate::sockets::Frames;
use crate::{by_hand, ipv4, sockets, udp};

/// A layer of the internet's own model, from below.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Layer {
    /// From one machine to the next: Ethernet, Wi-Fi, and ARP, which finds them.
    Link,
    /// From one host to another, over many links: IP, and ICMP beside it.
    Network,
    /// From one program to another: TCP, UDP.
    Transport,
    /// What the programs say to each other: HTTP, FTP, SMTP, DNS.
    Application,
}

impl Layer {
    fn name(self) -> &'static str {
        match self {
            Layer::Link => "LINK",
            Layer::Network => "NETWORK",
            Layer::Transport => "TRANSPORT",
            Layer::Application => "APPLICATION",
        }
    }

    /// Its colour in a terminal: a number of ECMA-48's SGR sequence.
    fn color(self) -> u8 {
        match self {
            Layer::Link => 33,
            Layer::Network => 36,
            Layer::Transport => 35,
            Layer::Application => 32,
        }
    }
}

/// Some bytes of a frame and what they say.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Row {
    /// The layer that wrote them, and reads them.
    pub layer: Layer,
    /// The bytes.
    pub bytes: Vec<u8>,
    /// What they say.
    pub says: String,
}

// ANCHOR: capture
/// Sends a datagram that is made by hand, and captures the frame on the loopback.
///
/// # Errors
///
/// If one of the sockets cannot be had, or the frame does not come.
pub fn capture(
    source: SocketAddrV4,
    destination: SocketAddrV4,
    data: &[u8],
) -> io::Result<Vec<u8>> {
    let frames = sockets::frames()?; // open before there is something to capture
    let (_receiver, destination) = by_hand::receiver(destination)?;
    by_hand::send(source, destination, data)?;
    ours(&frames, source, destination)
}

/// The same with a datagram that an ordinary socket sends.
///
/// # Errors
///
/// As [`capture`].
pub fn capture_ordinary(
    source: SocketAddrV4,
    destination: SocketAddrV4,
    data: &[u8],
) -> io::Result<Vec<u8>> {
    let frames = sockets::frames()?;
    let (_receiver, destination) = by_hand::receiver(destination)?;
    let (sender, source) = by_hand::receiver(source)?;
    sender.send_to(data, destination)?;
    ours(&frames, source, destination)
}

/// The first frame with a datagram from one of these ends to the other.
fn ours(
    frames: &Frames,
    source: SocketAddrV4,
    destination: SocketAddrV4,
) -> io::Result<Vec<u8>> {
    const ETHERNET: usize = 14;
    let deadline = Instant::now() + Duration::from_secs(5);
    let frame = frames.find(deadline, |frame| {
        let ip = frame.get(ETHERNET..).and_then(|ip| ipv4::parse(ip).ok());
        ip.is_some_and(|ip| {
            ip.protocol == ipv4::UDP
                && (ip.source, ip.destination) == (*source.ip(), *destination.ip())
                && udp::parse(ip.payload).is_ok_and(|datagram| {
                    let ports = (source.port(), destination.port());
                    (datagram.source, datagram.destination) == ports
                })
        })
    })?;
    frame.ok_or_else(|| {
        let why = "our own packet has not come past on the loopback";
        io::Error::new(io::ErrorKind::TimedOut, why)
    })
}
// ANCHOR_END: capture

// ANCHOR: rows
/// Takes a frame with a UDP datagram apart.
///
/// # Errors
///
/// If it is none: the field that cannot be right.
pub fn rows(frame: &[u8]) -> Result<Vec<Row>, Malformed> {
    let Some((ethernet, packet)) = frame.split_first_chunk::<14>() else {
        let why = format!("{} bytes came, it has 14", frame.len());
        return Err(Malformed::new("Ethernet header", why));
    };
    if ethernet[12..] != [0x08, 0x00] {
        return Err(Malformed::new("Ethernet type", "it is not 0800, IPv4"));
    }
    let ip = ipv4::parse(packet)?;
    if ip.protocol != ipv4::UDP {
        let why = format!("it is {}, not 17, UDP", ip.protocol);
        return Err(Malformed::new("IPv4 protocol", why));
    }
    let datagram = udp::parse(ip.payload)?;
    let mut rows = link(ethernet);
    rows.extend(network(&ip));
    rows.extend(transport(ip.payload, &datagram, &ip));
    let text = datagram.data.escape_ascii();
    let says = format!("\"{text}\": for the program alone to read");
    rows.push(row(Layer::Application, datagram.data, says));
    Ok(rows)
}
// ANCHOR_END: rows

fn row(layer: Layer, bytes: &[u8], says: impl Into<String>) -> Row {
    let (bytes, says) = (bytes.to_vec(), says.into());
    Row { layer, bytes, says }
}

fn link(ethernet: &[u8; 14]) -> Vec<Row> {
    let link = |bytes, says| row(Layer::Link, bytes, says);
    vec![
        link(&ethernet[..6], "to: the loopback has no address"),
        link(&ethernet[6..12], "from: the same"),
        link(&ethernet[12..], "inside is IPv4 (08 06 would be ARP)"),
    ]
}

fn network(ip: &ipv4::Packet<'_>) -> Vec<Row> {
    let header = ip.header;
    let network = |from: usize, to: usize, says: String| {
        row(Layer::Network, &header[from..to], says)
    };
    let mut rows = vec![
        network(
            0,
            1,
            format!("version 4, a header of {} bytes", header.len()),
        ),
        network(1, 2, "no wish for special service".into()),
        network(
            2,
            4,
            format!("{} bytes in all", header.len() + ip.payload.len()),
        ),
        network(4, 6, format!("identification {}", ip.identification)),
        network(6, 8, fragments(ip)),
        network(
            8,
            9,
            format!("time to live {}: each router takes 1", ip.ttl),
        ),
        network(9, 10, "inside is UDP (1 ICMP, 2 IGMP, 6 TCP)".into()),
        network(10, 12, "checksum of this header".into()),
        network(12, 16, format!("from {}", ip.source)),
        network(16, 20, format!("to {}", ip.destination)),
    ];
    if header.len() > ipv4::HEADER {
        rows.push(network(ipv4::HEADER, header.len(), "options".into()));
    }
    rows
}

fn fragments(ip: &ipv4::Packet<'_>) -> String {
    let part = if ip.fragment { "a fragment" } else { "not cut" };
    let may = if ip.dont_fragment { "must" } else { "may" };
    let not = if ip.dont_fragment { " not" } else { "" };
    format!("{part}, and {may}{not} be")
}

fn transport(
    bytes: &[u8],
    datagram: &udp::Datagram<'_>,
    ip: &ipv4::Packet<'_>,
) -> Vec<Row> {
    let holds = datagram.holds(ip.source, ip.destination);
    let word = if holds { "it is right" } else { "it is wrong" };
    let transport = |from: usize, to: usize, says: String| {
        row(Layer::Transport, &bytes[from..to], says)
    };
    vec![
        transport(0, 2, format!("from port {}", datagram.source)),
        transport(2, 4, format!("to port {}", datagram.destination)),
        transport(4, 6, format!("{} bytes from here on", bytes.len())),
        transport(6, 8, format!("checksum of it and the addresses: {word}")),
    ]
}

// ANCHOR: text
/// The rows for a terminal, in colour or not.
pub fn text(rows: &[Row], color: bool) -> String {
    let mut text = String::new();
    let mut above = None;
    for Row { layer, bytes, says } in rows {
        let name = if above == Some(*layer) {
            ""
        } else {
            layer.name()
        };
        above = Some(*layer);
        for (at, piece) in bytes.chunks(8).enumerate() {
            let hex: Vec<String> = piece.iter().map(|b| format!("{b:02x}")).collect();
            let (name, says) = if at == 0 { (name, &says[..]) } else { ("", "") };
            let line = format!("{name:12} {:24} {says}", hex.join(" "));
            let line = line.trim_end();
            // Writing to a `String` cannot fail.
            let _ = match color {
                true => writeln!(text, "\x1b[{}m{line}\x1b[0m", layer.color()),
                false => writeln!(text, "{line}"),
            };
        }
    }
    text
}
// ANCHOR_END: text
