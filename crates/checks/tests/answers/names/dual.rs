//! Answers to `names/dual`.

use std::io::{self, Read, Write};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, TcpListener, TcpStream};
use std::thread;

use checks::answers::{Answer, Expected};
use checks_names::dual as check;
use socket2::{Domain, Socket, Type};

pub fn answers() -> Vec<Answer> {
    vec![
        Answer::right("dual right: by socket2", check(listen, serve)),
        Answer::right("dual right: std elsewhere", check(std_elsewhere, threads)),
        Answer::right("dual right: both options", check(both_options, incoming)),
        Answer::right("dual right: to_canonical late", check(listen, formatted)),
        Answer {
            name: "dual: std alone",
            check: check(std_alone, serve),
            expected: Expected::MistakeWhere("M77", "setting"),
        },
        Answer::wrong("M14", "dual: asks who is gone", check(listen, asks)),
        Answer::wrong("M14", "dual: a question mark", check(listen, question_mark)),
        Answer::wrong("M77", "dual: the option too late", check(too_late, serve)),
        Answer::unnamed("whole", "dual: reads first", check(listen, reads_first)),
        Answer::unnamed("whole", "dual: no port", check(listen, no_port)),
        Answer::unnamed("whole", "dual: its own address", check(listen, its_own)),
        Answer::unnamed("all6", "dual: IPv4 for ::", check(v4_for_all, serve)),
        Answer::wrong("M17", "dual: always the wildcard", check(wildcard, serve)),
        Answer::wrong("M17", "dual: always 0.0.0.0", check(wildcard4, serve)),
        Answer::wrong("M77", "dual: IPv6 alone", check(only_v6, serve)),
        Answer::unnamed("all4", "dual: ::1 for [::]", check(loopback_for_all, serve)),
        Answer::wrong("M78", "dual: as accept says it", check(listen, mapped)),
        Answer::wrong("M16", "dual: the port is taken", check(no_reuse, serve)),
        Answer::wrong("M14", "dual: unwraps", check(listen, unwraps)),
        Answer::wrong("M33", "dual: one caller", check(listen, one_caller)),
        Answer::wrong("M13", "dual: never closes", check(listen, never_closes)),
        Answer::wrong("M9", "dual: no newline", check(listen, no_newline)),
        Answer::unnamed("whole", "dual: another text", check(listen, another_text)),
        Answer::unnamed("all6", "dual: to_ipv4", check(listen, to_ipv4)),
        Answer::unnamed("six", "dual: IPv4 alone", check(only_v4, serve)),
    ]
}

fn open(address: SocketAddr, only_v6: bool, reuse: bool) -> io::Result<TcpListener> {
    let socket = Socket::new(Domain::for_address(address), Type::STREAM, None)?;
    if address.is_ipv6() {
        socket.set_only_v6(only_v6)?;
    }
    socket.set_reuse_address(reuse)?;
    socket.bind(&address.into())?;
    socket.listen(16)?;
    Ok(socket.into())
}

fn listen(address: SocketAddr) -> io::Result<TcpListener> {
    open(address, false, true)
}

fn std_elsewhere(address: SocketAddr) -> io::Result<TcpListener> {
    match address.ip() {
        IpAddr::V6(Ipv6Addr::UNSPECIFIED) => listen(address),
        _ => TcpListener::bind(address),
    }
}

fn wildcard(address: SocketAddr) -> io::Result<TcpListener> {
    listen((Ipv6Addr::UNSPECIFIED, address.port()).into())
}

fn wildcard4(address: SocketAddr) -> io::Result<TcpListener> {
    match address {
        SocketAddr::V4(_) => listen((Ipv4Addr::UNSPECIFIED, address.port()).into()),
        SocketAddr::V6(_) => listen(address),
    }
}

fn only_v6(address: SocketAddr) -> io::Result<TcpListener> {
    open(address, true, true)
}

fn loopback_for_all(address: SocketAddr) -> io::Result<TcpListener> {
    match address.ip() {
        IpAddr::V6(_) => listen((Ipv6Addr::LOCALHOST, address.port()).into()),
        IpAddr::V4(_) => listen(address),
    }
}

fn only_v4(address: SocketAddr) -> io::Result<TcpListener> {
    listen((Ipv4Addr::LOCALHOST, address.port()).into())
}

fn no_reuse(address: SocketAddr) -> io::Result<TcpListener> {
    open(address, false, false)
}

fn tell(mut stream: TcpStream, ip: IpAddr, port: u16) -> io::Result<()> {
    let line = format!("you are {}\n", SocketAddr::new(ip, port));
    stream.write_all(line.as_bytes())
}

fn serve(listener: TcpListener) -> io::Result<()> {
    loop {
        let (stream, peer) = listener.accept()?;
        let _ = tell(stream, peer.ip().to_canonical(), peer.port());
    }
}

/// Undone by hand, each caller on a thread.
fn threads(listener: TcpListener) -> io::Result<()> {
    loop {
        let (stream, peer) = listener.accept()?;
        thread::spawn(move || {
            let ip = match peer.ip() {
                IpAddr::V6(v6) => {
                    v6.to_ipv4_mapped().map_or(IpAddr::V6(v6), Into::into)
                }
                v4 => v4,
            };
            tell(stream, ip, peer.port())
        });
    }
}

