//! Answers to `bytes/chat-line`.

use checks::Check;
use checks::answers::Answer;

/// An answer whose decoder is whatever it keeps.
fn check<D: Default + 'static>(
    push: fn(&mut D, &[u8]) -> Vec<String>,
    finish: fn(D) -> Option<String>,
) -> Check {
    checks_bytes::chat_line(D::default, push, finish)
}

pub fn answers() -> Vec<Answer> {
    vec![
        Answer::right("chat right: by positions", check(by_positions, the_rest)),
        Answer::right("chat right: byte by byte", check(byte_by_byte, the_rest)),
        Answer::wrong(
            "M1",
            "chat: one piece one line",
            check(one_piece, |()| None),
        ),
        Answer::wrong(
            "M2",
            "chat: drops the rest",
            check(drops_the_rest, the_rest),
        ),
        Answer::wrong(
            "M11",
            "chat: text per piece",
            check(text_per_piece, the_text),
        ),
        Answer::wrong(
            "M11",
            "chat: unwraps per piece",
            check(unwraps_per_piece, the_text),
        ),
        Answer::wrong("M10", "chat: no tail", check(by_positions, |_| None)),
        Answer::wrong(
            "M45",
            "chat: unwraps a line",
            check(unwraps_a_line, the_rest),
        ),
        Answer::wrong(
            "M45",
            "chat: gives up",
            check(gives_up, |(kept, _)| the_rest(kept)),
        ),
        Answer::wrong("M9", "chat: keeps the newline", check(keeps, the_rest)),
        Answer::wrong("M9", "chat: cuts behind it", check(cuts_behind, the_text)),
        Answer::unnamed(
            "tail",
            "chat: a newline for the tail",
            check(by_positions, |kept| the_rest(kept).map(|rest| rest + "\n")),
        ),
        Answer::unnamed("whole", "chat: a carriage return", check(crlf, the_rest)),
        Answer::unnamed("blanks", "chat: trims", check(trims, the_rest)),
        Answer::unnamed("whole", "chat: late", check(late, the_late_rest)),
    ]
}

fn lossy(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

fn the_rest(kept: Vec<u8>) -> Option<String> {
    (!kept.is_empty()).then(|| lossy(&kept))
}

fn the_text(kept: String) -> Option<String> {
    (!kept.is_empty()).then_some(kept)
}

fn by_positions(kept: &mut Vec<u8>, piece: &[u8]) -> Vec<String> {
    kept.extend_from_slice(piece);
    let mut lines = Vec::new();
    while let Some(end) = kept.iter().position(|&byte| byte == b'\n') {
        lines.push(lossy(&kept[..end]));
        kept.drain(..=end);
    }
    lines
}

fn byte_by_byte(kept: &mut Vec<u8>, piece: &[u8]) -> Vec<String> {
    let mut lines = Vec::new();
    for &byte in piece {
        match byte {
            b'\n' => lines.push(lossy(&std::mem::take(kept))),
            byte => kept.push(byte),
        }
    }
    lines
}

fn one_piece((): &mut (), piece: &[u8]) -> Vec<String> {
    vec![lossy(piece.trim_ascii_end())]
}

fn drops_the_rest(kept: &mut Vec<u8>, piece: &[u8]) -> Vec<String> {
    kept.extend_from_slice(piece);
    match kept.iter().position(|&byte| byte == b'\n') {
        Some(end) => {
            let line = lossy(&kept[..end]);
            kept.clear();
            vec![line]
        }
        None => Vec::new(),
    }
}

fn cut_lines(kept: &mut String) -> Vec<String> {
    let mut lines = Vec::new();
    while let Some((line, rest)) = kept.split_once('\n') {
        lines.push(line.to_string());
        *kept = rest.to_string();
    }
    lines
}

fn text_per_piece(kept: &mut String, piece: &[u8]) -> Vec<String> {
    kept.push_str(&lossy(piece));
    cut_lines(kept)
}

fn unwraps_per_piece(kept: &mut String, piece: &[u8]) -> Vec<String> {
    kept.push_str(std::str::from_utf8(piece).unwrap());
    cut_lines(kept)
}

fn unwraps_a_line(kept: &mut Vec<u8>, piece: &[u8]) -> Vec<String> {
    kept.extend_from_slice(piece);
    let mut lines = Vec::new();
    while let Some(end) = kept.iter().position(|&byte| byte == b'\n') {
        lines.push(String::from_utf8(kept[..end].to_vec()).unwrap());
        kept.drain(..=end);
    }
    lines
}

fn gives_up((kept, over): &mut (Vec<u8>, bool), piece: &[u8]) -> Vec<String> {
    let mut lines = Vec::new();
    for part in piece.split_inclusive(|&byte| byte == b'\n') {
        kept.extend_from_slice(part);
        if part.ends_with(b"\n") {
            let line = std::mem::take(kept);
            match String::from_utf8(line[..line.len() - 1].to_vec()) {
                Ok(line) if !*over => lines.push(line),
                _ => *over = true,
            }
        }
    }
    lines
}

fn trims(kept: &mut Vec<u8>, piece: &[u8]) -> Vec<String> {
    let lines = by_positions(kept, piece);
    lines.iter().map(|line| line.trim().to_string()).collect()
}

fn late(kept: &mut Vec<u8>, piece: &[u8]) -> Vec<String> {
    // Gives out what was complete before this piece.
    let lines = by_positions(kept, b"");
    kept.extend_from_slice(piece);
    lines
}

fn the_late_rest(kept: Vec<u8>) -> Option<String> {
    the_rest(kept)
}

fn keeps(kept: &mut Vec<u8>, piece: &[u8]) -> Vec<String> {
    kept.extend_from_slice(piece);
    let mut lines = Vec::new();
    while let Some(end) = kept.iter().position(|&byte| byte == b'\n') {
        let line: Vec<u8> = kept.drain(..=end).collect();
        lines.push(lossy(&line));
    }
    lines
}

fn cuts_behind(kept: &mut String, piece: &[u8]) -> Vec<String> {
    kept.push_str(&lossy(piece));
    let text = std::mem::take(kept);
    let mut lines: Vec<String> = text.split_inclusive('\n').map(Into::into).collect();
    if lines.last().is_some_and(|line| !line.ends_with('\n')) {
        *kept = lines.pop().unwrap_or_default();
    }
    lines
}

/// Waits for both bytes of a line end that has one.
fn crlf(kept: &mut Vec<u8>, piece: &[u8]) -> Vec<String> {
    kept.extend_from_slice(piece);
    let mut lines = Vec::new();
    while let Some(end) = kept.windows(2).position(|two| two == b"\r\n") {
        lines.push(lossy(&kept[..end]));
        kept.drain(..end + 2);
    }
    lines
}
