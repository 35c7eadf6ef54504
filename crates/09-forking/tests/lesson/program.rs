//! The program from outside: its words, its exit codes, its processes.

use std::io::{Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::process::{Command, Stdio};
use std::time::Duration;

use lesson_9::ANY_PORT;
use wire::demo::{Server, run};

use crate::{lesson, signal};

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
        "server forking [ADDR]",
        "server prefork [ADDR]",
        "client NAME [ADDR]",
        "launch ADDR PROGRAM",
        "8009",
        "8010",
        "inherit",
        "tree",
        "zombies",
        "crash",
        "replace",
        "memory [N]",
        "surprise",
        "hazard",
        "broken keeps-the-connection",
        "broken keeps-the-listener",
        "broken one-wait",
        "broken twice",
    ] {
        assert!(help.contains(word), "{word} is missing in\n{help}");
    }
}

#[test]
fn what_is_not_understood_ends_with_code_2_and_one_sentence() {
    for (args, sentence) in [
        (&["dance", "now"][..], "there is no `dance now` here"),
        (&["server"], "server what?"),
        (&["server", "spoon"], "`spoon` is none of: forking, prefork"),
        (
            &["client", "forking", "localhost"],
            "`localhost` is not an address and a port",
        ),
        (&["server", "prefork", "a", "b"], "one ADDR is enough"),
        (&["launch", "127.0.0.1:0"], "launch which program?"),
        (&["memory", "0"], "`0` is not a number from 1 to 500"),
    ] {
        let (code, output, errors) = outcome(args, "");
        assert_eq!((code, output.as_str()), (Some(2), ""), "{args:?}");
        assert!(errors.contains(sentence), "{args:?}: {errors}");
        assert_eq!(errors.lines().count(), 1, "{errors}");
    }
}

#[test]
fn an_error_names_its_operation_and_its_object() {
    let taken = TcpListener::bind(ANY_PORT).unwrap();
    let addr = taken.local_addr().unwrap().to_string();
    let free = TcpListener::bind(ANY_PORT).unwrap().local_addr().unwrap();
    let free = free.to_string();
    for (args, words, object) in [
        (&["server", "forking", &addr][..], "cannot listen on", &addr),
        (&["server", "prefork", &addr], "cannot listen on", &addr),
        (&["launch", &addr, "cat"], "cannot listen on", &addr),
        (&["client", "forking", &free], "cannot connect to", &free),
    ] {
        let (code, _, errors) = outcome(args, "");
        assert_eq!(code, Some(1), "{args:?}: {errors}");
        assert!(errors.contains(words), "{args:?}: {errors}");
        assert!(errors.contains(object.as_str()), "{args:?}: {errors}");
    }
}

/// Starts a server, of which the address is known and the rest of its words are not.
fn start(args: &[&str]) -> (Server, String) {
    let server = Server::start(&mut lesson(args)).unwrap();
    let addr = server.addr();
    (server, addr)
}

/// The next line of a server that has this in it.
fn line_with(server: &Server, words: &str) -> String {
    loop {
        let line = server.line();
        if line.contains(words) {
            return line;
        }
    }
}

#[test]
fn server_and_client_talk_in_two_terminals() {
    for name in ["forking", "prefork"] {
        let (server, addr) = start(&["server", name, "127.0.0.1:0"]);
        let talk = || outcome(&["client", name, &addr], "good morning\nwho\n");
        let (code, said, errors) = talk();
        assert_eq!((code, errors.as_str()), (Some(0), ""));
        let (first, process) = said.split_once('\n').unwrap();
        assert_eq!(first, "GOOD MORNING");
        assert_ne!(process.trim(), server.id().to_string(), "a child answers");
        signal(&server.id().to_string(), "TERM");
        line_with(&server, "stopping");
        assert_eq!(server.end().unwrap().code(), Some(0));
    }
}

#[test]
fn a_crash_is_one_childs_and_is_told() {
    let (server, addr) = start(&["server", "forking", "127.0.0.1:0"]);
    let mut other = TcpStream::connect(&addr).unwrap();
    other
        .set_read_timeout(Some(Duration::from_secs(60)))
        .unwrap();
    other.write_all(b"hello\n").unwrap();
    other.read_exact(&mut [0; 6]).unwrap();
    let mut rude = TcpStream::connect(&addr).unwrap();
    rude.write_all(b"who\n").unwrap();
    let mut process = [0; 16];
    let length = rude.read(&mut process).unwrap();
    let process = String::from_utf8_lossy(&process[..length])
        .trim()
        .to_string();
    signal(&process, "ABRT");
    let told = line_with(&server, "has ended");
    assert!(told.contains(&process), "{told}");
    other.write_all(b"still there?\n").unwrap();
    let mut reply = [0; 13];
    other.read_exact(&mut reply).unwrap();
    assert_eq!(&reply, b"STILL THERE?\n");
}

#[test]
fn a_stop_lets_a_caller_finish() {
    for name in ["forking", "prefork"] {
        let (server, addr) = start(&["server", name, "127.0.0.1:0"]);
        let mut caller = TcpStream::connect(&addr).unwrap();
        caller.write_all(b"one\n").unwrap();
        caller.read_exact(&mut [0; 4]).unwrap();
        signal(&server.id().to_string(), "TERM");
        line_with(&server, "stopping");
        caller.write_all(b"two\n").unwrap();
        let mut reply = [0; 4];
        caller.read_exact(&mut reply).unwrap();
        assert_eq!(&reply, b"TWO\n", "{name}");
        caller.shutdown(Shutdown::Write).unwrap();
        assert_eq!(server.end().unwrap().code(), Some(0));
        assert!(TcpListener::bind(&addr).is_ok(), "{name}: the port is free");
    }
}

