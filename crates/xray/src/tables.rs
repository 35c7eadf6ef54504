//! The kernel's tables of sockets: from an inode to addresses, state and queues.

use crate::descriptor::Kind;
use crate::diag::{self, Diag, Family, UnixQueues};
use crate::parse::{self, UnixRow};
use crate::rows::{self, TcpRow};
use crate::socket::{self, TcpSocket, UdpSocket, UnixSocket};
use procfs::net::{TcpNetEntry, UdpNetEntry};
use procfs::process::Process;
use std::collections::HashMap;
use std::fs;
use std::io;
use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr};

/// The name of a socket's protocol, such as `TCPv6` or `UNIX-STREAM`.
///
/// Sockets carry it as an extended attribute (net/socket.c). It saves reading tables
/// that the socket cannot be in, and it is all there is to know of a socket that is
/// in none: one that is neither bound nor connected. `None` if the kernel does not
/// tell.
pub(crate) fn protocol(pid: u32, fd: i32) -> Option<String> {
    let mut name = [0; 64];
    let path = format!("/proc/{pid}/fd/{fd}");
    let length =
        rustix::fs::getxattr(path, "system.sockprotoname", &mut name).ok()?;
    let name = String::from_utf8_lossy(name.get(..length)?).into_owned();
    Some(name.trim_end_matches('\0').to_string())
}

/// As many of the tables as some sockets need. A table that was not needed is empty,
/// one that could not be read is `None`.
pub(crate) struct Tables {
    tcp: Option<HashMap<u64, TcpSocket>>,
    listeners: Vec<SocketAddr>,
    udp: Option<HashMap<u64, UdpSocket>>,
    unix: Option<HashMap<u64, UnixRow>>,
    diag: Option<Diag>,
}

impl Tables {
    /// Reads the tables for sockets of these protocols; of an unknown one it may be
    /// any.
    pub(crate) fn read(
        process: &Process,
        pid: u32,
        protocols: &[Option<String>],
    ) -> Tables {
        let need = |names: &[&str]| {
            let among = |protocol: &Option<String>| {
                protocol
                    .as_ref()
                    .is_none_or(|name| names.contains(&name.as_str()))
            };
            protocols.iter().any(among)
        };
        let same_net = net_namespace("self").is_some()
            && net_namespace(&pid.to_string()) == net_namespace("self");
        let diag = if same_net { Diag::open().ok() } else { None };
        let mut tables = Tables {
            tcp: Some(HashMap::new()),
            listeners: Vec::new(),
            udp: Some(HashMap::new()),
            unix: Some(HashMap::new()),
            diag,
        };
        let (v4, v6) = (need(&["TCP"]), need(&["TCPv6"]));
        if v4 || v6 {
            tables.read_tcp(process, v4, v6);
        }
        let (v4, v6) = (need(&["UDP"]), need(&["UDPv6"]));
        if v4 || v6 {
            tables.udp = udp(process, v4, v6);
        }
        if need(&["UNIX", "UNIX-STREAM"]) {
            tables.unix = unix(process);
        }
        tables
    }

    fn read_tcp(&mut self, process: &Process, v4: bool, v6: bool) {
        let asked = self
            .diag
            .as_ref()
            .and_then(|diag| diag_tcp(diag, v4, v6).ok());
        let Some(sockets) = asked.or_else(|| proc_tcp(process)) else {
            self.tcp = None;
            return;
        };
        self.listeners = listeners(&sockets);
        self.tcp = Some(sockets.into_iter().collect());
    }

    /// What the socket with this inode is.
    pub(crate) fn find(&self, inode: u64, protocol: Option<&str>) -> Kind {
        if let Some(socket) = self.tcp.as_ref().and_then(|tcp| tcp.get(&inode)) {
            let accepted = rows::accepted(socket, &self.listeners);
            return Kind::Tcp(TcpSocket {
                accepted,
                ..socket.clone()
            });
        }
        if let Some(socket) = self.udp.as_ref().and_then(|udp| udp.get(&inode)) {
            return Kind::Udp(socket.clone());
        }
        if let Some(row) = self.unix.as_ref().and_then(|unix| unix.get(&inode)) {
            return Kind::Unix(self.unix_socket(row));
        }
        // In none of the tables. If they could be read, that says something too.
        match protocol {
            Some("TCP") if self.tcp.is_some() => Kind::Tcp(unconnected(false)),
            Some("TCPv6") if self.tcp.is_some() => Kind::Tcp(unconnected(true)),
            Some("UDP") if self.udp.is_some() => Kind::Udp(unbound(false)),
            Some("UDPv6") if self.udp.is_some() => Kind::Udp(unbound(true)),
            Some(name) => Kind::Other(format!("a socket of the protocol {name}")),
            None => {
                Kind::Other("a socket of which the kernel does not tell more".into())
            }
        }
    }

