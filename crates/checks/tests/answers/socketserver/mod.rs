//! Answers to the exercises of lesson 13.

mod lifecycle;

use checks::answers::Answer;

pub fn answers() -> Vec<Answer> {
    let answers = [lifecycle::answers()];
    answers.into_iter().flatten().collect()
}
