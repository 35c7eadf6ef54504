//! Answers to `udp/store`.

use std::collections::{BTreeMap, HashMap};
use std::io;
use std::net::{SocketAddr, UdpSocket};

use checks::answers::Answer;
use checks::udp::store as check;

pub fn answers() -> Vec<Answer> {
    vec![
        Answer::right("store right: a list", check(a_list)),
        Answer::right("store right: a large buffer", check(a_large_buffer)),
        Answer::wrong("M6", "store: whole buffer", check(whole_buffer)),
        Answer::wrong("M51", "store: a new socket", check(a_new_socket)),
        Answer::wrong("M50", "store: the first peer", check(the_first_peer)),
        Answer::wrong("M11", "store: as text", check(as_text)),
        Answer::wrong("M59", "store: unwraps text", check(unwraps_text)),
        Answer::wrong("M59", "store: indexes", check(indexes)),
        Answer::wrong("M29", "store: 512 bytes", check(short_buffer)),
        Answer::wrong("M29", "store: 1000 bytes", check(cut)),
        Answer::unnamed("whole", "store: answers an insert", check(answers_inserts)),
        Answer::unnamed("version", "store: a new version", check(new_version)),
        Answer::unnamed("equals", "store: the last equals", check(last_equals)),
        Answer::unnamed("long", "store: no limit", check(no_limit)),
        Answer::unnamed("unreadable", "store: complains", check(complains)),
        Answer::unnamed("two", "store: one for each", check(one_for_each)),
    ]
}

type Store = BTreeMap<Vec<u8>, Vec<u8>>;

fn new_store() -> Store {
    BTreeMap::from([(b"version".to_vec(), b"store 1".to_vec())])
}

fn reply(store: &mut Store, request: &[u8]) -> Option<Vec<u8>> {
    if let Some(key) = request.strip_prefix(b"?") {
        return Some(match store.get(key) {
            Some(value) => [b"=", key, b"=", value].concat(),
            None => [b"!", key].concat(),
        });
    }
    let request = request.strip_prefix(b"+")?;
    let at = request.iter().position(|byte| *byte == b'=')?;
    if &request[..at] != b"version" {
        store.insert(request[..at].to_vec(), request[at + 1..].to_vec());
    }
    None
}

/// Serves with a buffer of this size, and a limit.
fn serve(
    socket: &UdpSocket,
    room: usize,
    limit: usize,
    mut reply: impl FnMut(&mut Store, &[u8], SocketAddr) -> Option<Vec<u8>>,
) -> io::Result<()> {
    let (mut store, mut buffer) = (new_store(), vec![0; room]);
    loop {
        let (length, peer) = socket.recv_from(&mut buffer)?;
        if length <= limit
            && let Some(answer) = reply(&mut store, &buffer[..length], peer)
        {
            socket.send_to(&answer, peer)?;
        }
    }
}

fn a_list(socket: UdpSocket) -> io::Result<()> {
    let mut kept = vec![(b"version".to_vec(), b"store 1".to_vec())];
    let mut buffer = [0; 2000];
    loop {
        let (length, peer) = socket.recv_from(&mut buffer)?;
        let request = &buffer[..length];
        if length > 1000 {
            continue;
        }
        match request.first() {
            Some(b'?') => {
                let found = kept.iter().rev().find(|(key, _)| *key == request[1..]);
                let answer = match found {
                    Some((key, value)) => [&b"="[..], key, b"=", value].concat(),
                    None => [b"!", &request[1..]].concat(),
                };
                let _ = socket.send_to(&answer, peer);
            }
            Some(b'+') => {
                let mut parts = request[1..].splitn(2, |byte| *byte == b'=');
                if let (Some(key), Some(value)) = (parts.next(), parts.next())
                    && key != b"version"
                {
                    kept.push((key.to_vec(), value.to_vec()));
                }
            }
            _ => {}
        }
    }
}

fn a_large_buffer(socket: UdpSocket) -> io::Result<()> {
    serve(&socket, 65_535, 1000, |store, request, _| {
        reply(store, request)
    })
}

