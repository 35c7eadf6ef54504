//! What goes wrong in a request, in which order it is told, and that the server goes on.

use std::io::Write;
use std::sync::mpsc::{self, Sender};
use std::sync::{Arc, Mutex};

use socketserver::{
    Closing, Conn, During, Error, Handler, Next, Result, Step, Strategy,
};

use crate::support::*;

/// Fails where the first line of its peer says so.
struct Fails {
    at: During,
    panics: bool,
    told: Sender<String>,
}

impl Fails {
    fn fail(&self, here: During) -> Result {
        self.told.send(here.to_string()).unwrap();
        match (self.at == here, self.panics) {
            (true, true) => panic!("by intent"),
            (true, false) => Err(format!("{here} fails by intent").into()),
            (false, _) => Ok(()),
        }
    }
}

impl Handler for Fails {
    fn setup(&mut self, _conn: &mut Conn) -> Result<Next> {
        self.fail(During::Setup).map(|()| Next::Again)
    }

    fn handle(&mut self, conn: &mut Conn) -> Result<Next> {
        self.fail(During::Handle)?;
        upper(conn)?;
        Ok(Next::Close)
    }

    fn finish(
        &mut self,
        _conn: &mut Conn,
        outcome: std::result::Result<(), &Error>,
    ) -> Result {
        self.told
            .send(format!("outcome is good: {}", outcome.is_ok()))
            .unwrap();
        self.fail(During::Finish)
    }
}

fn told_when(at: During, panics: bool, strategy: Strategy) -> Vec<String> {
    let (told, hear) = mpsc::channel();
    let errors = told.clone();
    let builder =
        tcp().on_error(move |_, error| errors.send(error.to_string()).unwrap());
    let handlers = Mutex::new(told);
    let server = start(builder, strategy, move |_| Fails {
        at,
        panics,
        told: handlers.lock().unwrap().clone(),
    });
    let mut client = Client::connect(server.addr);
    client.say("hello");
    client.rest();
    server.stop().unwrap();
    hear.try_iter().collect()
}

#[test]
fn the_order_of_steps_whatever_fails() {
    for strategy in THREADED {
        let setup = told_when(During::Setup, false, strategy);
        assert_eq!(setup, ["setup", "setup failed: setup fails by intent"]);

        let handle = told_when(During::Handle, false, strategy);
        assert_eq!(
            handle,
            [
                "setup",
                "handle",
                "handle failed: handle fails by intent",
                "outcome is good: false",
                "finish"
            ]
        );

        let finish = told_when(During::Finish, false, strategy);
        assert_eq!(
            finish,
            [
                "setup",
                "handle",
                "outcome is good: true",
                "finish",
                "finish failed: finish fails by intent"
            ]
        );
    }
}

#[test]
fn a_panic_is_an_error_like_another() {
    for strategy in THREADED {
        let handle = told_when(During::Handle, true, strategy);
        assert_eq!(handle[2], "handle panicked: by intent");
        assert_eq!(handle[3], "outcome is good: false");
        let setup = told_when(During::Setup, true, strategy);
        assert_eq!(setup, ["setup", "setup panicked: by intent"]);
    }
}

#[test]
fn a_handler_that_panics_costs_one_client() {
    for strategy in THREADED {
        let server = start(tcp().on_error(|_, _| ()), strategy, |_| {
            |conn: &mut Conn| {
                if conn.buffered().starts_with(b"panic") {
                    panic!("by intent");
                }
                upper(conn)
            }
        });
        for _ in 0..5 {
            let mut client = Client::connect(server.addr);
            client.say("panic");
            assert_eq!(client.rest(), "");
        }
        assert_eq!(
            Client::connect(server.addr).ask("hello"),
            "HELLO\n",
            "{strategy:?}"
        );
        assert_eq!(server.stop().unwrap().errors, 5, "{strategy:?}");
    }
}

