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
mod hostile;
mod names;
mod options;
mod raw;
mod tcp;
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
        udp::answers(),
        battery::answers(),
        hostile::answers(),
    ];
    checks::answers::main(&answers.into_iter().flatten().collect::<Vec<_>>())
}
