//! The steps of a request, in the order in which they happen.

use std::io::{self, Write};
use std::net::Ipv4Addr;
use std::process;
use std::sync::Mutex;
use std::thread;

use socketserver::{Peer, Server, Stats, Step, Strategy};

use crate::place::Place;
use crate::programs::UPPER;
use crate::serve::streams;
use crate::talk::Talk;

// ANCHOR: trace
/// Serves `upper` on a port of the kernel's choice, and writes a line for each step
/// that the framework tells of: who takes it, and its name.
///
/// A child process inherits `out` with everything else, so its steps are told too;
/// each line is written at once, since what a process keeps in a buffer is copied
/// with it.
///
/// # Errors
///
/// As for [`serve`](crate::serve::serve).
pub fn traced(
    strategy: Strategy,
    out: impl Write + Send + 'static,
    ready: impl FnOnce(&Place) -> io::Result<()>,
) -> io::Result<Stats> {
    let server = process::id();
    let out = Mutex::new(out);
    let observe = move |_peer: &Peer, step: Step| {
        let line = format!("{} {step:?}\n", who(server));
        if let Ok(mut out) = out.lock() {
            let _ = out.write_all(line.as_bytes()).and_then(|()| out.flush());
        }
    };
    let any = Place::Tcp((Ipv4Addr::LOCALHOST, 0).into());
    let builder = Server::tcp((Ipv4Addr::LOCALHOST, 0)).observe(observe);
    streams(builder, strategy, |_| Talk { program: UPPER }, &any, ready)
}

/// Who is at work: the server itself, a thread of its, or another process.
fn who(server: u32) -> &'static str {
    let main = thread::current().name() == Some("main");
    match (process::id() == server, main) {
        (true, true) => "server",
        (true, false) => "thread",
        (false, _) => "process",
    }
}
// ANCHOR_END: trace

/// What CPython calls a step: the methods of its `socketserver` that are entered
/// there, in their order. `__init__` is the handler's. `TCPServer.__init__`,
/// `BaseServer.__init__` and `serve_forever` come before the first request.
pub fn in_python(step: &str) -> &'static str {
    match step {
        "Verify" => "verify_request",
        "Process" => "process_request",
        "Setup" => "finish_request, __init__, setup",
        "Handle" => "handle",
        "Finish" => "finish",
        "Shutdown" => "shutdown_request",
        "Close" => "close_request",
        _ => "",
    }
}