#[test]
fn a_factory_or_a_hook_that_panics_ends_nothing() {
    let builder =
        tcp()
            .on_error(|_, _| panic!("the report panics"))
            .observe(|_, step| {
                assert_ne!(step, Step::Finish, "the observer panics");
            });
    let server = start(builder, Strategy::Inline, |peer| {
        assert_ne!(peer.id, 1, "the factory panics");
        upper
    });
    assert_eq!(Client::connect(server.addr).rest(), "");
    assert_eq!(Client::connect(server.addr).ask("hello"), "HELLO\n");
}

#[test]
fn who_is_not_welcome_sees_the_end() {
    let builder = tcp().verify(|peer| match peer.id {
        1 => false,
        2 => panic!("by intent"),
        _ => true,
    });
    let server = start(builder.on_error(|_, _| ()), Strategy::Inline, |_| upper);
    assert_eq!(Client::connect(server.addr).rest(), "");
    assert_eq!(Client::connect(server.addr).rest(), "");
    assert_eq!(Client::connect(server.addr).ask("hello"), "HELLO\n");
    let stats = server.stop().unwrap();
    assert_eq!((stats.accepted, stats.refused, stats.errors), (3, 2, 1));
}

#[test]
fn the_seven_steps_in_their_order() {
    use Step::*;
    for strategy in THREADED {
        let steps: Arc<Mutex<Vec<Step>>> = Arc::default();
        let seen = Arc::clone(&steps);
        let builder = tcp().observe(move |_, step| seen.lock().unwrap().push(step));
        let server = start(builder, strategy, |_| {
            |conn: &mut Conn| upper(conn).map(|_| Next::Close)
        });
        let mut client = Client::connect(server.addr);
        assert_eq!(client.ask("hello"), "HELLO\n");
        assert_eq!(client.rest(), "");
        server.stop().unwrap();
        let seven = [Verify, Process, Setup, Handle, Finish, Shutdown, Close];
        assert_eq!(*steps.lock().unwrap(), seven, "{strategy:?}");
    }
}

#[test]
fn who_is_refused_is_shut_down_and_closed() {
    use Step::*;
    let steps: Arc<Mutex<Vec<Step>>> = Arc::default();
    let seen = Arc::clone(&steps);
    let builder = tcp()
        .verify(|_| false)
        .observe(move |_, step| seen.lock().unwrap().push(step));
    let server = start(builder, Strategy::Inline, |_| upper);
    assert_eq!(Client::connect(server.addr).rest(), "");
    server.stop().unwrap();
    assert_eq!(*steps.lock().unwrap(), [Verify, Shutdown, Close]);
}

#[test]
fn a_handler_of_its_own_for_each_peer() {
    let server = start(tcp(), Strategy::Threads { max: 4 }, |peer| {
        let (mut requests, id) = (0, peer.id);
        move |conn: &mut Conn| {
            conn.line(100)?;
            requests += 1;
            writeln!(conn, "peer {id}, request {requests}")?;
            Ok(Next::Again)
        }
    });
    let mut first = Client::connect(server.addr);
    assert_eq!(first.ask("hello"), "peer 1, request 1\n");
    let mut second = Client::connect(server.addr);
    assert_eq!(second.ask("hello"), "peer 2, request 1\n");
    assert_eq!(first.ask("again"), "peer 1, request 2\n");
}

#[test]
fn a_peer_that_vanishes_ends_its_own_conversation() {
    for strategy in THREADED {
        let server = start(tcp().on_error(|_, _| ()), strategy, |_| upper);
        let mut client = Client::connect(server.addr);
        assert_eq!(client.ask("hello"), "HELLO\n");
        client.reset();
        assert_eq!(
            Client::connect(server.addr).ask("hello"),
            "HELLO\n",
            "{strategy:?}"
        );
    }
}

#[test]
fn an_answer_survives_a_peer_that_goes_on_talking() {
    let closing = Closing::Linger(BACKSTOP);
    let server = start(tcp().closing(closing), Strategy::Inline, |_| {
        |conn: &mut Conn| upper(conn).map(|_| Next::Close)
    });
    let mut client = Client::connect(server.addr);
    client.say("one\ntwo\nthree");
    client.end();
    assert_eq!(client.rest(), "ONE\n");
}
