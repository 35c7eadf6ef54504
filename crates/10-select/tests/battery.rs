//! The whole battery of the course's checks, for each server that answers lines: one
//! conversation, several at once, no descriptors left, a restart, and a thousand callers.
//!
//! The echo server is not among them: it knows no lines, and it drops who does not read.

use std::process::ExitCode;

use checks::answers::{Answer, main as run};
use checks::battery;
use lesson_10::{polling, queues};

/// With the few descriptors of its own, a server on `select` gets no number from 1024 on.
const CALLERS: usize = 1000;

fn main() -> ExitCode {
    run(&[
        Answer::right(
            "queues: the whole battery",
            battery::whole(|it| queues::serve(&it, |_| {}), upper, CALLERS),
        ),
        Answer::right(
            "poll: the whole battery",
            battery::whole(|it| polling::serve(&it, |_| {}), upper, CALLERS),
        ),
        #[cfg(target_os = "linux")]
        Answer::right(
            "epoll: the whole battery",
            battery::whole(
                |it| lesson_10::levels::serve(&it, |_| {}),
                upper,
                CALLERS,
            ),
        ),
        #[cfg(target_os = "linux")]
        Answer::right(
            "edge: the whole battery",
            battery::whole(|it| lesson_10::edges::serve(&it, |_| {}), upper, CALLERS),
        ),
        #[cfg(target_os = "linux")]
        Answer::right(
            "reactor: the whole battery",
            battery::whole(on_the_reactor, upper, CALLERS),
        ),
    ])
}

fn upper(line: &[u8]) -> Vec<u8> {
    line.to_ascii_uppercase()
}

#[cfg(target_os = "linux")]
fn on_the_reactor(listener: std::net::TcpListener) -> std::io::Result<()> {
    let patience = std::time::Duration::from_secs(3600);
    lesson_10::reacting::Server::new(listener, patience)?.run(|_| {})
}
