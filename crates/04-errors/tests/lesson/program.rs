//! The program from outside: its words, its exit codes.

use std::io::{Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::process::Stdio;

use wire::demo::Server;

use crate::{lesson, outcome};

#[test]
fn help_names_everything() {
    let (code, help, _) = outcome(&["help"], "");
    assert_eq!(code, Some(0));
    for word in [
        "server NAME [ADDR]",
        "client gopher [HOST:PORT [SELECTOR]]",
        "client slam [ADDR]",
        "7070",
        "7071",
        "errors",
        "bind ADDR",
        "connect-ex ADDR",
        "exceptions",
        "states",
        "deadline",
        "stop WAY [ADDR]",
        "surprise",
        "broken per-read",
        "broken flag",
        "7  the page is cut short",
    ] {
        assert!(help.contains(word), "{word} is missing in\n{help}");
    }
}

#[test]
fn what_is_not_understood_ends_with_code_2_and_one_sentence() {
    for (args, sentence) in [
        (&["dance", "now"][..], "there is no `dance now` here"),
        (&["server"], "server what?"),
        (&["server", "lower"], "`lower` is none of: gopher, slam"),
        (&["client", "lower"], "`lower` is none of: gopher, slam"),
        (
            &["client", "gopher", "here"],
            "`here` is not a host and a port",
        ),
        (
            &["stop", "now"],
            "`now` is none of: flag, self-connect, shutdown",
        ),
        (
            &["bind", "localhost"],
            "`localhost` is not an address and a port",
        ),
    ] {
        let (code, output, errors) = outcome(args, "");
        assert_eq!((code, output.as_str()), (Some(2), ""), "{args:?}");
        assert!(errors.contains(sentence), "{args:?}: {errors}");
        assert_eq!(errors.lines().count(), 1, "{errors}");
    }
}

#[test]
fn a_port_that_is_taken_is_told_with_its_address() {
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let addr = taken.local_addr().unwrap().to_string();
    let (code, _, errors) = outcome(&["server", "gopher", &addr], "");
    assert_eq!(code, Some(1));
    assert!(
        errors.contains(&format!("cannot listen on {addr}")),
        "{errors}"
    );
}

#[test]
fn the_client_shows_a_page_and_exits_by_the_stage_at_which_it_failed() {
    let server =
        Server::start(&mut lesson(&["server", "gopher", "127.0.0.1:0"])).unwrap();
    let addr = server.addr();
    let (code, page, _) = outcome(&["client", "gopher", &addr, "/tea"], "");
    assert_eq!(code, Some(0));
    assert_eq!(page, "Darjeeling, first flush.\n.5 litres a pot.\n");
    let (code, _, errors) = outcome(&["client", "gopher", &addr, "/coffee"], "");
    assert_eq!(code, Some(8));
    assert!(errors.contains("'/coffee' does not exist"), "{errors}");
    drop(server);
    let (code, _, errors) = outcome(&["client", "gopher", &addr], "");
    assert_eq!(code, Some(4));
    let told = format!("cannot fetch \"\" from {addr}: nobody listens there: ");
    assert!(errors.contains(&told), "{errors}");
    let (code, ..) = outcome(&["client", "gopher", "no..host:70"], "");
    assert_eq!(code, Some(3));
}

#[test]
fn the_slam_door_works_in_two_terminals() {
    let server =
        Server::start(&mut lesson(&["server", "slam", "127.0.0.1:0"])).unwrap();
    let (code, output, errors) =
        outcome(&["client", "slam", &server.addr()], "fin\nrst\n");
    assert_eq!((code, errors.as_str()), (Some(0), ""));
    assert!(output.contains(">>> read returns 0: the end\n"), "{output}");
    assert!(
        output.contains(">>> read fails: ConnectionReset"),
        "{output}"
    );
}

/// SIGINT, as Ctrl-C sends it.
fn interrupt(server: &Server) {
    let kill = format!("kill -INT {}", server.id());
    let status = std::process::Command::new("sh")
        .args(["-c", &kill])
        .status();
    assert!(status.unwrap().success());
}

#[test]
fn ctrl_c_lets_a_caller_finish_and_frees_the_port() {
    for way in ["self-connect", "shutdown"] {
        if way == "shutdown" && !cfg!(target_os = "linux") {
            continue; // POSIX does not promise it
        }
        let server =
            Server::start(&mut lesson(&["stop", way, "127.0.0.1:0"])).unwrap();
        let addr = server.addr();
        let mut caller = TcpStream::connect(&addr).unwrap();
        let mut answer = [0; 5];
        caller.write_all(b"hello").unwrap();
        caller.read_exact(&mut answer).unwrap();
        interrupt(&server);
        caller.write_all(b" more").unwrap();
        caller.read_exact(&mut answer).unwrap();
        assert_eq!(&answer, b" MORE");
        caller.shutdown(Shutdown::Write).unwrap();
        assert_eq!(caller.read(&mut answer).unwrap(), 0);
        assert_eq!(server.line(), "press Ctrl-C, with a caller and without");
        assert_eq!(server.line(), "stopped in good order; callers served: 1");
        assert_eq!(server.end().unwrap().code(), Some(0), "{way}");
        TcpListener::bind(&addr).unwrap();
    }
}

#[test]
fn a_screen_that_nobody_reads_ends_the_program_without_a_word() {
    let mut child = lesson(&["exceptions"])
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    drop(child.stdout.take());
    let output = child.wait_with_output().unwrap();
    assert_eq!(output.status.code(), Some(0));
    assert_eq!(output.stderr, b"");
}

#[test]
fn every_experiment_runs_and_ends_by_itself() {
    for (args, shown) in [
        (&["errors"][..], "EINTR"),
        (&["errors"], "Too many open files"),
        (&["bind", "127.0.0.1:0"], "is allowed here"),
        (&["bind", "192.0.2.1:80"], "AddrNotAvailable"),
        (&["exceptions"], "port(\"seventy\"): try, finally"),
        (&["deadline"], "300ms for the whole: TimedOut"),
        (&["surprise"], "A lost SYN costs as much as"),
        (&["broken", "per-read"], "all 30 bytes"),
        (&["broken", "flag"], "returns when somebody calls"),
    ] {
        let (code, output, errors) = outcome(args, "");
        assert_eq!((code, errors.as_str()), (Some(0), ""), "{args:?}");
        assert!(output.contains(shown), "{args:?}: {output}");
    }
}
