//! The program from outside: its words, its exit codes.

use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::process::{Command, Stdio};
use std::time::Duration;

use lesson_2::server::ANY_PORT;
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

fn start(args: &[&str]) -> (Server, String) {
    let server = Server::start(&mut lesson(args)).unwrap();
    let addr = server.addr();
    (server, addr)
}

#[test]
fn help_names_everything() {
    let (code, help, _) = outcome(&["--help"], "");
    assert_eq!(code, Some(0));
    for word in [
        "server NAME [ADDR]",
        "client NAME [ADDR]",
        "words",
        "lines",
        "9990",
        "9991",
        "drip LISTEN TARGET",
        "--bytes N",
        "--random SEED",
        "--pause MS",
        "seams",
        "flow",
        "surprise",
        "broken one-read",
        "broken utf8",
        "broken deadlock",
    ] {
        assert!(help.contains(word), "{word} is missing in\n{help}");
    }
}

#[test]
fn what_is_not_understood_ends_with_code_2_and_one_sentence() {
    const HERE: &str = "127.0.0.1:0";
    for (args, sentence) in [
        (&["dance", "now"][..], "there is no `dance now` here"),
        (&["client"], "client what?"),
        (&["server", "letters"], "`letters` is none of: words, lines"),
        (
            &["server", "words", "here"],
            "`here` is not an address and a port",
        ),
        (&["drip", HERE], "drip from where to where?"),
        (
            &["drip", HERE, HERE, "--bytes", "0"],
            "`0` is not such a number",
        ),
        (
            &["drip", HERE, HERE, "--pause"],
            "what does `--pause` mean?",
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
    let taken = TcpListener::bind(ANY_PORT).unwrap();
    let addr = taken.local_addr().unwrap().to_string();
    for args in [&["server", "words", &addr][..], &["drip", &addr, &addr]] {
        let (code, _, errors) = outcome(args, "");
        assert_eq!(code, Some(1));
        assert!(
            errors.contains(&format!("cannot listen on {addr}")),
            "{errors}"
        );
    }
}

#[test]
fn a_server_that_does_not_run_is_told_with_the_command_that_starts_it() {
    let free = TcpListener::bind(ANY_PORT).unwrap().local_addr().unwrap();
    let (code, _, errors) =
        outcome(&["client", "lines", &free.to_string()], "hello\n");
    assert_eq!(code, Some(1));
    let hint = "does `cargo run -p lesson-2 -- server lines` run?";
    assert!(errors.contains(hint), "{errors}");
}

#[test]
fn words_and_lines_pass_directly_and_through_the_drip() {
    const WAYS: [&[&str]; 3] = [&[], &["--bytes", "1"], &["--random", "7"]];
    let (words, words_at) = start(&["server", "words", "127.0.0.1:0"]);
    let (lines, lines_at) = start(&["server", "lines", "127.0.0.1:0"]);
    for (visit, options) in (1..).zip(WAYS) {
        let through = |target: &str| {
            start(
                &[&["drip", "127.0.0.1:0", target, "--pause", "1"], options].concat(),
            )
        };
        let (_drip, addr) = through(&words_at);
        let (code, output, errors) = outcome(&["client", "words", &addr], "");
        assert_eq!((code, errors.as_str()), (Some(0), ""));
        assert!(output.starts_with("    3 bytes: TCP\n    7 bytes: carries\n"));
        assert!(
            output.ends_with("\n   20 bytes: Gedächtniskünstler\n"),
            "{output}"
        );

        let (_drip, addr) = through(&lines_at);
        let (code, output, errors) = outcome(&["client", "lines", &addr], "grüße\n");
        assert_eq!((code, errors.as_str()), (Some(0), ""));
        let answer = format!(">>> {visit} grüße\n>>> \n");
        assert!(output.ends_with(&answer), "{output}");
    }
    let (code, output, _) = outcome(&["client", "lines", &lines_at], "");
    assert_eq!(code, Some(0));
    assert_eq!(output, "3 so far\n1 grüße\n2 grüße\n3 grüße\n>>> \n");
    for (server, told) in [(words, " left; words sent to it: 8"), (lines, "to it: 1")]
    {
        let printed: Vec<String> = (0..5).map(|_| server.line()).collect();
        assert!(printed[3].ends_with(" came"), "{printed:?}");
        assert!(printed[4].ends_with(told), "{printed:?}");
    }
}

#[test]
fn the_drip_cuts_and_pauses_as_it_is_told() {
    let target = TcpListener::bind(ANY_PORT).unwrap();
    let addr = target.local_addr().unwrap().to_string();
    let options = ["--bytes", "3", "--pause", "2000"]; // longer than we need to read
    let (_drip, way) =
        start(&[&["drip", "127.0.0.1:0", &addr], &options[..]].concat());
    let mut client = TcpStream::connect(way).unwrap();
    client.write_all(b"hello").unwrap();
    let (mut server, _) = target.accept().unwrap();
    server
        .set_read_timeout(Some(Duration::from_secs(30)))
        .unwrap();
    let mut buffer = [0; 9];
    let length = server.read(&mut buffer).unwrap();
    assert_eq!(&buffer[..length], b"hel");
}

#[cfg(unix)]
#[test]
fn ctrl_c_ends_servers_and_the_drip() {
    let (server, addr) = start(&["server", "lines", "127.0.0.1:0"]);
    let (drip, way) = start(&["drip", "127.0.0.1:0", &addr]);
    let _visitor = TcpStream::connect(way).unwrap();
    while !server.line().ends_with(" came") {}
    for running in [drip, server] {
        let id = running.id().to_string();
        Command::new("kill").args(["-INT", &id]).status().unwrap();
        assert_eq!(running.end().unwrap().code(), Some(0));
    }
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
        (&["seams"][..], r#"read "good\nmorning\n""#),
        (&["flow"], "more bytes"),
        (&["surprise"], "times as long"),
        (&["broken", "one-read"], r"[good morning\ngood morning]"),
        (&["broken", "utf8"], "[grüße] [grüße]"),
        (&["broken", "deadlock"], "16777216 bytes"),
    ] {
        let (code, output, errors) = outcome(args, "");
        assert_eq!((code, errors.as_str()), (Some(0), ""), "{args:?}");
        assert!(output.contains(shown), "{args:?}: {output}");
    }
}
