//! Two writers and no reader: where the bytes lie when neither can go on.
//!
//! How many they are depends on the machine, and is not shown; that they lie in all
//! four queues, and that both programs wait in a send, does not.

use std::io::{self, Read, Write};
use std::net::{Ipv4Addr, Shutdown, SocketAddr, TcpListener, TcpStream};
use std::process;
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Result, bail};
use xray::{Process, TcpSocket};

use crate::pieces::File;
use crate::pieces::picture::{Picture, text};
use crate::pieces::shop::Workshop;

/// More than all buffers of a connection together: tcp(7), `tcp_rmem` and `tcp_wmem`.
const LENGTH: usize = 64 * 1024 * 1024;

/// Both are stuck within a tenth of a second; after this something is wrong.
const PATIENCE: Duration = Duration::from_secs(30);

/// So many looks in a row must find both asleep all the time in between.
const LOOKS: u32 = 10;
const PAUSE: Duration = Duration::from_millis(20);

/// What is seen of one end.
#[derive(Debug, Clone, PartialEq, Eq)]
struct End {
    name: &'static str,
    /// The system call that its program waits in.
    waits_in: String,
    /// Whether its kernel holds bytes that are to be sent, and to be read.
    to_send: bool,
    to_read: bool,
}

/// Brings a client and an echo server to a standstill; what the kernel sees then.
pub fn make(name: &str, _: &Workshop) -> Result<Vec<File>> {
    let ends = standstill()?;
    Ok(vec![
        File::generated(&format!("{name}.svg"), draw(&ends)),
        File::generated(&format!("{name}.txt"), tell(&ends)),
    ])
}

/// A client that writes all before it reads, a server that sends everything back.
fn standstill() -> Result<[End; 2]> {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
    let client = TcpStream::connect(listener.local_addr()?)?;
    let (server, _) = listener.accept()?;
    let addresses = [client.local_addr()?, server.local_addr()?];
    thread::scope(|scope| {
        let named = |name: &str| thread::Builder::new().name(name.into());
        named(CLIENT)
            .spawn_scoped(scope, || (&client).write_all(&vec![0; LENGTH]))?;
        named(SERVER).spawn_scoped(scope, || echo(&server))?;
        let seen = watch(addresses);
        // Sets both threads free: their calls fail.
        for stream in [&client, &server] {
            let _ = stream.shutdown(Shutdown::Both);
        }
        seen
    })
}

const CLIENT: &str = "client";
const SERVER: &str = "server";

fn echo(mut stream: &TcpStream) -> io::Result<()> {
    let mut buffer = vec![0; 64 * 1024];
    loop {
        let length = stream.read(&mut buffer)?;
        if length == 0 {
            return Ok(());
        }
        stream.write_all(&buffer[..length])?;
    }
}

/// Waits until neither thread does anything any more, and looks at both ends.
fn watch(addresses: [SocketAddr; 2]) -> Result<[End; 2]> {
    let started = Instant::now();
    let (mut quiet, mut last) = (0, None);
    while started.elapsed() < PATIENCE {
        thread::sleep(PAUSE);
        let process = xray::look(process::id())?;
        let ends = [
            end(&process, CLIENT, addresses[0]),
            end(&process, SERVER, addresses[1]),
        ];
        let [Some((client, here)), Some((server, there))] = ends else {
            quiet = 0; // somebody is at work
            continue;
        };
        let switches = Some([here, there]);
        quiet = if last == switches { quiet + 1 } else { 0 };
        last = switches;
        if quiet == LOOKS {
            return Ok([client, server]);
        }
    }
    bail!("client and server do not come to a standstill")
}

/// What is to be seen of one end, and how often its thread has been switched to; none
/// while the thread does not wait.
fn end(
    process: &Process,
    name: &'static str,
    address: SocketAddr,
) -> Option<(End, u64)> {
    let mut threads = process.threads.iter();
    let thread = threads.find(|thread| thread.name == name && thread.is_blocked())?;
    let is_it =
        |socket: &TcpSocket| socket.local == address && !socket.is_listening();
    let (_, socket) = process.tcp().find(|(_, socket)| is_it(socket))?;
    let end = End {
        name,
        waits_in: thread.call.as_ref()?.name.clone(),
        to_send: socket.unsent > 0,
        to_read: socket.unread > 0,
    };
    Some((end, thread.switches))
}

/// The picture in words.
fn tell(ends: &[End; 2]) -> String {
    let holds = |there| if there { "bytes" } else { "nothing" };
    let line = |end: &End| {
        format!(
            "{}: waits in {}; its kernel holds {} to be sent, {} to be read\n",
            end.name,
            end.waits_in,
            holds(end.to_send),
            holds(end.to_read)
        )
    };
    ends.iter().map(line).collect()
}

// All measures are in the picture's own units, as in the timelines of `wire`.
const WIDTH: usize = 420;
const HEIGHT: usize = 164;
const OUT: usize = 62; // how far down the bytes of the client are, and its answers
const BACK: usize = 118;

