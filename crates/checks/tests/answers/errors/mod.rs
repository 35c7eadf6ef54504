//! Answers to the exercises of lesson 4.

mod deadline;
mod gopher;
mod half_close;
mod stop;
mod survivor;

use checks::answers::Answer;

pub fn answers() -> Vec<Answer> {
    let answers = [
        gopher::answers(),
        half_close::answers(),
        survivor::answers(),
        deadline::answers(),
        stop::answers(),
    ];
    answers.into_iter().flatten().collect()
}
