//! Answers to the exercises of lesson 3.

mod ask;
mod echo;
mod store;
mod transfer;

use checks::answers::Answer;

pub fn answers() -> Vec<Answer> {
    let answers = [
        echo::answers(),
        ask::answers(),
        store::answers(),
        transfer::answers(),
    ];
    answers.into_iter().flatten().collect()
}
