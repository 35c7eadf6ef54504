//! The kernel's socket monitoring, sock_diag(7): what ss(8) asks.
//!
//! It answers from the same tables as `/proc/PID/net/tcp`, and is preferred for two
//! reasons. It tells how long an accept queue may grow and how many bytes wait in a
//! Unix socket, which `/proc` does not. And it is quick: to print `net/tcp` the
//! kernel walks its whole hash table, for IPv4 and IPv6 each, and on a machine with
//! much memory that table has hundreds of thousands of slots. Here that took 4 ms
//! each, this 0.1 ms.
//!
//! It tells of the caller's network namespace only; for a process in another one
//! there is `/proc`.
//!
//! The messages are laid out in the kernel's `include/uapi/linux/netlink.h`,
//! `inet_diag.h` and `unix_diag.h`: native byte order but for ports and addresses.

use crate::rows::TcpRow;
use crate::socket::TcpSocket;
use rustix::buffer::spare_capacity;
use rustix::fd::OwnedFd;
use rustix::net::{
    self, AddressFamily, RecvFlags, SendFlags, SocketFlags, SocketType,
};
use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::time::Duration;

/// A conversation with the kernel about sockets.
pub(crate) struct Diag {
    socket: OwnedFd,
}

/// Which TCP sockets to list: bit N for the state of number N.
pub(crate) const LISTENING: u32 = 1 << 10;
/// All that are of use to a process. Not TIME-WAIT (6): nobody holds those any more,
/// and after a busy hour there may be thousands. Not "bound, inactive" (13): to find
/// them the kernel walks a second table, and that takes half as long again.
pub(crate) const HELD: u32 = EVERY & !(1 << 6) & !(1 << 13);
/// All that there are.
pub(crate) const EVERY: u32 = u32::MAX;

/// IPv4 or IPv6, by their numbers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Family {
    V4 = 2,
    V6 = 10,
}

/// What only this source tells of a Unix socket.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub(crate) struct UnixQueues {
    /// The inode of the socket at the other end.
    pub peer: Option<u64>,
    /// Of a listener: connections that wait. Else: bytes unread.
    pub received: Option<u32>,
    /// Of a listener: how many may wait. Else not a number that helps.
    pub limit: Option<u32>,
}

// netlink(7)
const REQUEST: u16 = 0x1;
const DUMP: u16 = 0x300;
const SOCK_DIAG_BY_FAMILY: u16 = 20;
const ERROR: u16 = 2;
const DONE: u16 = 3;
const HEADER: usize = 16;

impl Diag {
    pub(crate) fn open() -> io::Result<Diag> {
        let socket = net::socket_with(
            AddressFamily::NETLINK,
            SocketType::RAW,
            SocketFlags::CLOEXEC,
            Some(net::netlink::SOCK_DIAG),
        )?;
        // The kernel answers while it handles the request. Should an answer ever go
        // missing, an error is better than a caller that hangs.
        let limit = Some(Duration::from_secs(1));
        net::sockopt::set_socket_timeout(
            &socket,
            net::sockopt::Timeout::Recv,
            limit,
        )?;
        Ok(Diag { socket })
    }

    /// The TCP sockets of a family in some of the states, with their inodes (0 for
    /// one that no process holds).
    pub(crate) fn tcp(
        &self,
        family: Family,
        states: u32,
        port: u16,
    ) -> io::Result<Vec<(u64, TcpSocket)>> {
        const TCP: u8 = 6;
        let mut request = vec![family as u8, TCP, 0, 0];
        request.extend(states.to_ne_bytes());
        request.extend(port.to_be_bytes());
        request.extend([0; 46]); // any other port, any addresses
        let mut sockets = Vec::new();
        self.ask(&request, DUMP, |answer| sockets.extend(tcp_socket(answer)))?;
        Ok(sockets)
    }

    /// The queues of the Unix socket with this inode.
    pub(crate) fn unix(&self, inode: u64) -> io::Result<UnixQueues> {
        const UNIX: u8 = 1;
        const SHOW_PEER_AND_QUEUES: u32 = 0x4 | 0x10;
        let inode = u32::try_from(inode).map_err(io::Error::other)?;
        let mut request = vec![UNIX, 0, 0, 0];
        for field in [EVERY, inode, SHOW_PEER_AND_QUEUES, u32::MAX, u32::MAX] {
            request.extend(field.to_ne_bytes()); // the last two: any cookie
        }
        let mut queues = UnixQueues::default();
        self.ask(&request, 0, |answer| queues = unix_queues(answer))?;
        Ok(queues)
    }

