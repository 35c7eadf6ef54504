//! The other end by somebody else: CPython's socket module, and netcat. Over both
//! families, as far as this machine has them.

use std::io::{self, ErrorKind, Write};
use std::net::{Ipv6Addr, UdpSocket};
use std::process::{Command, Output};
use std::{env, thread};

use wire::demo::{Server, python, run};

use crate::{lesson, outcome};

/// Where our servers bind: over IPv4, and over IPv6 where there is a loopback of it.
fn addresses() -> Vec<&'static str> {
    match UdpSocket::bind((Ipv6Addr::LOCALHOST, 0)) {
        Ok(_) => vec!["127.0.0.1:0", "[::1]:0"],
        Err(error) => {
            // Not `eprintln!`, which the test harness would hide.
            let _ = writeln!(io::stderr(), "skipped: cannot bind ::1 here: {error}");
            vec!["127.0.0.1:0"]
        }
    }
}

/// A server of the lesson and the host and the port that it announces.
fn start(name: &str, addr: &str) -> (Server, String, String) {
    let server = Server::start(&mut lesson(&["server", name, addr])).unwrap();
    let bound = server.addr();
    server.line(); // how to stop it
    let (host, port) = bound.rsplit_once(':').unwrap();
    let host = host.trim_matches(['[', ']']).to_string();
    (server, host, port.to_string())
}

/// `nc` with these arguments and this input; `None` if this machine has none, or not
/// OpenBSD's, which is said, and no excuse under `CI`.
fn netcat(args: &[&str], input: &[u8]) -> Option<Output> {
    let help = match run(Command::new("nc").arg("-h"), b"") {
        Err(error) if error.kind() == ErrorKind::NotFound => Vec::new(),
        told => told
            .map(|told| [told.stdout, told.stderr].concat())
            .unwrap(),
    };
    // Its option -W ends it after so many datagrams; others have none like it.
    if !String::from_utf8_lossy(&help).contains("-W recvlimit") {
        assert!(env::var_os("CI").is_none(), "OpenBSD's nc is missing");
        let _ = writeln!(io::stderr(), "skipped: OpenBSD's nc is missing here");
        return None;
    }
    Some(run(Command::new("nc").args(args), input).unwrap())
}

#[test]
fn our_client_and_server_talk_over_both_families() {
    for addr in addresses() {
        for (name, answer) in [("ask", "ok\n"), ("echo", "hello\n"), ("oneway", "")] {
            let (server, host, port) = start(name, addr);
            let to = if host.contains(':') {
                format!("[{host}]:{port}")
            } else {
                format!("{host}:{port}")
            };
            let (code, output, errors) =
                outcome(&["client", name, &to], "hello\nexit\nno\n");
            let seen = (code, output.as_str(), errors.as_str());
            assert_eq!(seen, (Some(0), answer, ""));
            let told = format!("hello from {host} port ");
            assert!(server.line().starts_with(&told), "{told}");
        }
    }
}

#[test]
fn a_line_of_many_bytes_comes_back_whole() {
    let (_server, host, port) = start("echo", "127.0.0.1:0");
    let line = "x".repeat(9000) + "\n";
    let (code, output, errors) =
        outcome(&["client", "echo", &format!("{host}:{port}")], &line);
    assert_eq!((code, errors.as_str()), (Some(0), ""));
    assert!(output == line, "{} bytes", output.len());
}

