//! Answers to `bytes/read-line`.

use std::collections::VecDeque;
use std::io::{self, BufRead, BufReader, ErrorKind, Read};

use checks::Check;
use checks::answers::Answer;
use wire::script::Script;

const MAX_LINE: usize = 1024;

type Line = io::Result<Option<Vec<u8>>>;

/// An answer that is a function over some state of its own.
fn check<L: Default + 'static>(next: fn(&mut Script, &mut L) -> Line) -> Check {
    checks_bytes::read_line(
        |script| (script, L::default()),
        move |(script, state)| next(script, state),
    )
}

pub fn answers() -> Vec<Answer> {
    vec![
        Answer::right("line right: a byte at a time", check(a_byte_at_a_time)),
        Answer::right("line right: a BufReader that stays", the_buf_reader_stays()),
        Answer::right("line right: a queue of bytes", check(a_queue_of_bytes)),
        Answer::wrong("M1", "line: one read", check(one_read)),
        Answer::wrong("M2", "line: drops the rest", check(drops_the_rest)),
        Answer::wrong("M2", "line: a new BufReader", check(a_new_buf_reader)),
        Answer::wrong("M5", "line: no end", check(no_end)),
        Answer::wrong("M10", "line: no tail", check(no_tail)),
        Answer::wrong("M37", "line: no limit", check(no_limit)),
        Answer::wrong("M38", "line: interrupted", check(interrupted)),
        Answer::wrong("M39", "line: hides a reset", check(hides_a_reset)),
        Answer::unnamed("empty", "line: text only", check(text_only)),
        Answer::unnamed("longest", "line: a limit too low", check(a_limit_too_low)),
        Answer::unnamed("longest", "line: a full buffer", check(a_full_buffer)),
        Answer::unnamed("over", "line: a limit too high", check(a_limit_too_high)),
        Answer::unnamed("live", "line: reads first", check(reads_first)),
        Answer::unnamed("blanks", "line: trims", check(trims)),
        Answer::unnamed("whole", "line: with its newline", check(with_its_newline)),
    ]
}

