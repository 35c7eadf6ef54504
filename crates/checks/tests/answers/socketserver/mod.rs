//! Answers to the exercises of lesson 13.

mod choice;
mod lifecycle;
mod shutdown;
mod ticks;
mod verify;

use checks::answers::Answer;

pub fn answers() -> Vec<Answer> {
    let answers = [
        choice::answers(),
        lifecycle::answers(),
        verify::answers(),
        ticks::answers(),
        shutdown::answers(),
    ];
    answers.into_iter().flatten().collect()
}
