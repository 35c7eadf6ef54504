//! Python on one end, Rust on the other: clients and servers as tutorials write them.

use std::process::Command;
use std::time::{Duration, UNIX_EPOCH};

use lesson_1::ctime::ctime;
use wire::demo::{Server, python, run};

use crate::lesson;

fn output(command: &mut Command, input: &str) -> String {
    let output = run(command, input.as_bytes()).unwrap();
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{command:?}: {errors}");
    String::from_utf8(output.stdout).unwrap()
}

/// A client in Python's way: a prompt, and one `recv` for an answer.
const CLIENT: &str = r#"
import socket, sys

host, port = sys.argv[1].split(":")
tcp_client = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
tcp_client.connect((host, int(port)))
while True:
    try:
        data = input()
    except EOFError:
        break
    if not data:
        continue
    tcp_client.send((data + "\n").encode("utf-8"))
    data = tcp_client.recv(1024)
    if not data:
        break
    print(data.decode("utf-8"), end="")
tcp_client.close()
"#;

/// A server in Python's way: an inner loop for a visit, an outer one for all of them.
const SERVER: &str = r#"
import socket, sys
from time import asctime, gmtime

def upper(data):
    return data.decode("utf-8").upper().encode("utf-8")

def stamp(data):
    return b"[%s] %s" % (asctime(gmtime()).encode(), data)

answer = {"upper": upper, "timestamps": stamp}[sys.argv[1]]
tcp_server = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
tcp_server.bind(("127.0.0.1", 0))
tcp_server.listen(5)
print("listening on %s:%d" % tcp_server.getsockname())
while True:
    client, address = tcp_server.accept()
    while True:
        data = client.recv(1024)
        if not data:
            break
        client.send(answer(data))
    client.close()
"#;

/// Greets each client, and closes.
const GREETER: &str = r#"
import socket

server = socket.socket()
server.bind(("127.0.0.1", 0))
server.listen(5)
print("listening on %s:%d" % server.getsockname())
while True:
    client, address = server.accept()
    client.send(b"Thank you for connection\n")
    client.close()
"#;

/// Prints what it is greeted with.
const GREETED: &str = r#"
import socket, sys

host, port = sys.argv[1].split(":")
client = socket.socket()
client.connect((host, int(port)))
print(client.recv(1024).decode(), end="")
client.close()
"#;

fn rust_server(name: &str) -> (Server, String) {
    let server =
        Server::start(&mut lesson(&["server", name, "127.0.0.1:0"])).unwrap();
    let addr = server.addr();
    (server, addr)
}

/// A time stamp without its brackets, and the text behind it.
fn unstamped(line: &str) -> (&str, &str) {
    line.trim_start_matches(">>> ")
        .trim_start_matches('[')
        .split_once("] ")
        .expect(line)
}

#[test]
fn a_python_client_is_answered_by_our_servers() {
    for name in ["upper", "timestamps"] {
        let (_server, addr) = rust_server(name);
        let Some(mut client) = python(CLIENT, &[&addr]) else {
            return;
        };
        let output = output(&mut client, "good morning\n\ngrüße\n");
        if name == "upper" {
            assert_eq!(output, "GOOD MORNING\nGRÜSSE\n");
        } else {
            let texts: Vec<&str> =
                output.lines().map(|line| unstamped(line).1).collect();
            assert_eq!(texts, ["good morning", "grüße"]);
        }
    }
}

#[test]
fn our_client_understands_python_servers() {
    for name in ["upper", "timestamps"] {
        let Some(mut server) = python(SERVER, &[name]) else {
            return;
        };
        let server = Server::start(&mut server).unwrap();
        let addr = server.addr();
        for _visit in 0..2 {
            let mut client = lesson(&["client", name, &addr]);
            let output = output(&mut client, "good morning\n\ngood night\n");
            let lines: Vec<&str> = output.lines().collect();
            assert_eq!((lines.len(), lines[2]), (3, ">>> "), "{output}");
            if name == "upper" {
                assert_eq!(lines[..2], [">>> GOOD MORNING", ">>> >>> GOOD NIGHT"]);
            } else {
                assert_eq!(unstamped(lines[0]).1, "good morning");
                assert_eq!(unstamped(lines[1]).1, "good night");
            }
        }
    }
}

#[test]
fn greetings_pass_between_python_and_rust_both_ways() {
    let Some(mut server) = python(GREETER, &[]) else {
        return;
    };
    let server = Server::start(&mut server).unwrap();
    let mut client = lesson(&["client", "greeting", &server.addr()]);
    assert_eq!(output(&mut client, ""), "Thank you for connection\n");

    let (_server, addr) = rust_server("greeting");
    let mut client = python(GREETED, &[&addr]).unwrap();
    let greeting = output(&mut client, "");
    assert!(
        greeting.starts_with("Thank you for connecting, 127.0.0.1:"),
        "{greeting}"
    );
}

#[test]
fn our_calendar_is_pythons() {
    const CALENDAR: &str = r#"
import sys, time

for second in sys.stdin.read().split():
    print(time.asctime(time.gmtime(int(second))))
"#;
    const YEAR_10000: u64 = 253_402_300_800;
    let Some(mut calendar) = python(CALENDAR, &[]) else {
        return;
    };
    let mut random = fastrand::Rng::with_seed(1970);
    let seconds: Vec<u64> = (0..2000).map(|_| random.u64(..YEAR_10000)).collect();
    let input: Vec<String> = seconds.iter().map(u64::to_string).collect();
    let wanted = output(&mut calendar, &input.join("\n"));
    assert_eq!(wanted.lines().count(), seconds.len());
    for (second, wanted) in seconds.iter().zip(wanted.lines()) {
        assert_eq!(
            ctime(UNIX_EPOCH + Duration::from_secs(*second)),
            wanted,
            "{second}"
        );
    }
}
