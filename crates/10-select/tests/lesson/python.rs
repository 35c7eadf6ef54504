//! Python on one end, Rust on the other: clients and servers as tutorials write them.

use std::process::Command;

use wire::demo::{Server, python, run};

use crate::lesson;

fn output(command: &mut Command, input: &str) -> String {
    let output = run(command, input.as_bytes()).unwrap();
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{command:?}: {errors}");
    String::from_utf8(output.stdout).unwrap()
}

/// Many clients in one thread, by `selectors`: each says its lines in pieces, and
/// collects what comes until the server ends.
const CLIENTS: &str = r#"
import selectors, socket, sys

(host, port), count = sys.argv[1].split(":"), int(sys.argv[2])
chooser = selectors.DefaultSelector()
for number in range(count):
    client = socket.create_connection((host, port))
    client.setblocking(False)
    words = ("client %d\n" % number).encode() * 20
    state = {"say": words, "heard": b"", "number": number}
    chooser.register(client, selectors.EVENT_READ | selectors.EVENT_WRITE, state)
right = 0
while chooser.get_map():
    for key, events in chooser.select():
        client, state = key.fileobj, key.data
        if events & selectors.EVENT_WRITE:
            sent = client.send(state["say"][:7])
            state["say"] = state["say"][sent:]
            if not state["say"]:
                client.shutdown(socket.SHUT_WR)
                chooser.modify(client, selectors.EVENT_READ, state)
        if events & selectors.EVENT_READ:
            data = client.recv(1024)
            state["heard"] += data
            if not data:
                expected = ("client %d\n" % state["number"]).encode() * 20
                right += state["heard"].upper() == expected.upper()
                chooser.unregister(client)
                client.close()
print(right)
"#;

/// The tutorial's select server, with its queues, in Python 3.
const SERVER: &str = r#"
import queue, select, socket

server = socket.socket()
server.setblocking(False)
server.bind(("127.0.0.1", 0))
server.listen(5)
print("listening on %s:%d" % server.getsockname(), flush=True)
inputs, outputs, queues = [server], [], {}
while inputs:
    readable, writable, broken = select.select(inputs, outputs, inputs)
    for s in readable:
        if s is server:
            connection, address = s.accept()
            connection.setblocking(False)
            inputs.append(connection)
            queues[connection] = queue.Queue()
            continue
        data = s.recv(1024)
        if data:
            queues[s].put(data)
            if s not in outputs:
                outputs.append(s)
        else:
            inputs.remove(s)
            if s in outputs:
                outputs.remove(s)
            s.close()
            del queues[s]
    for s in writable:
        if s not in queues:
            continue
        try:
            message = queues[s].get_nowait()
        except queue.Empty:
            outputs.remove(s)
        else:
            s.send(message)
"#;

#[test]
fn pythons_selectors_are_answered_by_every_server() {
    for name in ["echo", "queues", "poll", "epoll", "edge", "reactor"] {
        if cfg!(not(target_os = "linux"))
            && !["echo", "queues", "poll"].contains(&name)
        {
            continue;
        }
        let server =
            Server::start(&mut lesson(&["server", name, "127.0.0.1:0"])).unwrap();
        let Some(mut clients) = python(CLIENTS, &[&server.addr(), "100"]) else {
            return;
        };
        assert_eq!(output(&mut clients, ""), "100\n", "{name}");
    }
}

#[test]
fn our_client_understands_pythons_select_server() {
    let Some(mut server) = python(SERVER, &[]) else {
        return;
    };
    let server = Server::start(&mut server).unwrap();
    let addr = server.addr();
    // Its own client would wait for the answer before it ends: the tutorial's server
    // closes at the end of the input, with or without a queue.
    let mut client = std::net::TcpStream::connect(&addr).unwrap();
    let limit = Some(std::time::Duration::from_secs(60));
    client.set_read_timeout(limit).unwrap();
    std::io::Write::write_all(&mut client, b"good morning").unwrap();
    let mut answer = [0; 12];
    std::io::Read::read_exact(&mut client, &mut answer).unwrap();
    assert_eq!(&answer, b"good morning");
    let mut ours = lesson(&["client", "echo", &addr]);
    let said = output(&mut ours, "");
    assert_eq!(said, "");
}
