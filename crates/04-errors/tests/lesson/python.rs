//! Python and nc on one end, Rust on the other.

use std::io::{self, ErrorKind, Write};
use std::net::TcpListener;
use std::process::Command;
use std::thread;

use wire::demo::{Server, python, run};

use crate::{lesson, outcome};

fn output(command: &mut Command, input: &str) -> String {
    let output = run(command, input.as_bytes()).unwrap();
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{command:?}: {errors}");
    String::from_utf8(output.stdout).unwrap()
}

/// Prints the exception with which a `recv` ends, or what it brings.
const CALLER: &str = r#"
import socket, sys

host, port = sys.argv[1].split(":")
s = socket.create_connection((host, int(port)))
s.settimeout(float(sys.argv[3]))
s.sendall(sys.argv[2].encode())
try:
    while True:
        data = s.recv(1024)
        if not data:
            print("end")
            break
        print(data)
except OSError as e:
    print(type(e).__name__, e.errno)
"#;

#[test]
fn python_names_the_endings_of_the_slam_door() {
    let server =
        Server::start(&mut lesson(&["server", "slam", "127.0.0.1:0"])).unwrap();
    let addr = server.addr();
    for (word, limit, told) in [
        ("fin\n", "30", "end\n"),
        ("rst\n", "30", "ConnectionResetError 104\n"),
        ("silence\n", "0.1", "TimeoutError None\n"),
    ] {
        let Some(mut caller) = python(CALLER, &[&addr, word, limit]) else {
            return;
        };
        let said = output(&mut caller, "");
        // Before Python 3.10 a timeout had a name of its own; numbers are Linux's.
        if word != "silence\n" && cfg!(target_os = "linux") {
            assert_eq!(said, told);
        } else {
            assert!(
                said.ends_with(" None\n") || said.contains("Reset"),
                "{said}"
            );
        }
    }
}

/// Connects where nobody listens: the number that `connect_ex` returns.
const CONNECT_EX: &str = r#"
import socket, sys

host, port = sys.argv[1].split(":")
print(socket.socket().connect_ex((host, int(port))))
"#;

#[test]
fn connect_ex_is_pythons() {
    let closed = TcpListener::bind("127.0.0.1:0")
        .unwrap()
        .local_addr()
        .unwrap();
    let Some(mut theirs) = python(CONNECT_EX, &[&closed.to_string()]) else {
        return;
    };
    let theirs = output(&mut theirs, "");
    let (code, ours, _) = outcome(&["connect-ex", &closed.to_string()], "");
    assert_eq!(code, Some(0));
    assert_eq!(
        ours.split_whitespace().next(),
        theirs.split_whitespace().next()
    );
}

/// A Gopher server in Python's way: it sends one page in pieces.
const SERVER: &str = r#"
import socket

server = socket.socket()
server.bind(("127.0.0.1", 0))
server.listen(5)
print("listening on %s:%d" % server.getsockname())
while True:
    client, address = server.accept()
    selector = client.recv(1024)
    if selector == b"/tea\r\n":
        for piece in [b"Dar", b"jeeling.\r", b"\n.\r", b"\n"]:
            client.send(piece)
    else:
        client.send(b"3'" + selector.strip() + b"' does not ")
        client.send(b"exist\t\terror.host\t1\r\n.\r\n")
    client.close()
"#;

#[test]
fn our_client_understands_a_server_in_python() {
    let Some(mut server) = python(SERVER, &[]) else {
        return;
    };
    let server = Server::start(&mut server).unwrap();
    let addr = server.addr();
    let (code, page, _) = outcome(&["client", "gopher", &addr, "/tea"], "");
    assert_eq!((code, page.as_str()), (Some(0), "Darjeeling.\n"));
    let (code, _, errors) = outcome(&["client", "gopher", &addr, "/x"], "");
    assert_eq!(code, Some(8), "{errors}");
}

/// The command, unless this machine lacks it, which is said; where the environment
/// has `CI`, nothing is skipped.
fn or_skip(result: io::Result<std::process::Output>, name: &str) -> Option<Vec<u8>> {
    match result {
        Err(error) if error.kind() == ErrorKind::NotFound => {
            assert!(std::env::var_os("CI").is_none(), "{name} is missing");
            let _ = writeln!(io::stderr(), "skipped: {name} is missing here");
            None
        }
        result => Some(result.unwrap().stdout),
    }
}

#[test]
fn nc_gets_a_page_with_its_last_line() {
    let server =
        Server::start(&mut lesson(&["server", "gopher", "127.0.0.1:0"])).unwrap();
    let addr = server.addr();
    let (host, port) = addr.split_once(':').unwrap();
    let mut nc = Command::new("nc");
    let Some(page) = or_skip(run(nc.args([host, port]), b"/tea\r\n"), "nc") else {
        return;
    };
    assert!(page.starts_with(b"Darjeeling"), "{page:?}");
    assert!(page.ends_with(b"\r\n.\r\n"), "{page:?}");
}

#[test]
fn curl_gets_a_page_too() {
    let server =
        Server::start(&mut lesson(&["server", "gopher", "127.0.0.1:0"])).unwrap();
    let url = format!("gopher://{}/0/tea", server.addr()); // 0 is the item's type
    let mut curl = Command::new("curl");
    curl.args(["--silent", "--max-time", "20", &url]);
    let page = thread::spawn(move || run(&mut curl, b"")).join().unwrap();
    let Some(page) = or_skip(page, "curl") else {
        return;
    };
    // Some builds of curl do not speak Gopher, and say nothing then.
    assert!(
        page.is_empty() || page.starts_with(b"Darjeeling"),
        "{page:?}"
    );
}