fn whole_buffer(socket: UdpSocket) -> io::Result<()> {
    let (mut store, mut buffer) = (new_store(), [0; 1001]);
    loop {
        let (_, peer) = socket.recv_from(&mut buffer)?;
        if let Some(answer) = reply(&mut store, &buffer) {
            socket.send_to(&answer, peer)?;
        }
        buffer.fill(0);
    }
}

fn a_new_socket(socket: UdpSocket) -> io::Result<()> {
    let (mut store, mut buffer) = (new_store(), [0; 1001]);
    loop {
        let (length, peer) = socket.recv_from(&mut buffer)?;
        if let Some(answer) = reply(&mut store, &buffer[..length]) {
            UdpSocket::bind("127.0.0.1:0")?.send_to(&answer, peer)?;
        }
    }
}

fn the_first_peer(socket: UdpSocket) -> io::Result<()> {
    let (mut store, mut buffer) = (new_store(), [0; 1001]);
    let mut first = None;
    loop {
        let (length, peer) = socket.recv_from(&mut buffer)?;
        let to = *first.get_or_insert(peer);
        if let Some(answer) = reply(&mut store, &buffer[..length]) {
            socket.send_to(&answer, to)?;
        }
    }
}

fn as_text(socket: UdpSocket) -> io::Result<()> {
    serve(&socket, 1001, 1000, |store, request, _| {
        let text = String::from_utf8_lossy(request);
        reply(store, text.as_bytes())
    })
}

fn unwraps_text(socket: UdpSocket) -> io::Result<()> {
    serve(&socket, 1001, 1000, |store, request, _| {
        let text = std::str::from_utf8(request).unwrap();
        reply(store, text.as_bytes())
    })
}

fn indexes(socket: UdpSocket) -> io::Result<()> {
    serve(&socket, 1001, 1000, |store, request, _| match request[0] {
        b'+' | b'?' => reply(store, request),
        _ => None,
    })
}

fn short_buffer(socket: UdpSocket) -> io::Result<()> {
    serve(&socket, 512, 1000, |store, request, _| {
        reply(store, request)
    })
}

fn cut(socket: UdpSocket) -> io::Result<()> {
    serve(&socket, 1000, 1000, |store, request, _| {
        reply(store, request)
    })
}

fn answers_inserts(socket: UdpSocket) -> io::Result<()> {
    serve(&socket, 1001, 1000, |store, request, _| {
        Some(reply(store, request).unwrap_or_else(|| b"ok".to_vec()))
    })
}

fn new_version(socket: UdpSocket) -> io::Result<()> {
    serve(&socket, 1001, 1000, |store, request, _| {
        if let Some(version) = request.strip_prefix(b"+version=") {
            store.insert(b"version".to_vec(), version.to_vec());
        }
        reply(store, request)
    })
}

fn last_equals(socket: UdpSocket) -> io::Result<()> {
    serve(&socket, 1001, 1000, |store, request, _| {
        let Some(rest) = request.strip_prefix(b"+") else {
            return reply(store, request);
        };
        let at = rest.iter().rposition(|byte| *byte == b'=')?;
        if &rest[..at] != b"version" {
            store.insert(rest[..at].to_vec(), rest[at + 1..].to_vec());
        }
        None
    })
}

fn no_limit(socket: UdpSocket) -> io::Result<()> {
    serve(&socket, 65_535, 65_535, |store, request, _| {
        reply(store, request)
    })
}

fn complains(socket: UdpSocket) -> io::Result<()> {
    serve(&socket, 1001, 1000, |store, request, _| {
        let known = request.starts_with(b"+") || request.starts_with(b"?");
        match known {
            true => reply(store, request),
            false => Some(b"what?".to_vec()),
        }
    })
}

fn one_for_each(socket: UdpSocket) -> io::Result<()> {
    let mut stores: HashMap<SocketAddr, Store> = HashMap::new();
    serve(&socket, 1001, 1000, move |_, request, peer| {
        reply(stores.entry(peer).or_insert_with(new_store), request)
    })
}
