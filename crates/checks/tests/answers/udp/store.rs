//! Answers to `udp/store`.

use std::collections::{BTreeMap, HashMap};
use std::io;
use std::net::{SocketAddr, UdpSocket};

use checks::answers::Answer;
use checks_udp::store as check;

pub fn answers() -> Vec<Answer> {
    vec![
        Answer::right("store right: a list", check(a_list)),
        Answer::right("store right: a large buffer", check(a_large_buffer)),
        Answer::right("store right: slice patterns", check(slice_patterns)),
        Answer::right("store right: a thread", check(a_thread)),
        Answer::right("store right: a time limit", check(a_time_limit)),
        Answer::wrong("M59", "store: an error for no text", check(no_text)),
        Answer::wrong("M59", "store: empty is the end", check(empty_is_the_end)),
        Answer::wrong("M59", "store: splits and unwraps", check(unwraps)),
        Answer::unnamed("whole", "store: the value alone", check(value_alone)),
        Answer::unnamed("replaced", "store: the first value", check(first_value)),
        Answer::unnamed("version", "store: all versions", check(all_versions)),
        Answer::unnamed("version", "store: no version", check(no_version)),
        Answer::unnamed("equals", "store: the second piece", check(second_piece)),
        Answer::unnamed("empty", "store: no empty key", check(no_empty_key)),
        Answer::unnamed("any", "store: only text", check(only_text)),
        Answer::unnamed("any", "store: trims", check(trims)),
        Answer::unnamed("unreadable", "store: a key is enough", check(key_is_enough)),
        Answer::unnamed("unreadable", "store: asks for anything", check(anything)),
        Answer::unnamed("full", "store: fewer than 1000", check(fewer)),
        Answer::unnamed("long", "store: 1024 bytes", check(no_limit_1024)),
        Answer::unnamed("long", "store: long questions", check(long_questions)),
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

fn slice_patterns(socket: UdpSocket) -> io::Result<()> {
    let mut kept: HashMap<Vec<u8>, Vec<u8>> = HashMap::new();
    let mut buffer = [0; 1 << 16];
    loop {
        let (length, peer) = socket.recv_from(&mut buffer)?;
        match &buffer[..length] {
            request if request.len() > 1000 => {}
            [b'?', b'v', b'e', b'r', b's', b'i', b'o', b'n'] => {
                socket.send_to(b"=version=store 1", peer)?;
            }
            [b'?', key @ ..] => {
                let answer = match kept.get(key) {
                    Some(value) => [b"=", key, b"=", &value[..]].concat(),
                    None => [b"!", key].concat(),
                };
                socket.send_to(&answer, peer)?;
            }
            [b'+', pair @ ..] => {
                if let Some(at) = pair.iter().position(|&byte| byte == b'=') {
                    kept.insert(pair[..at].into(), pair[at + 1..].into());
                }
            }
            _ => {}
        }
    }
}

/// One thread receives, the other keeps: in the order in which it came.
fn a_thread(socket: UdpSocket) -> io::Result<()> {
    let output = socket.try_clone()?;
    let (sender, requests) = std::sync::mpsc::channel::<(Vec<u8>, SocketAddr)>();
    std::thread::spawn(move || {
        let mut store = new_store();
        for (request, peer) in requests {
            if let Some(answer) = reply(&mut store, &request) {
                let _ = output.send_to(&answer, peer);
            }
        }
    });
    let mut buffer = vec![0; 1001];
    loop {
        let (length, peer) = socket.recv_from(&mut buffer)?;
        if length <= 1000 {
            let _ = sender.send((buffer[..length].to_vec(), peer));
        }
    }
}

fn a_time_limit(socket: UdpSocket) -> io::Result<()> {
    let (mut store, mut buffer) = (new_store(), [0; 1001]);
    socket.set_read_timeout(Some(std::time::Duration::from_millis(50)))?;
    loop {
        let (length, peer) = match socket.recv_from(&mut buffer) {
            Ok(came) => came,
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => continue,
            Err(error) => return Err(error),
        };
        if length < buffer.len()
            && let Some(answer) = reply(&mut store, &buffer[..length])
        {
            socket.send_to(&answer, peer)?;
        }
    }
}

fn no_text(socket: UdpSocket) -> io::Result<()> {
    let (mut store, mut buffer) = (new_store(), [0; 1001]);
    loop {
        let (length, peer) = socket.recv_from(&mut buffer)?;
        let text =
            std::str::from_utf8(&buffer[..length]).map_err(io::Error::other)?;
        if let Some(answer) = reply(&mut store, text.as_bytes()) {
            socket.send_to(&answer, peer)?;
        }
    }
}

fn empty_is_the_end(socket: UdpSocket) -> io::Result<()> {
    let (mut store, mut buffer) = (new_store(), [0; 1001]);
    loop {
        let (length, peer) = socket.recv_from(&mut buffer)?;
        if length == 0 {
            break Ok(());
        }
        if let Some(answer) = reply(&mut store, &buffer[..length]) {
            socket.send_to(&answer, peer)?;
        }
    }
}

fn unwraps(socket: UdpSocket) -> io::Result<()> {
    serve(&socket, 1001, 1000, |store, request, _| {
        if request.first() == Some(&b'+') {
            let at = request.iter().position(|byte| *byte == b'=');
            at.unwrap();
        }
        reply(store, request)
    })
}

fn value_alone(socket: UdpSocket) -> io::Result<()> {
    serve(&socket, 1001, 1000, |store, request, _| {
        match store.get(request.get(1..)?) {
            Some(value) if request[0] == b'?' => Some(value.clone()),
            _ => reply(store, request),
        }
    })
}

fn first_value(socket: UdpSocket) -> io::Result<()> {
    serve(&socket, 1001, 1000, |store, request, _| {
        let key = request.strip_prefix(b"+").map(|pair| {
            let end = pair.iter().position(|byte| *byte == b'=');
            &pair[..end.unwrap_or(pair.len())]
        });
        match key {
            Some(key) if store.contains_key(key) => None,
            _ => reply(store, request),
        }
    })
}

fn all_versions(socket: UdpSocket) -> io::Result<()> {
    serve(&socket, 1001, 1000, |store, request, _| {
        match request.starts_with(b"+version") {
            true => None,
            false => reply(store, request),
        }
    })
}

fn no_version(socket: UdpSocket) -> io::Result<()> {
    serve(&socket, 1001, 1000, |store, request, _| {
        store.remove(&b"version"[..]);
        reply(store, request)
    })
}

fn second_piece(socket: UdpSocket) -> io::Result<()> {
    serve(&socket, 1001, 1000, |store, request, _| {
        if !request.starts_with(b"+") {
            return reply(store, request);
        }
        let pieces: Vec<&[u8]> = request.split(|byte| *byte == b'=').collect();
        let [key, value, ..] = pieces.as_slice() else {
            return None;
        };
        reply(store, &[key, &b"="[..], value].concat())
    })
}

fn no_empty_key(socket: UdpSocket) -> io::Result<()> {
    serve(&socket, 1001, 1000, |store, request, _| {
        match request.len() < 2 {
            true => None,
            false => reply(store, request),
        }
    })
}

fn only_text(socket: UdpSocket) -> io::Result<()> {
    serve(&socket, 1001, 1000, |store, request, _| {
        let text = std::str::from_utf8(request).ok()?;
        reply(store, text.as_bytes())
    })
}

fn trims(socket: UdpSocket) -> io::Result<()> {
    serve(&socket, 1001, 1000, |store, request, _| {
        reply(store, request.trim_ascii())
    })
}

/// `+KEY` keeps an empty value.
fn key_is_enough(socket: UdpSocket) -> io::Result<()> {
    serve(&socket, 1001, 1000, |store, request, _| {
        match request.starts_with(b"+") && !request.contains(&b'=') {
            true => reply(store, &[request, b"="].concat()),
            false => reply(store, request),
        }
    })
}

/// What does not begin with a `+` is a question.
fn anything(socket: UdpSocket) -> io::Result<()> {
    serve(&socket, 1001, 1000, |store, request, _| {
        match request.first()? {
            b'+' => reply(store, request),
            _ => reply(store, &[b"?", &request[1..]].concat()),
        }
    })
}

fn fewer(socket: UdpSocket) -> io::Result<()> {
    serve(&socket, 1000, 999, |store, request, _| {
        reply(store, request)
    })
}

fn no_limit_1024(socket: UdpSocket) -> io::Result<()> {
    serve(&socket, 1024, 1024, |store, request, _| {
        reply(store, request)
    })
}

/// Looks at the length of what is to be kept only.
fn long_questions(socket: UdpSocket) -> io::Result<()> {
    serve(&socket, 65_535, 65_535, |store, request, _| {
        match request.len() > 1000 && request[0] == b'+' {
            true => None,
            false => reply(store, request),
        }
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
