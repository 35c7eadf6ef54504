//! Python on one end, Rust on the other.

use std::io::{Read, Write};
use std::os::unix::net::{UnixListener, UnixStream};
use std::process::Command;
use std::time::Duration;

use lesson_6::passing::{receive_descriptor, send_descriptor};
use wire::demo::{Server, python, run};

use crate::{Scratch, lesson};

fn output(command: &mut Command) -> String {
    let output = run(command, b"").unwrap();
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{command:?}: {errors}");
    String::from_utf8(output.stdout).unwrap()
}

/// Says a line in a chat, and prints what it hears.
const MEMBER: &str = r#"
import socket, sys

chat = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
chat.connect(sys.argv[1])
stream = chat.makefile("rw", encoding="utf-8", newline="\n")
print(stream.readline(), end="")
stream.write("grüße\n")
stream.flush()
print(stream.readline(), end="")
"#;

#[test]
fn a_python_program_takes_part_in_our_chat() {
    let scratch = Scratch::new("python-chat");
    let path = scratch.path("s").display().to_string();
    let server = Server::start(&mut lesson(&["server", "chat", &path])).unwrap();
    assert_eq!(server.addr(), path);
    let Some(mut member) = python(MEMBER, &[&path]) else {
        return;
    };
    assert_eq!(output(&mut member), "you are 1 of 1\n1: grüße\n");
}

/// Receives a descriptor, writes to what it is, and sends one of its own.
const PASSES: &str = r#"
import socket, sys

line = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
line.connect(sys.argv[1])
message, descriptors, flags, address = socket.recv_fds(line, 1, 1)
stream = socket.socket(fileno=descriptors[0])
stream.sendall(b"from Python")
stream.close()
here, there = socket.socketpair()
socket.send_fds(line, [b"x"], [there.fileno()])
there.close()
print(here.recv(100).decode())
"#;

#[test]
fn descriptors_pass_between_python_and_us_in_both_directions() {
    let scratch = Scratch::new("python-passes");
    let path = scratch.path("s");
    let listener = UnixListener::bind(&path).unwrap();
    let Some(mut script) = python(PASSES, &[path.to_str().unwrap()]) else {
        return;
    };
    std::thread::scope(|scope| {
        let running = scope.spawn(move || output(&mut script));
        let (line, _) = listener.accept().unwrap();
        line.set_read_timeout(Some(Duration::from_secs(30)))
            .unwrap();
        let (mut ours, theirs) = UnixStream::pair().unwrap();
        send_descriptor(&line, &theirs).unwrap();
        drop(theirs);
        let mut said = String::new();
        ours.read_to_string(&mut said).unwrap();
        assert_eq!(said, "from Python");
        let got = receive_descriptor(&line).unwrap().unwrap();
        UnixStream::from(got).write_all(b"from Rust").unwrap();
        assert_eq!(running.join().unwrap(), "from Rust\n");
    });
}

/// What Python's socket module says of a new TCP socket, and after setting.
const OPTIONS: &str = r#"
import socket

s = socket.socket()
s.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 20000)
print(s.getsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF))
print(s.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY))
"#;

#[test]
fn python_reads_the_options_that_we_read() {
    use lesson_6::options::{Kind, table};
    let Some(mut script) = python(OPTIONS, &[]) else {
        return;
    };
    let rows = table(Kind::Tcp).unwrap();
    let row = |name| rows.iter().find(|row| row.name == name).unwrap();
    assert_eq!(row("TCP_NODELAY").first, "off");
    let expected = format!("{}\n0\n", row("SO_RCVBUF").then);
    assert_eq!(output(&mut script), expected);
}
