//! Programs that nobody here wrote on the other side: CPython's sockets, and nc.

use std::io::{self, ErrorKind, Write};
use std::process::Command;

use wire::demo::{Server, python, run};

use crate::lesson;

/// Many clients at once, in the tutorials' own words: each connects before any speaks,
/// the last speaks first.
const CROWD: &str = r#"
import socket, sys

host, port = sys.argv[1].split(":")
clients = [socket.create_connection((host, int(port)), 30) for _ in range(100)]
for number, client in reversed(list(enumerate(clients))):
    client.send(("client %d\n" % number).encode("utf-8"))
    assert client.recv(1024) == b"CLIENT %d\n" % number
for client in clients:
    client.shutdown(socket.SHUT_WR)
    assert client.recv(1024) == b""
print("all answered")
"#;

/// More clients than a pool has room for: who is refused is told so, and then the end.
const POOL: &str = r#"
import socket, sys

host, port = sys.argv[1].split(":")
def call():
    return socket.create_connection((host, int(port)), 30)
served = [call() for _ in range(4)]
for client in served:
    client.sendall(b"hello\n")
    assert client.recv(1024) == b"HELLO\n"
waiting = [call() for _ in range(8)]
refused = call().makefile("rb")
assert refused.read() == b"busy, try again later\n"
for client in served:
    client.close()
for client in waiting[:4]:
    client.sendall(b"my turn\n")
    assert client.recv(1024) == b"MY TURN\n"
print("as agreed")
"#;

/// Three in a chat, with threads that listen.
const CHAT: &str = r#"
import queue, socket, sys, threading

host, port = sys.argv[1].split(":")
def enter():
    client = socket.create_connection((host, int(port)), 30)
    lines = queue.Queue()
    file = client.makefile("rb")
    assert file.readline().startswith(b"welcome; others here: ")
    threading.Thread(target=lambda: [lines.put(l) for l in file], daemon=True).start()
    return client, lines
(a, _), (b, of_b), (c, of_c) = enter(), enter(), enter()
a.sendall("grüße\n".encode("utf-8"))
told = b"%d: gr\xc3\xbc\xc3\x9fe\n" % a.getsockname()[1]
assert of_b.get(timeout=30) == told and of_c.get(timeout=30) == told
print("heard by all")
"#;

fn server(name: &str) -> (Server, String) {
    let server =
        Server::start(&mut lesson(&["server", name, "127.0.0.1:0"])).unwrap();
    let addr = server.addr();
    (server, addr)
}

fn tried(name: &str, script: &str, told: &str) {
    let (_server, addr) = server(name);
    let Some(mut client) = python(script, &[&addr]) else {
        return;
    };
    let output = run(&mut client, b"").unwrap();
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{name}: {errors}");
    assert_eq!(String::from_utf8_lossy(&output.stdout).trim_end(), told);
}

#[test]
fn a_hundred_python_clients_at_once_are_answered() {
    tried("function", CROWD, "all answered");
    tried("object", CROWD, "all answered");
}

#[test]
fn python_clients_are_served_wait_and_are_refused() {
    tried("pool", POOL, "as agreed");
}

#[test]
fn python_clients_chat() {
    tried("chat", CHAT, "heard by all");
}

/// A server in Python's way, with a thread for each client.
const THREADED: &str = r#"
import socket, threading

def visit(client):
    while True:
        data = client.recv(1024)
        if not data:
            break
        client.sendall(data.upper())
    client.close()

server = socket.create_server(("127.0.0.1", 0))
print("listening on %s:%d" % server.getsockname())
while True:
    client, address = server.accept()
    threading.Thread(target=visit, args=(client,), daemon=True).start()
"#;

#[test]
fn our_client_talks_to_a_threaded_server_in_python() {
    let Some(mut python) = python(THREADED, &[]) else {
        return;
    };
    let server = Server::start(&mut python).unwrap();
    let mut client = lesson(&["client", "function", &server.addr()]);
    let output = run(&mut client, b"good\nmorning\n").unwrap();
    assert!(output.status.success(), "{output:?}");
    assert_eq!(output.stdout, b"GOOD\nMORNING\n");
}

/// The option with which this machine's nc ends its side when its input ends.
fn nc_option() -> Option<&'static str> {
    let help = match Command::new("nc").arg("-h").output() {
        Ok(output) => [output.stdout, output.stderr].concat(),
        Err(error) if error.kind() == ErrorKind::NotFound => Vec::new(),
        Err(error) => panic!("nc cannot be run: {error}"),
    };
    let help = String::from_utf8_lossy(&help).into_owned();
    let option = ["-N", "-q"]
        .into_iter()
        .find(|option| help.contains(option));
    if option.is_none() {
        assert!(std::env::var_os("CI").is_none(), "an nc with -N is missing");
        // Not `eprintln!`, which the test harness would hide.
        let _ = writeln!(io::stderr(), "skipped: an nc with -N is missing here");
    }
    option.map(|option| if option == "-q" { "-q1" } else { option })
}

#[test]
fn nc_is_answered_by_every_server_of_capitals() {
    let Some(option) = nc_option() else { return };
    for name in ["function", "object", "pool"] {
        let (_server, addr) = server(name);
        let (host, port) = addr.split_once(':').unwrap();
        let mut nc = Command::new("nc");
        let output = run(nc.args([option, host, port]), b"good morning\n").unwrap();
        assert_eq!(output.stdout, b"GOOD MORNING\n", "{name}");
    }
}
