//! Several addresses for a program that is to try one after another, each with a
//! manner of its own.
//!
//! The program is told of them over a connection that it keeps until the check is
//! done: so its process is still there to be looked at when its function has returned.

use std::io::{self, ErrorKind, Read, Write};
use std::net::{IpAddr, SocketAddr, TcpListener, TcpStream};
use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant};

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::net::{AddressFamily, SocketFlags, SocketType};
use wire::Side;

use super::child::Report;
use super::peer::{Peer, broken};
use super::stage::Stage;
use super::wait::On;
use crate::symptom::{Kind, Symptom};

/// What happens to who calls at an address.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Manner {
    /// The connection is made.
    Answers,
    /// Nobody listens: the kernel says no.
    Refuses,
    /// The queue is full: Linux drops the call and says nothing.
    Silent,
}

/// One address.
pub struct Door {
    address: SocketAddr,
    listener: TcpListener,
    /// What fills the queue of a silent one.
    _filler: Option<TcpStream>,
}

/// The addresses that a program was told of.
pub struct Street {
    doors: Vec<Door>,
    /// The program ends when this does.
    _line: TcpStream,
}

/// What the program was told.
pub struct Invitation {
    /// The addresses, in order.
    pub addresses: Vec<SocketAddr>,
    line: TcpStream,
}

/// Linux repeats a call after 1 s, and every second at first or after 3 and 7 s.
const REPEATED: Duration = Duration::from_secs(10);

/// The pause between two looks at a call that is under way.
const LOOK: Duration = Duration::from_millis(20);

impl Report {
    /// Waits for the addresses.
    ///
    /// # Errors
    ///
    /// If the check does not tell any.
    pub fn invitation(&self) -> io::Result<Invitation> {
        let mut line = TcpStream::connect(self.peer())?;
        let mut length = [0; 4];
        line.read_exact(&mut length)?;
        let mut text = vec![0; u32::from_be_bytes(length) as usize];
        line.read_exact(&mut text)?;
        let text = String::from_utf8_lossy(&text);
        let addresses = text.split_terminator(' ').map(str::parse);
        let addresses: Result<_, _> = addresses.collect();
        let addresses = addresses.map_err(io::Error::other)?;
        Ok(Invitation { addresses, line })
    }
}

impl Invitation {
    /// Stays until the check is done.
    pub fn stay(mut self) {
        let _ = self.line.read(&mut [0]); // the end, or a check that is gone
    }
}

impl Street {
    /// The address of this number.
    pub fn address(&self, door: usize) -> SocketAddr {
        self.doors[door].address
    }

    /// Empties the queue of a silent door: the next call there is answered.
    ///
    /// # Errors
    ///
    /// [`Kind::Broken`] where it was not full.
    pub fn open_up(&self, door: usize) -> Result<(), Symptom> {
        let accepted = self.doors[door].listener.accept();
        accepted.map_err(|error| broken("accept", error))?;
        Ok(())
    }
}

fn open(ip: IpAddr, manner: Manner) -> io::Result<Door> {
    let family = match ip {
        IpAddr::V4(_) => AddressFamily::INET,
        IpAddr::V6(_) => AddressFamily::INET6,
    };
    // Or the programs of other probes, started meanwhile, would have it open, too.
    #[cfg(target_os = "linux")]
    let flags = SocketFlags::CLOEXEC;
    #[cfg(not(target_os = "linux"))]
    let flags = SocketFlags::empty(); // there is no such flag
    let socket = rustix::net::socket_with(family, SocketType::STREAM, flags, None)?;
    rustix::net::bind(&socket, &SocketAddr::new(ip, 0))?;
    let backlog = match manner {
        Manner::Refuses => None,
        Manner::Answers => Some(16),
        Manner::Silent => Some(0), // Linux: room for one
    };
    if let Some(backlog) = backlog {
        rustix::net::listen(&socket, backlog)?;
    }
    let listener = TcpListener::from(socket);
    listener.set_nonblocking(true)?;
    let address = listener.local_addr()?;
    let mut filler = None;
    if manner == Manner::Silent {
        filler = Some(TcpStream::connect(address)?);
        until_called(&listener)?;
    }
    Ok(Door {
        address,
        listener,
        _filler: filler,
    })
}

