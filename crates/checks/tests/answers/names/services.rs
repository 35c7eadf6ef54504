//! Answers to `names/services`.

use std::collections::HashMap;

use checks::Check;
use checks::answers::Answer;

type Entry = (Vec<Vec<u8>>, u16, Vec<u8>);
type Entries = fn(&[u8]) -> Vec<Entry>;

/// An answer that reads the whole file first.
fn check(entries: Entries) -> Check {
    checks_names::services(
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
        Answer::right("services right: text, line by line", check(line_by_line)),
        Answer::right("services right: a pattern", check(a_pattern)),
        Answer::wrong("M70", "services: any protocol", any_protocol()),
        Answer::unnamed(
            "spaces",
            "services: blanks and tabs alone",
            check(two_blanks),
        ),
        Answer::unnamed("double", "services: a map", a_map()),
        Answer::unnamed("double", "services: names before aliases", two_passes()),
        Answer::unnamed("case", "services: a protocol in any case", any_case_of_it()),
        Answer::unnamed("alias", "services: aliases as names", check(last_word)),
        Answer::unnamed(
            "comment",
            "services: a blank before it",
            check(blank_before),
        ),
        Answer::unnamed("any", "services: a zero is the end", check(long_lines)),
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
    checks_names::services(
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
    checks_names::services(
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
    checks_names::services(
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
    checks_names::services(
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

/// Text where it is text; a line is a line.
fn line_by_line(file: &[u8]) -> Vec<Entry> {
    let mut entries = Vec::new();
    for line in file.split_inclusive(|b| *b == b'\n') {
        let line = uncommented(line).trim_ascii();
        let words = line.split(u8::is_ascii_whitespace);
        let words: Vec<Vec<u8>> = words
            .filter(|word| !word.is_empty())
            .map(<[u8]>::to_vec)
            .collect();
        let Some(Ok(door)) = words.get(1).cloned().map(String::from_utf8) else {
            continue;
        };
        let Some((port, protocol)) = door.split_once('/') else {
            continue;
        };
        let plain = port.chars().all(|c| c.is_ascii_digit());
        match port.parse::<u16>() {
            Ok(port @ 1..) if plain && !protocol.is_empty() => {
                let mut names = words;
                names.remove(1);
                entries.push((names, port, protocol.into()));
            }
            _ => {}
        }
    }
    entries
}

fn a_pattern(file: &[u8]) -> Vec<Entry> {
    let lines = file.split(|b| *b == b'\n').map(uncommented);
    lines
        .filter_map(|line| {
            let mut words = line
                .split(|b| b.is_ascii_whitespace())
                .filter(|word| !word.is_empty());
            let (name, door) = (words.next()?, words.next()?);
            let mut parts = door.splitn(2, |b| *b == b'/');
            let (port, protocol) = (digits(parts.next()?)?, parts.next()?);
            let names = [name].into_iter().chain(words).map(<[u8]>::to_vec);
            (!protocol.is_empty()).then(|| (names.collect(), port, protocol.to_vec()))
        })
        .collect()
}

/// A carriage return is no blank to it.
fn two_blanks(file: &[u8]) -> Vec<Entry> {
    let lines = file.split(|b| *b == b'\n').map(uncommented);
    let carriage = |line: &[u8]| -> Vec<u8> {
        line.iter()
            .map(|b| if *b == b'\r' { b'@' } else { *b })
            .collect()
    };
    lines
        .filter_map(|line| entry(&carriage(line), digits))
        .collect()
}

/// What comes later takes the place of what came before.
fn a_map() -> Check {
    checks_names::services(
        |file, name, protocol| {
            let mut map = HashMap::new();
            for (names, port, of) in whole_file(file) {
                for name in names {
                    map.insert((name, of.clone()), port);
                }
            }
            map.get(&(name.into(), protocol.into())).copied()
        },
        |file, port, protocol| {
            let mut map = HashMap::new();
            for (mut names, port, of) in whole_file(file) {
                map.insert((port, of), names.swap_remove(0));
            }
            map.remove(&(port, protocol.into()))
        },
    )
}

fn two_passes() -> Check {
    checks_names::services(
        |file, name, protocol| {
            let all = whole_file(file);
            let fits = |of: &[u8], one: &[u8]| {
                of == protocol.as_bytes() && one == name.as_bytes()
            };
            let named = all.iter().find(|(names, _, of)| fits(of, &names[0]));
            let called = || {
                all.iter()
                    .find(|(names, _, of)| names.iter().any(|one| fits(of, one)))
            };
            named.or_else(called).map(|(_, port, _)| *port)
        },
        |file, port, protocol| {
            let mut all = whole_file(file).into_iter();
            all.find(|(_, at, of)| *at == port && of == protocol.as_bytes())
                .map(|(names, ..)| names[0].clone())
        },
    )
}

fn any_case_of_it() -> Check {
    checks_names::services(
        |file, name, protocol| {
            let mut all = whole_file(file).into_iter();
            all.find(|(names, _, of)| {
                of.eq_ignore_ascii_case(protocol.as_bytes())
                    && names.iter().any(|n| n == name.as_bytes())
            })
            .map(|(_, port, _)| port)
        },
        |file, port, protocol| {
            let mut all = whole_file(file).into_iter();
            all.find(|(_, at, of)| {
                *at == port && of.eq_ignore_ascii_case(protocol.as_bytes())
            })
            .map(|(names, ..)| names[0].clone())
        },
    )
}

fn last_word(file: &[u8]) -> Vec<Entry> {
    let mut all = whole_file(file);
    all.iter_mut().for_each(|(names, ..)| names.reverse());
    all
}

fn blank_before(file: &[u8]) -> Vec<Entry> {
    let lines = file.split(|b| *b == b'\n');
    let cut = |line: &'_ [u8]| -> usize {
        let behind = line
            .windows(2)
            .position(|two| two[0].is_ascii_whitespace() && two[1] == b'#');
        match line.first() {
            Some(b'#') => 0,
            _ => behind.unwrap_or(line.len()),
        }
    };
    lines
        .filter_map(|line| entry(&line[..cut(line)], digits))
        .collect()
}

/// Takes what it is not ready for to be the end of the file.
fn long_lines(file: &[u8]) -> Vec<Entry> {
    let lines = file.split(|b| *b == b'\n');
    lines
        .take_while(|line| !line.contains(&0))
        .filter_map(|line| entry(uncommented(line), digits))
        .collect()
}
