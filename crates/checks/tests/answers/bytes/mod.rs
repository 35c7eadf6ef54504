//! Answers to the exercises of lesson 2.

mod chat_line;
mod read_line;
mod upload;
mod words;
mod write_all;

use checks::answers::Answer;

pub fn answers() -> Vec<Answer> {
    let answers = [
        read_line::answers(),
        write_all::answers(),
        words::answers(),
        chat_line::answers(),
        upload::answers(),
    ];
    answers.into_iter().flatten().collect()
}
