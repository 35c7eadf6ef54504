//! The program from outside: its words, its exit codes.

use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::process::{Command, Stdio};
use std::time::Duration;

use lesson_10::ANY_PORT;
use wire::demo::{Server, run};

use crate::lesson;

const SERVERS: &[&str] = &[
    "echo",
    "queues",
    "poll",
    #[cfg(target_os = "linux")]
    "epoll",
    #[cfg(target_os = "linux")]
    "edge",
    #[cfg(target_os = "linux")]
    "reactor",
];

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
        "8002",
        "10000",
        "quiz [SECONDS]",
        "nonblocking",
        "limit",
        "triggers",
        "memory [CLIENTS]",
        "surprise",
        "broken always-writable",
        "broken hidden-lines",
        "broken half-drained",
    ] {
        assert!(help.contains(word), "{word} is missing in\n{help}");
    }
    for name in ["echo", "queues", "poll", "epoll", "edge", "reactor"] {
        assert!(help.contains(name), "{name} is missing in\n{help}");
    }
}

#[test]
fn what_is_not_understood_ends_with_code_2_and_one_sentence() {
    for (args, sentence) in [
        (&["dance", "now"][..], "there is no `dance now` here"),
        (&["server"], "server what?"),
        (&["server", "lower"], "`lower` is none of: echo, queues"),
        (
            &["client", "echo", "localhost"],
            "`localhost` is not an address and a port",
        ),
        (&["server", "echo", "a", "b"], "one ADDR is enough"),
        (&["quiz", "soon"], "`soon` is not a number from 1 to 3600"),
        (&["memory", "0"], "`0` is not a number from 1 to 100000"),
    ] {
        let (code, output, errors) = outcome(args, "");
        assert_eq!((code, output.as_str()), (Some(2), ""), "{args:?}");
        assert!(errors.contains(sentence), "{args:?}: {errors}");
        assert_eq!(errors.lines().count(), 1, "{errors}");
    }
}

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
    let (code, _, errors) = outcome(&["server", "poll", &addr], "");
    assert_eq!(code, Some(1));
    let told = format!("cannot listen on {addr}");
    assert!(errors.contains(&told), "{errors}");
}

#[test]
fn a_server_that_does_not_run_is_told_with_the_command_that_starts_it() {
    let free = TcpListener::bind(ANY_PORT).unwrap().local_addr().unwrap();
    let (code, _, errors) =
        outcome(&["client", "echo", &free.to_string()], "hello\n");
    assert_eq!(code, Some(1));
    let hint = "does `cargo run -p lesson-10 -- server echo` run?";
    assert!(errors.contains(hint), "{errors}");
}

#[test]
fn server_and_client_talk_in_two_terminals() {
    for name in SERVERS {
        let server =
            Server::start(&mut lesson(&["server", name, "127.0.0.1:0"])).unwrap();
        let addr = server.addr();
        let answer = match *name {
            "echo" => "good morning\n",
            _ => "GOOD MORNING\n",
        };
        for _ in 0..2 {
            let (code, output, errors) =
                outcome(&["client", name, &addr], "good morning\n");
            assert_eq!((code, errors.as_str()), (Some(0), ""));
            assert_eq!(output, answer, "{name}");
        }
        assert!(server.line().contains("Ctrl-C"));
        while !server.line().ends_with(" came") {}
        assert!(server.line().ends_with(" left"));
    }
}

#[test]
fn nc_is_answered_by_every_server() {
    for name in SERVERS {
        let server =
            Server::start(&mut lesson(&["server", name, "127.0.0.1:0"])).unwrap();
        let addr = server.addr();
        let (host, port) = addr.split_once(':').unwrap();
        let mut nc = Command::new("nc");
        nc.args(["-N", host, port]); // -N: says the end of its input
        let output = match run(&mut nc, b"good morning\n") {
            Ok(output) => output,
            Err(_) if std::env::var_os("CI").is_none() => {
                eprintln!("skipped: this machine has no nc");
                return;
            }
            Err(error) => panic!("nc: {error}"),
        };
        let said = String::from_utf8(output.stdout).unwrap();
        assert_eq!(said.to_lowercase(), "good morning\n", "{name}");
    }
}

#[cfg(target_os = "linux")]
#[test]
fn ctrl_c_stops_the_reactors_server_in_good_order() {
    let server =
        Server::start(&mut lesson(&["server", "reactor", "127.0.0.1:0"])).unwrap();
    let mut visitor = TcpStream::connect(server.addr()).unwrap();
    visitor
        .set_read_timeout(Some(Duration::from_secs(60)))
        .unwrap();
    visitor.write_all(b"hello\n").unwrap();
    visitor.read_exact(&mut [0; 6]).unwrap();
    Command::new("kill")
        .args(["-INT", &server.id().to_string()])
        .status()
        .unwrap();
    assert_eq!(visitor.read(&mut [0; 1]).unwrap(), 0);
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
fn the_quiz_takes_answers_in_time() {
    let (code, output, _) = outcome(&["quiz", "60"], "42\n81\n1024\n");
    assert_eq!(code, Some(0));
    assert!(output.ends_with("2 of 3 right\n"), "{output}");
    let (code, output, _) = outcome(&["quiz"], "");
    assert_eq!(code, Some(0));
    assert!(output.ends_with("0 of 3 right\n"), "{output}");
}

#[cfg(target_os = "linux")]
#[test]
fn every_experiment_runs_and_ends_by_itself() {
    for (args, shown) in [
        (&["nonblocking"][..], "Operation now in progress"),
        (&["limit"], "poll finds ready        1"),
        (&["triggers"], "readable  readable"),
        (&["memory", "100"], "100 clients that say nothing"),
        (&["surprise"], "poll takes"),
        (&["broken", "always-writable"], "waiting for bytes or room"),
        (&["broken", "hidden-lines"], "lines in the BufReader: 2"),
        (&["broken", "half-drained"], "there are still 1809"),
    ] {
        let (code, output, errors) = outcome(args, "");
        assert_eq!((code, errors.as_str()), (Some(0), ""), "{args:?}");
        assert!(output.contains(shown), "{args:?}: {output}");
    }
}

#[cfg(target_os = "linux")]
#[test]
fn what_was_measured_is_drawn_where_it_was_asked_for() {
    let name = format!("lesson-10-{}.svg", std::process::id());
    let file = std::env::temp_dir().join(name);
    let path = file.to_str().unwrap();
    let (code, output, errors) = outcome(&["surprise", path], "");
    assert_eq!((code, errors.as_str()), (Some(0), ""));
    assert!(output.ends_with("shows it; a browser can\n"), "{output}");
    let svg = std::fs::read_to_string(&file).unwrap();
    std::fs::remove_file(&file).unwrap();
    assert!(svg.starts_with("<svg ") && svg.contains("sockets watched"));

    let (code, _, errors) = outcome(&["surprise", "/dev/null/no"], "");
    assert_eq!(code, Some(1));
    assert!(errors.contains("cannot write /dev/null/no"), "{errors}");
}