    fn unix_socket(&self, row: &UnixRow) -> UnixSocket {
        let told = self
            .diag
            .as_ref()
            .and_then(|diag| diag.unix(row.inode).ok());
        let UnixQueues {
            peer,
            received,
            limit,
        } = told.unwrap_or_default();
        // Whoever was not accepted yet has no inode, and neither have others like it.
        let peer = peer.filter(|inode| *inode != 0);
        let peer = peer.and_then(|inode| self.unix.as_ref()?.get(&inode));
        let state = match row.state {
            _ if row.listening => socket::LISTEN,
            1 => "UNCONNECTED",
            2 => "CONNECTING",
            3 => socket::CONNECTED,
            _ => "DISCONNECTING",
        };
        UnixSocket {
            kind: row.kind,
            path: row.path.clone(),
            state: state.to_string(),
            peer_path: peer.and_then(|row| row.path.clone()),
            unread: received.filter(|_| !row.listening),
            waiting: received.filter(|_| row.listening),
            backlog: limit.filter(|_| row.listening),
        }
    }
}

/// All TCP sockets of our own network namespace whose local port is this.
pub(crate) fn tcp_on(port: u16) -> io::Result<Vec<TcpSocket>> {
    let asked = Diag::open().and_then(|diag| {
        let mut sockets = diag.tcp(Family::V4, diag::EVERY, port)?;
        sockets.extend(diag.tcp(Family::V6, diag::EVERY, port)?);
        // All listeners, whatever their port, to tell who began a connection.
        let mut listening = diag.tcp(Family::V4, diag::LISTENING, 0)?;
        listening.extend(diag.tcp(Family::V6, diag::LISTENING, 0)?);
        Ok((sockets, listeners(&listening)))
    });
    let (sockets, listeners) = match asked {
        Ok(answer) => answer,
        Err(_) => {
            let all = Process::myself().ok().as_ref().and_then(proc_tcp);
            let all = all.ok_or_else(|| {
                io::Error::other(
                    "neither sock_diag nor /proc/net/tcp tells of sockets",
                )
            })?;
            let listeners = listeners(&all);
            (all, listeners)
        }
    };
    let sockets = sockets.into_iter().map(|(_, socket)| socket);
    let on_port = sockets.filter(|socket| socket.local.port() == port);
    Ok(on_port
        .map(|socket| TcpSocket {
            accepted: rows::accepted(&socket, &listeners),
            ..socket
        })
        .collect())
}

fn listeners(sockets: &[(u64, TcpSocket)]) -> Vec<SocketAddr> {
    let listening = sockets.iter().filter(|(_, socket)| socket.is_listening());
    listening.map(|(_, socket)| socket.local).collect()
}

/// The identity of a process's network namespace (network_namespaces(7)).
fn net_namespace(pid: &str) -> Option<std::path::PathBuf> {
    fs::read_link(format!("/proc/{pid}/ns/net")).ok()
}

fn diag_tcp(diag: &Diag, v4: bool, v6: bool) -> io::Result<Vec<(u64, TcpSocket)>> {
    // Listeners of both families, to tell who began a connection: one on [::] takes
    // IPv4 too.
    let states = |needed| if needed { diag::HELD } else { diag::LISTENING };
    let mut sockets = diag.tcp(Family::V4, states(v4), 0)?;
    sockets.extend(diag.tcp(Family::V6, states(v6), 0)?);
    Ok(sockets)
}

fn proc_tcp(process: &Process) -> Option<Vec<(u64, TcpSocket)>> {
    // There is no tcp6 where IPv6 is switched off for good.
    let mut entries = process.tcp().ok()?;
    entries.extend(process.tcp6().unwrap_or_default());
    Some(
        entries
            .iter()
            .map(|entry| (entry.inode, tcp_entry(entry)))
            .collect(),
    )
}

fn tcp_entry(entry: &TcpNetEntry) -> TcpSocket {
    let row = TcpRow {
        local: entry.local_address,
        remote: entry.remote_address,
        state: entry.state.to_u8(),
        received: entry.rx_queue,
        sent: entry.tx_queue,
        backlog: None,
    };
    row.into()
}

fn udp(process: &Process, v4: bool, v6: bool) -> Option<HashMap<u64, UdpSocket>> {
    let mut entries = if v4 { process.udp().ok()? } else { Vec::new() };
    if v6 {
        entries.extend(process.udp6().unwrap_or_default());
    }
    Some(
        entries
            .iter()
            .map(|entry| (entry.inode, udp_entry(entry)))
            .collect(),
    )
}

fn udp_entry(entry: &UdpNetEntry) -> UdpSocket {
    let connected = entry.remote_address.port() != 0;
    UdpSocket {
        local: entry.local_address,
        remote: connected.then_some(entry.remote_address),
        unread: entry.rx_queue,
        unsent: entry.tx_queue,
    }
}

