//! The experiments, and the loops that are broken on purpose.

use std::io::ErrorKind;
use std::time::Duration;

use lesson_10::{broken, nonblocking};

#[test]
fn no_call_on_a_nonblocking_socket_waits() {
    let said = nonblocking::ask_all().unwrap();
    assert_eq!(said.accept.kind(), ErrorKind::WouldBlock);
    assert_eq!(said.read.kind(), ErrorKind::WouldBlock);
    assert_eq!(said.write.kind(), ErrorKind::WouldBlock);
    assert!(said.written > 64 << 10);
    let in_progress = Some(nix::errno::Errno::EINPROGRESS as i32);
    assert_eq!(said.connect.raw_os_error(), in_progress);
    assert_eq!(said.in_vain.raw_os_error(), in_progress);
    assert!(said.connected.is_none());
    let refused = said.refused.map(|error| error.kind());
    assert_eq!(refused, Some(ErrorKind::ConnectionRefused));
}

#[test]
fn who_waits_for_room_with_nothing_to_write_does_not_wait() {
    let waits = broken::always_writable(Duration::from_millis(50)).unwrap();
    assert!(waits.both > 10 * waits.read, "{waits:?}");
}

#[test]
fn poll_does_not_see_what_lies_in_a_buffer() {
    let hidden = broken::hidden_lines().unwrap();
    assert_eq!((hidden.read.as_str(), hidden.buffered), ("one", 2));
    assert!(!hidden.reported);
}

#[cfg(target_os = "linux")]
mod on_linux {
    use lesson_10::{limit, memory, surprise, triggers};

    use super::*;

    #[test]
    fn one_read_for_an_edge_leaves_the_rest() {
        let half = broken::half_drained().unwrap();
        assert_eq!((half.sent, half.read, half.then), (10_000, 4096, 4096));
    }

    #[test]
    fn a_level_is_reported_while_it_lasts_and_an_edge_once() {
        let rows = triggers::compare().unwrap();
        let told: Vec<(bool, bool)> =
            rows.iter().map(|row| (row.level, row.edge)).collect();
        let wanted = [
            (false, false),
            (true, true),
            (true, false),
            (true, false),
            (true, true),
            (true, false),
            (false, false),
        ];
        assert_eq!(told, wanted);
    }

    #[test]
    fn poll_goes_on_where_a_set_of_select_ends() {
        let beyond = limit::beyond().unwrap();
        assert!(beyond.descriptor >= 1024, "{beyond:?}");
        assert_eq!(beyond.set, 1024);
        assert!(beyond.select.contains("FD_SETSIZE"), "{beyond:?}");
        assert_eq!(beyond.poll, 1);
    }

    #[test]
    fn a_silent_client_costs_less_than_a_page() {
        let memory = memory::measure(200).unwrap();
        assert!(memory.state < 1024, "{memory:?}");
    }

    #[test]
    fn every_way_to_wait_finds_who_speaks() {
        let costs = surprise::measure(20, 5).unwrap();
        assert!(costs.select.is_some());
        assert!(surprise::measure(600, 3).unwrap().select.is_none());
        assert!(surprise::measure(0, 3).is_err());
    }
}
