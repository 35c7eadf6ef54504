//! The whole lesson in one terminal, in a network of its own and in one thread: what
//! is sent there has arrived when the call that sends it returns.

use std::io::Write;
use std::net::SocketAddrV4;
use std::time::Duration;

use anyhow::{Context, Result};
use lesson_7::checksum::{checksum, holds};
use lesson_7::ping::{Line, Statistics, ask};
use lesson_7::{by_hand, udp};

use crate::experiments::{self, SOURCE};
use crate::{HOST, experiments::TARGET};

/// Loopback needs less than a millisecond; after this, something is wrong.
const PATIENCE: Duration = Duration::from_secs(10);

pub fn play(out: &mut impl Write) -> Result<()> {
    writeln!(out, "CHECKSUM: the sum of all words, turned over\n")?;
    sums(out)?;
    writeln!(out, "\nLAYERS: a packet, as it passes on the loopback\n")?;
    experiments::layers(out, false, false)?;
    writeln!(out, "\nUDP BY HAND: sent by nobody, received as usual\n")?;
    datagram(TARGET, b"good morning", out)?;
    writeln!(out, "\nICMP: what a raw socket gets\n")?;
    experiments::trap(out)?;
    writeln!(out, "\nPING: three requests\n")?;
    three(out)
}

fn sums(out: &mut impl Write) -> Result<()> {
    let mut words = vec![0x00, 0x01, 0xf2, 0x03, 0xf4, 0xf5, 0xf6, 0xf7];
    let sum = checksum(&words);
    writeln!(
        out,
        "0001 f203 f4f5 f6f7       sum {:04x}, checksum {sum:04x}",
        !sum
    )?;
    words.extend(sum.to_be_bytes());
    let holds = if holds(&words) {
        "holds"
    } else {
        "does not hold"
    };
    writeln!(out, "0001 f203 f4f5 f6f7 {sum:04x}  {holds}")?;
    Ok(())
}

// ANCHOR: datagram
/// Sends a datagram by hand to an ordinary socket, which tells what it gets.
pub fn datagram(
    target: SocketAddrV4,
    data: &[u8],
    out: &mut impl Write,
) -> Result<()> {
    let (receiver, target) =
        by_hand::receiver(target).with_context(|| format!("cannot bind {target}"))?;
    receiver.set_read_timeout(Some(PATIENCE))?;
    writeln!(out, "listening on {target}")?;
    let packet = by_hand::send(SOURCE, target, data)
        .with_context(|| format!("cannot send a packet to {target}"))?;
    let (length, most) = (packet.len(), packet.len() - udp::HEADER - 20);
    writeln!(out, "sent      {length} bytes, {most} of them data")?;

    let mut buffer = [0; 100];
    let (length, from) = receiver
        .recv_from(&mut buffer)
        .with_context(|| format!("nothing arrived at {target}"))?;
    let data = buffer[..length].escape_ascii();
    writeln!(out, "received  \"{data}\" from {from}")?;
    Ok(())
}
// ANCHOR_END: datagram

fn three(out: &mut impl Write) -> Result<()> {
    let (mut line, id) =
        Line::open(HOST, true).context("cannot open a raw socket")?;
    let mut statistics = Statistics::default();
    for sequence in 1..=3 {
        statistics.sent += 1;
        let outcome = ask(&mut line, id, sequence, PATIENCE);
        statistics.add(&outcome.context("cannot ping")?);
    }
    let (sent, received) = (statistics.sent, statistics.times.len());
    let loss = statistics.loss();
    writeln!(
        out,
        "{sent} packets transmitted, {received} received, {loss}% packet loss"
    )?;
    Ok(())
}
