//! The program from outside: its words, its exit codes, and what it uses.

use std::net::{SocketAddr, TcpListener};
use std::process::{Command, Stdio};

use wire::demo::{Server, run};

use crate::{Caller, lesson};

/// Exit code, standard output and standard error of the program.
fn outcome(args: &[&str], input: &str) -> (Option<i32>, String, String) {
    let output = run(&mut lesson(args), input.as_bytes()).unwrap();
    let text = |bytes| String::from_utf8(bytes).unwrap();
    let (code, shown) = (output.status.code(), text(output.stdout));
    (code, shown, text(output.stderr))
}

#[test]
fn help_names_everything() {
    let (code, help, _) = outcome(&["help"], "");
    assert_eq!(code, Some(0));
    for word in [
        "server NAME [ADDR]",
        "client NAME [ADDR]",
        "function",
        "object",
        "pool",
        "chat",
        "8000",
        "8001",
        "8003",
        "threads",
        "memory [N [FILE]]",
        "lanes",
        "surprise",
        "broken unbounded",
        "broken lock",
        "broken panic",
        "broken flag",
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
            &["server", "x"],
            "`x` is none of: function, object, pool, chat",
        ),
        (
            &["client", "chat", "here"],
            "`here` is not an address and a port",
        ),
        (&["memory", "0"], "`0` is not a number from 4 to 10000"),
    ] {
        let (code, output, errors) = outcome(args, "");
        assert_eq!((code, output.as_str()), (Some(2), ""), "{args:?}");
        assert!(errors.contains(sentence), "{args:?}: {errors}");
        assert_eq!(errors.lines().count(), 1, "{errors}");
    }
}

#[test]
fn a_port_that_is_taken_and_one_that_nobody_has_are_told_with_the_address() {
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let addr = taken.local_addr().unwrap().to_string();
    let (code, _, errors) = outcome(&["server", "pool", &addr], "");
    assert_eq!(code, Some(1));
    assert!(
        errors.contains(&format!("cannot listen on {addr}")),
        "{errors}"
    );
    drop(taken);
    let (code, _, errors) = outcome(&["client", "pool", &addr], "");
    assert_eq!(code, Some(1));
    let hint = "does `cargo run -p lesson-8 -- server pool` run?";
    assert!(errors.contains(hint), "{errors}");
}

#[test]
fn server_and_client_talk_in_two_terminals() {
    for name in ["function", "object", "pool"] {
        let server =
            Server::start(&mut lesson(&["server", name, "127.0.0.1:0"])).unwrap();
        let addr = server.addr();
        let (code, output, errors) = outcome(&["client", name, &addr], "grüße\nx");
        assert_eq!((code, errors.as_str()), (Some(0), ""));
        assert_eq!(output, "GRÜSSE\nX\n");
    }
}

#[cfg(unix)]
#[test]
fn ctrl_c_stops_a_server_that_says_how_many_were_cut_off() {
    for (name, told) in [("object", 0), ("pool", 0), ("chat", 0)] {
        let server =
            Server::start(&mut lesson(&["server", name, "127.0.0.1:0"])).unwrap();
        let addr: SocketAddr = server.addr().parse().unwrap();
        let mut caller = Caller::call(addr);
        match name {
            "chat" => assert_eq!(caller.hear(), "welcome; others here: 0\n"),
            _ => assert_eq!(caller.ask("hello"), "HELLO\n"),
        }
        let kill = ["-INT", &server.id().to_string()];
        Command::new("kill").args(kill).status().unwrap();
        drop(caller);
        while server.line() != format!("stopped; callers cut off: {told}") {}
        assert_eq!(server.end().unwrap().code(), Some(0));
    }
}

#[cfg(target_os = "linux")]
#[test]
fn an_idle_server_with_idle_callers_uses_no_processor() {
    use std::time::{Duration, Instant};
    for name in ["function", "object", "pool", "chat"] {
        let server =
            Server::start(&mut lesson(&["server", name, "127.0.0.1:0"])).unwrap();
        let addr: SocketAddr = server.addr().parse().unwrap();
        let mut callers = [Caller::call(addr), Caller::call(addr)];
        for caller in &mut callers {
            match name {
                "chat" => assert!(caller.hear().starts_with("welcome")),
                _ => assert_eq!(caller.ask("hello"), "HELLO\n"),
            }
        }
        // Every thread sleeps in a call that only a caller can end. If one has not yet
        // arrived there, it is on its way.
        let began = Instant::now();
        let mut before = xray::glance(server.id()).unwrap();
        loop {
            std::thread::sleep(Duration::from_millis(50)); // between two looks
            let now = xray::glance(server.id()).unwrap();
            if now.quiet_since(&before) {
                break;
            }
            assert!(began.elapsed() < crate::LIMIT, "{name} does not rest");
            before = now;
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
            &["threads"][..],
            "    200        202          6        402\n",
        ),
        (&["memory", "40"], "   40 callers       42"),
        (&["lanes"], "4 threads\n  thread 1"),
        (&["surprise"], "the work is computing"),
        (&["broken", "unbounded"], "202 with them"),
        (&["broken", "lock"], "B still hears A:                no"),
        (
            &["broken", "panic"],
            "C says \"\"                 -> hung up on",
        ),
        (
            &["broken", "flag"],
            "the flag is set:  the server is waiting in accept",
        ),
    ] {
        let (code, output, errors) = outcome(args, "");
        assert_eq!((code, errors.as_str()), (Some(0), ""), "{args:?}");
        assert!(output.contains(shown), "{args:?}: {output}");
    }
}

#[cfg(target_os = "linux")]
#[test]
fn the_plot_of_the_memory_is_written_where_it_was_asked_for() {
    let file =
        std::env::temp_dir().join(format!("lesson-8-{}.svg", std::process::id()));
    let path = file.to_str().unwrap();
    let (code, output, errors) = outcome(&["memory", "8", path], "");
    assert_eq!((code, errors.as_str()), (Some(0), ""));
    assert!(output.ends_with("shows it; a browser can\n"), "{output}");
    let svg = std::fs::read_to_string(&file).unwrap();
    std::fs::remove_file(&file).unwrap();
    assert!(svg.starts_with("<svg ") && svg.contains("MiB against idle callers."));
}