    /// Sends one request and hands over the body of each answer to it.
    fn ask(
        &self,
        request: &[u8],
        flags: u16,
        mut each: impl FnMut(&[u8]),
    ) -> io::Result<()> {
        net::send(&self.socket, &message(request, flags), SendFlags::empty())?;
        // The kernel makes no datagram longer than this: netlink(7).
        let mut buffer = Vec::with_capacity(32 * 1024);
        loop {
            buffer.clear();
            net::recv(
                &self.socket,
                spare_capacity(&mut buffer),
                RecvFlags::empty(),
            )?;
            for (kind, body) in messages(&buffer) {
                match kind {
                    DONE => return Ok(()),
                    ERROR => return Err(refusal(body)),
                    _ => each(body),
                }
            }
            if flags & DUMP == 0 || buffer.is_empty() {
                return Ok(());
            }
        }
    }
}

fn message(request: &[u8], flags: u16) -> Vec<u8> {
    let length = u32::try_from(HEADER + request.len()).unwrap_or(u32::MAX);
    let mut message = length.to_ne_bytes().to_vec();
    message.extend(SOCK_DIAG_BY_FAMILY.to_ne_bytes());
    message.extend((REQUEST | flags).to_ne_bytes());
    message.extend([0; 8]); // sequence and port numbers: one question at a time
    message.extend(request);
    message
}

/// The messages in a datagram, each its type and its body. Bytes that are no whole
/// message end it.
fn messages(mut bytes: &[u8]) -> impl Iterator<Item = (u16, &[u8])> {
    std::iter::from_fn(move || {
        let length = u32_at(bytes, 0)? as usize;
        let kind = u16::from_ne_bytes(array(bytes, 4)?);
        let body = bytes.get(HEADER..length)?;
        bytes = bytes.get(length.next_multiple_of(4)..).unwrap_or_default();
        Some((kind, body))
    })
}

/// The error number that an error message carries, negated.
fn refusal(body: &[u8]) -> io::Error {
    let number = array(body, 0).map_or(0, i32::from_ne_bytes);
    io::Error::from_raw_os_error(number.saturating_neg())
}

/// `struct inet_diag_msg`.
fn tcp_socket(body: &[u8]) -> Option<(u64, TcpSocket)> {
    let family = *body.first()?;
    let port = |at| Some(u16::from_be_bytes(array(body, at)?));
    let address = |at| ip(family, body, at);
    let local = SocketAddr::new(address(8)?, port(4)?);
    let remote = SocketAddr::new(address(24)?, port(6)?);
    let (received, sent) = (u32_at(body, 56)?, u32_at(body, 60)?);
    let inode = u64::from(u32_at(body, 68)?);
    let row = TcpRow {
        local,
        remote,
        state: *body.get(1)?,
        received,
        sent,
        backlog: Some(sent), // of a listener: `sent` is its limit
    };
    Some((inode, row.into()))
}

fn ip(family: u8, body: &[u8], at: usize) -> Option<IpAddr> {
    match family {
        2 => Some(Ipv4Addr::from(array::<4>(body, at)?).into()),
        10 => Some(Ipv6Addr::from(array::<16>(body, at)?).into()),
        _ => None,
    }
}

/// `struct unix_diag_msg` and the attributes behind it.
fn unix_queues(body: &[u8]) -> UnixQueues {
    const PEER: u16 = 2;
    const QUEUES: u16 = 4;
    let mut queues = UnixQueues::default();
    let mut rest = body.get(16..).unwrap_or_default();
    // Each attribute: its length, its type, its value (netlink(7)).
    while let (Some(length), Some(kind)) = (array(rest, 0), array(rest, 2)) {
        let length = usize::from(u16::from_ne_bytes(length));
        let Some(value) = rest.get(4..length) else {
            break;
        };
        match u16::from_ne_bytes(kind) {
            PEER => queues.peer = u32_at(value, 0).map(u64::from),
            QUEUES => {
                queues.received = u32_at(value, 0);
                queues.limit = u32_at(value, 4);
            }
            _ => {}
        }
        rest = rest.get(length.next_multiple_of(4)..).unwrap_or_default();
    }
    queues
}

