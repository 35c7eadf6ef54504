//! `tcp/timestamps`: a server that stamps each line with the time.

use std::io;
use std::net::TcpListener;

use checks::engine::{Check, Seen};
use checks::line_server;

/// The clock that the check hands to the learner's server.
const NOW: &str = "Sat Nov 21 09:49:47 2026";

/// The check of `tcp/timestamps`.
pub fn timestamps(serve: fn(TcpListener, fn() -> String) -> io::Result<()>) -> Check {
    let probes = line_server::probes(move |listener| serve(listener, now), reply);
    Check::new("tcp/timestamps", probes, diagnose)
}

fn now() -> String {
    NOW.to_string()
}

fn reply(line: &[u8]) -> Vec<u8> {
    [b"[", NOW.as_bytes(), b"] ", line].concat()
}

fn diagnose(seen: &[Seen<'_>]) -> Option<(&'static str, String)> {
    line_server::diagnose(seen, reply)
}