/// Reads more into `kept`; `false` at the end.
fn more(script: &mut Script, kept: &mut Vec<u8>) -> io::Result<bool> {
    let mut chunk = [0; 100];
    loop {
        match script.read(&mut chunk) {
            Ok(read) => {
                kept.extend_from_slice(&chunk[..read]);
                return Ok(read > 0);
            }
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
}

fn take_line(kept: &mut Vec<u8>) -> Option<Vec<u8>> {
    let end = kept.iter().position(|&byte| byte == b'\n')?;
    let line = kept[..end].to_vec();
    kept.drain(..=end);
    Some(line)
}

fn a_byte_at_a_time(script: &mut Script, _: &mut ()) -> Line {
    let mut line = Vec::new();
    let mut byte = [0];
    loop {
        match script.read(&mut byte) {
            Ok(0) if line.is_empty() => return Ok(None),
            Ok(0) => return Ok(Some(line)),
            Ok(_) if byte == *b"\n" => return Ok(Some(line)),
            Ok(_) if line.len() == MAX_LINE => {
                return Err(ErrorKind::InvalidData.into());
            }
            Ok(_) => line.push(byte[0]),
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
}

fn the_buf_reader_stays() -> Check {
    checks_bytes::read_line(BufReader::new, |input| {
        let mut line = Vec::new();
        input
            .take(MAX_LINE as u64 + 1)
            .read_until(b'\n', &mut line)?;
        match line.pop() {
            None => Ok(None),
            Some(b'\n') => Ok(Some(line)),
            Some(_) if line.len() == MAX_LINE => Err(ErrorKind::InvalidData.into()),
            Some(last) => {
                line.push(last);
                Ok(Some(line))
            }
        }
    })
}

fn a_queue_of_bytes(script: &mut Script, queue: &mut VecDeque<u8>) -> Line {
    let mut line = Vec::new();
    loop {
        while let Some(byte) = queue.pop_front() {
            if byte == b'\n' {
                return Ok(Some(line));
            }
            line.push(byte);
            if line.len() > MAX_LINE {
                return Err(io::Error::new(ErrorKind::InvalidData, "too long"));
            }
        }
        let mut chunk = [0; 1500];
        match script.read(&mut chunk) {
            Ok(0) => return Ok((!line.is_empty()).then_some(line)),
            Ok(read) => queue.extend(&chunk[..read]),
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
}

fn one_read(script: &mut Script, _: &mut ()) -> Line {
    let mut kept = Vec::new();
    if !more(script, &mut kept)? {
        return Ok(None);
    }
    Ok(Some(kept.trim_ascii_end().to_vec()))
}

fn drops_the_rest(script: &mut Script, _: &mut ()) -> Line {
    let mut kept = Vec::new();
    while more(script, &mut kept)? {
        if let Some(line) = take_line(&mut kept) {
            return Ok(Some(line));
        }
    }
    Ok((!kept.is_empty()).then_some(kept))
}

fn a_new_buf_reader(script: &mut Script, _: &mut ()) -> Line {
    let mut line = Vec::new();
    let read = BufReader::new(script).read_until(b'\n', &mut line)?;
    line.pop_if(|byte| *byte == b'\n');
    Ok((read > 0).then_some(line))
}

fn no_end(script: &mut Script, kept: &mut Vec<u8>) -> Line {
    loop {
        if let Some(line) = take_line(kept) {
            return Ok(Some(line));
        }
        more(script, kept)?;
    }
}

fn no_tail(script: &mut Script, kept: &mut Vec<u8>) -> Line {
    loop {
        if let Some(line) = take_line(kept) {
            return Ok(Some(line));
        }
        if !more(script, kept)? {
            return Ok(None);
        }
    }
}

fn no_limit(script: &mut Script, kept: &mut Vec<u8>) -> Line {
    loop {
        if let Some(line) = take_line(kept) {
            return Ok(Some(line));
        }
        if !more(script, kept)? {
            return Ok((!kept.is_empty()).then(|| std::mem::take(kept)));
        }
    }
}

fn interrupted(script: &mut Script, kept: &mut Vec<u8>) -> Line {
    let mut chunk = [0; 100];
    loop {
        if let Some(line) = take_line(kept) {
            return Ok(Some(line));
        }
        let read = script.read(&mut chunk)?;
        kept.extend_from_slice(&chunk[..read]);
        if read == 0 {
            return Ok((!kept.is_empty()).then(|| std::mem::take(kept)));
        }
    }
}

fn hides_a_reset(script: &mut Script, kept: &mut Vec<u8>) -> Line {
    loop {
        if let Some(line) = take_line(kept) {
            return Ok(Some(line));
        }
        if !more(script, kept).unwrap_or(false) {
            return Ok((!kept.is_empty()).then(|| std::mem::take(kept)));
        }
    }
}

fn text_only(script: &mut Script, kept: &mut Vec<u8>) -> Line {
    let line = no_limit(script, kept)?;
    Ok(line.map(|line| String::from_utf8_lossy(&line).into_owned().into_bytes()))
}

fn a_limit_too_low(script: &mut Script, kept: &mut Vec<u8>) -> Line {
    let line = no_limit(script, kept)?;
    match line {
        Some(line) if line.len() >= MAX_LINE => Err(ErrorKind::InvalidData.into()),
        line => Ok(line),
    }
}

/// What the buffer is full of is taken for too long, its newline still to come.
fn a_full_buffer(script: &mut Script, kept: &mut Vec<u8>) -> Line {
    limited(script, kept, MAX_LINE - 1)
}

fn a_limit_too_high(script: &mut Script, kept: &mut Vec<u8>) -> Line {
    limited(script, kept, 2000)
}

/// Measures what has come only where the newline has not.
fn limited(script: &mut Script, kept: &mut Vec<u8>, most: usize) -> Line {
    loop {
        if let Some(line) = take_line(kept) {
            return Ok(Some(line));
        }
        if kept.len() > most {
            return Err(ErrorKind::InvalidData.into());
        }
        let mut chunk = [0; MAX_LINE];
        let read = match script.read(&mut chunk) {
            Err(error) if error.kind() == ErrorKind::Interrupted => continue,
            result => result?,
        };
        kept.extend_from_slice(&chunk[..read]);
        if read == 0 {
            return Ok((!kept.is_empty()).then(|| std::mem::take(kept)));
        }
    }
}

/// Looks into what it has kept only after a read.
fn reads_first(script: &mut Script, kept: &mut Vec<u8>) -> Line {
    loop {
        let goes_on = more(script, kept)?;
        if let Some(line) = take_line(kept) {
            return Ok(Some(line));
        }
        if kept.len() > MAX_LINE {
            return Err(ErrorKind::InvalidData.into());
        }
        if !goes_on {
            return Ok((!kept.is_empty()).then(|| std::mem::take(kept)));
        }
    }
}

fn trims(script: &mut Script, queue: &mut VecDeque<u8>) -> Line {
    let line = a_queue_of_bytes(script, queue)?;
    Ok(line.map(|line| line.trim_ascii().to_vec()))
}

fn with_its_newline(script: &mut Script, kept: &mut Vec<u8>) -> Line {
    let line = no_limit(script, kept)?;
    Ok(line.map(|mut line| {
        line.push(b'\n');
        line
    }))
}
