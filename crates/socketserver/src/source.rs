//! Where requests come from: connections that are accepted, datagrams that are received.

use std::cell::RefCell;
use std::io;
use std::sync::atomic::Ordering;

use socket2::{SockAddr, Socket};

use crate::addr::{Addr, Peer};
use crate::buffer;
use crate::error::Error;
use crate::session::House;

/// Where requests come from.
pub(crate) trait Source {
    /// What comes.
    type Request: Asks;

    /// The next one, if one is there.
    fn next(&self, house: &House) -> io::Result<Option<Self::Request>>;

    /// Turns it away.
    fn refuse(&self, house: &House, request: Self::Request, words: Option<&[u8]>);
}

fn or_none<T>(result: io::Result<T>) -> io::Result<Option<T>> {
    match result {
        Ok(value) => Ok(Some(value)),
        Err(error) if error.kind() == io::ErrorKind::WouldBlock => Ok(None),
        Err(error) => Err(error),
    }
}

fn next_id(house: &House) -> u64 {
    house.core.counters.accepted.load(Ordering::Relaxed) + 1
}

/// A connection that was accepted.
pub(crate) struct Visitor {
    pub(crate) socket: Socket,
    pub(crate) peer: Peer,
}

/// The connections of a listener.
pub(crate) struct Visitors<'a> {
    listener: &'a Socket,
    /// The address of all of them, where it is not a wildcard.
    local: Option<Addr>,
}

impl<'a> Visitors<'a> {
    pub(crate) fn new(listener: &'a Socket, addr: &Addr) -> Self {
        let wildcard = addr
            .as_inet()
            .is_some_and(|addr| addr.ip().is_unspecified());
        Self {
            listener,
            local: (!wildcard).then(|| addr.clone()),
        }
    }
}

impl Source for Visitors<'_> {
    type Request = Visitor;

    fn next(&self, house: &House) -> io::Result<Option<Visitor>> {
        let Some((socket, addr)) = or_none(self.listener.accept())? else {
            return Ok(None);
        };
        // Elsewhere than on Linux it is nonblocking as the listener is.
        #[cfg(not(any(target_os = "linux", target_os = "android")))]
        socket.set_nonblocking(false)?;
        let local = match &self.local {
            Some(addr) => addr.clone(),
            None => Addr::of(&socket.local_addr()?),
        };
        let peer = crate::server::peer(&addr, &local, next_id(house));
        Ok(Some(Visitor { socket, peer }))
    }

    fn refuse(&self, house: &House, visitor: Visitor, words: Option<&[u8]>) {
        house.refuse(visitor.socket, &visitor.peer, words);
    }
}

/// A datagram that was received.
pub(crate) struct Packet {
    pub(crate) data: Vec<u8>,
    pub(crate) from: SockAddr,
    pub(crate) peer: Peer,
}

/// The datagrams of a socket.
pub(crate) struct Packets<'a> {
    socket: &'a Socket,
    local: &'a Addr,
    most: usize,
    scratch: RefCell<Vec<u8>>,
}

impl<'a> Packets<'a> {
    pub(crate) fn new(socket: &'a Socket, local: &'a Addr, most: usize) -> Self {
        Self {
            socket,
            local,
            most,
            scratch: RefCell::default(),
        }
    }

    fn receive(&self) -> io::Result<Option<(Vec<u8>, SockAddr, usize)>> {
        let mut scratch = self.scratch.borrow_mut();
        scratch.clear();
        let mut from = None;
        // A byte more than may come tells what was cut.
        let room = self.most.saturating_add(1);
        let length = buffer::fill(&mut scratch, room, |room| {
            let (length, addr) = self.socket.recv_from(room)?;
            from = Some(addr);
            Ok(length)
        });
        let Some(length) = or_none(length)? else {
            return Ok(None);
        };
        Ok(from.map(|from| (scratch.as_slice().to_vec(), from, length)))
    }
}

impl Source for Packets<'_> {
    type Request = Packet;

    fn next(&self, house: &House) -> io::Result<Option<Packet>> {
        while let Some((data, from, length)) = self.receive()? {
            let peer = crate::server::peer(&from, self.local, next_id(house));
            if length <= self.most {
                return Ok(Some(Packet { data, from, peer }));
            }
            house.core.counters.accepted.fetch_add(1, Ordering::Relaxed);
            house.failed(&peer, &Error::Truncated(self.most));
        }
        Ok(None)
    }

    fn refuse(&self, house: &House, packet: Packet, words: Option<&[u8]>) {
        house.core.counters.refused.fetch_add(1, Ordering::Relaxed);
        if let Some(words) = words {
            // Who cannot be told does without: nobody waits here.
            let _ = self.socket.send_to(words, &packet.from);
        }
    }
}

/// A request that knows who asks.
pub(crate) trait Asks: Send + 'static {
    fn peer(&self) -> &Peer;
}

impl Asks for Visitor {
    fn peer(&self) -> &Peer {
        &self.peer
    }
}

impl Asks for Packet {
    fn peer(&self) -> &Peer {
        &self.peer
    }
}
