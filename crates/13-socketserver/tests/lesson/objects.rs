//! Python's objects in Rust's types.

use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::thread;
use std::time::Duration;

use lesson_13::objects::{
    Attributes, Command, Greeter, HangUp, Named, Visit, class_of, counter, greeter,
    lifetimes, registry,
};
use socketserver::{Handler, Server, Strategy};

#[test]
fn a_value_tells_its_class_its_text_and_its_fields() {
    let mut visit = Visit::imagined(([127, 0, 0, 1], 8009).into());
    assert_eq!(class_of(&visit), "lesson_13::objects::Visit");
    visit.lines.push("hello".into());
    assert_eq!(visit.to_string(), "a visit from 127.0.0.1:8009, 1 lines");
    assert!(format!("{visit:?}").contains("lines: [\"hello\"]"));
    visit[0] = "goodbye".into();
    assert_eq!(visit[0], "goodbye");
}

#[test]
fn dropping_a_visit_closes_its_connection() {
    let listener = TcpListener::bind(("127.0.0.1", 0)).unwrap();
    let mut caller = TcpStream::connect(listener.local_addr().unwrap()).unwrap();
    caller
        .set_read_timeout(Some(Duration::from_secs(60)))
        .unwrap();
    let visit = Visit::new(listener.accept().unwrap().0).unwrap();
    assert!(visit.is_connected());
    drop(visit);
    assert_eq!(caller.read(&mut [0]).unwrap(), 0, "the end of the stream");
}

#[test]
fn a_value_is_dropped_at_the_end_of_its_scope() {
    assert_eq!(lifetimes(), ["in the scope", "dropped", "behind the scope"]);
}

#[test]
fn what_is_called_remembers_and_a_factory_makes_one_for_each_peer() {
    let mut count = counter();
    assert_eq!((count(), count(), counter()()), (1, 2, 1));

    let server = Server::tcp("127.0.0.1:0").bind().unwrap();
    let (addr, handle) = (server.local_addr().to_string(), server.handle());
    let serving = thread::spawn(move || {
        let make = greeter("hello");
        server.serve(Strategy::Threads { max: 9 }, move |_| make())
    });
    for _ in 0..2 {
        let mut caller = TcpStream::connect(&addr).unwrap();
        caller.write_all(b"x").unwrap();
        let mut said = [0; 22];
        caller.read_exact(&mut said).unwrap();
        assert_eq!(&said, b"hello, for the 1. time");
    }
    handle.shutdown();
    assert_eq!(serving.join().unwrap().unwrap().accepted, 2);
}

#[test]
fn names_are_looked_up_among_what_is_offered() {
    assert_eq!(Command::find("list"), Some(Command::List));
    assert_eq!(Command::find("__class__"), None);
    let mut attributes = Attributes::default();
    attributes.set("limit", "1000");
    assert_eq!(attributes.get("limit"), Some("1000"));
    assert!(attributes.delete("limit") && !attributes.delete("limit"));
    assert_eq!(attributes.get("limit"), None);
    assert_eq!(registry()["upper"]().run("socket"), "SOCKET");
    assert_eq!(registry()["reversed"]().run("socket"), "tekcos");
    assert!(!registry().contains_key("os"));
}

#[test]
fn a_type_that_a_macro_makes_is_a_handler_with_a_name() {
    fn is_a_handler(_: impl Handler) {}
    is_a_handler(HangUp);
    assert_eq!((HangUp::name(), Greeter::name()), ("HangUp", "greeter"));
}