/// Waits until the connection is in the queue: the client's end may know of it first.
fn until_called(listener: &TcpListener) -> io::Result<()> {
    let limit = Timespec {
        tv_sec: 10, // loopback needs far less than a second
        tv_nsec: 0,
    };
    let mut fds = [PollFd::new(listener, PollFlags::IN)];
    match poll(&mut fds, Some(&limit)) {
        Ok(1..) => Ok(()),
        Ok(0) => Err(ErrorKind::TimedOut.into()),
        Err(error) => Err(error.into()),
    }
}

impl Stage {
    /// Opens these doors and tells the program of them.
    ///
    /// # Errors
    ///
    /// [`Kind::Skipped`] where the machine lacks a family.
    pub fn street(&mut self, plan: &[(IpAddr, Manner)]) -> Result<Street, Symptom> {
        let mut doors = Vec::new();
        for &(ip, manner) in plan {
            let door = open(ip, manner).map_err(|error| match ip {
                IpAddr::V6(_) => no_ipv6(&error),
                IpAddr::V4(_) => broken("open a listener", error),
            })?;
            self.note(match manner {
                Manner::Answers => format!("{} answers", door.address),
                Manner::Refuses => format!("{} refuses", door.address),
                Manner::Silent => format!("{} is silent", door.address),
            });
            doors.push(door);
        }
        if doors.is_empty() {
            self.note("there is no address at all");
        }
        let mut line = self.take_line()?;
        let text: String = doors.iter().map(|d| format!("{} ", d.address)).collect();
        let mut message = (text.len() as u32).to_be_bytes().to_vec();
        message.extend_from_slice(text.as_bytes());
        line.write_all(&message)
            .map_err(|error| broken("tell the program its addresses", error))?;
        Ok(Street { doors, _line: line })
    }

    /// Accepts the program's own line, which is no part of the conversation.
    fn take_line(&mut self) -> Result<TcpStream, Symptom> {
        let listener = self.listener.clone().expect("this peer listens");
        let on = On::Call(Arc::clone(&listener));
        let line = self.wait(&on, |_| match listener.accept() {
            Ok((line, _)) => Ok(Some(line)),
            Err(error) if error.kind() == ErrorKind::WouldBlock => Ok(None),
            Err(error) => Err(broken("accept", error)),
        })?;
        let line = line.map_err(|idle| {
            let summary = "the program did not ask for its addresses";
            Symptom::new(Kind::Gone, summary).while_idle(idle)
        })?;
        line.set_nonblocking(false)
            .map_err(|error| broken("set a connection up", error))?;
        Ok(line)
    }

    /// Takes the next call at this door, if there has been one.
    ///
    /// # Errors
    ///
    /// [`Kind::Broken`] where accepting fails.
    pub fn caller_at(
        &mut self,
        street: &Street,
        door: usize,
    ) -> Result<Option<Peer>, Symptom> {
        match street.doors[door].listener.accept() {
            Ok((stream, _)) => {
                self.links += 1;
                let peer = Peer::new(stream, self.links, self.recorder.clone())
                    .map_err(|error| broken("set a connection up", error))?;
                let ends = format!("{} -> {}", peer.remote(), peer.local());
                self.recorder.connect(self.links, Side::Right, ends);
                Ok(Some(peer))
            }
            // A caller that was there and has reset its call is none.
            Err(error)
                if matches!(
                    error.kind(),
                    ErrorKind::WouldBlock | ErrorKind::ConnectionAborted
                ) =>
            {
                Ok(None)
            }
            Err(error) => Err(broken("accept", error)),
        }
    }

