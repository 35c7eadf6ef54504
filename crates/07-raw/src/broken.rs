//! Programs that are wrong on purpose, each in one thing.

use std::fs;
use std::io;
use std::net::{Ipv4Addr, SocketAddrV4};
use std::time::{Duration, Instant};

use crate::checksum::checksum;
use crate::icmp::{self, Message};
use crate::ping::{Outcome, Transport};
use crate::{by_hand, ipv4, udp};

/// How long to wait for what should not come.
const SHORT: Duration = Duration::from_millis(300);

// ANCHOR: own_request
/// A ping that takes the first message with its identifier for the reply.
///
/// # Errors
///
/// If the transport fails.
pub fn hasty(line: &mut impl Transport, identifier: u16) -> io::Result<Outcome> {
    let sent = Instant::now();
    line.send(&icmp::echo_request(identifier, 1, b"hello"))?;
    while let Some(arrived) = line.receive(sent + SHORT)? {
        if let Ok(Message::EchoRequest(echo) | Message::EchoReply(echo)) =
            icmp::parse(&arrived.message)
            && echo.identifier == identifier
        {
            return Ok(Outcome::Reply(arrived, sent.elapsed()));
        }
    }
    Ok(Outcome::Lost)
}
// ANCHOR_END: own_request

/// Tells the kernel to answer no echo request any more, in this network.
///
/// # Errors
///
/// If that is not ours to tell.
pub fn silence_the_kernel() -> io::Result<()> {
    fs::write("/proc/sys/net/ipv4/icmp_echo_ignore_all", "1")
}

/// What became of a datagram that is wrong in one thing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fate {
    /// What the receiver's program got.
    pub received: Option<Vec<u8>>,
    /// By how much the kernel's count of wrong checksums has grown.
    pub counted: u64,
}

// ANCHOR: no_pseudo
/// Sends a datagram whose checksum is that of the datagram alone.
///
/// # Errors
///
/// If it cannot be sent, or the kernel's count cannot be read.
pub fn without_pseudo_header(source: SocketAddrV4, data: &[u8]) -> io::Result<Fate> {
    let (receiver, destination) =
        by_hand::receiver(SocketAddrV4::new(Ipv4Addr::LOCALHOST, 0))?;
    let mut datagram = udp::build(source, destination, data)?;
    datagram[6..8].fill(0);
    let sum = checksum(&datagram).to_be_bytes();
    datagram[6..8].copy_from_slice(&sum);

    let before = wrong_checksums()?;
    by_hand::send_as_it_is(source, destination, &[], &datagram)?;
    receiver.set_read_timeout(Some(SHORT))?;
    let mut buffer = [0; 64];
    let received = receiver.recv(&mut buffer).ok();
    Ok(Fate {
        received: received.map(|length| buffer[..length].to_vec()),
        counted: wrong_checksums()? - before,
    })
}
// ANCHOR_END: no_pseudo

/// How many datagrams with a wrong checksum the kernel has thrown away, in this
/// network: `InCsumErrors` of the rows that begin with `Udp:`.
fn wrong_checksums() -> io::Result<u64> {
    let table = fs::read_to_string("/proc/self/net/snmp")?;
    let mut rows = table.lines().filter_map(|line| line.strip_prefix("Udp: "));
    let (names, numbers) = (rows.next(), rows.next());
    let mut columns = names.iter().zip(&numbers).flat_map(|(names, numbers)| {
        names.split_whitespace().zip(numbers.split_whitespace())
    });
    let count = columns.find(|(name, _)| *name == "InCsumErrors");
    let count = count.and_then(|(_, number)| number.parse().ok());
    count.ok_or_else(|| {
        let why = "/proc/self/net/snmp has no InCsumErrors for UDP";
        io::Error::new(io::ErrorKind::InvalidData, why)
    })
}

// ANCHOR: twenty
/// Finds the ports of a UDP packet, if every IP header has 20 bytes.
pub fn ports_behind_twenty(packet: &[u8]) -> Option<(u16, u16)> {
    let ports = packet.get(20..24)?;
    Some((
        u16::from_be_bytes([ports[0], ports[1]]),
        u16::from_be_bytes([ports[2], ports[3]]),
    ))
}
// ANCHOR_END: twenty

/// The same packet twice: as usual, and with an option of four bytes that does
/// nothing (three times "no operation", and the end of the list).
///
/// # Errors
///
/// Never: both fit.
pub fn with_and_without_options(
    source: SocketAddrV4,
    destination: SocketAddrV4,
) -> io::Result<[Vec<u8>; 2]> {
    let datagram = udp::build(source, destination, b"hello")?;
    let ends = (*source.ip(), *destination.ip());
    let packet = |options| ipv4::build(ends, ipv4::UDP, options, &datagram);
    Ok([packet(&[])?, packet(&[1, 1, 1, 0])?])
}
