//! Sockets, as the kernel's tables describe them.

use crate::words::{count, printable};
use std::fmt;
use std::net::SocketAddr;

/// A TCP socket.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TcpSocket {
    /// Its own address; `0.0.0.0:0` or `[::]:0` in a [`Process`](crate::Process)
    /// while it neither listens nor is connected.
    pub local: SocketAddr,
    /// The address at the other end; `None` unless connected or connecting.
    pub remote: Option<SocketAddr>,
    /// The state by its name in RFC 9293, section 3.3.2: `LISTEN`, `ESTABLISHED`,
    /// `CLOSE-WAIT` and so on. (ss(8) shortens three of them: `ESTAB`, `SYN-RECV`,
    /// and `UNCONN` for `CLOSED`.)
    pub state: String,
    /// Bytes that have arrived and that the program has not read. 0 for a listener.
    pub unread: u32,
    /// Whether the peer has ended its side and the program has not read up to that
    /// end. (When it has, `false`, the next read will return 0 or did so already.)
    pub end_unread: bool,
    /// Bytes that the program has written and that the peer has not acknowledged,
    /// whether they were sent or not. 0 for a listener.
    pub unsent: u32,
    /// For a listener: how many connections wait in the accept queue.
    pub waiting: Option<u32>,
    /// For a listener: how long that queue may grow, the smaller of what listen(2)
    /// asked for and `/proc/sys/net/core/somaxconn`. One more than this many fit.
    /// `None` where only `/proc/PID/net/tcp` could be read, which does not have it.
    pub backlog: Option<u32>,
    /// Who began the connection. `Some(true)`: the peer, since a socket on this
    /// machine listens on `local`. `Some(false)`: this side, since it is still at it,
    /// or since a socket on this machine listens on `remote`. `None`: no such sign,
    /// or both.
    pub accepted: Option<bool>,
}

impl TcpSocket {
    /// Whether it is in the state LISTEN.
    pub fn is_listening(&self) -> bool {
        self.state == LISTEN
    }
}

impl fmt::Display for TcpSocket {
    /// A noun: `the connection from 127.0.0.1:58974`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.is_listening() {
            return write!(f, "the listener on {}", self.local);
        }
        let Some(remote) = self.remote else {
            return match self.local.port() {
                0 => f.write_str(
                    "a TCP socket without a connection (none yet, or reset)",
                ),
                _ => write!(
                    f,
                    "the TCP socket on {}, without a connection",
                    self.local
                ),
            };
        };
        let way = match self.accepted {
            Some(true) => "from",
            Some(false) => "to",
            None => "with",
        };
        write!(f, "the connection {way} {remote}")?;
        match self.state.as_str() {
            ESTABLISHED => Ok(()),
            CLOSE_WAIT if self.end_unread => f.write_str(
                " (CLOSE-WAIT: the peer has ended its side, and the program has not \
                 read that far)",
            ),
            CLOSE_WAIT => f.write_str(" (CLOSE-WAIT: the peer has ended its side)"),
            other => write!(f, " ({other})"),
        }
    }
}

/// A UDP socket.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UdpSocket {
    /// Its own address; `0.0.0.0:0` or `[::]:0` while it has none.
    pub local: SocketAddr,
    /// The address it was connected to by connect(2), if it was.
    pub remote: Option<SocketAddr>,
    /// What the datagrams that wait to be read occupy, in bytes of kernel memory:
    /// more than their contents. 0 means that none waits.
    pub unread: u32,
    /// The same of datagrams on their way out.
    pub unsent: u32,
}

impl fmt::Display for UdpSocket {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.local.port() {
            0 => f.write_str("a UDP socket that is not bound")?,
            _ => write!(f, "the UDP socket on {}", self.local)?,
        }
        match self.remote {
            Some(remote) => write!(f, ", connected to {remote}"),
            None => Ok(()),
        }
    }
}

/// The type of a Unix socket (unix(7)).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum UnixKind {
    /// `SOCK_STREAM`: bytes in order.
    Stream,
    /// `SOCK_DGRAM`: messages.
    Datagram,
    /// `SOCK_SEQPACKET`: messages in order, over a connection.
    Sequenced,
}

