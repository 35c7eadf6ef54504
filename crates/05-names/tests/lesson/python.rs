//! Python and netcat beside Rust: its calls and ours, on the same figures and the same wire.

use std::env;
use std::io::{self, ErrorKind, Write};
use std::process::Command;

use lesson_5::doors::{ANY_PORT, Door, Manner};
use lesson_5::dual::caller;
use lesson_5::resolve::{Hints, kind_name, lookup};
use wire::demo::{Server, python, run};

use crate::{ipv6, lesson};

fn output(command: &mut Command) -> String {
    let output = run(command, b"").unwrap();
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{command:?}: {errors}");
    String::from_utf8(output.stdout).unwrap()
}

#[test]
fn our_lookup_returns_what_pythons_getaddrinfo_returns() {
    const SCRIPT: &str = r#"
import socket, sys
flags = socket.AI_NUMERICHOST | socket.AI_NUMERICSERV
for host in sys.argv[1:]:
    for family, kind, proto, name, addr in socket.getaddrinfo(host, "80", 0, 0, 0, flags):
        print(addr[0], addr[1], socket.SocketKind(kind).name, proto)
"#;
    let hosts = ["127.0.0.1", "::1", "2001:db8::7", "::ffff:192.0.2.7"];
    let Some(mut script) = python(SCRIPT, &hosts) else {
        return;
    };
    let hints = Hints {
        flags: libc::AI_NUMERICHOST | libc::AI_NUMERICSERV,
        ..Hints::default()
    };
    let mut ours = String::new();
    for host in hosts {
        for one in lookup(Some(host), Some("80"), hints).unwrap() {
            let (ip, port) = (one.address.ip(), one.address.port());
            let kind = kind_name(one.kind);
            ours += &format!("{ip} {port} {kind} {}\n", one.protocol);
        }
    }
    assert_eq!(output(&mut script), ours);
}

#[test]
fn our_mapped_addresses_are_pythons() {
    const SCRIPT: &str = r#"
import ipaddress, sys
for text in sys.argv[1:]:
    address = ipaddress.ip_address(text)
    print(getattr(address, "ipv4_mapped", None) or address)
"#;
    let texts = [
        "::ffff:127.0.0.1",
        "::1",
        "192.0.2.7",
        "::ffff:0:1",
        "fe80::1",
    ];
    let Some(mut script) = python(SCRIPT, &texts) else {
        return;
    };
    let ours: Vec<String> = texts
        .iter()
        .map(|text| caller((text.parse::<std::net::IpAddr>().unwrap(), 1).into()))
        .map(|known| known.ip().to_string())
        .collect();
    assert_eq!(output(&mut script).lines().collect::<Vec<_>>(), ours);
}

#[test]
fn pythons_create_connection_reaches_our_server_by_both_families() {
    const SCRIPT: &str = r#"
import socket, sys
for host in ("127.0.0.1", "::1"):
    with socket.create_connection((host, int(sys.argv[1])), timeout=10) as stream:
        print(stream.makefile().read(), end="")
"#;
    if !ipv6() {
        return;
    }
    let server = Server::start(&mut lesson(&["server", "dual", "[::]:0"])).unwrap();
    let addr = server.addr();
    let Some(mut script) = python(SCRIPT, &[addr.rsplit_once(':').unwrap().1]) else {
        return;
    };
    let said = output(&mut script);
    let lines: Vec<&str> = said.lines().collect();
    assert!(lines[0].starts_with("you are 127.0.0.1:"), "{said}");
    assert!(lines[1].starts_with("you are [::1]:"), "{said}");
}

#[test]
fn our_dial_reaches_a_python_server_from_the_source_that_was_asked_for() {
    const SERVER: &str = r#"
import socket
server = socket.create_server(("127.0.0.1", 0))
print("listening on %s:%d" % server.getsockname())
stream, peer = server.accept()
print("called from", peer[0])
"#;
    let Some(mut server) = python(SERVER, &[]) else {
        return;
    };
    let server = Server::start(&mut server).unwrap();
    let addr = server.addr();
    let port = addr.rsplit_once(':').unwrap().1;
    let source = if cfg!(target_os = "linux") {
        "127.0.0.9"
    } else {
        "127.0.0.1"
    };
    output(&mut lesson(&[
        "dial",
        "127.0.0.1",
        port,
        "--source",
        source,
    ]));
    assert_eq!(server.line(), format!("called from {source}"));
}

#[test]
fn netcat_is_told_its_address_over_both_families() {
    if !ipv6() {
        return;
    }
    let server = Server::start(&mut lesson(&["server", "dual", "[::]:0"])).unwrap();
    let addr = server.addr();
    let port = addr.rsplit_once(':').unwrap().1;
    for (host, shown) in [
        ("127.0.0.1", "you are 127.0.0.1:"),
        ("::1", "you are [::1]:"),
    ] {
        let said = match run(Command::new("nc").args([host, port]), b"") {
            Err(error) if error.kind() == ErrorKind::NotFound => {
                assert!(env::var_os("CI").is_none(), "nc is missing");
                // Not `eprintln!`, which the test harness would hide.
                let _ = writeln!(io::stderr(), "skipped: nc is missing here");
                return;
            }
            output => String::from_utf8(output.unwrap().stdout).unwrap(),
        };
        assert!(said.starts_with(shown), "{said}");
    }
}

#[test]
fn python_finds_the_same_doors_shut() {
    const SCRIPT: &str = r#"
import socket, sys
try:
    socket.create_connection(("127.0.0.1", int(sys.argv[1])), timeout=10)
except ConnectionRefusedError:
    print("refused")
"#;
    let door = Door::open(ANY_PORT, Manner::Refuses).unwrap();
    let Some(mut script) = python(SCRIPT, &[&door.address().port().to_string()])
    else {
        return;
    };
    assert_eq!(output(&mut script), "refused\n");
}
