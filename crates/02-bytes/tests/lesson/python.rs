//! Python on one end, Rust on the other.

use std::process::Command;

use lesson_2::words::WORDS;
use wire::demo::{Server, python, run};

use crate::lesson;

fn output(command: &mut Command, input: &str) -> String {
    let output = run(command, input.as_bytes()).unwrap();
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{command:?}: {errors}");
    String::from_utf8(output.stdout).unwrap()
}

fn rust_server(name: &str) -> (Server, String) {
    let mut server = lesson(&["server", name, "127.0.0.1:0"]);
    let server = Server::start(&mut server).unwrap();
    let addr = server.addr();
    (server, addr)
}

/// Prints the words that a server says, which it receives so many bytes at a time.
const WORD_CLIENT: &str = r#"
import socket, struct, sys

host, port = sys.argv[1].split(":")
size = int(sys.argv[2])
client = socket.socket()
client.connect((host, int(port)))
packet = b""
while True:
    while len(packet) < 2 or len(packet) < 2 + struct.unpack(">H", packet[:2])[0]:
        data = client.recv(size)
        if not data:
            sys.exit(len(packet))
        packet += data
    end = 2 + struct.unpack(">H", packet[:2])[0]
    print(packet[2:end].decode())
    packet = packet[end:]
"#;

/// Says words: the first two together, the last one byte by byte.
const WORD_SERVER: &str = r#"
import socket, struct

def packet(word):
    data = word.encode()
    return struct.pack(">H", len(data)) + data

server = socket.socket()
server.bind(("127.0.0.1", 0))
server.listen(5)
print("listening on %s:%d" % server.getsockname())
while True:
    client, address = server.accept()
    client.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    client.sendall(packet("two") + packet("words"))
    for byte in packet("größer"):
        client.send(bytes([byte]))
    client.close()
"#;

/// Sends each line of its input, and prints what comes back.
const LINE_CLIENT: &str = r#"
import socket, sys

host, port = sys.argv[1].split(":")
client = socket.socket()
client.connect((host, int(port)))
server = client.makefile("rw", encoding="utf-8", newline="\n")
heading = server.readline()
print(heading, end="")
for _ in range(int(heading.split()[0])):
    print(server.readline(), end="")
for line in sys.stdin:
    server.write(line)
    server.flush()
    print(server.readline(), end="")
client.close()
"#;

/// Gives every line a number, with the standard library's own framework.
const LINE_SERVER: &str = r#"
import socketserver

class Lines(socketserver.StreamRequestHandler):
    log = []

    def handle(self):
        self.wfile.write(b"%d so far\n" % len(self.log) + b"".join(self.log))
        for line in self.rfile:
            answer = b"%d %s" % (len(self.log) + 1, line)
            self.log.append(answer)
            self.wfile.write(answer)

with socketserver.TCPServer(("127.0.0.1", 0), Lines) as server:
    print("listening on %s:%d" % server.server_address)
    server.serve_forever()
"#;

#[test]
fn a_python_client_reads_our_words_whatever_the_size_of_its_buffer() {
    let (_server, addr) = rust_server("words");
    for size in ["1", "5", "4096"] {
        let Some(mut client) = python(WORD_CLIENT, &[&addr, size]) else {
            return;
        };
        let words = output(&mut client, "");
        assert_eq!(words.lines().collect::<Vec<_>>(), WORDS);
    }
}

#[test]
fn our_client_reads_the_words_of_a_python_server() {
    let Some(mut server) = python(WORD_SERVER, &[]) else {
        return;
    };
    let server = Server::start(&mut server).unwrap();
    let words = output(&mut lesson(&["client", "words", &server.addr()]), "");
    assert_eq!(
        words,
        "    3 bytes: two\n    5 bytes: words\n    8 bytes: größer\n"
    );
}

#[test]
fn a_python_client_takes_part_in_our_log() {
    let (_server, addr) = rust_server("lines");
    for (input, wanted) in [
        ("hello\ngrüße\n", "0 so far\n1 hello\n2 grüße\n"),
        ("more\n", "2 so far\n1 hello\n2 grüße\n3 more\n"),
    ] {
        let Some(mut client) = python(LINE_CLIENT, &[&addr]) else {
            return;
        };
        assert_eq!(output(&mut client, input), wanted);
    }
}

#[test]
fn our_client_takes_part_in_the_log_of_a_python_server() {
    let Some(mut server) = python(LINE_SERVER, &[]) else {
        return;
    };
    let server = Server::start(&mut server).unwrap();
    let addr = server.addr();
    for (input, wanted) in [
        ("hello\n", "0 so far\n>>> 1 hello\n>>> \n"),
        ("grüße\n", "1 so far\n1 hello\n>>> 2 grüße\n>>> \n"),
    ] {
        let mut client = lesson(&["client", "lines", &addr]);
        assert_eq!(output(&mut client, input), wanted);
    }
}
