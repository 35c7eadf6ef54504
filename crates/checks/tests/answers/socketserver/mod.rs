//! Answers to the exercises of lesson 13.

mod lifecycle;
mod shutdown;

use checks::answers::Answer;

pub fn answers() -> Vec<Answer> {
    let answers = [lifecycle::answers(), shutdown::answers()];
    answers.into_iter().flatten().collect()
}
