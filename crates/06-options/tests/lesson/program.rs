//! The program from outside: its words, its exit codes.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::os::unix::net::UnixStream;
use std::process::{Command, Stdio};
use std::time::Duration;

use lesson_6::ANY_PORT;
use wire::demo::{Server, run};

use crate::{Scratch, lesson};

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
    let (code, help, _) = outcome(&["--help"], "");
    assert_eq!(code, Some(0));
    for word in [
        "server chat [PATH]",
        "client chat [PATH]",
        "server passfd [ADDR]",
        "client passfd [ADDR]",
        "lesson6.sock",
        "8888",
        "options [tcp|udp|unix]",
        "kinds",
        "linger",
        "names",
        "packets",
        "copies",
        "sendfile [FILE]",
        "surprise",
        "broken takes-the-name",
        "broken keeps-a-copy",
    ] {
        assert!(help.contains(word), "{word} is missing in\n{help}");
    }
}

#[test]
fn no_line_is_wider_than_the_books_box() {
    for args in [
        &["help"][..],
        &["options"],
        &["options", "udp"],
        &["kinds"],
        &[],
    ] {
        let (_, output, _) = outcome(args, "");
        for line in output.lines() {
            assert!(line.chars().count() <= 86, "{args:?}: {line}");
        }
    }
}

#[test]
fn what_is_not_understood_ends_with_code_2_and_one_sentence() {
    for (args, sentence) in [
        (&["dance", "now"][..], "there is no `dance now` here"),
        (&["client"], "client what?"),
        (&["server", "letters"], "`letters` is none of: chat, passfd"),
        (&["server", "passfd", "here"], "`here` is not an address"),
        (&["client", "chat", "a", "b"], "one PATH is enough"),
        (&["options", "sctp"], "`sctp` is none of: tcp, udp, unix"),
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
    let scratch = Scratch::new("errors");
    let (missing, long) = (scratch.path("none/s"), scratch.path(&"x".repeat(120)));
    let [missing, long] = [missing, long].map(|path| path.display().to_string());
    for (args, words) in [
        (&["server", "passfd", &addr][..], "cannot listen on"),
        (&["server", "chat", &missing], "cannot listen at"),
        (&["server", "chat", &long], "cannot listen at"),
        (&["client", "chat", &missing], "cannot connect to"),
        (&["sendfile", &missing], "cannot open"),
        (&["worker"], "nobody handed the worker anything"),
    ] {
        let (code, _, errors) = outcome(args, "");
        assert_eq!(code, Some(1), "{args:?}: {errors}");
        assert!(errors.contains(words), "{args:?}: {errors}");
        let object = args.get(1..).and_then(<[_]>::last);
        let named = object.is_none_or(|object| errors.contains(object));
        assert!(named, "{args:?}: {errors}");
    }
}

#[test]
fn a_chat_passes_lines_and_leaves_no_file() {
    let scratch = Scratch::new("chat");
    let path = scratch.path("s").display().to_string();
    let server = Server::start(&mut lesson(&["server", "chat", &path])).unwrap();
    assert_eq!(server.addr(), path);
    let listener = UnixStream::connect(&path).unwrap();
    listener
        .set_read_timeout(Some(Duration::from_secs(30)))
        .unwrap();
    let mut listener = BufReader::new(listener);
    let mut line = || {
        let mut line = String::new();
        listener.read_line(&mut line).unwrap();
        line
    };
    assert_eq!(line(), "you are 1 of 1\n");
    let (code, output, _) = outcome(&["client", "chat", &path], "grüße\n");
    assert_eq!(code, Some(0));
    assert_eq!(output, "you are 2 of 2\n2: grüße\n");
    assert_eq!(line(), "2: grüße\n");
    assert_eq!(line(), "2 has left\n");

    let (code, _, errors) = outcome(&["server", "chat", &path], "");
    assert_eq!(code, Some(1), "a living server keeps its name");
    assert!(errors.contains(&path), "{errors}");

    let id = server.id().to_string();
    Command::new("kill").args(["-INT", &id]).status().unwrap();
    assert_eq!(server.end().unwrap().code(), Some(0));
    assert!(!std::path::Path::new(&path).exists());
}

#[test]
fn a_killed_server_leaves_a_file_and_the_next_one_starts_all_the_same() {
    let scratch = Scratch::new("killed");
    let path = scratch.path("s").display().to_string();
    let server = Server::start(&mut lesson(&["server", "chat", &path])).unwrap();
    assert_eq!(server.addr(), path);
    drop(server); // SIGKILL
    assert!(std::path::Path::new(&path).exists());
    let server = Server::start(&mut lesson(&["server", "chat", &path])).unwrap();
    assert_eq!(server.addr(), path);
    UnixStream::connect(&path).unwrap();
}

#[test]
fn another_process_answers_than_the_one_that_accepts() {
    let mut server = lesson(&["server", "passfd", "127.0.0.1:0"]);
    let server = Server::start(&mut server).unwrap();
    let addr = server.addr();
    for visit in 1..=2 {
        let (code, said, _) = outcome(&["client", "passfd", &addr], "");
        assert_eq!(code, Some(0));
        assert!(said.starts_with("hello from worker "), "{said}");
        assert!(said.ends_with(&format!(", visit {visit}\n")), "{said}");
        let own = format!("worker {},", server.id());
        assert!(!said.contains(&own), "{said}");
    }
}

#[test]
fn nc_is_answered_too() {
    let Some(mut nc) = nc() else { return };
    let mut server = lesson(&["server", "passfd", "127.0.0.1:0"]);
    let server = Server::start(&mut server).unwrap();
    let addr = server.addr();
    let (host, port) = addr.split_once(':').unwrap();
    let output = run(nc.args([host, port]), b"").unwrap();
    let said = String::from_utf8(output.stdout).unwrap();
    assert!(said.starts_with("hello from worker "), "{said}");
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
fn a_caller_who_leaves_at_once_does_not_stop_the_worker() {
    let mut server = lesson(&["server", "passfd", "127.0.0.1:0"]);
    let server = Server::start(&mut server).unwrap();
    let addr = server.addr();
    for _ in 0..5 {
        let rude = TcpStream::connect(&addr).unwrap();
        socket2::SockRef::from(&rude)
            .set_linger(Some(Duration::ZERO))
            .unwrap();
    }
    let mut said = String::new();
    let mut polite = TcpStream::connect(&addr).unwrap();
    polite.read_to_string(&mut said).unwrap();
    assert!(said.starts_with("hello from worker "), "{said}");
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
        (&["options"][..], "TCP_NODELAY"),
        (&["options", "unix"], "EOPNOTSUPP"),
        (&["kinds"], "SOCK_SEQPACKET"),
        (&["linger"], "ECONNRESET"),
        (&["names"], "EADDRINUSE"),
        (&["packets"], "(and more, lost)"),
        (&["copies"], "EPIPE"),
        (&["sendfile"], "sendfile: 1048576 bytes"),
        (&["passfd"], "the worker sees the end, and ends"),
        (&["surprise"], "times as long"),
        (&["broken", "takes-the-name"], "nobody: ECONNREFUSED"),
        (&["broken", "keeps-a-copy"], "nothing (EAGAIN)"),
    ] {
        let (code, output, errors) = outcome(args, "");
        assert_eq!((code, errors.as_str()), (Some(0), ""), "{args:?}");
        assert!(output.contains(shown), "{args:?}: {output}");
    }
}
