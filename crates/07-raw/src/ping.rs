//! The conversation of ping, and its statistics.

use std::io;
use std::net::{Ipv4Addr, SocketAddr, UdpSocket};
use std::time::{Duration, Instant};

use crate::icmp::{self, Message};
use crate::sockets::{self, Arrived};

/// What comes back in every reply; 56 bytes, as many as ping has always sent.
const DATA: [u8; 56] = [b'.'; 56];

// ANCHOR: transport
/// What ping needs of a socket, so that it can be tried without one.
pub trait Transport {
    /// Sends an ICMP message.
    ///
    /// # Errors
    ///
    /// If it cannot be sent.
    fn send(&mut self, message: &[u8]) -> io::Result<()>;

    /// The next ICMP message; `None` if there is none until `deadline`.
    ///
    /// # Errors
    ///
    /// If nothing can be received.
    fn receive(&mut self, deadline: Instant) -> io::Result<Option<Arrived>>;
}
// ANCHOR_END: transport

/// A socket for ICMP, and whom it talks to.
#[derive(Debug)]
pub struct Line {
    socket: UdpSocket,
    raw: bool,
    target: Ipv4Addr,
}

impl Line {
    /// A raw socket, which takes a right, or a ping socket, which may take none; and
    /// the identifier to use with it.
    ///
    /// # Errors
    ///
    /// If the socket cannot be had.
    pub fn open(target: Ipv4Addr, raw: bool) -> io::Result<(Self, u16)> {
        let socket = if raw {
            sockets::raw_icmp()?
        } else {
            sockets::ping_socket(0)?
        };
        let identifier = match raw {
            true => std::process::id() as u16, // its lower half, as ping does
            false => socket.local_addr()?.port(), // the kernel's choice
        };
        Ok((Self::over(socket, raw, target), identifier))
    }

    /// The same over a socket that there is already.
    pub fn over(socket: UdpSocket, raw: bool, target: Ipv4Addr) -> Self {
        Self {
            socket,
            raw,
            target,
        }
    }
}

impl Transport for Line {
    fn send(&mut self, message: &[u8]) -> io::Result<()> {
        let target = SocketAddr::from((self.target, 0)); // ICMP has no ports
        self.socket.send_to(message, target).map(|_| ())
    }

    fn receive(&mut self, deadline: Instant) -> io::Result<Option<Arrived>> {
        sockets::receive(&self.socket, self.raw, deadline)
    }
}

/// What became of one request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome {
    /// The reply, and how long it took.
    Reply(Arrived, Duration),
    /// Somebody says that the request did not get there: the type and the code.
    Error(Ipv4Addr, u8, u8),
    /// Nothing came in time.
    Lost,
}

// ANCHOR: ask
/// Sends one request and waits for what becomes of it.
///
/// Many messages are not the answer: our own request, which a raw socket on loopback
/// gets first; the replies to other programs; a reply to an earlier request, which is
/// late, or has come twice. They are skipped, and the deadline stays where it is.
///
/// # Errors
///
/// If the transport fails.
pub fn ask(
    line: &mut impl Transport,
    identifier: u16,
    sequence: u16,
    wait: Duration,
) -> io::Result<Outcome> {
    let sent = Instant::now();
    line.send(&icmp::echo_request(identifier, sequence, &DATA))?;
    let ours = (identifier, sequence);
    while let Some(arrived) = line.receive(sent + wait)? {
        match icmp::parse(&arrived.message) {
            Ok(Message::EchoReply(echo))
                if (echo.identifier, echo.sequence) == ours =>
            {
                return Ok(Outcome::Reply(arrived, sent.elapsed()));
            }
            Ok(
                Message::Unreachable(code, quote)
                | Message::TimeExceeded(code, quote),
            ) if icmp::quoted_request(quote) == Some(ours) => {
                let kind = arrived.message[0];
                return Ok(Outcome::Error(arrived.from, kind, code));
            }
            _ => {} // a request, or what we do not understand
        }
    }
    Ok(Outcome::Lost)
}
// ANCHOR_END: ask

// ANCHOR: statistics
/// What ping says in the end.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Statistics {
    /// How many requests went out.
    pub sent: u32,
    /// How many errors came back.
    pub errors: u32,
    /// How long each reply took.
    pub times: Vec<Duration>,
}

impl Statistics {
    /// Takes in what became of a request that is already counted as sent.
    pub fn add(&mut self, outcome: &Outcome) {
        match outcome {
            Outcome::Reply(_, time) => self.times.push(*time),
            Outcome::Error(..) => self.errors += 1,
            Outcome::Lost => {}
        }
    }

    /// How many of a hundred requests had no reply.
    pub fn loss(&self) -> f64 {
        let lost = f64::from(self.sent) - self.times.len() as f64;
        100.0 * lost / f64::from(self.sent.max(1))
    }

    /// The shortest, the mean and the longest time, in milliseconds, and by how much
    /// they deviate: the root of the mean of the squares. `None` without a reply.
    pub fn spread(&self) -> Option<[f64; 4]> {
        let times = self.times.iter().map(|time| time.as_secs_f64() * 1e3);
        let count = self.times.len() as f64;
        let mean = times.clone().sum::<f64>() / count;
        let squares = times.clone().map(|time| (time - mean).powi(2)).sum::<f64>();
        let least = times.clone().reduce(f64::min)?;
        let most = times.reduce(f64::max)?;
        Some([least, mean, most, (squares / count).sqrt()])
    }

    /// The exit code of ping: 0 if anything came back, else 1.
    pub fn exit_code(&self) -> u8 {
        u8::from(self.times.is_empty())
    }
}
// ANCHOR_END: statistics