#[test]
fn python_gets_its_ok_the_time_and_its_own_words() {
    const SCRIPT: &str = r#"
import socket, sys, time
host, port, name = sys.argv[1], int(sys.argv[2]), sys.argv[3]
family = socket.AF_INET6 if ":" in host else socket.AF_INET
s = socket.socket(family, socket.SOCK_DGRAM)
s.settimeout(30)
for sent in b"", b"hello", bytes(range(256)) * 200:
    s.sendto(sent, (host, port))
    data, peer = s.recvfrom(65535)
    assert peer[:2] == (host, port), peer
    if name == "ask":
        assert data == b"ok", data
    elif name == "echo":
        assert data == sent, len(data)
    else:
        seconds = int.from_bytes(data, "big") - 2208988800 % 2**32
        assert len(data) == 4 and abs(seconds % 2**32 - time.time()) < 60, data
print("good")
"#;
    for addr in addresses() {
        for name in ["ask", "time", "echo"] {
            let (_server, host, port) = start(name, addr);
            let Some(mut python) = python(SCRIPT, &[&host, &port, name]) else {
                return;
            };
            let output = run(&mut python, b"").unwrap();
            let errors = String::from_utf8_lossy(&output.stderr);
            assert_eq!(output.stdout, b"good\n", "{name} {addr}: {errors}");
        }
    }
}

/// What IPv6 carries and IPv4 does not: its length does not count its header.
#[test]
fn over_ipv6_a_datagram_may_be_twenty_bytes_longer() {
    const LONGEST_OVER_6: usize = 65_527;
    for addr in addresses().into_iter().skip(1) {
        let (_server, host, port) = start("echo", addr);
        let client = UdpSocket::bind((Ipv6Addr::LOCALHOST, 0)).unwrap();
        client.set_read_timeout(Some(lesson_3::PATIENCE)).unwrap();
        client
            .connect((host.as_str(), port.parse::<u16>().unwrap()))
            .unwrap();
        assert!(client.send(&[0; LONGEST_OVER_6 + 1]).is_err());
        let sent = [7; LONGEST_OVER_6];
        client.send(&sent).unwrap();
        let mut buffer = vec![0; 1 << 16];
        let length = client.recv(&mut buffer).unwrap();
        assert!(buffer[..length] == sent, "{length}");
    }
}

#[test]
fn python_gets_an_icmp_message_from_a_port_that_nobody_has() {
    const SCRIPT: &str = r#"
import socket
with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as nobody:
    nobody.bind(("127.0.0.1", 0))
    address = nobody.getsockname()
s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
s.connect(address)
s.send(b"one")
try:
    s.send(b"two")
except ConnectionRefusedError:
    print("refused")
"#;
    let Some(mut python) = python(SCRIPT, &[]) else {
        return;
    };
    assert_eq!(run(&mut python, b"").unwrap().stdout, b"refused\n");
    let (connected, _, _) = outcome(&["nobody"], "");
    assert_eq!(connected, Some(0)); // and ours, in the transcript of the book
}

#[test]
fn netcat_is_answered_over_both_families() {
    for addr in addresses() {
        for (name, answer) in [("ask", &b"ok"[..]), ("echo", b"hello\n")] {
            let (server, host, port) = start(name, addr);
            // One datagram and out; a minute without one is too long.
            let args = ["-u", "-W", "1", "-w", "50", &host, &port];
            let Some(output) = netcat(&args, b"hello\n") else {
                return;
            };
            assert_eq!(output.stdout, answer, "{name} {addr}");
            let told = format!("hello\\n from {host} port ");
            assert!(server.line().starts_with(&told), "{told}");
        }
    }
}

#[test]
fn netcat_hears_what_our_one_way_client_says() {
    for addr in addresses() {
        let free = UdpSocket::bind(addr).unwrap().local_addr().unwrap();
        let (host, port) = (free.ip().to_string(), free.port().to_string());
        let args = move || netcat(&["-u", "-l", "-W", "1", &host, &port], b"");
        let netcat = thread::spawn(args);
        // Until it has bound its port nobody hears, and nobody tells.
        let to = free.to_string();
        while !netcat.is_finished() {
            outcome(&["client", "oneway", &to], "good morning\n");
        }
        let Some(output) = netcat.join().unwrap() else {
            return;
        };
        assert_eq!(output.stdout, b"good morning");
    }
}
