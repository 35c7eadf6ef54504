//! Answers to `udp/echo`.

use std::io;
use std::net::UdpSocket;
use std::thread;

use checks::answers::Answer;
use checks::udp::echo as check;

pub fn answers() -> Vec<Answer> {
    vec![
        Answer::right("udp echo right: a new vector", check(a_new_vector)),
        Answer::right("udp echo right: two threads", check(two_threads)),
        Answer::right("udp echo right: peeks first", check(peeks_first)),
        Answer::wrong("M6", "udp echo: whole buffer", check(whole_buffer)),
        Answer::wrong("M6", "udp echo: left over", check(left_over)),
        Answer::wrong("M51", "udp echo: a new socket", check(a_new_socket)),
        Answer::wrong("M45", "udp echo: unwraps text", check(unwraps_text)),
        Answer::wrong("M53", "udp echo: empty is the end", check(empty_is_the_end)),
        Answer::wrong(
            "M53",
            "udp echo: passes over empty",
            check(passes_over_empty),
        ),
        Answer::wrong("M50", "udp echo: the first peer", check(the_first_peer)),
        Answer::wrong("M50", "udp echo: connects", check(connects)),
        Answer::wrong("M29", "udp echo: 1024 bytes", check(short_buffer)),
        Answer::wrong("M29", "udp echo: 65,506 bytes", check(almost)),
        Answer::unnamed("again", "udp echo: once", check(once)),
        Answer::unnamed("pair", "udp echo: joins what is there", check(joins)),
        Answer::unnamed("whole", "udp echo: capitals", check(capitals)),
        Answer::unnamed("whole", "udp echo: says nothing", check(says_nothing)),
    ]
}

fn a_new_vector(socket: UdpSocket) -> io::Result<()> {
    loop {
        let mut buffer = vec![0; 1 << 16];
        let (length, peer) = socket.recv_from(&mut buffer)?;
        buffer.truncate(length);
        let _ = socket.send_to(&buffer, peer);
    }
}

fn two_threads(socket: UdpSocket) -> io::Result<()> {
    let output = socket.try_clone()?;
    let (sender, queue) = std::sync::mpsc::channel();
    thread::spawn(move || {
        for (datagram, peer) in queue {
            let datagram: Vec<u8> = datagram;
            let _ = output.send_to(&datagram, peer);
        }
    });
    let mut buffer = vec![0; 70_000];
    loop {
        let (length, peer) = socket.recv_from(&mut buffer)?;
        let _ = sender.send((buffer[..length].to_vec(), peer));
    }
}

fn peeks_first(socket: UdpSocket) -> io::Result<()> {
    let mut buffer = vec![0; 65_507];
    loop {
        let (_, peer) = socket.peek_from(&mut buffer)?;
        let length = socket.recv(&mut buffer)?;
        let _ = socket.send_to(&buffer[..length], peer);
    }
}

fn whole_buffer(socket: UdpSocket) -> io::Result<()> {
    loop {
        let mut buffer = [0; 1024];
        let (_, peer) = socket.recv_from(&mut buffer)?;
        socket.send_to(&buffer, peer)?;
    }
}

fn left_over(socket: UdpSocket) -> io::Result<()> {
    let mut buffer = [0; 1024];
    let mut most = 0;
    loop {
        let (length, peer) = socket.recv_from(&mut buffer)?;
        most = most.max(length);
        socket.send_to(&buffer[..most], peer)?;
    }
}

fn a_new_socket(socket: UdpSocket) -> io::Result<()> {
    let mut buffer = vec![0; 65_507];
    loop {
        let (length, peer) = socket.recv_from(&mut buffer)?;
        UdpSocket::bind("127.0.0.1:0")?.send_to(&buffer[..length], peer)?;
    }
}

fn unwraps_text(socket: UdpSocket) -> io::Result<()> {
    let mut buffer = vec![0; 65_507];
    loop {
        let (length, peer) = socket.recv_from(&mut buffer)?;
        let text = std::str::from_utf8(&buffer[..length]).unwrap();
        socket.send_to(text.as_bytes(), peer)?;
    }
}

fn empty_is_the_end(socket: UdpSocket) -> io::Result<()> {
    let mut buffer = vec![0; 65_507];
    loop {
        let (length, peer) = socket.recv_from(&mut buffer)?;
        if length == 0 {
            return Ok(());
        }
        socket.send_to(&buffer[..length], peer)?;
    }
}

fn passes_over_empty(socket: UdpSocket) -> io::Result<()> {
    let mut buffer = vec![0; 65_507];
    loop {
        let (length, peer) = socket.recv_from(&mut buffer)?;
        if length > 0 {
            socket.send_to(&buffer[..length], peer)?;
        }
    }
}

fn the_first_peer(socket: UdpSocket) -> io::Result<()> {
    let mut buffer = vec![0; 65_507];
    let mut first = None;
    loop {
        let (length, peer) = socket.recv_from(&mut buffer)?;
        socket.send_to(&buffer[..length], *first.get_or_insert(peer))?;
    }
}

fn connects(socket: UdpSocket) -> io::Result<()> {
    let mut buffer = vec![0; 65_507];
    let (length, peer) = socket.recv_from(&mut buffer)?;
    socket.connect(peer)?;
    socket.send(&buffer[..length])?;
    loop {
        let length = socket.recv(&mut buffer)?;
        socket.send(&buffer[..length])?;
    }
}

fn short_buffer(socket: UdpSocket) -> io::Result<()> {
    echo_with(&socket, 1024)
}

fn almost(socket: UdpSocket) -> io::Result<()> {
    echo_with(&socket, 65_506)
}

fn echo_with(socket: &UdpSocket, room: usize) -> io::Result<()> {
    let mut buffer = vec![0; room];
    loop {
        let (length, peer) = socket.recv_from(&mut buffer)?;
        socket.send_to(&buffer[..length], peer)?;
    }
}

fn once(socket: UdpSocket) -> io::Result<()> {
    let mut buffer = vec![0; 65_507];
    let (length, peer) = socket.recv_from(&mut buffer)?;
    socket.send_to(&buffer[..length], peer)?;
    Ok(())
}

/// Waits for the next datagram, and sends both back as one.
fn joins(socket: UdpSocket) -> io::Result<()> {
    let mut buffer = vec![0; 65_507];
    loop {
        let (length, peer) = socket.recv_from(&mut buffer)?;
        let mut all = buffer[..length].to_vec();
        if all == b"one" {
            let length = socket.recv(&mut buffer)?;
            all.extend_from_slice(&buffer[..length]);
        }
        socket.send_to(&all, peer)?;
    }
}

fn capitals(socket: UdpSocket) -> io::Result<()> {
    let mut buffer = vec![0; 65_507];
    loop {
        let (length, peer) = socket.recv_from(&mut buffer)?;
        socket.send_to(&buffer[..length].to_ascii_uppercase(), peer)?;
    }
}

fn says_nothing(socket: UdpSocket) -> io::Result<()> {
    let mut buffer = vec![0; 65_507];
    loop {
        socket.recv_from(&mut buffer)?;
    }
}
