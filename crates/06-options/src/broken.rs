//! Programs that are wrong on purpose, to be run, seen and explained.

use std::io::{self, ErrorKind, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::Path;
use std::time::Duration;
use std::{fs, thread};

use crate::names::{FILE, Scratch};
use crate::passing::{receive_descriptor, send_descriptor};
use crate::{ANY_PORT, name_of};

/// A server takes microseconds to end a visit; who has not after this will not.
const PATIENCE: Duration = Duration::from_millis(200);

// ANCHOR: takes_the_name
/// Listens at `path`, whatever is there.
///
/// It starts on the first try, every time. It is wrong about who may be there.
fn listen(path: &Path) -> io::Result<UnixListener> {
    let _ = fs::remove_file(path);
    UnixListener::bind(path)
}
// ANCHOR_END: takes_the_name

/// Starts the server twice at one path; who answers before and after, and what the
/// first server has left to accept.
///
/// # Errors
///
/// If the folder cannot be used.
pub fn takes_the_name() -> io::Result<Vec<(&'static str, String)>> {
    let folder = Scratch::new()?;
    let path = folder.0.join(FILE);
    let first = listen(&path)?;
    let mut story = vec![("the first server starts; a caller reaches", {
        who_gets_a_caller(&path, &[("the first", &first)])
    })];
    let second = listen(&path)?;
    let servers = [("the first", &first), ("the second", &second)];
    story.push(("a second one starts; a caller reaches", {
        who_gets_a_caller(&path, &servers)
    }));
    drop(second);
    story.push(("the second one ends; a caller reaches", {
        who_gets_a_caller(&path, &[("the first", &first)])
    }));
    Ok(story)
}

fn who_gets_a_caller(path: &Path, servers: &[(&str, &UnixListener)]) -> String {
    let _caller = match UnixStream::connect(path) {
        Ok(caller) => caller,
        Err(error) => return format!("nobody: {}", name_of(&error)),
    };
    let has_one = |server: &UnixListener| {
        server.set_nonblocking(true).is_ok() && server.accept().is_ok()
    };
    let found = servers.iter().find(|(_, server)| has_one(server));
    found.map_or("nobody".into(), |(name, _)| name.to_string())
}

// ANCHOR: keeps_a_copy
/// Hands each caller over to the worker, and keeps a list of all.
///
/// The worker gets every one. It is wrong about what was handed over.
fn hand_over(
    listener: &TcpListener,
    worker: &UnixStream,
    all: &mut Vec<TcpStream>,
) -> io::Result<()> {
    let (caller, _) = listener.accept()?;
    send_descriptor(worker, &caller)?;
    all.push(caller); // "to know who is there"
    Ok(())
}
// ANCHOR_END: keeps_a_copy

/// Hands a caller over, has the worker say `hello` and close, and tells what the
/// caller hears, before the list is dropped and after.
///
/// # Errors
///
/// If the sockets fail.
pub fn keeps_a_copy() -> io::Result<Vec<(&'static str, String)>> {
    let listener = TcpListener::bind(ANY_PORT)?;
    let (here, there) = UnixStream::pair()?;
    let mut caller = TcpStream::connect(listener.local_addr()?)?;
    let mut all = Vec::new();
    hand_over(&listener, &here, &mut all)?;
    let worker = thread::spawn(move || {
        let descriptor = receive_descriptor(&there)?;
        let mut stream = TcpStream::from(descriptor.ok_or(ErrorKind::UnexpectedEof)?);
        stream.write_all(b"hello")
        // The worker's descriptor is closed here.
    });
    let mut hello = [0; 5];
    caller.read_exact(&mut hello)?;
    worker.join().expect("the worker does not panic")?;
    caller.set_read_timeout(Some(PATIENCE))?;
    let mut read = || match caller.read(&mut [0]) {
        Ok(0) => "the end".to_string(),
        Ok(_) => "a byte".to_string(),
        Err(error) => format!("nothing ({})", name_of(&error)),
    };
    let mut story = vec![("the worker says", hello.escape_ascii().to_string())];
    story.push(("the worker closes; the caller reads", read()));
    drop(all);
    story.push(("the list is dropped; the caller reads", read()));
    Ok(story)
}
