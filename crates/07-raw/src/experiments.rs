//! What the program prints for each experiment.

use std::io::{self, Write};
use std::net::{Ipv4Addr, SocketAddrV4, UdpSocket};
use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use lesson_7::broken::{self, Fate};
use lesson_7::icmp::{self, Message};
use lesson_7::igmp::{self, Heard, Record};
use lesson_7::layers::{self, Layer};
use lesson_7::ping::{Line, Outcome, Transport, ask};
use lesson_7::sockets::{self, Arrived};
use lesson_7::surprise::{Damage, measure};
use lesson_7::{ipv4, room, udp};

use crate::HOST;

/// Where the packets say that they come from; nothing is bound there.
pub const SOURCE: SocketAddrV4 = SocketAddrV4::new(HOST, 50_001);

/// The port of the tutorials' datagram server.
pub const TARGET: SocketAddrV4 = SocketAddrV4::new(HOST, 9999);

pub fn layers(out: &mut impl Write, ordinary: bool, color: bool) -> Result<()> {
    let capture = if ordinary {
        layers::capture_ordinary
    } else {
        layers::capture
    };
    let frame = capture(SOURCE, TARGET, b"good morning")
        .context("cannot capture a packet of our own")?;
    let mut rows = layers::rows(&frame).context("our own packet is malformed")?;
    if ordinary {
        rows.retain(|row| row.layer == Layer::Transport); // below is as in the other
    }
    Ok(out.write_all(layers::text(&rows, color).as_bytes())?)
}

// ANCHOR: doors
pub fn doors(out: &mut impl Write) -> Result<()> {
    let tell = |result: io::Result<()>| match result {
        Ok(()) => "yes".to_string(),
        Err(error) => format!("no: {error}"),
    };
    let raw = tell(sockets::raw_icmp().map(|_| ()));
    let ping = tell(sockets::ping_socket(0).map(|_| ()));
    let room = room::enter(); // last: what is opened after it is opened inside
    writeln!(out, "a raw socket, as things are    {raw}")?;
    writeln!(out, "a ping socket, as things are   {ping}")?;
    let closed = room.is_err();
    writeln!(out, "a network of our own           {}", tell(room))?;
    if closed {
        writeln!(out, "To be let in, {}", room::REMEDY)?;
    }
    Ok(())
}
// ANCHOR_END: doors

/// Loopback needs less than a millisecond; after this, something is wrong.
const PATIENCE: Duration = Duration::from_secs(10);

/// Every message that a raw socket gets while it sends one request.
pub fn trap(out: &mut impl Write) -> Result<()> {
    let (line, _) = Line::open(HOST, true).context("cannot open a raw socket")?;
    ask_and_tell(line, out)
}

/// Every message that a ping socket gets meanwhile.
pub fn ping_socket(own: bool, out: &mut impl Write) -> Result<()> {
    if own {
        room::allow_ping_sockets().context("cannot allow ping sockets")?;
    }
    let socket = sockets::ping_socket(7).context(
        "cannot open a ping socket; it takes a group in net.ipv4.ping_group_range",
    )?;
    ask_and_tell(Line::over(socket, false, HOST), out)
}

fn ask_and_tell(line: Line, out: &mut impl Write) -> Result<()> {
    let mut told = Told { line, out };
    let outcome = ask(&mut told, 7, 1, PATIENCE).context("cannot ping")?;
    let word = match outcome {
        Outcome::Reply(..) => "the reply",
        _ => "no reply",
    };
    writeln!(out, "so ping has {word}")?;
    Ok(())
}

/// A line that tells what passes.
struct Told<'a, W> {
    line: Line,
    out: &'a mut W,
}

impl<W: Write> Transport for Told<'_, W> {
    fn send(&mut self, message: &[u8]) -> io::Result<()> {
        writeln!(self.out, "sent      {}", told(message))?;
        self.line.send(message)
    }

    fn receive(
        &mut self,
        deadline: std::time::Instant,
    ) -> io::Result<Option<Arrived>> {
        let arrived = self.line.receive(deadline)?;
        if let Some(Arrived { message, .. }) = &arrived {
            writeln!(self.out, "received  {}", told(message))?;
        }
        Ok(arrived)
    }
}

/// What the kernel tells the routers when a program joins a group, and leaves it.
pub fn igmp(out: &mut impl Write) -> Result<()> {
    const GROUP: Ipv4Addr = Ipv4Addr::new(239, 1, 2, 3);
    let routers = igmp::listen().context("cannot listen for IGMP")?;
    let member =
        UdpSocket::bind((Ipv4Addr::UNSPECIFIED, 0)).context("cannot bind")?;
    let joined = member.join_multicast_v4(&GROUP, &HOST);
    joined.with_context(|| format!("cannot join {GROUP}"))?;
    writeln!(out, "joined {GROUP}")?;
    expect_report(&routers, 4, GROUP, out)?;
    let left = member.leave_multicast_v4(&GROUP, &HOST);
    left.with_context(|| format!("cannot leave {GROUP}"))?;
    writeln!(out, "left {GROUP}")?;
    expect_report(&routers, 3, GROUP, out)
}

