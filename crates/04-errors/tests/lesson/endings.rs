//! How conversations end, and when waiting does.

use std::io::{ErrorKind, Write};
use std::net::{TcpListener, TcpStream};
use std::thread;
use std::time::Duration;

use lesson_4::deadline::{Deadline, drip};
use lesson_4::slam::{self, Ending, knock};
#[cfg(target_os = "linux")]
use lesson_4::states;

const LIMIT: Duration = Duration::from_secs(30);
const SHORT: Duration = Duration::from_millis(50);

/// A slam door for one caller.
fn door() -> (TcpStream, thread::JoinHandle<Ending>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let addr = listener.local_addr().unwrap();
    let door = thread::spawn(move || {
        let (stream, _) = listener.accept().unwrap();
        slam::talk(&stream, LIMIT).unwrap()
    });
    (TcpStream::connect(addr).unwrap(), door)
}

#[test]
fn the_door_ends_as_it_is_told() {
    let (stream, door) = door();
    assert_eq!(
        knock(&stream, "fin", LIMIT).unwrap(),
        "read returns 0: the end"
    );
    assert_eq!(door.join().unwrap(), Ending::Fin);

    let (stream, door) = self::door();
    let told = knock(&stream, "rst", LIMIT).unwrap();
    assert!(told.starts_with("read fails: ConnectionReset"), "{told}");
    assert_eq!(door.join().unwrap(), Ending::Rst);

    let (stream, door) = self::door();
    let told = knock(&stream, "what?", SHORT).unwrap();
    assert!(told.starts_with("read fails: WouldBlock"), "{told}");
    drop(stream);
    assert_eq!(door.join().unwrap(), Ending::Silence);
}

#[test]
fn a_word_may_come_in_two_pieces() {
    let (mut stream, door) = door();
    stream.set_nodelay(true).unwrap();
    stream.write_all(b"f").unwrap();
    assert_eq!(
        knock(&stream, "in", LIMIT).unwrap(),
        "read returns 0: the end"
    );
    assert_eq!(door.join().unwrap(), Ending::Fin);
}

#[test]
fn who_leaves_without_a_word_is_let_go() {
    let (stream, door) = door();
    drop(stream);
    assert_eq!(door.join().unwrap(), Ending::Fin);
}

#[cfg(target_os = "linux")]
#[test]
fn who_closes_first_has_the_time_wait_and_who_resets_has_none() {
    let last = |steps: Vec<states::Step>| {
        let states::Step { first, second, .. } = steps.into_iter().last().unwrap();
        (first, second)
    };
    assert_eq!(last(states::good_order().unwrap()), ("TIME-WAIT", "gone"));
    assert_eq!(last(states::by_force().unwrap()), ("gone", "gone"));
}

#[cfg(target_os = "linux")]
#[test]
fn a_port_in_time_wait_can_be_had_by_who_asks_for_it() {
    let (without, with) = states::rebind().unwrap();
    assert_eq!(without.unwrap_err().kind(), ErrorKind::AddrInUse);
    with.unwrap();
}

#[cfg(target_os = "linux")]
#[test]
fn any_table_of_sockets_can_be_read() {
    const TABLE: &str = "  sl  local_address rem_address   st\n   \
        0: 0100007F:1F90 00000000:0000 0A 0\n   1: 0100007F:1F90 0100007F:C351 06 0\n";
    assert_eq!(states::state(TABLE, 8080, 0), Some("LISTEN"));
    assert_eq!(states::state(TABLE, 8080, 50001), Some("TIME-WAIT"));
    assert_eq!(states::state(TABLE, 8080, 50002), None);
    for seed in 0..500 {
        let mut random = fastrand::Rng::with_seed(seed);
        let mut bytes = TABLE.as_bytes().to_vec();
        for _ in 0..random.usize(1..10) {
            let at = random.usize(..bytes.len());
            bytes[at] = random.u8(..);
        }
        let _ = states::state(&String::from_utf8_lossy(&bytes), 8080, 50001);
    }
}

#[test]
fn a_deadline_ends_a_reply_that_drips() {
    let stream = drip(&[b'x'; 1000], Duration::from_millis(20)).unwrap();
    let error = Deadline::after(SHORT).read_to_end(&stream).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::TimedOut);
}

#[test]
fn a_deadline_lets_a_reply_through_that_is_in_time() {
    let stream = drip(b"in time", Duration::from_millis(1)).unwrap();
    assert_eq!(
        Deadline::after(LIMIT).read_to_end(&stream).unwrap(),
        b"in time"
    );
}

#[test]
fn no_time_is_timed_out_and_not_invalid_input() {
    let error = Deadline::after(Duration::ZERO).left().unwrap_err();
    assert_eq!(error.kind(), ErrorKind::TimedOut);
}
