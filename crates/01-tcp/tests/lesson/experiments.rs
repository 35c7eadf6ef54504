//! The experiments, and the servers that are broken on purpose.

use std::io::ErrorKind;
use std::time::Duration;

use lesson_1::{broken, queue};

#[test]
fn the_kernel_connects_clients_that_nobody_has_accepted() {
    let order = queue::connect_then_accept(b"is anybody there?").unwrap();
    assert_eq!(order.sent, 17);
    assert_eq!(order.read, b"is anybody there?");
}

#[test]
fn both_cards_of_a_connection_have_the_same_addresses_the_other_way_round() {
    let order = queue::connect_then_accept(b"").unwrap();
    assert_eq!(order.client.local, order.server.remote);
    assert_eq!(order.client.remote, order.server.local);
    assert_ne!(order.client.local, order.server.local);
    let mut descriptors = [
        order.listener,
        order.client.descriptor,
        order.server.descriptor,
    ];
    descriptors.sort();
    assert!(descriptors[0] < descriptors[1] && descriptors[1] < descriptors[2]);
}

#[cfg(target_os = "linux")]
#[test]
fn linux_admits_one_client_more_than_the_backlog_and_answers_no_other() {
    for backlog in [0, 1, 5] {
        let admitted = queue::fill(backlog, Duration::from_millis(200)).unwrap();
        assert_eq!(admitted.at_first, backlog as usize + 1);
        assert_eq!(admitted.after_one_accept, 1);
    }
}

#[test]
fn the_spinning_server_waits_for_a_silent_client_and_spins_for_one_that_has_left() {
    let turns = broken::spin(Duration::from_millis(200)).unwrap();
    assert_eq!(turns.silent, 1);
    assert!(turns.gone > 10, "{turns:?}");
}

#[test]
fn the_fragile_server_falls_with_one_client_and_the_next_is_refused() {
    let fall = broken::one_client_kills().unwrap();
    assert_eq!(fall.ended_by.kind(), ErrorKind::ConnectionReset);
    assert_eq!(fall.next_client.kind(), ErrorKind::ConnectionRefused);
}