#[test]
fn workers_do_not_outlive_a_parent_that_is_killed() {
    let (server, addr) = start(&["server", "prefork", "127.0.0.1:0"]);
    let (_, said, _) = outcome(&["client", "prefork", &addr], "who\n");
    assert!(!said.is_empty());
    drop(server); // SIGKILL
    // The lifeline has ended, and with the last worker the listener is gone.
    let started = std::time::Instant::now();
    while TcpStream::connect(&addr).is_ok() {
        assert!(
            started.elapsed() < Duration::from_secs(60),
            "somebody listens"
        );
    }
}

#[test]
fn a_worker_that_is_killed_is_replaced() {
    let (server, addr) = start(&["server", "prefork", "127.0.0.1:0"]);
    for _ in 0..3 {
        let (_, process, _) = outcome(&["client", "prefork", &addr], "who\n");
        signal(process.trim(), "KILL");
        let told = line_with(&server, "has ended");
        assert!(told.contains("SIGKILL"), "{told}");
        line_with(&server, "has begun");
    }
    let (_, said, _) = outcome(&["client", "prefork", &addr], "hello\n");
    assert_eq!(said, "HELLO\n");
}

#[test]
fn any_program_is_a_server() {
    let (server, addr) = start(&["launch", "127.0.0.1:0", "tr", "a-z", "A-Z"]);
    for _ in 0..3 {
        let mut caller = TcpStream::connect(&addr).unwrap();
        caller.write_all(b"good morning").unwrap();
        caller.shutdown(Shutdown::Write).unwrap();
        let mut said = String::new();
        caller.read_to_string(&mut said).unwrap();
        assert_eq!(said, "GOOD MORNING");
        line_with(&server, "has ended: code 0");
    }
}

#[cfg(target_os = "linux")]
#[test]
fn a_program_that_is_launched_has_the_connection_and_nothing_else() {
    let list = "for n in /proc/$$/fd/*; do echo ${n##*/} $(readlink $n); done";
    let (_server, addr) = start(&["launch", "127.0.0.1:0", "sh", "-c", list]);
    let mut said = String::new();
    let mut caller = TcpStream::connect(&addr).unwrap();
    caller.read_to_string(&mut said).unwrap();
    let sockets = said.lines().filter(|line| line.contains("socket:"));
    assert_eq!(sockets.count(), 3, "0, 1 and 2: {said}");
    assert!(!said.contains("signalfd"), "{said}");
}

#[test]
fn a_program_that_is_launched_can_be_ended_by_sigterm() {
    let (server, addr) = start(&["launch", "127.0.0.1:0", "cat"]);
    let mut caller = TcpStream::connect(&addr).unwrap();
    caller.write_all(b"x").unwrap();
    caller.read_exact(&mut [0]).unwrap();
    let told = line_with(&server, "serves");
    let child = told.split(' ').nth(1).unwrap();
    signal(child, "TERM");
    assert!(line_with(&server, "has ended").contains("SIGTERM"));
}

#[test]
fn a_program_that_is_not_there_is_told_and_the_server_lives() {
    let (server, addr) = start(&["launch", "127.0.0.1:0", "no-such-program-here"]);
    for _ in 0..2 {
        let mut said = String::new();
        let mut caller = TcpStream::connect(&addr).unwrap();
        caller.read_to_string(&mut said).unwrap();
        let told = line_with(&server, "is lost");
        assert!(told.contains("cannot start no-such-program-here"), "{told}");
    }
}

#[test]
fn nc_is_answered_too() {
    let Some(mut nc) = nc() else { return };
    for name in ["forking", "prefork"] {
        let (_server, addr) = start(&["server", name, "127.0.0.1:0"]);
        let (host, port) = addr.split_once(':').unwrap();
        let mut nc = std::mem::replace(&mut nc, Command::new("nc"));
        let output = run(nc.args(["-N", host, port]), b"good morning\n").unwrap();
        assert_eq!(output.stdout, b"GOOD MORNING\n");
    }
}

/// `nc`; `None` if this machine has none, which is said, and no excuse under `CI`.
fn nc() -> Option<Command> {
    match Command::new("nc").arg("-h").output() {
        Ok(_) => Some(Command::new("nc")),
        Err(_) => {
            assert!(std::env::var_os("CI").is_none(), "nc is missing");
            let _ = writeln!(std::io::stderr(), "skipped: nc is missing here");
            None
        }
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

#[cfg(target_os = "linux")]
#[test]
fn every_experiment_runs_and_ends_by_itself() {
    for (args, shown) in [
        (
            &["inherit"][..],
            "the parent's next byte is                       c",
        ),
        (&["tree"], "B has called  listener, signals"),
        (&["zombies"], "zombies 0, told of 0"),
        (&["crash"], "1 with code 0, 1 with code 1, 1 with SIGABRT"),
        (&["replace"], "workers left: 0"),
        (&["memory", "5"], "5 idle callers"),
        (&["surprise"], "times over"),
        (&["hazard"], "asleep in futex"),
        (
            &["broken", "keeps-the-connection"],
            "nothing, not even the end",
        ),
        (&["broken", "keeps-the-listener"], "EADDRINUSE"),
        (&["broken", "one-wait"], "all at once:  zombies 9"),
        (&["broken", "twice"], "\"hello hello \""),
    ] {
        let (code, output, errors) = outcome(args, "");
        assert_eq!((code, errors.as_str()), (Some(0), ""), "{args:?}");
        assert!(output.contains(shown), "{args:?}: {output}");
    }
}
