//! Answers to `names/services`.

use checks::Check;
use checks::answers::Answer;

type Entry = (Vec<Vec<u8>>, u16, Vec<u8>);
type Entries = fn(&[u8]) -> Vec<Entry>;

/// An answer that reads the whole file first.
fn check(entries: Entries) -> Check {
    checks::names::services(
        move |file, name, protocol| {
            let mut found = entries(file).into_iter();
            found
                .find(|(names, _, of)| {
                    of == protocol.as_bytes()
                        && names.iter().any(|n| n == name.as_bytes())
                })
                .map(|(_, port, _)| port)
        },
        move |file, port, protocol| {
            let mut found = entries(file).into_iter();
            found
                .find(|(_, at, of)| *at == port && of == protocol.as_bytes())
                .map(|(names, ..)| names[0].clone())
        },
    )
}

pub fn answers() -> Vec<Answer> {
    vec![
        Answer::right("services right: whole file", check(whole_file)),
        Answer::right("services right: by hand", check(by_hand)),
        Answer::wrong("M70", "services: any protocol", any_protocol()),
        Answer::wrong("M70", "services: no protocol for a name", half_a_protocol()),
        Answer::wrong("M71", "services: comments are aliases", check(comments)),
        Answer::wrong(
            "M71",
            "services: only whole-line comments",
            check(whole_line),
        ),
        Answer::wrong("M45", "services: unwraps the port", check(unwraps)),
        Answer::wrong("M45", "services: unwraps UTF-8", check(text_or_panic)),
        Answer::unnamed("bad", "services: stops at a bad line", check(stops)),
        Answer::unnamed("bytes", "services: all text or nothing", check(all_text)),
        Answer::unnamed("names", "services: lossy names", check(lossy)),
        Answer::unnamed("alias", "services: no aliases", check(no_aliases)),
        Answer::unnamed("alias", "services: beginnings of names", beginnings()),
        Answer::unnamed("spaces", "services: one space", check(one_space)),
        Answer::unnamed("numbers", "services: signs", check(signs)),
        Answer::unnamed("case", "services: any case", any_case()),
        Answer::unnamed("double", "services: the last", the_last()),
    ]
}

fn digits(text: &[u8]) -> Option<u16> {
    let mut port = 0_u16;
    if text.is_empty() {
        return None;
    }
    for byte in text {
        let digit = char::from(*byte).to_digit(10)?;
        port = port.checked_mul(10)?.checked_add(digit as u16)?;
    }
    (port != 0).then_some(port)
}

fn entry(line: &[u8], number: fn(&[u8]) -> Option<u16>) -> Option<Entry> {
    let words: Vec<&[u8]> = line
        .split(|b| b" \t\r\x0c".contains(b))
        .filter(|word| !word.is_empty())
        .collect();
    let [name, door, aliases @ ..] = &words[..] else {
        return None;
    };
    let at = door.iter().position(|b| *b == b'/')?;
    let protocol = door[at + 1..].to_vec();
    if protocol.is_empty() {
        return None;
    }
    let port = number(&door[..at])?;
    let names = [name].into_iter().chain(aliases).map(|n| n.to_vec());
    Some((names.collect(), port, protocol))
}

fn uncommented(line: &[u8]) -> &[u8] {
    let end = line.iter().position(|b| *b == b'#').unwrap_or(line.len());
    &line[..end]
}

fn whole_file(file: &[u8]) -> Vec<Entry> {
    let lines = file.split(|b| *b == b'\n');
    lines
        .filter_map(|line| entry(uncommented(line), digits))
        .collect()
}

/// A byte at a time.
fn by_hand(file: &[u8]) -> Vec<Entry> {
    let mut entries = Vec::new();
    let (mut words, mut word, mut comment) = (Vec::new(), Vec::new(), false);
    for &byte in file.iter().chain(b"\n") {
        if byte == b'#' {
            comment = true;
        }
        if !comment && !byte.is_ascii_whitespace() {
            word.push(byte);
        } else if !word.is_empty() {
            words.push(std::mem::take(&mut word));
        }
        if byte == b'\n' {
            comment = false;
            let line = std::mem::take(&mut words);
            entries.extend(entry(&line.join(&b' '), digits));
        }
    }
    entries
}

fn any_protocol() -> Check {
    checks::names::services(
        |file, name, _| {
            let mut all = whole_file(file).into_iter();
            let has =
                |(names, ..): &Entry| names.iter().any(|n| n == name.as_bytes());
            all.find(has).map(|(_, port, _)| port)
        },
        |file, port, _| {
            let mut all = whole_file(file).into_iter();
            all.find(|(_, at, _)| *at == port)
                .map(|(names, ..)| names[0].clone())
        },
    )
}

