//! Socket files.

use std::fs;
use std::io::ErrorKind;
use std::os::unix::fs::MetadataExt;
use std::os::unix::net::{UnixListener, UnixStream};

use lesson_6::names::{self, listen, private_folder};

use crate::Scratch;

#[test]
fn a_listener_takes_its_file_with_it() {
    let scratch = Scratch::new("takes");
    let path = scratch.path("s");
    let named = listen(&path).unwrap();
    UnixStream::connect(&path).unwrap();
    drop(named);
    assert!(!path.exists());
}

#[test]
fn a_stale_file_is_replaced_and_a_living_servers_is_not() {
    let scratch = Scratch::new("stale");
    let path = scratch.path("s");
    drop(UnixListener::bind(&path).unwrap());
    let named = listen(&path).unwrap();
    let second = listen(&path).unwrap_err();
    assert_eq!(second.kind(), ErrorKind::AddrInUse);
    UnixStream::connect(&path).unwrap();
    drop(named);
}

#[test]
fn a_file_that_is_no_socket_stays() {
    let scratch = Scratch::new("plain");
    let path = scratch.path("s");
    fs::write(&path, "notes").unwrap();
    assert_eq!(listen(&path).unwrap_err().kind(), ErrorKind::AddrInUse);
    assert_eq!(fs::read(&path).unwrap(), b"notes");
}

#[test]
fn the_folder_for_socket_files_is_ours_alone() {
    let folder = fs::metadata(private_folder().unwrap()).unwrap();
    assert_eq!(folder.mode() & 0o077, 0);
}

#[cfg(target_os = "linux")]
#[test]
fn a_path_of_107_bytes_fits_and_an_abstract_name_leaves_nothing() {
    assert_eq!(names::longest_path().unwrap(), 107);
    let name = format!("lesson-6-test-{}", std::process::id());
    for _ in 0..2 {
        names::listen_abstract(name.as_bytes()).unwrap();
    }
}
