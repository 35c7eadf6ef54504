//! Descriptors that are passed on.

use std::io::{ErrorKind, IoSlice, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::os::fd::AsRawFd;
use std::os::unix::net::UnixStream;

use lesson_6::ANY_PORT;
use lesson_6::passing::{hand_next, receive_descriptor, send_descriptor, work};
use nix::sys::socket::{ControlMessage, MsgFlags, sendmsg};

#[test]
fn what_arrives_is_the_same_socket_under_another_number() {
    let (here, there) = UnixStream::pair().unwrap();
    let (mut one, other) = UnixStream::pair().unwrap();
    send_descriptor(&here, &other).unwrap();
    drop(other);
    let mut got = UnixStream::from(receive_descriptor(&there).unwrap().unwrap());
    got.write_all(b"hello").unwrap();
    drop(got);
    let mut heard = String::new();
    one.read_to_string(&mut heard).unwrap();
    assert_eq!(heard, "hello");
}

#[test]
fn the_end_is_none_and_a_byte_alone_is_an_error() {
    let (mut here, there) = UnixStream::pair().unwrap();
    here.write_all(b"+").unwrap();
    let error = receive_descriptor(&there).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::InvalidData);
    drop(here);
    assert!(receive_descriptor(&there).unwrap().is_none());
}

#[test]
fn what_came_beside_the_first_descriptor_is_closed() {
    let (here, there) = UnixStream::pair().unwrap();
    let (first, second) = (UnixStream::pair().unwrap(), UnixStream::pair().unwrap());
    let numbers = [first.0.as_raw_fd(), second.0.as_raw_fd()];
    let (byte, beside) =
        ([IoSlice::new(b"+")], [ControlMessage::ScmRights(&numbers)]);
    let through = here.as_raw_fd();
    sendmsg::<()>(through, &byte, &beside, MsgFlags::empty(), None).unwrap();
    drop((first.0, second.0));
    let got = receive_descriptor(&there).unwrap().unwrap();
    let mut end = second.1;
    assert_eq!(end.read(&mut [0]).unwrap(), 0); // nobody has the other end
    let mut other = UnixStream::from(got);
    other.write_all(b"!").unwrap();
    let mut end = first.1;
    assert_eq!(end.read(&mut [0]).unwrap(), 1);
}

#[test]
fn a_worker_answers_all_that_it_is_handed_and_ends_with_its_giver() {
    let listener = TcpListener::bind(ANY_PORT).unwrap();
    let (here, there) = UnixStream::pair().unwrap();
    let worker = std::thread::spawn(move || work(&there));
    for visit in 1..=3 {
        let addr = listener.local_addr().unwrap();
        let mut caller = TcpStream::connect(addr).unwrap();
        hand_next(&listener, &here).unwrap();
        let mut said = String::new();
        caller.read_to_string(&mut said).unwrap();
        assert!(said.ends_with(&format!("visit {visit}\n")), "{said}");
    }
    drop(here);
    assert_eq!(worker.join().unwrap().unwrap(), 3);
}
