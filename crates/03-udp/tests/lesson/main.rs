//! What lesson 3 promises. One crate, so that it is linked once.

#![expect(clippy::unwrap_used, reason = "a test that panics has failed")]

mod arbitrary;
mod others;

use std::net::{Ipv4Addr, SocketAddr, UdpSocket};
use std::path::Path;

use socket2::{Domain, Socket, Type};

use lesson_3::{ANY_PORT, broken, groups, sizes, socket};
use wire::demo::{Server, run};

/// The lesson's program with these arguments.
fn lesson(args: &[&str]) -> std::process::Command {
    let mut command = std::process::Command::new(env!("CARGO_BIN_EXE_lesson-3"));
    command.args(args);
    command
}

/// Exit code, standard output and standard error of the program.
fn outcome(args: &[&str], input: &str) -> (Option<i32>, String, String) {
    let output = run(&mut lesson(args), input.as_bytes()).unwrap();
    let text = |bytes| String::from_utf8(bytes).unwrap();
    (
        output.status.code(),
        text(output.stdout),
        text(output.stderr),
    )
}

#[test]
fn the_demonstration_prints_what_the_book_shows() {
    let shown = Path::new(env!("CARGO_MANIFEST_DIR")).join("demo.txt");
    wire::demo::prints(&mut lesson(&[]), &shown, &[]);
}

#[test]
fn what_is_not_understood_ends_with_code_2_and_one_sentence() {
    for (args, sentence) in [
        (&["dance", "now"][..], "there is no `dance now` here"),
        (&["client"], "client what?"),
        (&["server", "letters"], "`letters` is none of: oneway"),
        (
            &["server", "ask", "::1:9999"],
            "`::1:9999` is not an address",
        ),
        (&["server", "ask", "here"], "`here` is not an address"),
        (&["lossy"], "from where to where?"),
        (&["lossy", "127.0.0.1:0", "127.0.0.1:9", "x"], "for a seed"),
    ] {
        let (code, output, errors) = outcome(args, "");
        assert_eq!((code, output.as_str()), (Some(2), ""), "{args:?}");
        assert!(errors.contains(sentence), "{args:?}: {errors}");
        assert_eq!(errors.lines().count(), 1, "{errors}");
    }
}

#[test]
fn every_experiment_runs_and_ends_by_itself() {
    for (args, shown) in [
        (&["help"][..], "9037"),
        (&["sizes"], "EMSGSIZE"),
        (&["nobody"], "ECONNREFUSED"),
        (&["groups"], "member 3 hears"),
        (&["transfer"], "arrived intact"),
        (&["surprise"], "10000 sent without an error"),
        (&["broken", "stale"], "three?   two"),
        (&["broken", "apprentice"], "200 datagrams"),
    ] {
        let (code, output, errors) = outcome(args, "");
        assert_eq!((code, errors.as_str()), (Some(0), ""), "{args:?}");
        assert!(output.contains(shown), "{args:?}: {output}");
        assert!(output.lines().all(|line| line.chars().count() <= 86));
    }
}

#[test]
fn the_client_asks_until_exit_and_the_server_prints_data_host_and_port() {
    let server =
        Server::start(&mut lesson(&["server", "ask", "127.0.0.1:0"])).unwrap();
    let addr = server.addr();
    server.line(); // how to stop it
    let (code, output, errors) =
        outcome(&["client", "ask", &addr], "hello\nexit\nno\n");
    assert_eq!(
        (code, output.as_str(), errors.as_str()),
        (Some(0), "ok\n", "")
    );
    assert!(server.line().starts_with("hello from 127.0.0.1 port "));
}

#[test]
fn a_client_of_nobody_says_whom_it_asked() {
    let nobody = UdpSocket::bind(ANY_PORT).unwrap().local_addr().unwrap();
    let addr = nobody.to_string();
    let (code, _, errors) = outcome(&["client", "ask", &addr], "hello\n");
    assert_eq!(code, Some(1));
    assert!(errors.contains(&addr), "{errors}");
}

#[test]
fn a_cut_datagram_does_not_touch_the_next_one() {
    let came = sizes::through(&[b"0123456789", b"", b"next"], 4).unwrap();
    assert_eq!(came, [&b"0123"[..], b"", b"next"]);
}

#[test]
fn who_has_the_port_at_another_address_hears_nothing_of_the_group() {
    let member = groups::member(0).unwrap();
    let port = member.local_addr().unwrap().port();
    let outsider = Socket::new(Domain::IPV4, Type::DGRAM, None).unwrap();
    outsider.set_reuse_address(true).unwrap();
    let address = SocketAddr::from((Ipv4Addr::LOCALHOST, port));
    outsider.bind(&address.into()).unwrap();
    let outsider = UdpSocket::from(outsider);
    outsider.set_nonblocking(true).unwrap();
    let to = (groups::GROUP, port);
    groups::speaker().unwrap().send_to(b"hello", to).unwrap();
    assert_eq!(member.recv(&mut [0; 16]).unwrap(), 5);
    assert!(outsider.recv(&mut [0; 16]).is_err());
    groups::speaker().unwrap().send_to(b"you", address).unwrap();
    outsider.set_nonblocking(false).unwrap();
    assert_eq!(outsider.recv(&mut [0; 16]).unwrap(), 3);
}

#[test]
fn an_apprentice_whose_acknowledgements_all_come_in_time_sends_each_block_once() {
    let (sender, receiver) = (socket().unwrap(), socket().unwrap());
    let to = receiver.local_addr().unwrap();
    let other = std::thread::spawn(move || broken::acknowledge(&receiver, 50));
    let sent = broken::apprentice(&sender, to, 50, lesson_3::PATIENCE);
    assert_eq!(sent.unwrap(), 50);
    other.join().unwrap().unwrap();
}
