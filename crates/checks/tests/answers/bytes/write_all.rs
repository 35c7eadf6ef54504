//! Answers to `bytes/write-all`.

use std::io::{self, ErrorKind, Write};
use std::thread;
use std::time::Duration;

use checks::answers::Answer;
use checks_bytes::write_all as check;
use wire::script::Script;

pub fn answers() -> Vec<Answer> {
    vec![
        Answer::right("write right: a position", check(a_position)),
        Answer::right("write right: one byte at a time", check(one_byte_at_a_time)),
        Answer::wrong("M4", "write: once", check(once)),
        Answer::wrong("M4", "write: twice", check(twice)),
        Answer::wrong(
            "M41",
            "write: from the beginning",
            check(from_the_beginning),
        ),
        Answer::wrong("M38", "write: interrupted", check(interrupted)),
        Answer::wrong("M42", "write: no zero", check(no_zero)),
        Answer::wrong("M42", "write: zero, and a pause", check(zero_and_a_pause)),
        Answer::unnamed("broken", "write: hides an error", check(hides_an_error)),
        Answer::unnamed("whole", "write: nothing at all", check(|_, _| Ok(()))),
    ]
}

fn a_position(output: &mut Script, bytes: &[u8]) -> io::Result<()> {
    let mut position = 0;
    while position < bytes.len() {
        position += match output.write(&bytes[position..]) {
            Ok(0) => return Err(io::Error::new(ErrorKind::WriteZero, "full")),
            Ok(written) => written,
            Err(error) if error.kind() == ErrorKind::Interrupted => 0,
            Err(error) => return Err(error),
        };
    }
    Ok(())
}

fn one_byte_at_a_time(output: &mut Script, bytes: &[u8]) -> io::Result<()> {
    bytes
        .iter()
        .try_for_each(|byte| a_position(output, &[*byte]))
}

fn once(output: &mut Script, bytes: &[u8]) -> io::Result<()> {
    output.write(bytes).map(|_| ())
}

fn twice(output: &mut Script, bytes: &[u8]) -> io::Result<()> {
    let written = output.write(bytes)?;
    output.write(&bytes[written..]).map(|_| ())
}

fn from_the_beginning(output: &mut Script, bytes: &[u8]) -> io::Result<()> {
    let mut written = 0;
    while written < bytes.len() {
        written += output.write(bytes)?;
    }
    Ok(())
}

fn interrupted(output: &mut Script, mut bytes: &[u8]) -> io::Result<()> {
    while !bytes.is_empty() {
        match output.write(bytes)? {
            0 => return Err(ErrorKind::WriteZero.into()),
            written => bytes = &bytes[written..],
        }
    }
    Ok(())
}

fn no_zero(output: &mut Script, mut bytes: &[u8]) -> io::Result<()> {
    while !bytes.is_empty() {
        match output.write(bytes) {
            Ok(written) => bytes = &bytes[written..],
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok(())
}

fn zero_and_a_pause(output: &mut Script, mut bytes: &[u8]) -> io::Result<()> {
    while !bytes.is_empty() {
        match output.write(bytes) {
            Ok(0) => thread::sleep(Duration::from_millis(1)),
            Ok(written) => bytes = &bytes[written..],
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok(())
}

fn hides_an_error(output: &mut Script, bytes: &[u8]) -> io::Result<()> {
    match a_position(output, bytes) {
        Err(error) if error.kind() == ErrorKind::BrokenPipe => Ok(()),
        result => result,
    }
}
