//! What lesson 11 promises. One crate, so that it is linked once.

#![expect(clippy::unwrap_used, reason = "a test that panics has failed")]

mod chat;
mod coroutine;
mod demo;
mod drain;
mod executor;
mod experiments;
mod lines;
mod program;
mod python;
mod servers;

use std::io::{BufRead, BufReader, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::time::Duration;

/// Loopback needs microseconds; after this, something is wrong.
const PATIENCE: Duration = Duration::from_secs(30);

/// The lesson's program with these arguments.
fn lesson(args: &[&str]) -> std::process::Command {
    let mut command = std::process::Command::new(env!("CARGO_BIN_EXE_lesson-11"));
    command.args(args);
    command
}

fn listener() -> (TcpListener, SocketAddr) {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    let addr = listener.local_addr().unwrap();
    (listener, addr)
}

/// A client that says a line and hears one.
struct Client(BufReader<TcpStream>);

impl Client {
    fn call(addr: SocketAddr) -> Self {
        let stream = TcpStream::connect(addr).unwrap();
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
        stream.set_write_timeout(Some(PATIENCE)).unwrap();
        Self(BufReader::new(stream))
    }

    fn say(&mut self, text: &[u8]) {
        self.0.get_mut().write_all(text).unwrap();
    }

    fn hear(&mut self) -> String {
        let mut line = String::new();
        self.0.read_line(&mut line).unwrap();
        line
    }

    fn ask(&mut self, line: &str) -> String {
        self.say(format!("{line}\n").as_bytes());
        self.hear()
    }
}
