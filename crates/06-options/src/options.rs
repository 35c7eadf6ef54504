//! What a socket is set to: getsockopt(2) and setsockopt(2).

use std::io;
use std::time::Duration;

use socket2::{Domain, Socket, TcpKeepalive, Type};

use crate::name_of;

/// A kind of socket that can be asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// A stream of the internet.
    Tcp,
    /// Datagrams of the internet.
    Udp,
    /// A local stream.
    Unix,
}

// ANCHOR: setting
/// One option: how to ask what it is, and how to ask for something else.
struct Setting {
    level: &'static str,
    name: &'static str,
    what: &'static str,
    asked: &'static str,
    get: fn(&Socket) -> io::Result<String>,
    set: fn(&Socket) -> io::Result<()>,
}

const SETTINGS: &[Setting] = &[
    Setting {
        level: "SOCKET",
        name: "SO_RCVBUF",
        what: "room for what was not read yet",
        asked: "20000",
        get: |socket| Ok(socket.recv_buffer_size()?.to_string()),
        set: |socket| socket.set_recv_buffer_size(20_000),
    },
    // ANCHOR_END: setting
    Setting {
        level: "SOCKET",
        name: "SO_SNDBUF",
        what: "room for what was not sent yet",
        asked: "1",
        get: |socket| Ok(socket.send_buffer_size()?.to_string()),
        set: |socket| socket.set_send_buffer_size(1),
    },
    Setting {
        level: "SOCKET",
        name: "SO_RCVTIMEO",
        what: "how long a read waits",
        asked: "10 s",
        get: |socket| Ok(seconds(socket.read_timeout()?)),
        set: |socket| socket.set_read_timeout(Some(Duration::from_secs(10))),
    },
    Setting {
        level: "SOCKET",
        name: "SO_REUSEADDR",
        what: "bind beside a dying connection",
        asked: "on",
        get: |socket| Ok(switch(socket.reuse_address()?)),
        set: |socket| socket.set_reuse_address(true),
    },
    Setting {
        level: "SOCKET",
        name: "SO_BROADCAST",
        what: "may send to everybody",
        asked: "on",
        get: |socket| Ok(switch(socket.broadcast()?)),
        set: |socket| socket.set_broadcast(true),
    },
    Setting {
        level: "SOCKET",
        name: "SO_LINGER",
        what: "what close does with the rest",
        asked: "0 s",
        get: |socket| Ok(seconds(socket.linger()?)),
        set: |socket| socket.set_linger(Some(Duration::ZERO)),
    },
    Setting {
        level: "SOCKET",
        name: "SO_KEEPALIVE",
        what: "ask a silent peer if it is there",
        asked: "on",
        get: |socket| Ok(switch(socket.keepalive()?)),
        set: |socket| socket.set_keepalive(true),
    },
    Setting {
        level: "TCP",
        name: "TCP_KEEPIDLE",
        what: "after how long a silence",
        asked: "60 s",
        get: |socket| Ok(seconds(Some(socket.tcp_keepalive_time()?))),
        set: |socket| {
            let idle = TcpKeepalive::new().with_time(Duration::from_secs(60));
            socket.set_tcp_keepalive(&idle)
        },
    },
    Setting {
        level: "TCP",
        name: "TCP_KEEPINTVL",
        what: "how long between two questions",
        asked: "10 s",
        get: |socket| Ok(seconds(Some(socket.tcp_keepalive_interval()?))),
        set: |socket| {
            let gap = TcpKeepalive::new().with_interval(Duration::from_secs(10));
            socket.set_tcp_keepalive(&gap)
        },
    },
    Setting {
        level: "TCP",
        name: "TCP_KEEPCNT",
        what: "how many before giving up",
        asked: "5",
        get: |socket| Ok(socket.tcp_keepalive_retries()?.to_string()),
        set: |socket| socket.set_tcp_keepalive(&TcpKeepalive::new().with_retries(5)),
    },
    Setting {
        level: "TCP",
        name: "TCP_NODELAY",
        what: "small pieces do not wait",
        asked: "on",
        get: |socket| Ok(switch(socket.tcp_nodelay()?)),
        set: |socket| socket.set_tcp_nodelay(true),
    },
    Setting {
        level: "IP",
        name: "IP_TTL",
        what: "routers that a packet may pass",
        asked: "9",
        get: |socket| Ok(socket.ttl_v4()?.to_string()),
        set: |socket| socket.set_ttl_v4(9),
    },
];

fn switch(on: bool) -> String {
    if on { "on" } else { "off" }.to_string()
}

/// An option that is a time, or off.
fn seconds(time: Option<Duration>) -> String {
    time.map_or("off".into(), |time| format!("{} s", time.as_secs()))
}

/// What became of one option.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Row {
    /// The level at which it is asked for: SOL_SOCKET, IPPROTO_TCP, IPPROTO_IP.
    pub level: &'static str,
    /// Its name in C.
    pub name: &'static str,
    /// What it is about, in a few words.
    pub what: &'static str,
    /// What it was on a new socket, or the name of the error.
    pub first: String,
    /// What was asked for.
    pub asked: &'static str,
    /// What it was then, or the name of the error.
    pub then: String,
}

// ANCHOR: table
/// Asks a new socket of this kind for each option, sets it, and asks again.
///
/// # Errors
///
/// If there is no such socket. An option that this kind of socket does not have is
/// no error: its row has the kernel's answer.
pub fn table(kind: Kind) -> io::Result<Vec<Row>> {
    let socket = match kind {
        Kind::Tcp => Socket::new(Domain::IPV4, Type::STREAM, None)?,
        Kind::Udp => Socket::new(Domain::IPV4, Type::DGRAM, None)?,
        Kind::Unix => Socket::new(Domain::UNIX, Type::STREAM, None)?,
    };
    let row = |setting: &Setting| {
        let told =
            |value: io::Result<String>| value.unwrap_or_else(|error| name_of(&error));
        let first = told((setting.get)(&socket));
        // Setting returns 0 or an error. What the kernel made of the wish is another
        // question, and the second `get` asks it.
        let then = match (setting.set)(&socket) {
            Ok(()) => told((setting.get)(&socket)),
            Err(error) => name_of(&error),
        };
        Row {
            level: setting.level,
            name: setting.name,
            what: setting.what,
            asked: setting.asked,
            first,
            then,
        }
    };
    Ok(SETTINGS.iter().map(row).collect())
}
// ANCHOR_END: table