fn expect_report(
    routers: &UdpSocket,
    kind: u8,
    group: Ipv4Addr,
    out: &mut impl Write,
) -> Result<()> {
    let record = Record { kind, group };
    let heard = igmp::next(routers, record, Instant::now() + PATIENCE)
        .context("cannot hear what is reported")?;
    let Heard { to, ttl, header } =
        heard.with_context(|| format!("nothing is reported of {group}"))?;
    let bytes = header.iter().skip(ipv4::HEADER);
    let options: Vec<String> = bytes.map(|byte| format!("{byte:02x}")).collect();
    let (length, options) = (header.len(), options.join(" "));
    writeln!(out, "  a report to {to}: record of type {kind}, {group}")?;
    writeln!(
        out,
        "  TTL {ttl}, a header of {length} bytes, options {options}"
    )?;
    Ok(())
}

fn told(message: &[u8]) -> String {
    match icmp::parse(message) {
        Ok(Message::EchoRequest(echo)) => format!(
            "type 8, request  identifier {} sequence {}",
            echo.identifier, echo.sequence
        ),
        Ok(Message::EchoReply(echo)) => format!(
            "type 0, reply    identifier {} sequence {}",
            echo.identifier, echo.sequence
        ),
        Ok(other) => format!("{other:?}"),
        Err(error) => error.to_string(),
    }
}

/// Only a network of our own may be silenced.
pub fn own_request(own: bool, out: &mut impl Write) -> Result<()> {
    if own {
        broken::silence_the_kernel().context("cannot silence the kernel")?;
        writeln!(out, "The kernel has been told to answer no request.")?;
    } else {
        writeln!(
            out,
            "This network is not ours: its kernel goes on answering."
        )?;
    }
    let (mut line, id) =
        Line::open(HOST, true).context("cannot open a raw socket")?;
    let hasty = broken::hasty(&mut line, id).context("cannot ping")?;
    writeln!(out, "a hasty ping:  {}", word(&hasty))?;
    let (mut line, id) =
        Line::open(HOST, true).context("cannot open a raw socket")?;
    let wait = Duration::from_millis(300);
    let patient = ask(&mut line, id, 1, wait).context("cannot ping")?;
    writeln!(out, "a patient one: {}", word(&patient))?;
    Ok(())
}

fn word(outcome: &Outcome) -> String {
    match outcome {
        Outcome::Reply(arrived, _) => {
            let kind = arrived.message.first().copied().unwrap_or_default();
            format!("0 % loss, with a message of type {kind}")
        }
        Outcome::Error(from, kind, code) => {
            format!("an error from {from}, type {kind}, code {code}")
        }
        Outcome::Lost => "100 % loss".into(),
    }
}

pub fn no_pseudo_header(out: &mut impl Write) -> Result<()> {
    let Fate { received, counted } = broken::without_pseudo_header(SOURCE, b"hello")
        .context("cannot send a wrong datagram")?;
    writeln!(out, "sendto: all bytes sent, no error")?;
    match received {
        Some(data) => writeln!(out, "received: \"{}\"", data.escape_ascii())?,
        None => writeln!(out, "received: nothing")?,
    }
    writeln!(out, "the kernel's InCsumErrors for UDP: {counted} more")?;
    Ok(())
}

pub fn twenty(out: &mut impl Write) -> Result<()> {
    let packets = broken::with_and_without_options(SOURCE, TARGET)?;
    for (packet, what) in packets.iter().zip(["20 bytes", "24 bytes"]) {
        let (from, to) = broken::ports_behind_twenty(packet).unwrap_or_default();
        writeln!(out, "a header of {what}: from port {from} to port {to}")?;
        let ip = lesson_7::ipv4::parse(packet)?;
        let right = udp::parse(ip.payload)?;
        let (from, to) = (right.source, right.destination);
        writeln!(out, "  and by the header length: {from} to {to}")?;
    }
    Ok(())
}

pub fn surprise(out: &mut impl Write) -> Result<()> {
    const PACKETS: u32 = 200_000;
    writeln!(out, "{PACKETS} packets of 64 bytes, damaged in four ways:")?;
    writeln!(out, "{:34} not noticed", "")?;
    for damage in Damage::ALL {
        let what = match damage {
            Damage::OneBit => "one bit turned over",
            Damage::TwoBits => "two bits turned over",
            Damage::Swapped => "two words of 16 bits swapped",
            Damage::Noise => "nothing of it left but chance",
        };
        let (unnoticed, changed) = measure(damage, PACKETS);
        let share = 100.0 * f64::from(unnoticed) / f64::from(changed.max(1));
        writeln!(out, "{what:34} {unnoticed:7} of {changed} ({share:.3} %)")?;
    }
    Ok(())
}
