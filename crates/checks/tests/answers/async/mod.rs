//! Answers to the exercises of lesson 11.

mod blocking;
mod drain;
mod frames;
mod readable;
mod waker;

use checks::answers::Answer;

pub fn answers() -> Vec<Answer> {
    let answers = [
        readable::answers(),
        waker::answers(),
        frames::answers(),
        blocking::answers(),
        drain::answers(),
    ];
    answers.into_iter().flatten().collect()
}
