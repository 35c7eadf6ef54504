//! Many callers at once, and what is left of them.

use std::fs;
use std::io::{BufRead, BufReader, Write};
use std::net::{Shutdown, TcpStream};
use std::time::{Duration, Instant};

use wire::demo::Server;

use crate::lesson;

const LIMIT: Duration = Duration::from_secs(60);

fn call(addr: &str) -> BufReader<TcpStream> {
    let stream = TcpStream::connect(addr).unwrap();
    stream.set_read_timeout(Some(LIMIT)).unwrap();
    BufReader::new(stream)
}

fn ask(caller: &mut BufReader<TcpStream>, line: &str) -> String {
    writeln!(caller.get_mut(), "{line}").unwrap();
    let mut reply = String::new();
    caller.read_line(&mut reply).unwrap();
    reply.trim_end().into()
}

fn children(server: u32) -> usize {
    let path = format!("/proc/{server}/task/{server}/children");
    fs::read_to_string(path).unwrap().split_whitespace().count()
}

fn descriptors(server: u32) -> usize {
    fs::read_dir(format!("/proc/{server}/fd")).unwrap().count()
}

/// Waits for a state that comes by itself.
fn until(what: &str, mut is_so: impl FnMut() -> bool) {
    let started = Instant::now();
    while !is_so() {
        assert!(started.elapsed() < LIMIT, "not so: {what}");
        std::thread::sleep(Duration::from_millis(2));
    }
}

#[cfg(target_os = "linux")]
#[test]
fn two_hundred_callers_at_once_leave_nothing_behind() {
    let mut server = lesson(&["server", "forking", "127.0.0.1:0"]);
    let server = Server::start(&mut server).unwrap();
    let addr = server.addr();
    assert_eq!(ask(&mut call(&addr), "hello"), "HELLO");
    until("the first has left", || children(server.id()) == 0);
    let before = descriptors(server.id());
    let mut callers: Vec<_> = (0..200).map(|_| call(&addr)).collect();
    for (nr, caller) in callers.iter_mut().enumerate() {
        assert_eq!(ask(caller, &format!("caller {nr}")), format!("CALLER {nr}"));
    }
    let mut processes: Vec<String> = callers
        .iter_mut()
        .map(|caller| ask(caller, "who"))
        .collect();
    processes.sort();
    processes.dedup();
    assert_eq!(processes.len(), 200, "each has a process of its own");
    for mut caller in callers {
        caller.get_ref().shutdown(Shutdown::Write).unwrap();
        let mut rest = String::new();
        assert_eq!(caller.read_line(&mut rest).unwrap(), 0, "{rest:?}");
    }
    until("no child is left, dead or alive", || {
        children(server.id()) == 0
    });
    assert_eq!(descriptors(server.id()), before);
}

#[cfg(target_os = "linux")]
#[test]
fn a_flood_meets_the_servers_bound_and_is_served_in_the_end() {
    let mut server = lesson(&["server", "forking", "127.0.0.1:0"]);
    let server = Server::start(&mut server).unwrap();
    let addr = server.addr();
    let most = lesson_9::server::MOST;
    let mut callers: Vec<_> = (0..most).map(|_| call(&addr)).collect();
    for caller in &mut callers {
        ask(caller, "hello");
    }
    assert_eq!(children(server.id()), most);
    let mut late = call(&addr); // connected by the kernel, and not accepted
    writeln!(late.get_mut(), "and me?").unwrap();
    assert_eq!(ask(&mut callers[0], "still there?"), "STILL THERE?");
    assert_eq!(children(server.id()), most);
    callers.clear();
    let mut reply = String::new();
    late.read_line(&mut reply).unwrap();
    assert_eq!(reply, "AND ME?\n");
}