fn unix(process: &Process) -> Option<HashMap<u64, UnixRow>> {
    let text = process.read::<_, crate::linux::Text>("net/unix").ok()?;
    Some(parse::unix(&text.0).map(|row| (row.inode, row)).collect())
}

fn unspecified(v6: bool) -> SocketAddr {
    match v6 {
        true => (Ipv6Addr::UNSPECIFIED, 0).into(),
        false => (Ipv4Addr::UNSPECIFIED, 0).into(),
    }
}

fn unconnected(v6: bool) -> TcpSocket {
    let at = unspecified(v6);
    let (local, remote) = (at, at);
    TcpRow {
        local,
        remote,
        state: 7,
        received: 0,
        sent: 0,
        backlog: None,
    }
    .into()
}

fn unbound(v6: bool) -> UdpSocket {
    UdpSocket {
        local: unspecified(v6),
        remote: None,
        unread: 0,
        unsent: 0,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Write;
    use std::net::{TcpListener, TcpStream, UdpSocket as Udp};
    use std::os::fd::AsRawFd;
    use std::os::unix::net::UnixDatagram;

    /// The inode in `socket:[17391]`.
    fn inode(socket: &impl AsRawFd) -> u64 {
        let link = fs::read_link(format!("/proc/self/fd/{}", socket.as_raw_fd()));
        let link = link.expect("it is open");
        let digits = link.to_str().and_then(|text| text.strip_prefix("socket:["));
        let digits = digits.and_then(|text| text.strip_suffix(']'));
        digits
            .and_then(|text| text.parse().ok())
            .expect("it is a socket")
    }

    fn myself() -> Process {
        Process::myself().expect("one may look at oneself")
    }

    #[test]
    fn a_socket_of_an_unknown_protocol_is_looked_for_in_every_table() {
        let tcp = TcpListener::bind("127.0.0.1:0").expect("a free port");
        let udp = Udp::bind("127.0.0.1:0").expect("a free port");
        let (unix, _other) = UnixDatagram::pair().expect("a pair");
        let tables = Tables::read(&myself(), std::process::id(), &[None]);
        assert!(matches!(tables.find(inode(&tcp), None), Kind::Tcp(_)));
        assert!(matches!(tables.find(inode(&udp), None), Kind::Udp(_)));
        assert!(matches!(tables.find(inode(&unix), None), Kind::Unix(_)));
        assert!(matches!(tables.find(u64::MAX, None), Kind::Other(_)));
    }

    #[test]
    fn a_table_that_could_not_be_read_proves_nothing() {
        let mut tables = Tables::read(&myself(), std::process::id(), &[]);
        assert!(matches!(tables.find(1, Some("TCP")), Kind::Tcp(_)));
        tables.tcp = None;
        let expected = Kind::Other("a socket of the protocol TCP".to_string());
        assert_eq!(tables.find(1, Some("TCP")), expected);
    }

    #[test]
    fn both_sources_say_the_same_of_a_socket() {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
        let address = listener.local_addr().expect("it is bound");
        let mut caller = TcpStream::connect(address).expect("we listen");
        let (accepted, _) = listener.accept().expect("somebody called");
        let _waiting = TcpStream::connect(address).expect("we listen");
        caller.write_all(b"abc").expect("it is connected");
        caller
            .shutdown(std::net::Shutdown::Write)
            .expect("it is connected");

        let inodes = [inode(&listener), inode(&accepted), inode(&caller)];
        let ours = inodes.each_ref();
        let asked = settled(ours);
        let read = proc_tcp(&myself()).expect("sockets are no secret");
        let read: HashMap<u64, TcpSocket> = read.into_iter().collect();
        for inode in ours {
            let mut socket = asked[inode].clone();
            // This alone is not in /proc.
            assert_eq!(socket.backlog.take().is_some(), socket.is_listening());
            assert_eq!(socket, read[inode]);
        }
        assert_eq!(asked[ours[1]].unread, 3);
    }

    /// Asks until all has arrived: a caller in the queue, and the end of the other.
    fn settled([listener, accepted, caller]: [&u64; 3]) -> HashMap<u64, TcpSocket> {
        let diag = Diag::open().expect("sockets are no secret");
        for _ in 0..10_000 {
            let asked = diag_tcp(&diag, true, true).expect("sockets are no secret");
            let asked: HashMap<u64, TcpSocket> = asked.into_iter().collect();
            if asked[listener].waiting == Some(1)
                && asked[accepted].state == socket::CLOSE_WAIT
                && asked[caller].state == "FIN-WAIT-2"
            {
                return asked;
            }
            std::thread::sleep(std::time::Duration::from_millis(1));
        }
        panic!("the connection and the end never arrived");
    }
}
