//! Python on one end, Rust on the other; and what Python's own forking server does.

use std::process::Command;

use wire::demo::{Server, python, run};

use crate::lesson;

fn output(command: &mut Command) -> String {
    let output = run(command, b"").unwrap();
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{command:?}: {errors}");
    String::from_utf8(output.stdout).unwrap()
}

/// Two callers at once, each with a process of its own, and their ends.
const CALLERS: &str = r#"
import socket, sys

host, port = sys.argv[1].split(":")
a, b = (socket.create_connection((host, int(port)), 30) for _ in range(2))
ask = lambda s, line: (s.sendall(line), s.recv(100))[1]
print(ask(b, b"from b\n").decode(), ask(a, b"from a\n").decode(), sep="", end="")
print(ask(a, b"who\n") != ask(b, b"who\n"))
a.shutdown(socket.SHUT_WR)
print(a.recv(100), ask(b, b"still there?\n"))
"#;

#[test]
fn python_callers_are_served_by_processes_of_their_own() {
    for name in ["forking", "prefork"] {
        let mut server = lesson(&["server", name, "127.0.0.1:0"]);
        let server = Server::start(&mut server).unwrap();
        let Some(mut script) = python(CALLERS, &[&server.addr()]) else {
            return;
        };
        let expected = "FROM B\nFROM A\nTrue\nb'' b'STILL THERE?\\n'\n";
        assert_eq!(output(&mut script), expected, "{name}");
    }
}

/// A `ForkingTCPServer`, and how many zombies it leaves: after three visits while nobody
/// calls, and after its loop has looked (`service_actions` collects).
const FORKING: &str = r#"
import os, socket, socketserver, threading, time

class Upper(socketserver.StreamRequestHandler):
    def handle(self):
        for line in self.rfile:
            self.wfile.write(line.upper())

def visit(address):
    with socket.create_connection(address, 30) as s:
        s.sendall(b"hello\n")
        s.shutdown(socket.SHUT_WR)
        return s.makefile().read().strip()

server = socketserver.ForkingTCPServer(("127.0.0.1", 0), Upper)
print(server.max_children, server.block_on_close)
for _ in range(3):
    caller = threading.Thread(target=lambda: print(visit(server.server_address)))
    caller.start()
    server.handle_request()
    caller.join()
pids = server.active_children
ended = lambda pid: open(f"/proc/{pid}/stat").read().rpartition(")")[2].split()[0] == "Z"
while not all(map(ended, pids)):
    time.sleep(0.001)
print(len(pids))
server.service_actions()
print(server.active_children)
server.server_close()
"#;

#[cfg(target_os = "linux")]
#[test]
fn pythons_forking_server_collects_when_its_loop_comes_round() {
    let Some(mut script) = python(FORKING, &[]) else {
        return;
    };
    let told = output(&mut script);
    let lines: Vec<&str> = told.lines().collect();
    let (first, rest) = lines.split_first().unwrap();
    assert_eq!(*first, "40 True");
    assert_eq!(rest[..3], ["HELLO", "HELLO", "HELLO"]);
    // Each request collects who has ended before it, so at least the last is left.
    assert!(["1", "2", "3"].contains(&rest[3]), "{told}");
    assert_eq!(rest[4], "set()");
}
