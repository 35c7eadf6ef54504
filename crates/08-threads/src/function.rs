//! A thread for each caller, as a function.

use std::io;
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::thread;

use crate::accept::accept;
use crate::lines;

// ANCHOR: serve
/// Serves every caller on a thread of its own.
///
/// `move` gives the thread what it works with: `stream` is its alone, and is closed
/// when the thread is done with it. Nobody waits for the threads. Each lasts as long
/// as its caller, and all of them end when the process does.
///
/// # Errors
///
/// Returns only when the listening socket has failed.
pub fn serve(listener: &TcpListener) -> io::Result<()> {
    while let Some((stream, peer)) = accept(listener, || false)? {
        let thread = thread::Builder::new().name(format!("caller {}", peer.port()));
        let spawned = thread.spawn(move || visit(&stream, peer));
        // `thread::spawn` would panic. Here the caller is lost, with its stream, and
        // the server is not.
        if let Err(error) = spawned {
            eprintln!("{peer}: there is no thread for it: {error}");
        }
    }
    Ok(())
}

fn visit(stream: &TcpStream, peer: SocketAddr) {
    if let Err(error) = lines::talk(stream) {
        eprintln!("{peer}: {error}");
    }
}
// ANCHOR_END: serve
