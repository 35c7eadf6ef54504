//! Answers to the exercises of lesson 8.

mod chat;
mod drain;
mod panic;
mod pool;
mod two;

use std::io::{self, Read, Write};
use std::net::TcpStream;

use checks::answers::Answer;

pub fn answers() -> Vec<Answer> {
    let answers = [
        two::answers(),
        pool::answers(),
        panic::answers(),
        chat::answers(),
        drain::answers(),
    ];
    answers.into_iter().flatten().collect()
}

/// Sends back in capitals what one caller says, until its end.
fn talk(mut stream: &TcpStream) -> io::Result<()> {
    let mut buffer = [0; 4096];
    loop {
        let read = stream.read(&mut buffer)?;
        if read == 0 {
            return Ok(());
        }
        stream.write_all(&buffer[..read].to_ascii_uppercase())?;
    }
}
