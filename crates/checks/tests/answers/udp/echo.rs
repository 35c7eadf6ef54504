//! Answers to `udp/echo`.

use std::collections::HashSet;
use std::io::{self, ErrorKind};
use std::net::UdpSocket;
use std::thread;
use std::time::Duration;

use checks::answers::Answer;
use checks_udp::echo as check;

pub fn answers() -> Vec<Answer> {
    vec![
        Answer::right("udp echo right: a new vector", check(a_new_vector)),
        Answer::right("udp echo right: two threads", check(two_threads)),
        Answer::right("udp echo right: peeks first", check(peeks_first)),
        Answer::right(
            "udp echo right: a thread for each",
            check(a_thread_for_each),
        ),
        Answer::right("udp echo right: four workers", check(four_workers)),
        Answer::right("udp echo right: a time limit", check(a_time_limit)),
        Answer::right("udp echo right: naps", check(naps)),
        Answer::right("udp echo right: while let", check(while_let)),
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
        Answer::wrong(
            "M50",
            "udp echo: a thread for each peer",
            check(a_thread_for_each_peer),
        ),
        Answer::wrong("M11", "udp echo: as text", check(as_text)),
        Answer::wrong("M45", "udp echo: an error for no text", check(no_text)),
        Answer::wrong("M53", "udp echo: an error for empty", check(no_empty)),
        Answer::wrong("M21", "udp echo: spins", check(spins)),
        Answer::wrong("M29", "udp echo: 1024 bytes", check(short_buffer)),
        Answer::wrong("M29", "udp echo: 65,506 bytes", check(almost)),
        Answer::unnamed("again", "udp echo: once", check(once)),
        Answer::unnamed("any", "udp echo: only text", check(only_text)),
        Answer::unnamed("any", "udp echo: trims", check(trims)),
        Answer::unnamed("whole", "udp echo: no room", check(no_room)),
        Answer::unnamed("whole", "udp echo: recv and send", check(recv_and_send)),
        Answer::unnamed("whole", "udp echo: a new line", check(a_new_line)),
        Answer::unnamed("whole", "udp echo: 65,536 bytes", check(too_many)),
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

/// What comes at the same time may be answered in another order.
fn a_thread_for_each(socket: UdpSocket) -> io::Result<()> {
    loop {
        let mut buffer = vec![0; 65_535];
        let (length, peer) = socket.recv_from(&mut buffer)?;
        buffer.truncate(length);
        let output = socket.try_clone()?;
        thread::spawn(move || output.send_to(&buffer, peer));
    }
}

fn four_workers(socket: UdpSocket) -> io::Result<()> {
    let work = |socket: &UdpSocket| -> io::Result<()> {
        let mut buffer = [0; 65_507];
        loop {
            let (length, peer) = socket.recv_from(&mut buffer)?;
            socket.send_to(&buffer[..length], peer)?;
        }
    };
    thread::scope(|scope| {
        let workers: Vec<_> = (0..4).map(|_| scope.spawn(|| work(&socket))).collect();
        workers.into_iter().try_for_each(|w| w.join().unwrap())
    })
}

fn a_time_limit(socket: UdpSocket) -> io::Result<()> {
    socket.set_read_timeout(Some(Duration::from_millis(100)))?;
    let mut buffer = vec![0; 65_507];
    loop {
        match socket.recv_from(&mut buffer) {
            Ok((length, peer)) => drop(socket.send_to(&buffer[..length], peer)),
            Err(error) if error.kind() == ErrorKind::WouldBlock => {}
            Err(error) => return Err(error),
        }
    }
}

fn naps(socket: UdpSocket) -> io::Result<()> {
    socket.set_nonblocking(true)?;
    let mut buffer = vec![0; 65_507];
    loop {
        match socket.recv_from(&mut buffer) {
            Ok((length, peer)) => drop(socket.send_to(&buffer[..length], peer)?),
            Err(error) if error.kind() == ErrorKind::WouldBlock => {
                thread::sleep(Duration::from_millis(5));
            }
            Err(error) => return Err(error),
        }
    }
}

fn while_let(socket: UdpSocket) -> io::Result<()> {
    let mut buffer = [0u8; u16::MAX as usize];
    while let Ok((length, peer)) = socket.recv_from(&mut buffer) {
        println!("{length} bytes from {peer}");
        if let Some(message) = buffer.get(..length) {
            socket.send_to(message, peer).unwrap();
        }
    }
    Ok(())
}

/// As if there were connections: whoever is new gets a thread that stays with it.
fn a_thread_for_each_peer(socket: UdpSocket) -> io::Result<()> {
    let mut known = HashSet::new();
    let mut buffer = vec![0; 65_507];
    loop {
        let (length, peer) = socket.recv_from(&mut buffer)?;
        socket.send_to(&buffer[..length], peer)?;
        if known.insert(peer) {
            let socket = socket.try_clone()?;
            let own = thread::spawn(move || -> io::Result<()> {
                let mut buffer = vec![0; 65_507];
                loop {
                    let length = socket.recv(&mut buffer)?;
                    socket.send_to(&buffer[..length], peer)?;
                }
            });
            own.join().unwrap()?;
        }
    }
}

fn as_text(socket: UdpSocket) -> io::Result<()> {
    let mut buffer = vec![0; 65_507];
    loop {
        let (length, peer) = socket.recv_from(&mut buffer)?;
        let text = String::from_utf8_lossy(&buffer[..length]).to_string();
        socket.send_to(text.as_bytes(), peer)?;
    }
}

fn no_text(socket: UdpSocket) -> io::Result<()> {
    let mut buffer = vec![0; 65_507];
    loop {
        let (length, peer) = socket.recv_from(&mut buffer)?;
        let text = std::str::from_utf8(&buffer[..length])
            .map_err(|error| io::Error::new(ErrorKind::InvalidData, error))?;
        socket.send_to(text.as_bytes(), peer)?;
    }
}

fn no_empty(socket: UdpSocket) -> io::Result<()> {
    let mut buffer = vec![0; 65_507];
    loop {
        match socket.recv_from(&mut buffer)? {
            (0, _) => return Err(ErrorKind::UnexpectedEof.into()),
            (length, peer) => drop(socket.send_to(&buffer[..length], peer)?),
        }
    }
}

fn spins(socket: UdpSocket) -> io::Result<()> {
    socket.set_nonblocking(true)?;
    let mut buffer = vec![0; 65_507];
    loop {
        if let Ok((length, peer)) = socket.recv_from(&mut buffer) {
            socket.send_to(&buffer[..length], peer)?;
        }
    }
}

fn only_text(socket: UdpSocket) -> io::Result<()> {
    let mut buffer = vec![0; 65_507];
    loop {
        let (length, peer) = socket.recv_from(&mut buffer)?;
        if let Ok(text) = std::str::from_utf8(&buffer[..length]) {
            socket.send_to(text.as_bytes(), peer)?;
        }
    }
}

fn trims(socket: UdpSocket) -> io::Result<()> {
    let mut buffer = vec![0; 65_507];
    loop {
        let (length, peer) = socket.recv_from(&mut buffer)?;
        socket.send_to(buffer[..length].trim_ascii(), peer)?;
    }
}

/// A vector with a capacity has no elements yet.
fn no_room(socket: UdpSocket) -> io::Result<()> {
    let mut buffer = Vec::with_capacity(65_507);
    loop {
        let (length, peer) = socket.recv_from(&mut buffer)?;
        socket.send_to(&buffer[..length], peer)?;
    }
}

fn recv_and_send(socket: UdpSocket) -> io::Result<()> {
    let mut buffer = vec![0; 65_507];
    loop {
        let length = socket.recv(&mut buffer)?;
        socket.send(&buffer[..length])?;
    }
}

fn a_new_line(socket: UdpSocket) -> io::Result<()> {
    let mut buffer = vec![0; 65_507];
    loop {
        let (length, peer) = socket.recv_from(&mut buffer)?;
        socket.send_to(&[&buffer[..length], b"\n"].concat(), peer)?;
    }
}

/// More than a datagram has room for: nothing is sent.
fn too_many(socket: UdpSocket) -> io::Result<()> {
    let mut buffer = vec![0; 65_536];
    loop {
        let (_, peer) = socket.recv_from(&mut buffer)?;
        let _ = socket.send_to(&buffer, peer);
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