    /// Whether the program has a socket that is connected to this address, or on its
    /// way there; unknown where the kernel does not tell.
    pub fn is_calling(&self, address: SocketAddr) -> Option<bool> {
        let process = xray::look(self.program.pid()).ok()?;
        let there = |socket: &xray::TcpSocket| socket.remote == Some(address);
        Some(process.tcp().any(|(_, socket)| there(socket)))
    }

    /// Where the program listens; unknown where the kernel does not tell.
    pub fn listens_at(&self) -> Option<Vec<SocketAddr>> {
        let process = xray::look(self.program.pid()).ok()?;
        let listening = process.tcp().filter(|(_, socket)| socket.is_listening());
        Some(listening.map(|(_, socket)| socket.local).collect())
    }

    /// Waits until the program calls at this door.
    ///
    /// # Errors
    ///
    /// [`Kind::NoAnswer`] where it comes to rest, or returns, without.
    pub fn until_calling(&mut self, address: SocketAddr) -> Result<(), Symptom> {
        let calls = self.wait(&On::Nothing, |stage| {
            let calls = stage.is_calling(address).unwrap_or(true);
            Ok((calls || stage.returned.is_some()).then_some(calls))
        })?;
        let summary = format!("your program did not call at {address}");
        match calls {
            Ok(true) => Ok(()),
            Ok(false) => {
                let got = match &self.returned {
                    Some(Err(error)) => format!("an error: {error}"),
                    _ => "a connection to another address".into(),
                };
                Err(Symptom::new(Kind::NoAnswer, summary)
                    .with_words(format!("an attempt at {address}"), got))
            }
            Err(idle) => Err(Symptom::new(Kind::NoAnswer, summary).while_idle(idle)),
        }
    }

    /// Waits until the program has nothing to do with this address any more.
    ///
    /// # Errors
    ///
    /// [`Kind::Leaks`] where it comes to rest with a connection to it.
    pub fn until_left(&mut self, address: SocketAddr) -> Result<(), Symptom> {
        let start = Instant::now();
        loop {
            let tried = self.is_trying(address);
            let left = self.wait(&On::Nothing, |stage| {
                let calls = stage.is_calling(address).unwrap_or(false);
                Ok((!calls).then_some(()))
            })?;
            let Err(idle) = left else { return Ok(()) };
            // The program sleeps, but the kernel is not done: it repeats a call that
            // nobody has answered. Where that has succeeded just now, the program has
            // not been seen asleep since.
            if (tried || self.is_trying(address)) && start.elapsed() < REPEATED {
                thread::sleep(LOOK);
                continue;
            }
            let summary = "a connection that lost the race stays open";
            return Err(Symptom::new(Kind::Leaks, summary)
                .with_words(
                    format!("no connection to {address} any more"),
                    "one that nobody closes",
                )
                .while_idle(idle));
        }
    }

    /// Waits while the kernel tries to bring a call to this address about, which it
    /// repeats after a second or more. The program sleeps meanwhile.
    pub fn while_calling(&mut self, address: SocketAddr) {
        let start = Instant::now();
        while self.returned.is_none()
            && start.elapsed() < REPEATED
            && self.is_trying(address)
        {
            thread::sleep(LOOK);
            self.hear();
        }
    }

    /// Whether the program has a call to this address under way that is not answered.
    fn is_trying(&self, address: SocketAddr) -> bool {
        xray::look(self.program.pid()).is_ok_and(|process| {
            let mut sockets = process.tcp().map(|(_, socket)| socket);
            sockets.any(|socket| {
                socket.remote == Some(address) && socket.state == "SYN-SENT"
            })
        })
    }
}

/// A probe that this machine cannot play.
pub fn no_ipv6(error: &io::Error) -> Symptom {
    let why = format!("this machine has no IPv6: cannot bind ::1 ({error})");
    Symptom::new(Kind::Skipped, why)
}