fn u32_at(bytes: &[u8], at: usize) -> Option<u32> {
    array(bytes, at).map(u32::from_ne_bytes)
}

fn array<const N: usize>(bytes: &[u8], at: usize) -> Option<[u8; N]> {
    bytes.get(at..)?.first_chunk().copied()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A `struct inet_diag_msg` between 127.0.0.1:8009 and 127.0.0.1:50000.
    fn inet(state: u8, received: u32, sent: u32) -> Vec<u8> {
        let mut body = vec![2, state, 0, 0];
        body.extend(8009u16.to_be_bytes());
        body.extend(50000u16.to_be_bytes());
        for ip in [[127, 0, 0, 1], [127, 0, 0, 1]] {
            body.extend(ip);
            body.extend([0; 12]);
        }
        body.extend([0; 12]); // interface, cookie
        for field in [0, received, sent, 1000, 77] {
            body.extend(u32::to_ne_bytes(field));
        }
        body
    }

    #[test]
    fn a_connection_has_bytes_in_its_queues_and_a_listener_connections() {
        let (inode, socket) = tcp_socket(&inet(1, 5, 6)).expect("a whole message");
        assert_eq!(inode, 77);
        assert_eq!(socket.local.to_string(), "127.0.0.1:8009");
        assert_eq!(
            socket.remote.map(|at| at.to_string()),
            Some("127.0.0.1:50000".into())
        );
        assert_eq!((socket.unread, socket.unsent), (5, 6));
        assert_eq!((socket.waiting, socket.backlog), (None, None));

        let (_, listener) = tcp_socket(&inet(10, 2, 128)).expect("a whole message");
        assert_eq!(listener.state, "LISTEN");
        assert_eq!((listener.unread, listener.unsent), (0, 0));
        assert_eq!((listener.waiting, listener.backlog), (Some(2), Some(128)));
    }

    #[test]
    fn a_unix_socket_has_a_peer_and_queues() {
        let mut body = vec![0; 16];
        let mut attribute = |kind: u16, value: &[u8]| {
            let length = u16::try_from(4 + value.len()).expect("short");
            body.extend(length.to_ne_bytes());
            body.extend(kind.to_ne_bytes());
            body.extend(value);
            body.resize(body.len().next_multiple_of(4), 0);
        };
        attribute(6, &[1]); // the state of shutdown: one byte, and padding
        attribute(2, &99u32.to_ne_bytes());
        attribute(4, &[3u32.to_ne_bytes(), 128u32.to_ne_bytes()].concat());
        let expected = UnixQueues {
            peer: Some(99),
            received: Some(3),
            limit: Some(128),
        };
        assert_eq!(unix_queues(&body), expected);
    }

    #[test]
    fn a_datagram_holds_several_messages() {
        let mut bytes = message(b"abcde", 0);
        bytes.resize(bytes.len().next_multiple_of(4), 0);
        bytes.extend(message(b"", DUMP));
        let found: Vec<_> = messages(&bytes).collect();
        assert_eq!(found, [(20, &b"abcde"[..]), (20, &b""[..])]);
    }

    #[test]
    fn no_bytes_at_all_make_a_parser_panic_or_run_for_ever() {
        for seed in 0..20_000 {
            let mut random = fastrand::Rng::with_seed(seed);
            let mut bytes = inet(1, 5, 6);
            bytes.truncate(random.usize(0..=bytes.len()));
            for _ in 0..random.usize(0..8) {
                let byte = random.choice([0, 1, 2, 4, 10, 16, 255]).unwrap_or(0);
                let at = random.usize(0..=bytes.len());
                bytes.insert(at, byte);
            }
            let parsed = std::panic::catch_unwind(|| {
                let _ = (tcp_socket(&bytes), unix_queues(&bytes), refusal(&bytes));
                messages(&bytes).count()
            });
            assert!(parsed.is_ok(), "seed {seed}: {bytes:?}");
        }
    }
}
