//! The order of the steps: ours beside that of CPython's own socketserver.

use wire::demo::python;

use crate::{lesson, output};

/// A server whose every method of interest tells that it is entered, and by which
/// process, in one write.
const STEPS: &str = r#"
import os, socket, socketserver, sys, threading

def told(cls, name, label=None):
    before = getattr(cls, name)
    def method(self, *args, **kwargs):
        os.write(1, f"{os.getpid()} {label or name}\n".encode())
        return before(self, *args, **kwargs)
    setattr(cls, name, method)

class Upper(socketserver.StreamRequestHandler):
    def handle(self):
        for line in self.rfile:
            self.wfile.write(line.upper())

mixin = {"inline": object, "threads": socketserver.ThreadingMixIn,
         "fork": socketserver.ForkingMixIn}[sys.argv[1]]
told(socketserver.BaseServer, "__init__", "BaseServer.__init__")
told(socketserver.TCPServer, "__init__", "TCPServer.__init__")
for name in ("__init__", "setup", "handle", "finish"):
    told(Upper, name)

bases = [] if mixin is object else [mixin]
Server = type("Server", (*bases, socketserver.TCPServer), {})

for name in ("serve_forever", "verify_request", "process_request", "finish_request",
             "process_request_thread", "shutdown_request", "close_request"):
    if hasattr(Server, name):
        told(Server, name)

os.write(1, f"{os.getpid()}\n".encode())
server = Server(("127.0.0.1", 0), Upper)

def visit():
    with socket.create_connection(server.server_address, 50) as s:
        s.sendall(b"hello\n")
        s.shutdown(socket.SHUT_WR)
        assert s.makefile("rb").read() == b"HELLO\n"
    server.shutdown()

caller = threading.Thread(target=visit)
if sys.argv[1] == "fork":
    # fork(2) wants a single thread: the caller is a process.
    if os.fork() == 0:
        with socket.create_connection(server.server_address, 50) as s:
            s.sendall(b"hello\n")
            s.shutdown(socket.SHUT_WR)
            s.makefile("rb").read()
        os._exit(0)
    os.write(1, f"{os.getpid()} serve_forever\n".encode())
    server.handle_request()
else:
    caller.start()
    server.serve_forever()
    caller.join()
server.server_close()
"#;

/// The methods that CPython enters, in the order of their process: of a server that
/// forks, what it does until the fork and what the child does from there. It closes
/// its own copy of the connection too, and when that is, nobody can say.
fn in_python(word: &str) -> Option<Vec<String>> {
    let told = output(&mut python(STEPS, &[word])?);
    let (server, steps) = told.split_once('\n').unwrap();
    let (mut own, mut others) = (Vec::new(), Vec::new());
    for step in steps.lines() {
        let (process, step) = step.split_once(' ').unwrap();
        match process == server {
            true => own.push(step.to_owned()),
            false => others.push(step.to_owned()),
        }
    }
    if !others.is_empty() {
        own.truncate(own.iter().position(|step| step == "process_request")? + 1);
    }
    Some(own.into_iter().chain(others).collect())
}

/// What `trace` says in its last column.
fn ours(word: &str) -> Vec<String> {
    let told = output(&mut lesson(&["trace", word]));
    let steps = told.lines().filter(|line| line.starts_with("  "));
    let python = steps.flat_map(|line| line[21..].split(", "));
    python.map(str::to_owned).collect()
}

#[test]
fn the_steps_of_the_tutorial_come_in_its_order() {
    let steps = ours("threads");
    let mut rest = steps.iter();
    for step in [
        "TCPServer.__init__",
        "BaseServer.__init__",
        "serve_forever",
        "process_request",
        "process_request_thread",
        "finish_request",
        "__init__",
        "handle",
    ] {
        assert!(rest.any(|had| had == step), "{step} in {steps:?}");
    }
}

#[test]
fn the_steps_are_those_of_pythons_own_server() {
    for word in ["inline", "threads", "fork"] {
        let Some(python) = in_python(word) else {
            return;
        };
        assert_eq!(ours(word), python, "{word}");
    }
}

#[test]
fn who_takes_the_steps_is_what_the_word_says() {
    for (word, who) in [
        ("inline", "server"),
        ("threads", "thread"),
        ("pool", "thread"),
        ("parked", "thread"),
        ("fork", "process"),
        ("prefork", "process"),
    ] {
        let told = output(&mut lesson(&["trace", word]));
        let line = told.lines().find(|line| line.contains(" handle ")).unwrap();
        assert!(line.trim_start().starts_with(who), "{word}: {line}");
    }
}