fn draw(ends: &[End; 2]) -> String {
    let [client, server] = ends;
    let mut body = program(client, 12, "hs-left") + &program(server, 324, "hs-right");
    for x in [116, 216] {
        body += &format!(
            "<rect class=\"hs-kernel\" x=\"{x}\" y=\"14\" width=\"88\" \
             height=\"136\" rx=\"8\"/><text class=\"hs-small\" x=\"{}\" y=\"31\" \
             text-anchor=\"middle\">its kernel</text>\n",
            x + 44
        );
    }
    body += &queue(124, OUT, "to send", client.to_send, "hs-left");
    body += &queue(224, OUT, "to read", server.to_read, "hs-left");
    body += &queue(224, BACK, "to send", server.to_send, "hs-right");
    body += &queue(124, BACK, "to read", client.to_read, "hs-right");
    // The way of the bytes, and where they do not get on.
    for (from, to, y, tone) in [
        (96, 122, OUT, "hs-left"),
        (196, 222, OUT, "hs-left"),
        (296, 322, OUT, "hs-left"),
        (324, 298, BACK, "hs-right"),
        (224, 198, BACK, "hs-right"),
        (124, 98, BACK, "hs-right"),
    ] {
        body += &arrow(from, to, y, tone);
    }
    let picture = Picture {
        class: "hs-stall",
        title: "Two writers and no reader: all four queues hold bytes".into(),
        description: tell(ends),
        rules: RULES,
        body,
    };
    picture.draw(WIDTH, HEIGHT)
}

fn program(end: &End, x: usize, tone: &str) -> String {
    let middle = x + 42;
    format!(
        "<g class=\"{tone}\"><rect class=\"hs-program\" x=\"{x}\" y=\"38\" \
         width=\"84\" height=\"104\" rx=\"8\"/>\
         <text class=\"hs-name\" x=\"{middle}\" y=\"74\" \
         text-anchor=\"middle\">{}</text><text class=\"hs-small\" x=\"{middle}\" \
         y=\"94\" text-anchor=\"middle\">waits in</text>\
         <text x=\"{middle}\" y=\"113\" text-anchor=\"middle\">{}</text></g>\n",
        end.name,
        text(&end.waits_in)
    )
}

fn queue(x: usize, y: usize, name: &str, holds: bool, tone: &str) -> String {
    let full = if holds { " hs-full" } else { "" };
    format!(
        "<g class=\"{tone}\"><rect class=\"hs-queue{full}\" x=\"{x}\" y=\"{}\" \
         width=\"72\" height=\"34\" rx=\"5\"/>\
         <text class=\"hs-in\" x=\"{}\" y=\"{}\" \
         text-anchor=\"middle\">{name}</text></g>\n",
        y - 17,
        x + 36,
        y + 4
    )
}

/// An arrow that ends at a wall.
fn arrow(from: isize, to: isize, y: usize, tone: &str) -> String {
    let sign = (from - to).signum();
    let tip = to + sign * 4;
    let (back, wall) = (tip + sign * 8, to + sign);
    format!(
        "<g class=\"{tone}\"><path class=\"hs-shaft\" d=\"M{from} {y}H{back}\"/>\
         <path class=\"hs-head\" d=\"M{tip} {y}L{back} {}v8Z\"/>\
         <path class=\"hs-wall\" d=\"M{wall} {}v16\"/></g>\n",
        y - 4,
        y - 8
    )
}

const RULES: &str = "\
.X .hs-program{fill:var(--_tone);fill-opacity:.12;stroke:var(--_tone)}
.X .hs-kernel{fill:none;stroke:var(--_life);stroke-dasharray:3 3}
.X .hs-queue{fill:var(--_bg);stroke:var(--_tone)}
.X .hs-full{fill:var(--_tone);fill-opacity:.3}
.X .hs-name{fill:var(--_tone);font-weight:600}
.X .hs-small{fill:var(--_muted);font-size:12px}
.X .hs-in{font-size:12px}
.X .hs-shaft{fill:none;stroke:var(--_tone);stroke-width:1.5}
.X .hs-head{fill:var(--_tone)}
.X .hs-wall{stroke:var(--_alarm);stroke-width:2.5;stroke-linecap:round}
";

#[cfg(test)]
mod tests {
    use super::*;

    #[cfg(target_os = "linux")]
    #[test]
    fn two_writers_stand_still_with_all_queues_in_use() {
        let told = tell(&standstill().unwrap());
        let expected = "\
client: waits in sendto; its kernel holds bytes to be sent, bytes to be read
server: waits in sendto; its kernel holds bytes to be sent, bytes to be read
";
        assert_eq!(told, expected);
    }

    #[test]
    fn a_queue_without_bytes_is_not_drawn_full() {
        let end = |name, to_read| End {
            name,
            waits_in: "sendto".into(),
            to_send: true,
            to_read,
        };
        let svg = draw(&[end(CLIENT, false), end(SERVER, true)]);
        assert_eq!(svg.matches("hs-queue hs-full\"").count(), 3);
    }
}
