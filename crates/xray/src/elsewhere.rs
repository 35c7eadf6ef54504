//! Elsewhere than on Linux: the same questions, answered by saying what cannot be
//! seen.

use crate::call::Call;
use crate::process::{Glance, Process, Relative};
use crate::socket::TcpSocket;
use std::io;
use std::time::Duration;

pub(crate) fn glance(_pid: u32) -> io::Result<Glance> {
    Err(unsupported("which system call a process is blocked in"))
}

pub(crate) fn resolve(_glance: &Glance) -> io::Result<Process> {
    Err(unsupported("which sockets and children a process has"))
}

pub(crate) fn children(_pid: u32) -> io::Result<Vec<Relative>> {
    Err(unsupported("which children a process has"))
}

pub(crate) fn wait_status(_pid: u32) -> io::Result<Option<i32>> {
    Err(unsupported("which way a process has ended"))
}

pub(crate) fn tcp_on(_port: u16) -> io::Result<Vec<TcpSocket>> {
    Err(unsupported("which sockets use a port"))
}

pub(crate) fn time_limit(_pid: u32, _call: &Call) -> io::Result<Option<Duration>> {
    Err(unsupported("which time limit a socket has"))
}

pub(crate) fn named(_name: &str) -> io::Result<Vec<u32>> {
    Err(unsupported("which processes there are"))
}

fn unsupported(what: &str) -> io::Error {
    let system = std::env::consts::OS;
    io::Error::new(
        io::ErrorKind::Unsupported,
        format!("cannot see {what}: Linux tells it in /proc, and {system} has none"),
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Instant;

    #[test]
    fn every_question_is_answered_by_what_cannot_be_seen() {
        let glance_of_nothing = Glance {
            pid: 1,
            threads: vec![],
            at: Instant::now(),
        };
        let call = Call {
            name: "recvfrom".to_string(),
            args: [0; 6],
            descriptor: None,
            watched: vec![],
        };
        let errors = [
            glance(1).expect_err("no /proc"),
            resolve(&glance_of_nothing).expect_err("no /proc"),
            children(1).expect_err("no /proc"),
            tcp_on(80).expect_err("no /proc"),
            time_limit(1, &call).expect_err("no /proc"),
            named("lesson-1").expect_err("no /proc"),
            wait_status(1).expect_err("no /proc"),
        ];
        for error in errors {
            assert_eq!(error.kind(), io::ErrorKind::Unsupported);
            assert!(
                error.to_string().starts_with("cannot see which "),
                "{error}"
            );
        }
    }
}
