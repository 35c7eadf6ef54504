//! The one word, over every transport, tried by CPython's sockets.

use std::path::PathBuf;
use std::{env, fs, process};

use lesson_13::strategies::STRATEGIES;
use wire::demo::{Server, python};

use crate::{lesson, output, terminate};

/// A folder for the files of a test's sockets; it goes with the test.
struct Folder(PathBuf);

impl Folder {
    fn new(name: &str) -> Self {
        let path = env::temp_dir().join(format!("l13-{name}-{}", process::id()));
        let _ = fs::remove_dir_all(&path);
        fs::create_dir(&path).unwrap();
        Self(path)
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

/// Opens a socket for a place, and knows whether it is a stream.
const OPEN: &str = r#"
import os, socket, sys

def open_socket(place):
    kind, _, rest = place.partition(":")
    files = kind in ("unix", "unixgram")
    stream = kind not in ("udp", "unixgram")
    s = socket.socket(
        socket.AF_UNIX if files else socket.AF_INET,
        socket.SOCK_STREAM if stream else socket.SOCK_DGRAM)
    s.settimeout(50)
    if kind == "unixgram":
        s.bind(rest + ".own")
    host, _, port = place.rpartition(":")
    s.connect(rest if files else (host.removeprefix("udp:"), int(port)))
    return s, stream

def ask(s, line):
    s.sendall(line)
    return s.recv(70000)
"#;

/// Two questions; and over a stream three lines that come in odd pieces, the last of
/// them without a newline.
const UPPER: &str = r#"
for place in sys.argv[1:]:
    s, stream = open_socket(place)
    assert ask(s, b"hello\n") == b"HELLO\n", place
    assert ask(s, b"a \xc3\xbc \xff\n") == b"A \xc3\xbc \xff\n", place
    if stream:
        for piece in (b"a", b"b\nc\nla", b"st"):
            s.sendall(piece)
        s.shutdown(socket.SHUT_WR)
        assert s.makefile("rb").read() == b"AB\nC\nLAST\n", place
    else:
        assert ask(s, b"no newline") == b"NO NEWLINE\n", place
    s.close()
print(len(sys.argv) - 1)
"#;

#[test]
fn one_handler_serves_python_over_every_transport_by_every_strategy() {
    let folder = Folder::new("upper");
    let mut servers = Vec::new();
    for (word, _) in STRATEGIES {
        let path =
            |kind: &str| format!("{kind}:{}/{word}-{kind}", folder.0.display());
        for place in [
            "127.0.0.1:0".to_owned(),
            "udp:127.0.0.1:0".to_owned(),
            path("unix"),
            path("unixgram"),
        ] {
            let mut server = lesson(&["server", "upper", word, &place]);
            let server = Server::start(&mut server).unwrap();
            servers.push((server.addr(), server));
        }
    }
    let places: Vec<&str> = servers.iter().map(|(place, _)| place.as_str()).collect();
    let Some(mut script) = python(&format!("{OPEN}{UPPER}"), &places) else {
        return;
    };
    assert_eq!(output(&mut script), "24\n");
    for (place, server) in servers {
        terminate(&server);
        assert_eq!(server.end().unwrap().code(), Some(0), "{place}");
    }
    let left: Vec<_> = fs::read_dir(&folder.0)
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .filter(|name| !name.ends_with(".own"))
        .collect();
    assert!(left.is_empty(), "files of sockets are left: {left:?}");
}

/// The hotline greets over a stream and hangs up; the time stands before a line.
const PROGRAMS: &str = r#"
import re

hotline, hotline_gram, stamps, stamps_gram = sys.argv[1:]
s, _ = open_socket(hotline)
f = s.makefile("rwb", buffering=0)
print(f.readline())
for word in (b"hello\n", b"0\n", b"exit\n"):
    f.write(word)
    print(f.readline())
print(f.readline())
s, _ = open_socket(hotline_gram)
print(ask(s, b"exit\n"), ask(s, b"0"))
for place in (stamps, stamps_gram):
    s, _ = open_socket(place)
    told = ask(s, b"hi\n")
    form = rb"\[[A-Z][a-z]{2} [A-Z][a-z]{2} [ 123]\d \d\d:\d\d:\d\d \d{4}\] hi\n"
    print(re.fullmatch(form, told) is not None)
"#;

#[test]
fn the_tutorials_programs_talk_to_python_as_streams_and_by_datagrams() {
    let start = |name: &str, word: &str, place: &str| {
        let server = Server::start(&mut lesson(&["server", name, word, place]));
        let server = server.unwrap();
        (server.addr(), server)
    };
    let servers = [
        start("hotline", "fork", "127.0.0.1:0"),
        start("hotline", "inline", "udp:127.0.0.1:0"),
        start("timestamps", "threads", "127.0.0.1:0"),
        start("timestamps", "fork", "udp:127.0.0.1:0"),
    ];
    let places = servers.each_ref().map(|(place, _)| place.as_str());
    let Some(mut script) = python(&format!("{OPEN}{PROGRAMS}"), &places) else {
        return;
    };
    let expected = "\
b'welcome to the hotline: 0 for a person, exit to hang up\\n'
b'please enter again\\n'
b'this call may be recorded\\n'
b'goodbye\\n'
b''
b'goodbye\\n' b'this call may be recorded\\n'
True
True
";
    assert_eq!(output(&mut script), expected);
}