/// At the wildcard a caller of any kind is told what `accept` says.
fn mapped(listener: TcpListener) -> io::Result<()> {
    loop {
        let (stream, peer) = listener.accept()?;
        let _ = tell(stream, peer.ip(), peer.port());
    }
}

/// `to_ipv4` makes an IPv4 address of ::1, too.
fn to_ipv4(listener: TcpListener) -> io::Result<()> {
    let all = listener.local_addr()?.ip().is_unspecified();
    loop {
        let (stream, peer) = listener.accept()?;
        let ip = match peer.ip() {
            IpAddr::V6(v6) if all => v6.to_ipv4().map_or(IpAddr::V6(v6), Into::into),
            other => other,
        };
        let _ = tell(stream, ip, peer.port());
    }
}

fn unwraps(listener: TcpListener) -> io::Result<()> {
    loop {
        let (stream, _) = listener.accept()?;
        let peer = stream.peer_addr().unwrap();
        tell(stream, peer.ip().to_canonical(), peer.port()).unwrap();
    }
}

fn one_caller(listener: TcpListener) -> io::Result<()> {
    let (stream, peer) = listener.accept()?;
    tell(stream, peer.ip().to_canonical(), peer.port())
}

fn never_closes(listener: TcpListener) -> io::Result<()> {
    let mut all = Vec::new();
    loop {
        let (stream, peer) = listener.accept()?;
        let _ = tell(stream.try_clone()?, peer.ip().to_canonical(), peer.port());
        all.push(stream);
    }
}

fn no_newline(listener: TcpListener) -> io::Result<()> {
    loop {
        let (mut stream, peer) = listener.accept()?;
        let peer = SocketAddr::new(peer.ip().to_canonical(), peer.port());
        let _ = stream.write_all(format!("you are {peer}").as_bytes());
    }
}

fn another_text(listener: TcpListener) -> io::Result<()> {
    for stream in listener.incoming() {
        let _ = stream?.write_all(b"hello\n");
    }
    Ok(())
}

fn both_options(address: SocketAddr) -> io::Result<TcpListener> {
    let family = match address {
        SocketAddr::V4(_) => Domain::IPV4,
        SocketAddr::V6(_) => Domain::IPV6,
    };
    let socket = Socket::new(family, Type::STREAM, None)?;
    socket.set_reuse_address(true)?;
    // It fails at an IPv4 socket, and is not needed there.
    let _ = socket.set_only_v6(false);
    socket.bind(&address.into())?;
    socket.listen(1024)?;
    Ok(TcpListener::from(socket))
}

fn incoming(listener: TcpListener) -> io::Result<()> {
    for stream in listener.incoming() {
        let stream = stream?;
        let Ok(peer) = stream.peer_addr() else {
            continue;
        };
        if let Err(error) = tell(stream, peer.ip().to_canonical(), peer.port()) {
            eprintln!("{error}");
        }
    }
    Ok(())
}

fn formatted(listener: TcpListener) -> io::Result<()> {
    loop {
        let (mut stream, mut peer) = listener.accept()?;
        peer.set_ip(peer.ip().to_canonical());
        let _ = writeln!(stream, "you are {peer}");
    }
}

/// On most machines it is as good as the other.
fn std_alone(address: SocketAddr) -> io::Result<TcpListener> {
    TcpListener::bind(address)
}

fn asks(listener: TcpListener) -> io::Result<()> {
    for stream in listener.incoming() {
        let stream = stream?;
        let peer = stream.peer_addr()?;
        let _ = tell(stream, peer.ip().to_canonical(), peer.port());
    }
    Ok(())
}

fn question_mark(listener: TcpListener) -> io::Result<()> {
    loop {
        let (stream, peer) = listener.accept()?;
        tell(stream, peer.ip().to_canonical(), peer.port())?;
    }
}

fn too_late(address: SocketAddr) -> io::Result<TcpListener> {
    let listener = open(address, true, true)?;
    let _ = socket2::SockRef::from(&listener).set_only_v6(false);
    Ok(listener)
}

fn reads_first(listener: TcpListener) -> io::Result<()> {
    loop {
        let (mut stream, peer) = listener.accept()?;
        let _ = stream.read(&mut [0; 100]);
        let _ = tell(stream, peer.ip().to_canonical(), peer.port());
    }
}

fn no_port(listener: TcpListener) -> io::Result<()> {
    loop {
        let (mut stream, peer) = listener.accept()?;
        let line = format!("you are {}\n", peer.ip().to_canonical());
        let _ = stream.write_all(line.as_bytes());
    }
}

fn its_own(listener: TcpListener) -> io::Result<()> {
    loop {
        let (stream, _) = listener.accept()?;
        let own = stream.local_addr()?;
        let _ = tell(stream, own.ip().to_canonical(), own.port());
    }
}

fn v4_for_all(address: SocketAddr) -> io::Result<TcpListener> {
    match address.ip() {
        IpAddr::V6(Ipv6Addr::UNSPECIFIED) => {
            listen((Ipv4Addr::UNSPECIFIED, address.port()).into())
        }
        _ => listen(address),
    }
}
