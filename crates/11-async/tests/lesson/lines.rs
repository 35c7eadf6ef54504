//! Lines out of pieces.

use lesson_11::lines::{Lines, MAX_LINE, upper};

#[test]
fn any_bytes_in_any_pieces_are_the_same_lines() {
    let mut random = fastrand::Rng::with_seed(7);
    for _ in 0..500 {
        let length = random.usize(..200);
        let bytes: Vec<u8> = (0..length)
            .map(|_| if random.bool() { b'\n' } else { random.u8(..) })
            .collect();
        let mut wanted: Vec<&[u8]> = bytes.split(|&byte| byte == b'\n').collect();
        let rest = wanted.pop().unwrap();
        let (mut lines, mut got) = (Lines::default(), Vec::new());
        let mut left = &bytes[..];
        while !left.is_empty() {
            let (piece, behind) = left.split_at(random.usize(1..=left.len()));
            lines.push(piece);
            while let Some(line) = lines.next_line().unwrap() {
                got.push(line);
            }
            left = behind;
        }
        assert_eq!(got, wanted);
        assert_eq!(lines.rest().unwrap_or_default(), rest);
        assert_eq!(lines.rest(), None);
    }
}

#[test]
fn a_line_that_is_too_long_is_noticed_before_its_end() {
    let mut lines = Lines::default();
    lines.push(&vec![b'x'; MAX_LINE]);
    assert_eq!(lines.next_line().unwrap(), None);
    lines.push(b"\nnext\n");
    assert_eq!(lines.next_line().unwrap().unwrap().len(), MAX_LINE);
    assert_eq!(lines.next_line().unwrap().unwrap(), b"next");
    lines.push(&vec![b'x'; MAX_LINE + 1]);
    let error = lines.next_line().unwrap_err();
    assert!(
        error.to_string().contains("more than 65536 bytes"),
        "{error}"
    );
}

#[test]
fn no_bytes_make_the_answer_panic() {
    let mut random = fastrand::Rng::with_seed(3);
    for _ in 0..500 {
        let bytes: Vec<u8> = (0..random.usize(..40)).map(|_| random.u8(..)).collect();
        assert_eq!(upper(&bytes).last(), Some(&b'\n'));
    }
}
