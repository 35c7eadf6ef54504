//! From a row of the kernel's tables to a TCP socket.

use crate::socket::{CLOSE_WAIT, ESTABLISHED, LISTEN, TcpSocket};
use std::net::{IpAddr, SocketAddr};

const SYN_SENT: &str = "SYN-SENT";

/// What a row of the kernel's tables says of a TCP socket.
pub(crate) struct TcpRow {
    pub local: SocketAddr,
    /// Port 0 if there is none.
    pub remote: SocketAddr,
    /// The number of the state.
    pub state: u8,
    /// The queue of what came in: of a listener connections, else sequence numbers.
    pub received: u32,
    /// The queue of what goes out, in sequence numbers.
    pub sent: u32,
    pub backlog: Option<u32>,
}

impl From<TcpRow> for TcpSocket {
    fn from(row: TcpRow) -> TcpSocket {
        let listens = row.state == 10;
        // The queues are differences of sequence numbers, and the SYN and the FIN
        // that begin and end a direction take one each (RFC 9293, section 3.4). So a
        // FIN that the program has not come to counts as a byte unread, and a SYN or
        // FIN that the peer has not acknowledged as a byte unsent.
        let peer_ended = matches!(row.state, 8 | 9 | 11);
        let end_unread = peer_ended && row.received > 0;
        let own_unacknowledged = matches!(row.state, 2 | 4 | 9 | 11);
        let bytes = |queue: u32, extra: bool| match listens {
            true => 0,
            false => queue.saturating_sub(extra.into()),
        };
        TcpSocket {
            local: row.local,
            remote: (row.remote.port() != 0).then_some(row.remote),
            state: tcp_state(row.state),
            unread: bytes(row.received, end_unread),
            end_unread,
            unsent: bytes(row.sent, own_unacknowledged),
            waiting: listens.then_some(row.received),
            backlog: row.backlog.filter(|_| listens),
            accepted: None,
        }
    }
}

/// The name of the kernel's number for a TCP state (`include/net/tcp_states.h`).
fn tcp_state(number: u8) -> String {
    let name = match number {
        1 => ESTABLISHED,
        2 => SYN_SENT,
        3 | 12 => "SYN-RECEIVED",
        4 => "FIN-WAIT-1",
        5 => "FIN-WAIT-2",
        6 => "TIME-WAIT",
        // 13 is "bound, inactive": since Linux 6.8 sock_diag tells of these too.
        7 | 13 => "CLOSED",
        8 => CLOSE_WAIT,
        9 => "LAST-ACK",
        10 => LISTEN,
        11 => "CLOSING",
        other => return format!("state {other}"),
    };
    name.to_string()
}

/// Says who began a connection, as far as the listeners on this machine betray it.
pub(crate) fn accepted(socket: &TcpSocket, listeners: &[SocketAddr]) -> Option<bool> {
    let remote = socket.remote?;
    if socket.state == SYN_SENT {
        return Some(false);
    }
    let listens_on =
        |address: SocketAddr| listeners.iter().any(|at| covers(*at, address));
    match (listens_on(socket.local), listens_on(remote)) {
        (true, false) => Some(true),
        (false, true) => Some(false),
        _ => None,
    }
}

/// Whether a listener on `at` takes connections that were made to `address`. An IPv4
/// address may stand in its IPv6 form, `::ffff:127.0.0.1`, and a listener on `[::]`
/// may take IPv4 too.
fn covers(at: SocketAddr, address: SocketAddr) -> bool {
    let (listener, wanted) = (at.ip().to_canonical(), address.ip().to_canonical());
    let any = match listener {
        IpAddr::V4(ip) => ip.is_unspecified() && wanted.is_ipv4(),
        IpAddr::V6(ip) => ip.is_unspecified(),
    };
    at.port() == address.port() && (any || listener == wanted)
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

    /// A socket in the state of this number with three in each queue.
    fn row(state: u8) -> TcpSocket {
        let at = "127.0.0.1:80".parse().expect("an address");
        let (local, remote) = (at, at);
        TcpRow {
            local,
            remote,
            state,
            received: 3,
            sent: 3,
            backlog: Some(128),
        }
        .into()
    }

    #[test]
    fn a_syn_or_a_fin_in_a_queue_is_no_byte() {
        let queues = |state| {
            let socket = row(state);
            (socket.unread, socket.end_unread, socket.unsent)
        };
        assert_eq!(queues(1), (3, false, 3), "ESTABLISHED");
        assert_eq!(queues(2), (3, false, 2), "SYN-SENT");
        assert_eq!(queues(4), (3, false, 2), "FIN-WAIT-1");
        assert_eq!(queues(5), (3, false, 3), "FIN-WAIT-2");
        assert_eq!(queues(8), (2, true, 3), "CLOSE-WAIT");
        assert_eq!(queues(9), (2, true, 2), "LAST-ACK");
        assert_eq!(queues(11), (2, true, 2), "CLOSING");
    }

    #[test]
    fn a_listener_has_connections_in_its_queue_and_no_bytes() {
        let listener = row(10);
        assert_eq!((listener.unread, listener.unsent), (0, 0));
        assert_eq!((listener.waiting, listener.backlog), (Some(3), Some(128)));
        let connection = row(1);
        assert_eq!((connection.waiting, connection.backlog), (None, None));
    }

    #[test]
    fn a_listener_tells_who_began_a_connection() {
        let socket = |local, remote| connection(local, Some(remote), ESTABLISHED);
        let listeners = |list: &[&str]| -> Vec<SocketAddr> {
            list.iter()
                .map(|text| text.parse().expect("an address"))
                .collect()
        };
        let v4 = socket("127.0.0.1:8009", "127.0.0.1:50000");
        assert_eq!(accepted(&v4, &listeners(&["127.0.0.1:8009"])), Some(true));
        assert_eq!(accepted(&v4, &listeners(&["0.0.0.0:8009"])), Some(true));
        assert_eq!(accepted(&v4, &listeners(&["[::]:8009"])), Some(true));
        assert_eq!(accepted(&v4, &listeners(&["127.0.0.1:50000"])), Some(false));
        assert_eq!(accepted(&v4, &listeners(&["127.0.0.2:8009"])), None);
        assert_eq!(
            accepted(&v4, &listeners(&["0.0.0.0:8009", "0.0.0.0:50000"])),
            None
        );

        let mapped = socket("[::ffff:127.0.0.1]:8009", "[::ffff:127.0.0.1]:50000");
        assert_eq!(accepted(&mapped, &listeners(&["[::]:8009"])), Some(true));
        let v6 = socket("[::1]:8009", "[::1]:50000");
        assert_eq!(accepted(&v6, &listeners(&["0.0.0.0:8009"])), None);
    }

    #[test]
    fn a_connection_that_is_still_being_made_was_begun_here() {
        let socket = connection("127.0.0.1:50000", Some("127.0.0.1:8009"), SYN_SENT);
        assert_eq!(accepted(&socket, &[]), Some(false));
    }

    #[test]
    fn every_state_of_rfc_9293_has_its_name() {
        let names: Vec<String> = (1..=14).map(tcp_state).collect();
        let expected = "ESTABLISHED SYN-SENT SYN-RECEIVED FIN-WAIT-1 FIN-WAIT-2 \
            TIME-WAIT CLOSED CLOSE-WAIT LAST-ACK LISTEN CLOSING SYN-RECEIVED CLOSED";
        assert_eq!(names[..13].join(" "), expected);
        assert_eq!(names[13], "state 14");
    }
}