fn half_a_protocol() -> Check {
    checks::names::services(
        |file, name, protocol| {
            let mut all = whole_file(file).into_iter();
            let has = |(names, _, of): &Entry| {
                names.iter().any(|n| n == name.as_bytes())
                    && of == protocol.as_bytes()
            };
            all.find(has).map(|(_, port, _)| port)
        },
        |file, port, protocol| {
            let all = whole_file(file);
            let at = all.iter().find(|(_, at, _)| *at == port);
            let _ = protocol;
            at.map(|(names, ..)| names[0].clone())
        },
    )
}

fn comments(file: &[u8]) -> Vec<Entry> {
    let lines = file.split(|b| *b == b'\n');
    lines.filter_map(|line| entry(line, digits)).collect()
}

fn whole_line(file: &[u8]) -> Vec<Entry> {
    let lines = file.split(|b| *b == b'\n');
    lines
        .filter(|line| !line.starts_with(b"#"))
        .filter_map(|line| entry(line, digits))
        .collect()
}

fn unwraps(file: &[u8]) -> Vec<Entry> {
    let number = |digits: &[u8]| {
        Some(std::str::from_utf8(digits).unwrap().parse::<u16>().unwrap())
    };
    let lines = file.split(|b| *b == b'\n');
    lines
        .filter_map(|line| entry(uncommented(line), number))
        .collect()
}

fn text_or_panic(file: &[u8]) -> Vec<Entry> {
    let text = std::str::from_utf8(file).unwrap();
    whole_file(text.as_bytes())
}

fn stops(file: &[u8]) -> Vec<Entry> {
    let mut entries = Vec::new();
    for line in file.split(|b| *b == b'\n') {
        let line = uncommented(line);
        if line.trim_ascii().is_empty() {
            continue;
        }
        match entry(line, digits) {
            Some(entry) => entries.push(entry),
            None => break,
        }
    }
    entries
}

fn all_text(file: &[u8]) -> Vec<Entry> {
    std::str::from_utf8(file).map_or(Vec::new(), |text| whole_file(text.as_bytes()))
}

fn lossy(file: &[u8]) -> Vec<Entry> {
    whole_file(String::from_utf8_lossy(file).as_bytes())
}

fn no_aliases(file: &[u8]) -> Vec<Entry> {
    let mut entries = whole_file(file);
    entries.iter_mut().for_each(|(names, ..)| names.truncate(1));
    entries
}

fn one_space(file: &[u8]) -> Vec<Entry> {
    let mut entries = Vec::new();
    for line in String::from_utf8_lossy(file).lines() {
        let words: Vec<&str> = line.split(' ').collect();
        if let [name, door, ..] = words[..]
            && let Some((port, protocol)) = door.split_once('/')
            && let Ok(port) = port.parse()
        {
            entries.push((vec![name.into()], port, protocol.into()));
        }
    }
    entries
}

fn signs(file: &[u8]) -> Vec<Entry> {
    let number = |digits: &[u8]| std::str::from_utf8(digits).ok()?.parse().ok();
    let lines = file.split(|b| *b == b'\n');
    lines
        .filter_map(|line| entry(uncommented(line), number))
        .collect()
}

fn any_case() -> Check {
    checks::names::services(
        |file, name, protocol| {
            let mut all = whole_file(file).into_iter();
            all.find(|(names, _, of)| {
                of == protocol.as_bytes()
                    && names
                        .iter()
                        .any(|n| n.eq_ignore_ascii_case(name.as_bytes()))
            })
            .map(|(_, port, _)| port)
        },
        |file, port, protocol| {
            let mut all = whole_file(file).into_iter();
            all.find(|(_, at, of)| *at == port && of == protocol.as_bytes())
                .map(|(names, ..)| names[0].clone())
        },
    )
}

fn beginnings() -> Check {
    checks::names::services(
        |file, name, protocol| {
            let mut all = whole_file(file).into_iter();
            all.find(|(names, _, of)| {
                of == protocol.as_bytes()
                    && names.iter().any(|n| n.starts_with(name.as_bytes()))
            })
            .map(|(_, port, _)| port)
        },
        |file, port, protocol| {
            let mut all = whole_file(file).into_iter();
            all.find(|(_, at, of)| *at == port && of == protocol.as_bytes())
                .map(|(names, ..)| names[0].clone())
        },
    )
}

fn the_last() -> Check {
    check(|file| whole_file(file).into_iter().rev().collect())
}
