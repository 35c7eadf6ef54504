//! A pool, and the callers for whom there is no room.

use std::net::{SocketAddr, TcpListener};
use std::sync::mpsc;
use std::thread;

use lesson_8::accept::Stop;
use lesson_8::pool::{BUSY, Pool, Size, serve};
use socket2::SockRef;

use crate::{Caller, LIMIT};

const SIZE: Size = Size {
    workers: 2,
    queue: 1,
};

fn server() -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let addr = listener.local_addr().unwrap();
    let stop = Stop::new(&listener).unwrap();
    thread::spawn(move || serve(listener, SIZE, &stop, LIMIT));
    addr
}

/// Calls until somebody is told that there is room.
fn admitted(addr: SocketAddr) -> Caller {
    loop {
        let mut caller = Caller::call(addr);
        if caller.ask("hello") == "HELLO\n" {
            return caller;
        }
    }
}

#[test]
fn two_are_served_one_waits_and_the_fourth_is_told_no() {
    let addr = server();
    let (mut a, mut b) = (Caller::call(addr), Caller::call(addr));
    assert_eq!(
        (a.ask("one"), b.ask("two")),
        ("ONE\n".into(), "TWO\n".into())
    );
    let mut c = Caller::call(addr);
    c.say("three\n");
    let mut d = Caller::call(addr);
    assert_eq!(d.hear().as_bytes(), BUSY);
    assert_eq!(d.hear(), "");
    drop(a);
    assert_eq!(c.hear(), "THREE\n");
}

#[test]
fn callers_that_break_off_cost_no_thread() {
    let addr = server();
    for _ in 0..10 {
        let caller = admitted(addr);
        SockRef::from(&caller.stream)
            .set_linger(Some(std::time::Duration::ZERO))
            .unwrap();
    }
    let (mut a, mut b) = (admitted(addr), admitted(addr));
    assert_eq!(
        (a.ask("one"), b.ask("two")),
        ("ONE\n".into(), "TWO\n".into())
    );
}

#[test]
fn a_job_that_panics_costs_no_thread_and_the_next_one_is_done() {
    let pool = Pool::start(SIZE).unwrap();
    let (sender, done) = mpsc::channel();
    for number in 0..20 {
        let mut job: Box<dyn FnOnce() + Send> = {
            let sender = sender.clone();
            Box::new(move || {
                sender.send(number).unwrap();
                // Unwinds as a panic does, without a word on standard error.
                std::panic::resume_unwind(Box::new("a bug"));
            })
        };
        while let Err(refused) = pool.offer(job) {
            job = refused;
            thread::yield_now();
        }
        assert_eq!(done.recv_timeout(LIMIT).unwrap(), number);
    }
}

#[test]
fn a_pool_takes_what_it_can_do_and_what_may_wait_and_gives_the_rest_back() {
    let pool = Pool::start(SIZE).unwrap();
    let (hold, held) = mpsc::channel::<()>();
    let held = std::sync::Arc::new(std::sync::Mutex::new(held));
    let job = || {
        let held = std::sync::Arc::clone(&held);
        Box::new(move || {
            let _ = held.lock().unwrap().recv();
        })
    };
    for _ in 0..3 {
        assert!(pool.offer(job()).is_ok());
    }
    assert!(pool.offer(job()).is_err());
    drop(hold);
}
