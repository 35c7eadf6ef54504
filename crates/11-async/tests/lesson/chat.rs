//! The room.

use std::net::SocketAddr;
use std::thread;

use tokio::runtime::Builder;

use crate::{Client, listener};

fn room() -> SocketAddr {
    let (listener, addr) = listener();
    listener.set_nonblocking(true).unwrap();
    thread::spawn(move || {
        let runtime = Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            let listener = tokio::net::TcpListener::from_std(listener).unwrap();
            lesson_11::chat::serve(listener).await
        })
    });
    addr
}

/// Each has said something that all before it have heard: so all are in the room.
fn party(count: usize) -> Vec<Client> {
    let addr = room();
    let mut all: Vec<Client> = Vec::new();
    for _ in 0..count {
        let mut client = Client::call(addr);
        client.say(b"hello\n");
        for other in &mut all {
            assert!(other.hear().ends_with(": hello\n"));
        }
        all.push(client);
        if all.len() == 1 {
            // Nobody has heard the first; its own line is behind it once it is echoed
            // to a second, who leaves again.
            let mut guest = Client::call(addr);
            guest.say(b"guest\n");
            assert!(all[0].hear().ends_with(": guest\n"));
        }
    }
    all
}

#[test]
fn everybody_else_hears_all_lines_in_one_order() {
    let mut all = party(3);
    let (first, rest) = all.split_at_mut(1);
    let (second, third) = rest.split_at_mut(1);
    for nr in 0..20 {
        first[0].say(format!("a{nr}\n").as_bytes());
        second[0].say(format!("b{nr}\n").as_bytes());
    }
    let heard: Vec<String> = (0..40).map(|_| third[0].hear()).collect();
    for who in ["a", "b"] {
        let of_one: Vec<usize> = heard
            .iter()
            .filter_map(|line| line.trim_end().rsplit_once(' ')?.1.strip_prefix(who))
            .map(|nr| nr.parse().unwrap())
            .collect();
        assert_eq!(of_one, Vec::from_iter(0..20), "{heard:?}");
    }
    for nr in 0..20 {
        assert!(second[0].hear().ends_with(&format!(": a{nr}\n")));
        assert!(first[0].hear().ends_with(&format!(": b{nr}\n")));
    }
}

#[test]
fn half_a_line_is_kept_while_others_speak() {
    let mut all = party(2);
    all[0].say(b"half ");
    for nr in 0..5 {
        all[1].say(format!("line {nr}\n").as_bytes());
        assert!(all[0].hear().ends_with(&format!(": line {nr}\n")));
    }
    all[0].say(b"a line\n");
    assert!(all[1].hear().ends_with(": half a line\n"));
}

#[test]
fn who_does_not_read_is_told_how_many_lines_it_missed() {
    let mut all = party(3);
    let text = format!("{}\n", "x".repeat(8000));
    // More than the kernel keeps for a client who does not read, and more than the
    // room.
    for _ in 0..3000 {
        all[0].say(text.as_bytes());
        all[1].hear();
    }
    loop {
        let line = all[2].hear();
        assert!(!line.is_empty(), "it is told before the end");
        if line.starts_with("* you missed ") {
            break;
        }
    }
}
