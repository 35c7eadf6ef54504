//! The chat's room, and its words.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::Shutdown;
use std::os::unix::net::UnixStream;
use std::thread;
use std::time::Duration;

use lesson_6::chat::{MAX_LINE, MAX_MEMBERS, Room, peer, printable};

const PATIENCE: Duration = Duration::from_secs(30);

/// Runs `test` with a function that lets somebody into a room.
fn with_a_room(test: impl FnOnce(&dyn Fn() -> BufReader<UnixStream>)) {
    let room = Room::default();
    thread::scope(|scope| {
        let enter = || {
            let (here, there) = UnixStream::pair().unwrap();
            here.set_read_timeout(Some(PATIENCE)).unwrap();
            let room = &room;
            scope.spawn(move || room.visit(&there));
            BufReader::new(here)
        };
        test(&enter);
    });
}

fn line(of: &mut BufReader<UnixStream>) -> String {
    let mut line = String::new();
    of.read_line(&mut line).unwrap();
    line
}

#[test]
fn what_one_says_all_hear_in_one_order() {
    with_a_room(|enter| {
        let (mut first, mut second) = (enter(), enter());
        let mut numbers = [line(&mut first), line(&mut second)];
        numbers.sort();
        assert!(numbers[0].starts_with("you are 1 of "));
        assert!(numbers[1].starts_with("you are 2 of "));
        first.get_ref().write_all(b"one\n").unwrap();
        second.get_ref().write_all(b"two\n").unwrap();
        let heard = [line(&mut first), line(&mut first)];
        assert_eq!(heard, [line(&mut second), line(&mut second)]);
    });
}

#[test]
fn a_last_line_without_a_newline_is_said_and_a_leaver_is_announced() {
    with_a_room(|enter| {
        let mut first = enter();
        assert_eq!(line(&mut first), "you are 1 of 1\n");
        let mut second = enter();
        assert_eq!(line(&mut second), "you are 2 of 2\n");
        second.get_ref().write_all(b"bye").unwrap();
        second.get_ref().shutdown(Shutdown::Write).unwrap();
        assert_eq!(line(&mut first), "2: bye\n");
        assert_eq!(line(&mut first), "2 has left\n");
        let mut third = enter();
        assert_eq!(line(&mut third), "you are 2 of 2\n", "the number is free");
    });
}

#[test]
fn a_line_without_an_end_ends_a_visit_and_no_other() {
    with_a_room(|enter| {
        let mut first = enter();
        assert_eq!(line(&mut first), "you are 1 of 1\n");
        let mut second = enter();
        line(&mut second);
        let long = vec![b'x'; usize::try_from(MAX_LINE).unwrap()];
        second.get_ref().write_all(&long).unwrap();
        assert_eq!(line(&mut first), "2 has left\n");
    });
}

#[test]
fn there_is_room_for_so_many() {
    with_a_room(|enter| {
        let members: Vec<_> = (0..MAX_MEMBERS)
            .map(|_| {
                let mut member = enter();
                assert!(line(&mut member).starts_with("you are "));
                member
            })
            .collect();
        let mut late = enter();
        let mut said = String::new();
        late.read_to_string(&mut said).unwrap();
        assert_eq!(said, "there is no room left\n");
        drop(members);
    });
}

#[test]
fn any_bytes_are_printable_and_stay_in_their_line() {
    let mut random = fastrand::Rng::with_seed(6);
    for _ in 0..500 {
        let length = random.usize(..200);
        let bytes: Vec<u8> = (0..length).map(|_| random.u8(..)).collect();
        let text = printable(&bytes);
        assert!(!text.chars().any(char::is_control), "{bytes:?}");
    }
    assert_eq!(printable("grüße\n".as_bytes()), "grüße");
}

#[test]
fn whatever_bytes_one_sends_another_hears_text_in_lines() {
    let mut random = fastrand::Rng::with_seed(66);
    with_a_room(|enter| {
        let mut listener = enter();
        assert_eq!(line(&mut listener), "you are 1 of 1\n");
        for _ in 0..40 {
            let mut member = enter();
            assert_eq!(line(&mut member), "you are 2 of 2\n");
            let length = random.usize(..3000);
            let bytes: Vec<u8> = (0..length).map(|_| random.u8(..)).collect();
            // The room may hang up in the middle of it: a line was too long.
            let _ = member.get_ref().write_all(&bytes);
            drop(member);
            loop {
                let heard = line(&mut listener); // text, or the test fails
                assert!(heard.ends_with('\n') && heard.len() < 4 * 1024, "{heard}");
                if heard == "2 has left\n" {
                    break;
                }
                assert!(heard.starts_with("2: "), "{heard}");
            }
        }
    });
}

#[cfg(target_os = "linux")]
#[test]
fn the_kernel_knows_who_is_at_the_other_end() {
    let (here, _there) = UnixStream::pair().unwrap();
    let (user, process) = peer(&here).unwrap();
    assert_eq!(user, nix::unistd::Uid::current().as_raw());
    assert_eq!(u32::try_from(process).unwrap(), std::process::id());
}
