//! The program from outside: its words, its exit codes.

use std::net::{TcpListener, TcpStream};
use std::process::{Command, Stdio};

use lesson_1::server::ANY_PORT;
use wire::demo::{Server, run};

use crate::lesson;

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
fn help_names_everything() {
    let (code, help, _) = outcome(&["help"], "");
    assert_eq!(code, Some(0));
    for word in [
        "server NAME [ADDR]",
        "client NAME [ADDR]",
        "greeting",
        "timestamps",
        "upper",
        "8088",
        "8009",
        "8000",
        "order",
        "backlog [N]",
        "surprise",
        "broken spin",
        "broken one-client-kills",
    ] {
        assert!(help.contains(word), "{word} is missing in\n{help}");
    }
}

#[test]
fn what_is_not_understood_ends_with_code_2_and_one_sentence() {
    for (args, sentence) in [
        (&["dance", "now"][..], "there is no `dance now` here"),
        (&["server"], "server what?"),
        (
            &["server", "lower"],
            "`lower` is none of: greeting, timestamps, upper",
        ),
        (
            &["client", "upper", "localhost"],
            "`localhost` is not an address and a port",
        ),
        (&["backlog", "-1"], "`-1` is not a number from 0 to 50"),
    ] {
        let (code, output, errors) = outcome(args, "");
        assert_eq!((code, output.as_str()), (Some(2), ""), "{args:?}");
        assert!(errors.contains(sentence), "{args:?}: {errors}");
        assert_eq!(errors.lines().count(), 1, "{errors}");
    }
}

#[cfg(unix)]
#[test]
fn an_argument_that_is_not_text_is_not_understood_either() {
    use std::os::unix::ffi::OsStrExt;

    let mut command = lesson(&[]);
    command.arg(std::ffi::OsStr::from_bytes(b"\xff"));
    assert_eq!(run(&mut command, b"").unwrap().status.code(), Some(2));
}

#[test]
fn a_port_that_is_taken_is_told_with_its_address() {
    let taken = TcpListener::bind(ANY_PORT).unwrap();
    let addr = taken.local_addr().unwrap().to_string();
    let (code, _, errors) = outcome(&["server", "upper", &addr], "");
    assert_eq!(code, Some(1));
    assert!(
        errors.contains(&format!("cannot listen on {addr}")),
        "{errors}"
    );
}

#[test]
fn a_server_that_does_not_run_is_told_with_the_command_that_starts_it() {
    let free = TcpListener::bind(ANY_PORT).unwrap().local_addr().unwrap();
    let (code, _, errors) =
        outcome(&["client", "upper", &free.to_string()], "hello\n");
    assert_eq!(code, Some(1));
    let hint = "does `cargo run -p lesson-1 -- server upper` run?";
    assert!(errors.contains(hint), "{errors}");
}

#[test]
fn server_and_client_talk_in_two_terminals() {
    for (name, shown) in [
        ("greeting", "Thank you for connecting, 127.0.0.1:"),
        ("timestamps", "] good morning\n"),
        ("upper", ">>> GOOD MORNING\n>>> \n"),
    ] {
        let server =
            Server::start(&mut lesson(&["server", name, "127.0.0.1:0"])).unwrap();
        let addr = server.addr();
        for _ in 0..2 {
            let (code, output, errors) =
                outcome(&["client", name, &addr], "good morning");
            assert_eq!((code, errors.as_str()), (Some(0), ""));
            assert!(output.contains(shown), "{output}");
        }
        let printed: Vec<String> = (0..7).map(|_| server.line()).collect();
        assert!(printed[0].contains("Ctrl-C"), "{printed:?}");
        assert!(printed[3].ends_with(" came"), "{printed:?}");
        assert!(
            printed[4].ends_with(" left; lines sent to it: 1"),
            "{printed:?}"
        );
        assert!(
            printed[6].ends_with(" left; lines sent to it: 1"),
            "{printed:?}"
        );
    }
}

#[cfg(unix)]
#[test]
fn ctrl_c_ends_a_server_even_within_a_visit() {
    let server =
        Server::start(&mut lesson(&["server", "upper", "127.0.0.1:0"])).unwrap();
    let _visitor = TcpStream::connect(server.addr()).unwrap();
    while !server.line().ends_with(" came") {}
    Command::new("kill")
        .args(["-INT", &server.id().to_string()])
        .status()
        .unwrap();
    assert_eq!(server.end().unwrap().code(), Some(0));
}

#[test]
fn a_screen_that_nobody_reads_ends_the_program_without_a_word() {
    let mut child = lesson(&[])
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
        (&["order"][..], "is anybody there?"),
        (
            &["backlog", "0"],
            "client 1 is connected\n  client 2 hears nothing",
        ),
        (&["surprise"], "a new connection as much as"),
        (&["broken", "spin"], "when its client has left"),
        (
            &["broken", "one-client-kills"],
            "client 2 cannot connect: Connection refused",
        ),
    ] {
        let (code, output, errors) = outcome(args, "");
        assert_eq!((code, errors.as_str()), (Some(0), ""), "{args:?}");
        assert!(output.contains(shown), "{args:?}: {output}");
    }
}