/// A Unix socket (unix(7)).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UnixSocket {
    /// Its type.
    pub kind: UnixKind,
    /// The name it is bound to: a path, or `@NAME` in the abstract namespace. A
    /// connection that was accepted has the listener's.
    pub path: Option<String>,
    /// `LISTEN`, `CONNECTED`, `UNCONNECTED`, `CONNECTING` or `DISCONNECTING`.
    pub state: String,
    /// The name that the socket at the other end is bound to.
    pub peer_path: Option<String>,
    /// Bytes unread (of a datagram socket: of the first datagram). `None` for a
    /// listener and where the kernel does not tell.
    pub unread: Option<u32>,
    /// For a listener: how many connections wait to be accepted.
    pub waiting: Option<u32>,
    /// For a listener: how many may wait.
    pub backlog: Option<u32>,
}

impl UnixSocket {
    /// Whether it is in the state LISTEN.
    pub fn is_listening(&self) -> bool {
        self.state == LISTEN
    }
}

impl fmt::Display for UnixSocket {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let own = self.path.as_deref().map(printable);
        let peer = self.peer_path.as_deref().map(printable);
        if self.is_listening() {
            return write!(f, "the Unix listener on {}", own.unwrap_or_default());
        }
        let noun = match self.kind {
            UnixKind::Datagram => "Unix datagram socket",
            _ if self.state == CONNECTED => "Unix connection",
            _ => "Unix socket",
        };
        match (own, peer) {
            (_, Some(peer)) => write!(f, "the {noun} to {peer}"),
            (Some(own), None) => write!(f, "the {noun} on {own}"),
            (None, None) => write!(f, "an unnamed {noun}"),
        }
    }
}

pub(crate) const LISTEN: &str = "LISTEN";
pub(crate) const ESTABLISHED: &str = "ESTABLISHED";
pub(crate) const CLOSE_WAIT: &str = "CLOSE-WAIT";
pub(crate) const CONNECTED: &str = "CONNECTED";

/// `0 connections wait`, `1 connection waits`: who stands in an accept queue.
pub(crate) fn waiting(number: u32) -> String {
    match number {
        0 => "no connection waits to be accepted".to_string(),
        1 => "1 connection waits to be accepted".to_string(),
        more => format!("{} wait to be accepted", count(more.into(), "connection")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn connection(local: &str, remote: Option<&str>, state: &str) -> TcpSocket {
        TcpSocket {
            local: local.parse().expect("an address"),
            remote: remote.map(|text| text.parse().expect("an address")),
            state: state.to_string(),
            unread: 0,
            end_unread: false,
            unsent: 0,
            waiting: None,
            backlog: None,
            accepted: None,
        }
    }

    #[test]
    fn a_tcp_socket_is_told_by_what_it_is_to_the_program() {
        let mut socket =
            connection("127.0.0.1:8009", Some("127.0.0.1:5"), ESTABLISHED);
        assert_eq!(socket.to_string(), "the connection with 127.0.0.1:5");
        socket.accepted = Some(true);
        assert_eq!(socket.to_string(), "the connection from 127.0.0.1:5");
        socket.accepted = Some(false);
        assert_eq!(socket.to_string(), "the connection to 127.0.0.1:5");
        socket.state = "FIN-WAIT-2".to_string();
        assert_eq!(
            socket.to_string(),
            "the connection to 127.0.0.1:5 (FIN-WAIT-2)"
        );
        socket.state = CLOSE_WAIT.to_string();
        assert!(
            socket.to_string().ends_with("has ended its side)"),
            "{socket}"
        );
        socket.end_unread = true;
        assert!(
            socket.to_string().ends_with("has not read that far)"),
            "{socket}"
        );
        let socket = connection("[::1]:80", None, LISTEN);
        assert_eq!(socket.to_string(), "the listener on [::1]:80");
        let socket = connection("0.0.0.0:0", None, "CLOSED");
        let expected = "a TCP socket without a connection (none yet, or reset)";
        assert_eq!(socket.to_string(), expected);
        let socket = connection("127.0.0.1:80", None, "CLOSED");
        let expected = "the TCP socket on 127.0.0.1:80, without a connection";
        assert_eq!(socket.to_string(), expected);
    }

    #[test]
    fn an_accept_queue_is_told_in_grammar() {
        assert_eq!(waiting(0), "no connection waits to be accepted");
        assert_eq!(waiting(1), "1 connection waits to be accepted");
        assert_eq!(waiting(2), "2 connections wait to be accepted");
    }
}
