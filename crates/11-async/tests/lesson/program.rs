//! The program from outside: its words, its exit codes.

use std::net::TcpListener;
use std::process::{Command, Stdio};

use wire::demo::{Server, run};

use crate::{Client, lesson};

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
        "upper",
        "8000",
        "mini",
        "chat",
        "coroutine",
        "polls",
        "timeline",
        "pressure",
        "memory [N]",
        "surprise",
        "broken forgotten-waker",
        "broken spin",
        "broken lost-bytes",
        "broken blocking",
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
            "`lower` is none of: upper, mini, chat",
        ),
        (
            &["client", "upper", "localhost"],
            "`localhost` is not an address and a port",
        ),
        (&["memory", "0"], "`0` is not a number from 1 to 100000"),
        (
            &["memory", "fork", "9"],
            "`fork` is none of: threads, mini, tokio",
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
    let (code, _, errors) = outcome(&["server", "upper", &addr], "");
    assert_eq!(code, Some(1));
    assert!(
        errors.contains(&format!("cannot listen on {addr}")),
        "{errors}"
    );
}

#[test]
fn a_server_that_does_not_run_is_told_with_the_command_that_starts_it() {
    let free = TcpListener::bind("127.0.0.1:0")
        .unwrap()
        .local_addr()
        .unwrap();
    let (code, _, errors) = outcome(&["client", "mini", &free.to_string()], "");
    assert_eq!(code, Some(1));
    let hint = "does `cargo run -p lesson-11 -- server mini` run?";
    assert!(errors.contains(hint), "{errors}");
}

#[test]
fn server_and_client_talk_in_two_terminals() {
    for name in ["upper", "mini"] {
        let server =
            Server::start(&mut lesson(&["server", name, "127.0.0.1:0"])).unwrap();
        let addr = server.addr();
        for _ in 0..2 {
            let (code, output, errors) =
                outcome(&["client", name, &addr], "good morning");
            assert_eq!((code, errors.as_str()), (Some(0), ""));
            assert_eq!(output, ">>> GOOD MORNING\n");
        }
    }
}

#[cfg(unix)]
#[test]
fn ctrl_c_lets_who_is_there_finish() {
    let server =
        Server::start(&mut lesson(&["server", "upper", "127.0.0.1:0"])).unwrap();
    let addr = server.addr().parse().unwrap();
    let mut client = Client::call(addr);
    assert_eq!(client.ask("hello"), "HELLO\n");
    let kill = |signal: &str| {
        let id = server.id().to_string();
        Command::new("kill").args([signal, &id]).status().unwrap();
    };
    kill("-INT");
    assert_eq!(client.ask("one thing more"), "ONE THING MORE\n");
    drop(client);
    for _ in 0..3 {
        server.line();
    }
    assert_eq!(server.line(), "at the stop: 1 finished, 0 cut off");
    assert_eq!(server.end().unwrap().code(), Some(0));
}

#[test]
fn a_screen_that_nobody_reads_ends_the_program_without_a_word() {
    let mut child = lesson(&["coroutine"])
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
        (&["coroutine"][..], "next year you will be 40, Ada"),
        (&["polls"], "polls accept: Pending"),
        (&["timeline"], "1 at a time"),
        (&["pressure"], "1000 at most"),
        (&["memory", "20"], "mini"),
        (&["surprise"], "a turn of threads costs as much as"),
        (&["broken", "forgotten-waker"], "nor will it ever"),
        (&["broken", "spin"], "a future that wakes itself was polled"),
        (&["broken", "lost-bytes"], "frame \"one\"\n  tick\n"),
        (
            &["broken", "blocking"],
            "the slow lookup, then the quick answer",
        ),
    ] {
        if args[0] == "memory" && !cfg!(target_os = "linux") {
            continue;
        }
        let (code, output, errors) = outcome(args, "");
        assert_eq!((code, errors.as_str()), (Some(0), ""), "{args:?}");
        assert!(output.contains(shown), "{args:?}: {output}");
    }
}
