//! Every check against answers whose verdict is known: right ones, written
//! differently from the solutions, and wrong ones, each of which must get its own
//! diagnosis.
#![allow(
    clippy::unwrap_used,
    reason = "it is what some of these answers do wrong"
)]

mod battery;
mod chat_line;
mod greeting;
mod hostile;
mod peer_card;
mod read_line;
mod repair;
mod timestamps;
mod upload;
mod words;
mod write_all;

use std::process::ExitCode;

fn main() -> ExitCode {
    let answers = [
        greeting::answers(),
        peer_card::answers(),
        timestamps::answers(),
        hostile::answers(),
        battery::answers(),
        repair::answers(),
        read_line::answers(),
        write_all::answers(),
        words::answers(),
        chat_line::answers(),
        upload::answers(),
    ];
    checks::answers::main(&answers.into_iter().flatten().collect::<Vec<_>>())
}
