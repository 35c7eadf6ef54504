//! The errors, and the programs that are broken on purpose.

use std::io::ErrorKind;
use std::net::TcpListener;
use std::time::Duration;

use lesson_4::broken::{self, Stopped};
use lesson_4::exceptions;
use lesson_4::produce::{self, TRICKS};
use lesson_4::stop::Way;

#[test]
fn every_trick_brings_about_the_error_that_it_is_named_after() {
    use ErrorKind::*;
    let kinds = [
        AddrInUse,
        AddrNotAvailable,
        ConnectionRefused,
        TimedOut,
        TimedOut,
        WouldBlock,
        ConnectionReset,
        BrokenPipe,
    ];
    assert_eq!(TRICKS.len(), kinds.len());
    for (trick, kind) in TRICKS.iter().zip(kinds) {
        let error = (trick.play)().unwrap();
        assert_eq!(error.kind(), kind, "{}: {error}", trick.name);
    }
}

#[test]
fn connect_ex_gives_the_number_or_0() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let addr = listener.local_addr().unwrap();
    assert_eq!(produce::connect_ex(addr).unwrap(), 0);
    drop(listener);
    #[cfg(target_os = "linux")]
    assert_eq!(produce::connect_ex(addr).unwrap(), 111);
}

#[test]
fn a_limit_for_each_read_is_no_limit_for_all() {
    let (bytes, _) = broken::per_read(Duration::from_millis(300)).unwrap();
    assert_eq!(bytes, 30); // after thirty pauses, each a tenth of the limit
}

#[test]
fn a_flag_waits_for_a_call() {
    let stopped = broken::stop(Way::Flag, Duration::from_millis(200)).unwrap();
    assert_eq!(
        stopped,
        Stopped {
            at_once: false,
            after_a_call: true
        }
    );
}

#[test]
fn a_server_that_calls_itself_stops() {
    let patience = Duration::from_secs(30);
    assert!(broken::stop(Way::SelfConnect, patience).unwrap().at_once);
}

#[cfg(target_os = "linux")]
#[test]
fn a_listener_that_is_shut_down_stops_its_server() {
    let patience = Duration::from_secs(30);
    assert!(broken::stop(Way::Shutdown, patience).unwrap().at_once);
}

#[test]
fn cleaning_up_is_done_on_both_ways() {
    let mut log = Vec::new();
    assert_eq!(exceptions::port("70", &mut log), Ok(70));
    assert_eq!(log, ["try", "else", "finally"]);
    log.clear();
    exceptions::port("seventy", &mut log).unwrap_err();
    assert_eq!(log, ["try", "finally"]);
}

#[test]
fn a_panic_goes_no_further_than_where_it_is_caught() {
    assert_eq!(
        exceptions::caught(|| panic!("on purpose")),
        "panic: on purpose"
    );
    assert_eq!(exceptions::caught(|| 1), "no panic");
}
