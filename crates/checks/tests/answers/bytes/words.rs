//! Answers to `bytes/words`.

use std::io::{self, ErrorKind, Read, Write};

use checks::Check;
use checks::answers::Answer;
use wire::script::Script;

type Word = io::Result<Option<Vec<u8>>>;

pub fn answers() -> Vec<Answer> {
    let writes = |write: fn(&mut Script, &[u8]) -> io::Result<()>| -> Check {
        checks_bytes::words(write, right_read)
    };
    let reads = |read: fn(&mut Script) -> Word| -> Check {
        checks_bytes::words(right_write, read)
    };
    vec![
        Answer::right(
            "words right: by hand",
            checks_bytes::words(right_write, right_read),
        ),
        Answer::right("words right: through take", reads(through_take)),
        Answer::wrong(
            "M30",
            "words: writes little end first",
            writes(little_write),
        ),
        Answer::wrong("M30", "words: reads little end first", reads(little_read)),
        Answer::wrong("M1", "words: one read", reads(one_read)),
        Answer::wrong("M2", "words: drops the rest", reads(drops_the_rest)),
        Answer::wrong("M4", "words: a short write", writes(a_short_write)),
        Answer::wrong("M43", "words: two writes", writes(two_writes)),
        Answer::wrong("M38", "words: interrupted", reads(interrupted)),
        Answer::wrong("M39", "words: cut short", reads(cut_short)),
        Answer::wrong("M44", "words: as u16", writes(as_u16)),
        Answer::unnamed("zero", "words: a length of 0", reads(a_length_of_0)),
        Answer::unnamed("read", "words: no end", reads(no_end)),
    ]
}

fn right_write(output: &mut Script, word: &[u8]) -> io::Result<()> {
    if word.is_empty() || word.len() > 65_535 {
        return Err(ErrorKind::InvalidInput.into());
    }
    let mut frame = vec![(word.len() >> 8) as u8, (word.len() & 0xFF) as u8];
    frame.extend(word);
    output.write_all(&frame)
}

fn right_read(input: &mut Script) -> Word {
    let mut length = [0; 2];
    let mut have = 0;
    while have < 2 {
        match input.read(&mut length[have..]) {
            Ok(0) if have == 0 => return Ok(None),
            Ok(0) => return Err(ErrorKind::UnexpectedEof.into()),
            Ok(read) => have += read,
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    body(input, u16::from_be_bytes(length))
}

fn body(input: &mut Script, length: u16) -> Word {
    if length == 0 {
        return Err(ErrorKind::InvalidData.into());
    }
    let mut word = vec![0; length.into()];
    input.read_exact(&mut word)?;
    Ok(Some(word))
}

fn through_take(input: &mut Script) -> Word {
    let mut length = Vec::new();
    input.take(2).read_to_end(&mut length)?;
    let length = match length[..] {
        [] => return Ok(None),
        [high, low] => u64::from(high) << 8 | u64::from(low),
        _ => return Err(ErrorKind::UnexpectedEof.into()),
    };
    if length == 0 {
        return Err(ErrorKind::InvalidData.into());
    }
    let mut word = Vec::new();
    input.take(length).read_to_end(&mut word)?;
    if (word.len() as u64) < length {
        return Err(ErrorKind::UnexpectedEof.into());
    }
    Ok(Some(word))
}

fn little_write(output: &mut Script, word: &[u8]) -> io::Result<()> {
    output.write_all(&[&(word.len() as u16).to_le_bytes()[..], word].concat())
}

fn little_read(input: &mut Script) -> Word {
    let mut length = [0; 2];
    match input.read_exact(&mut length) {
        Ok(()) => body(input, u16::from_le_bytes(length)),
        Err(_) => Ok(None),
    }
}

fn one_read(input: &mut Script) -> Word {
    let mut length = [0; 2];
    if input.read(&mut length)? == 0 {
        return Ok(None);
    }
    let mut word = vec![0; u16::from_be_bytes(length).into()];
    let read = input.read(&mut word)?;
    word.truncate(read);
    Ok(Some(word))
}

fn drops_the_rest(input: &mut Script) -> Word {
    let mut kept = Vec::new();
    let mut chunk = [0; 4096];
    loop {
        let read = input.read(&mut chunk)?;
        kept.extend_from_slice(&chunk[..read]);
        if kept.len() >= 2 {
            let length = usize::from(u16::from_be_bytes([kept[0], kept[1]]));
            if kept.len() >= 2 + length {
                return Ok(Some(kept[2..2 + length].to_vec()));
            }
        }
        if read == 0 {
            return Ok(None);
        }
    }
}

fn a_short_write(output: &mut Script, word: &[u8]) -> io::Result<()> {
    let frame = [&(word.len() as u16).to_be_bytes()[..], word].concat();
    output.write(&frame).map(|_| ())
}

fn two_writes(output: &mut Script, word: &[u8]) -> io::Result<()> {
    output.write_all(&(word.len() as u16).to_be_bytes())?;
    output.write_all(word)
}

fn interrupted(input: &mut Script) -> Word {
    let mut first = [0];
    if input.read(&mut first)? == 0 {
        return Ok(None);
    }
    let mut second = [0];
    input.read_exact(&mut second)?;
    body(input, u16::from_be_bytes([first[0], second[0]]))
}

fn cut_short(input: &mut Script) -> Word {
    match right_read(input) {
        Err(error) if error.kind() == ErrorKind::UnexpectedEof => Ok(None),
        result => result,
    }
}

fn as_u16(output: &mut Script, word: &[u8]) -> io::Result<()> {
    output.write_all(&[&(word.len() as u16).to_be_bytes()[..], word].concat())
}

fn a_length_of_0(input: &mut Script) -> Word {
    match right_read(input) {
        Err(error) if error.kind() == ErrorKind::InvalidData => Ok(Some(Vec::new())),
        result => result,
    }
}

fn no_end(input: &mut Script) -> Word {
    let mut length = [0; 2];
    input.read_exact(&mut length)?;
    body(input, u16::from_be_bytes(length))
}
