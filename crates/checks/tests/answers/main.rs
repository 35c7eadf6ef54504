//! Every check against answers whose verdict is known: right ones, written
//! differently from the solutions, and wrong ones, each of which must get its own
//! diagnosis.
#![allow(
    clippy::unwrap_used,
    reason = "it is what some of these answers do wrong"
)]

mod battery;
mod bytes;
mod errors;
mod forking;
mod hostile;
mod names;
mod options;
mod raw;
mod select;
mod socketserver;
#[path = "async/mod.rs"]
mod tasks; // `async` is no name for a module
mod tcp;
mod threads;
mod udp;

use std::process::ExitCode;

fn main() -> ExitCode {
    let answers = [
        tcp::answers(),
        bytes::answers(),
        names::answers(),
        options::answers(),
        errors::answers(),
        raw::answers(),
        select::answers(),
        udp::answers(),
        forking::answers(),
        threads::answers(),
        tasks::answers(),
        socketserver::answers(),
        battery::answers(),
        hostile::answers(),
    ];
    checks::answers::main(&answers.into_iter().flatten().collect::<Vec<_>>())
}
