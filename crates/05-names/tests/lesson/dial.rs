//! From addresses to a connection.

use std::io::ErrorKind;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::time::Duration;

use lesson_5::dial::{DialError, Limits, dial};
use lesson_5::doors::{ANY_PORT, Door, Manner};
use lesson_5::{broken, families, session};

use crate::ipv6;

const PATIENT: Limits = Limits {
    each: Duration::from_secs(30),
    total: Duration::from_secs(60),
};

fn doors(manners: &[Manner]) -> (Vec<Door>, Vec<SocketAddr>) {
    let doors: Vec<Door> = manners
        .iter()
        .map(|manner| Door::open(ANY_PORT, *manner).unwrap())
        .collect();
    let addresses = doors.iter().map(Door::address).collect();
    (doors, addresses)
}

fn kinds(error: &DialError) -> Vec<ErrorKind> {
    error.attempts.iter().map(|a| a.error.kind()).collect()
}

#[test]
fn the_first_that_answers_is_taken_after_one_that_refuses() {
    let (_doors, at) = doors(&[Manner::Refuses, Manner::Answers, Manner::Answers]);
    let stream = dial(&at, PATIENT, None).unwrap();
    assert_eq!(stream.peer_addr().unwrap(), at[1]);
}

#[cfg(target_os = "linux")]
#[test]
fn one_that_is_silent_has_its_own_limit() {
    let (_doors, at) = doors(&[Manner::Silent, Manner::Answers]);
    let limits = Limits {
        each: Duration::from_millis(50),
        ..PATIENT
    };
    let stream = dial(&at, limits, None).unwrap();
    assert_eq!(stream.peer_addr().unwrap(), at[1]);
}

#[cfg(target_os = "linux")]
#[test]
fn the_total_limit_ends_it_whoever_may_come_next() {
    // Three, because a wait in whole milliseconds may end a moment before the total.
    let silent = Manner::Silent;
    let (_doors, at) = doors(&[silent, silent, silent, Manner::Answers]);
    let limits = Limits {
        total: Duration::from_millis(50),
        ..PATIENT
    };
    let error = dial(&at, limits, None).unwrap_err();
    assert_eq!(kinds(&error)[0], ErrorKind::TimedOut);
    assert_eq!(error.untried, at.len() - error.attempts.len());
    let said = format!("; no time was left for {} more", error.untried);
    assert!(error.to_string().ends_with(&said), "{error}");
}

#[test]
fn every_attempt_is_named_with_its_error() {
    let (_doors, at) = doors(&[Manner::Refuses, Manner::Refuses]);
    let error = dial(&at, PATIENT, None).unwrap_err();
    assert_eq!(kinds(&error), [ErrorKind::ConnectionRefused; 2]);
    for address in at {
        assert!(
            error.to_string().contains(&format!("{address}: ")),
            "{error}"
        );
    }
}

#[test]
fn no_address_is_an_error_of_its_own() {
    let error = dial(&[], PATIENT, None).unwrap_err();
    assert_eq!(error.to_string(), "there is no address to connect to");
}

#[test]
fn the_connection_comes_from_the_source_that_was_asked_for() {
    let (_doors, at) = doors(&[Manner::Answers]);
    // Only on Linux is all of 127.0.0.0/8 this machine's own.
    let last = if cfg!(target_os = "linux") { 9 } else { 1 };
    let source = IpAddr::V4(Ipv4Addr::new(127, 0, 0, last));
    let stream = dial(&at, PATIENT, Some(source)).unwrap();
    assert_eq!(stream.local_addr().unwrap().ip(), source);
}

#[test]
fn an_address_of_another_family_than_the_source_is_a_failed_attempt() {
    let (_doors, at) = doors(&[Manner::Answers]);
    let source = IpAddr::V6(Ipv6Addr::LOCALHOST);
    let error = dial(&at, PATIENT, Some(source)).unwrap_err();
    assert_eq!(error.attempts.len(), 1);
}

#[test]
fn the_first_address_alone_is_not_enough() {
    let [first, all] = broken::first_only().unwrap();
    assert_eq!(first.unwrap_err().kind(), ErrorKind::ConnectionRefused);
    all.unwrap();
}

#[test]
fn a_socket_has_its_addresses_step_by_step() {
    let steps = session::session().unwrap();
    assert_eq!(steps.len(), 3);
    assert_eq!(steps[0].local.as_ref().unwrap().port(), 0);
    assert!(steps[1].peer.is_err());
    let (bound, connected) = (&steps[1].local, &steps[2].local);
    assert_eq!(bound.as_ref().unwrap(), connected.as_ref().unwrap());
    assert!(steps[2].peer.is_ok());
}

#[test]
fn the_kernel_says_which_families_it_knows() {
    let families = families::families();
    assert_eq!(families.len(), 4);
    families[0].answer.as_ref().unwrap(); // IPv4 is here, or no test would be
    if ipv6() {
        families[1].answer.as_ref().unwrap();
    }
}
