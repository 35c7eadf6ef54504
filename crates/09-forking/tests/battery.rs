//! The lesson's servers under the battery that the exercises' servers have to pass.
//!
//! There is no test harness here: a server that forks has to have one thread.

use std::io;
use std::net::{TcpListener, TcpStream};
use std::process::ExitCode;

use checks::answers::{Answer, main as run};
use checks::battery::whole;
use lesson_9::look::{children, until};
use lesson_9::server::{self, How};
use lesson_9::{prefork, talk};
use nix::unistd::getppid;

fn forking(listener: TcpListener) -> io::Result<()> {
    server::serve(listener, server::MOST, &How::Fork(talk::visit), |_| {}).map(drop)
}

/// As many workers as there are callers at once: a caller is a worker's until it leaves.
fn preforking(listener: TcpListener) -> io::Result<()> {
    prefork::serve(listener, WORKERS, when_all_are_there, |_| {})
}

const WORKERS: usize = 24;

/// The battery counts the server's processes after the first visit: that shall not be
/// over before all are there.
fn when_all_are_there(stream: TcpStream) -> io::Result<()> {
    let server = getppid();
    until("all the workers", || Ok(children(server)?.len() == WORKERS))?;
    talk::visit(stream)
}

fn reply(line: &[u8]) -> Vec<u8> {
    line.to_ascii_uppercase()
}

fn main() -> ExitCode {
    run(&[
        Answer::right("a process for each caller", whole(forking, reply, 200)),
        Answer::right("24 workers", whole(preforking, reply, WORKERS)),
    ])
}
