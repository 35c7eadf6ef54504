//! Python on the other end: its sockets, and its own event loop. And `nc`.

use std::io::Write;
use std::process::Command;
use std::{env, io};

use wire::demo::{Server, python, run};

use crate::lesson;

/// A client with `socket`, as tutorials write it.
const SOCKET: &str = r#"
import socket, sys

host, port = sys.argv[1].split(":")
client = socket.create_connection((host, int(port)), timeout=30)
stream = client.makefile("rwb")
for word in (b"good", b"morning", b""):
    stream.write(word + b"\n")
    stream.flush()
    print(stream.readline())
client.sendall(b"tail")
client.shutdown(socket.SHUT_WR)
print(stream.read())
"#;

/// Two hundred clients at once, by asyncio.
const ASYNCIO: &str = r#"
import asyncio, sys

host, port = sys.argv[1].split(":")

async def visit(number):
    reader, writer = await asyncio.open_connection(host, int(port))
    for turn in range(3):
        writer.write(b"client %d, turn %d\n" % (number, turn))
        await writer.drain()
        answer = await reader.readline()
        assert answer == b"CLIENT %d, TURN %d\n" % (number, turn), answer
    writer.write_eof()
    assert await reader.read() == b""
    writer.close()
    await writer.wait_closed()

async def main():
    await asyncio.gather(*(visit(number) for number in range(200)))
    print("all were served")

asyncio.run(asyncio.wait_for(main(), 60))
"#;

/// Three in the room, by asyncio: each waits for the one before.
const ROOM: &str = r#"
import asyncio, sys

host, port = sys.argv[1].split(":")

async def main():
    a = await asyncio.open_connection(host, int(port))
    b = await asyncio.open_connection(host, int(port))
    b[1].write("b is here: straße\n".encode())
    # A may have come in after that was said: then it says it again.
    while True:
        try:
            line = await asyncio.wait_for(a[0].readline(), 1)
            break
        except asyncio.TimeoutError:
            b[1].write("b is here: straße\n".encode())
    assert line.decode().endswith(": b is here: straße\n"), line
    a[1].write(b"welcome\n")
    assert (await b[0].readline()).endswith(b": welcome\n")
    print("they have met")

asyncio.run(asyncio.wait_for(main(), 60))
"#;

fn server(name: &str) -> Server {
    Server::start(&mut lesson(&["server", name, "127.0.0.1:0"])).unwrap()
}

fn output(command: &mut Command) -> String {
    let output = run(command, b"").unwrap();
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{errors}");
    String::from_utf8(output.stdout).unwrap()
}

#[test]
fn pythons_sockets_talk_to_both_servers_of_capitals() {
    for name in ["upper", "mini"] {
        let server = server(name);
        let Some(mut client) = python(SOCKET, &[&server.addr()]) else {
            return;
        };
        let told = "b'GOOD\\n'\nb'MORNING\\n'\nb'\\n'\nb'TAIL\\n'\n";
        assert_eq!(output(&mut client), told, "{name}");
    }
}

#[test]
fn asyncio_brings_two_hundred_clients_at_once() {
    for name in ["upper", "mini"] {
        let server = server(name);
        let Some(mut clients) = python(ASYNCIO, &[&server.addr()]) else {
            return;
        };
        assert_eq!(output(&mut clients), "all were served\n", "{name}");
    }
}

#[test]
fn asyncio_takes_part_in_the_room() {
    let server = server("chat");
    let Some(mut clients) = python(ROOM, &[&server.addr()]) else {
        return;
    };
    assert_eq!(output(&mut clients), "they have met\n");
}

#[test]
fn nc_talks_to_both_servers_of_capitals() {
    for name in ["upper", "mini"] {
        let server = server(name);
        let addr = server.addr();
        let (host, port) = addr.split_once(':').unwrap();
        // -N: the end of the input is the end of our sending (OpenBSD's nc).
        let mut nc = Command::new("nc");
        match run(nc.args(["-N", host, port]), b"good morning\n") {
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                assert!(env::var_os("CI").is_none(), "nc is missing");
                let _ = writeln!(io::stderr(), "skipped: nc is missing here");
                return;
            }
            output => {
                let output = output.unwrap();
                let errors = String::from_utf8_lossy(&output.stderr);
                if !output.status.success() && errors.contains("option") {
                    assert!(env::var_os("CI").is_none(), "nc has no -N: {errors}");
                    let _ = writeln!(io::stderr(), "skipped: nc has no -N here");
                    return;
                }
                assert_eq!(output.stdout, b"GOOD MORNING\n", "{errors}");
            }
        }
    }
}
