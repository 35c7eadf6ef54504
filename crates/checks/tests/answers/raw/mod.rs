//! Answers to the exercises of lesson 7.

mod checksum;
mod parse;
mod ping;
mod udp;

use checks::answers::Answer;

pub fn answers() -> Vec<Answer> {
    let answers = [
        checksum::answers(),
        parse::answers(),
        ping::answers(),
        udp::answers(),
    ];
    answers.into_iter().flatten().collect()
}
