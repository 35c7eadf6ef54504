//! Python and ping on one end, Rust on the other, in a network of our own.

use std::env;
use std::io::{self, Write};
use std::process::Command;

use wire::demo::{python, run};

use crate::{lesson, room};

/// Runs a Python script in a room; `None` where there is no Python, or no room.
fn inside(script: &str) -> Option<String> {
    if !room() {
        return None;
    }
    let python = python(script, &[env!("CARGO_BIN_EXE_lesson-7")])?;
    let mut command = lesson(&["room"]);
    command.arg(python.get_program()).args(python.get_args());
    let output = run(&mut command, b"").unwrap();
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{errors}");
    Some(String::from_utf8(output.stdout).unwrap())
}

/// Receives the datagram that our client makes by hand.
const RECEIVER: &str = r#"
import socket, subprocess, sys

server = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
server.bind(("127.0.0.1", 0))
server.settimeout(30)
subprocess.run([sys.argv[1], "client", "udp", "127.0.0.1:%d" % server.getsockname()[1]],
               check=True, stdout=subprocess.DEVNULL)
print(server.recvfrom(100))
"#;

/// Captures what ping sends, and what comes back to it, and works out both checksums
/// in its own way.
const SNIFFER: &str = r#"
import socket, struct, subprocess, sys

def checksum(data):
    if len(data) % 2:
        data += b"\0"
    total = sum(struct.unpack("!%dH" % (len(data) // 2), data))
    while total >> 16:
        total = (total & 0xffff) + (total >> 16)
    return ~total & 0xffff

raw = socket.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_ICMP)
raw.settimeout(30)
subprocess.run([sys.argv[1], "ping", "-c", "1"], check=True, stdout=subprocess.DEVNULL)
for _ in range(2):
    packet = raw.recv(1000)
    message = packet[20:]
    kind, code, total, identifier, sequence = struct.unpack("!BBHHH", message[:8])
    print(kind, code, sequence, len(message), checksum(packet[:20]), checksum(message))
"#;

/// Forges replies to other programs while our ping waits for its own.
const FORGER: &str = r#"
import socket, struct, subprocess, sys

def checksum(data):
    total = sum(struct.unpack("!%dH" % (len(data) // 2), data))
    while total >> 16:
        total = (total & 0xffff) + (total >> 16)
    return ~total & 0xffff

def message(kind, identifier, sequence):
    bare = struct.pack("!BBHHH", kind, 0, 0, identifier, sequence)
    return struct.pack("!BBHHH", kind, 0, checksum(bare), identifier, sequence)

raw = socket.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_ICMP)
ping = subprocess.Popen([sys.argv[1], "ping", "-c", "3", "-i", "0.01"],
                        stdout=subprocess.PIPE)
for sequence in range(20): # no flood: a full buffer would lose the true reply, too
    for identifier in (0, 1, 2):
        raw.sendto(message(0, identifier, sequence), ("127.0.0.1", 0))
ping.wait()
print(ping.stdout.read().decode().count("64 bytes from 127.0.0.1"), ping.returncode)
"#;

#[test]
fn a_python_socket_receives_our_datagram() {
    let Some(output) = inside(RECEIVER) else {
        return;
    };
    assert_eq!(output, "(b'good morning', ('127.0.0.1', 50001))\n");
}

#[test]
fn a_python_raw_socket_sees_our_request_with_right_checksums() {
    let Some(output) = inside(SNIFFER) else {
        return;
    };
    assert_eq!(output, "8 0 1 64 0 0\n0 0 1 64 0 0\n");
}

#[test]
fn replies_that_python_forges_are_not_ours() {
    let Some(output) = inside(FORGER) else {
        return;
    };
    assert_eq!(output, "3 0\n");
}

/// ping itself, if there is one.
fn ping() -> bool {
    let there = Command::new("ping").arg("-V").output().is_ok();
    if !there {
        assert!(env::var_os("CI").is_none(), "ping is missing");
        let _ = writeln!(io::stderr(), "skipped: ping is missing here");
    }
    there
}

/// Set where the test below runs in a room.
const INSIDE: &str = "LESSON_7_INSIDE";

#[test]
fn our_parser_reads_what_ping_sends_and_what_the_kernel_replies() {
    if env::var_os(INSIDE).is_some() {
        return listen_to_ping();
    }
    if !room() || !ping() {
        return;
    }
    // This same test, in a room with ping.
    let program = env::current_exe().unwrap();
    let mut command = lesson(&["room"]);
    let this = "python::our_parser_reads_what_ping_sends_and_what_the_kernel_replies";
    command
        .arg(program)
        .args([this, "--exact", "--test-threads=1"])
        .env(INSIDE, "1");
    let output = run(&mut command, b"").unwrap();
    let said = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success(), "{said}");
    assert!(said.contains("1 passed"), "{said}");
}

fn listen_to_ping() {
    use std::net::Ipv4Addr;
    use std::time::{Duration, Instant};

    use lesson_7::icmp::{self, Message};
    use lesson_7::sockets::{raw_icmp, receive};

    let socket = raw_icmp().unwrap();
    let status = Command::new("ping")
        .args(["-c", "1", "-s", "33", "-p", "ab", "127.0.0.1"])
        .output()
        .unwrap();
    assert!(status.status.success());
    let mut seen = Vec::new();
    for _ in 0..2 {
        let deadline = Instant::now() + Duration::from_secs(30);
        let arrived = receive(&socket, true, deadline).unwrap().unwrap();
        assert_eq!((arrived.from, arrived.ttl), (Ipv4Addr::LOCALHOST, Some(64)));
        match icmp::parse(&arrived.message).unwrap() {
            Message::EchoRequest(echo) => {
                seen.push((8, echo.identifier, echo.sequence, echo.data.to_vec()));
            }
            Message::EchoReply(echo) => {
                seen.push((0, echo.identifier, echo.sequence, echo.data.to_vec()));
            }
            other => panic!("{other:?}"),
        }
    }
    let [request, reply] = seen.try_into().unwrap();
    assert_eq!((request.0, reply.0), (8, 0));
    assert_eq!((request.1, request.2), (reply.1, reply.2));
    assert_eq!((request.2, request.3.len()), (1, 33));
    assert_eq!(request.3, reply.3);
    assert!(request.3.ends_with(&[0xAB; 8]));
}
