//! The two servers of capitals: one by one the same demands.

use std::io::{self, Read};
use std::net::{Shutdown, SocketAddr, TcpListener};
use std::thread;

use lesson_11::{mini, upper};

use crate::{Client, listener};

type Serve = fn(TcpListener) -> io::Result<()>;

const SERVERS: [Serve; 2] = [mini::serve, upper::serve];

fn each(test: impl Fn(SocketAddr)) {
    for serve in SERVERS {
        let (listener, addr) = listener();
        thread::spawn(move || serve(listener));
        test(addr);
    }
}

#[test]
fn a_silent_client_keeps_nobody_waiting() {
    each(|addr| {
        let mut silent = Client::call(addr);
        silent.say(b"half a li");
        let mut other = Client::call(addr);
        assert_eq!(other.ask("good morning"), "GOOD MORNING\n");
        silent.say(b"ne\n");
        assert_eq!(silent.hear(), "HALF A LINE\n");
    });
}

#[test]
fn what_comes_together_is_answered_line_by_line_and_the_tail_too() {
    each(|addr| {
        let mut client = Client::call(addr);
        client.say("one\n\nstra\u{df}e\ntail".as_bytes());
        client.0.get_ref().shutdown(Shutdown::Write).unwrap();
        let mut all = String::new();
        client.0.read_to_string(&mut all).unwrap();
        assert_eq!(all, "ONE\n\nSTRASSE\nTAIL\n");
    });
}

#[test]
fn a_line_without_an_end_ends_that_visit_and_no_other() {
    each(|addr| {
        let mut good = Client::call(addr);
        let mut bad = Client::call(addr);
        bad.say(&vec![b'x'; lesson_11::lines::MAX_LINE + 1]);
        let mut rest = Vec::new();
        let _ = bad.0.read_to_end(&mut rest); // the end, or a reset
        assert_eq!(rest, b"");
        assert_eq!(good.ask("still there?"), "STILL THERE?\n");
    });
}

#[test]
fn a_client_that_does_not_read_keeps_nobody_waiting_and_gets_everything() {
    each(|addr| {
        let slow = Client::call(addr);
        const LINES: usize = 400_000;
        let mut sending = slow.0.get_ref().try_clone().unwrap();
        let sender = thread::spawn(move || {
            use std::io::Write;
            let piece = b"a line of capitals\n".repeat(1000);
            for _ in 0..LINES / 1000 {
                sending.write_all(&piece).unwrap();
            }
            sending.shutdown(Shutdown::Write).unwrap();
        });
        let mut other = Client::call(addr);
        assert_eq!(other.ask("meanwhile"), "MEANWHILE\n");
        let mut all = Vec::new();
        let mut slow = slow;
        slow.0.read_to_end(&mut all).unwrap();
        sender.join().unwrap();
        assert_eq!(all, b"A LINE OF CAPITALS\n".repeat(LINES));
    });
}
