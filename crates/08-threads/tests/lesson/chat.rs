//! The chat.

use std::io::Read;
use std::net::{Shutdown, SocketAddr, TcpListener};
use std::thread;

use lesson_8::accept::Stop;
use lesson_8::chat::serve;

use crate::{Caller, LIMIT};

fn server() -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let addr = listener.local_addr().unwrap();
    let stop = Stop::new(&listener).unwrap();
    thread::spawn(move || serve(listener, &stop, LIMIT));
    addr
}

fn enter(addr: SocketAddr) -> Caller {
    let mut caller = Caller::call(addr);
    let welcome = caller.hear();
    assert!(welcome.starts_with("welcome; others here: "), "{welcome}");
    caller
}

#[test]
fn what_one_says_all_others_hear_in_order_and_the_speaker_does_not() {
    let addr = server();
    let (mut a, mut b, mut c) = (enter(addr), enter(addr), enter(addr));
    a.say("one\ntw");
    a.say("o\n");
    let port = a.port();
    for caller in [&mut b, &mut c] {
        assert_eq!(caller.hear(), format!("{port}: one\n"));
        assert_eq!(caller.hear(), format!("{port}: two\n"));
    }
    b.say("and you?\n");
    assert_eq!(a.hear(), format!("{}: and you?\n", b.port())); // and no line of its own
}

#[test]
fn who_has_said_all_still_hears_what_was_said_and_then_the_end() {
    let addr = server();
    let (mut a, mut b) = (enter(addr), enter(addr));
    a.say("one\n");
    assert_eq!(b.hear(), format!("{}: one\n", a.port()));
    b.stream.shutdown(Shutdown::Write).unwrap();
    assert_eq!(b.hear(), "");
}

#[test]
fn one_who_does_not_read_is_thrown_out_and_the_others_hear_every_line() {
    let addr = server();
    let mut deaf = enter(addr);
    let (mut a, mut b) = (enter(addr), enter(addr));
    let line = "x".repeat(32 << 10);
    let told = format!("{}: {line}\n", a.port());
    loop {
        for _ in 0..64 {
            a.say(&format!("{line}\n"));
            assert!(b.hear() == told);
        }
        if Caller::call(addr).hear() == "welcome; others here: 2\n" {
            break; // the deaf one is out
        }
    }
    // What its kernel has is still there to be read; then comes the end, in one of its
    // two forms.
    let _ = deaf.stream.read_to_end(&mut Vec::new());
    b.say("still here\n");
    assert_eq!(a.hear(), format!("{}: still here\n", b.port()));
}

#[test]
fn a_line_without_end_ends_its_speakers_visit() {
    let addr = server();
    let (mut a, mut b) = (enter(addr), enter(addr));
    let mut endless = enter(addr);
    let _ = std::io::Write::write_all(&mut endless.stream, &[b'x'; 1 << 20]);
    let _ = endless.stream.read_to_end(&mut Vec::new());
    a.say("hello\n");
    assert_eq!(b.hear(), format!("{}: hello\n", a.port()));
}
