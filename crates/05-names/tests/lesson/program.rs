//! The program from outside: its words, its exit codes.

use std::net::TcpListener;
use std::process::{Command, Stdio};

use lesson_5::doors::{ANY_PORT, Door, Manner};
use wire::demo::{Server, run};

use crate::{ipv6, lesson};

/// Exit code, standard output and standard error of the program.
fn outcome(args: &[&str]) -> (Option<i32>, String, String) {
    let output = run(&mut lesson(args), b"").unwrap();
    let text = |bytes| String::from_utf8(bytes).unwrap();
    (
        output.status.code(),
        text(output.stdout),
        text(output.stderr),
    )
}

#[test]
fn help_names_everything() {
    let (code, help, _) = outcome(&["help"]);
    assert_eq!(code, Some(0));
    for word in [
        "lookup NAME [SERVICE] [HINT ...]",
        "port NAME [PROTOCOL]",
        "whoami [NAME]",
        "dial HOST PORT",
        "--timeout",
        "--source",
        "server dual [ADDR]",
        "client dual [ADDR]",
        "9006",
        "session",
        "families",
        "attempts",
        "surprise",
        "broken first-only",
        "broken mapped",
        "broken v6only",
    ] {
        assert!(help.contains(word), "{word} is missing in\n{help}");
    }
    assert!(help.lines().all(|line| line.chars().count() <= 86));
}

#[test]
fn what_is_not_understood_ends_with_code_2_and_one_sentence() {
    for (args, sentence) in [
        (&["dance"][..], "there is no `dance` here"),
        (&["lookup"], "lookup what?"),
        (&["server"], "server what?"),
        (&["server", "single"], "`single` is none of: dual"),
        (&["server", "dual", "x"], "`x` is not an address and a port"),
        (&["lookup", "::1", "80", "loud"], "`loud` is no hint"),
        (
            &["dial", "::1", "1", "--timeout", "0"],
            "`0` is not a number",
        ),
        (
            &["dial", "::1", "1", "--source", "me"],
            "`me` is not an address",
        ),
        (&["dial", "::1", "1", "--fast", "1"], "no option `--fast`"),
        (&["dial", "::1", "1", "--source"], "nothing stands behind"),
    ] {
        let (code, output, errors) = outcome(args);
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
fn addresses_in_figures_are_looked_up_without_a_network() {
    let (code, output, _) = outcome(&["lookup", "127.0.0.1", "80", "stream"]);
    assert_eq!(code, Some(0));
    assert!(output.starts_with("127.0.0.1:80 "), "{output}");
    let (code, _, errors) = outcome(&["lookup", "no figures", "80", "figures"]);
    assert_eq!(code, Some(1));
    assert!(errors.contains("cannot look up \"no figures\""), "{errors}");
}

#[test]
fn a_dial_tells_the_address_and_why_it_failed() {
    let shut = Door::open(ANY_PORT, Manner::Refuses).unwrap();
    let port = shut.address().port().to_string();
    let (code, output, errors) = outcome(&["dial", "127.0.0.1", &port]);
    assert_eq!(code, Some(1));
    assert_eq!(output, format!("127.0.0.1 is 127.0.0.1:{port}\n"));
    let wanted = format!("127.0.0.1:{port}: Connection refused");
    assert!(errors.contains(&wanted), "{errors}");

    let open = Door::open(ANY_PORT, Manner::Answers).unwrap();
    let port = open.address().port().to_string();
    let args = ["dial", "127.0.0.1", &port, "--source", "127.0.0.1"];
    let (code, output, _) = outcome(&args);
    assert_eq!(code, Some(0));
    assert!(output.contains("connected: 127.0.0.1:"), "{output}");
}

#[test]
fn a_port_that_is_taken_is_told_with_its_address() {
    let taken = TcpListener::bind(ANY_PORT).unwrap();
    let addr = taken.local_addr().unwrap().to_string();
    let (code, _, errors) = outcome(&["server", "dual", &addr]);
    assert_eq!(code, Some(1));
    let wanted = format!("cannot listen on {addr}");
    assert!(errors.contains(&wanted), "{errors}");
}

#[test]
fn a_server_that_does_not_run_is_told_with_the_command_that_starts_it() {
    let shut = Door::open(ANY_PORT, Manner::Refuses).unwrap();
    let (code, _, errors) = outcome(&["client", "dual", &shut.address().to_string()]);
    assert_eq!(code, Some(1));
    let hint = "does `cargo run -p lesson-5 -- server dual` run?";
    assert!(errors.contains(hint), "{errors}");
}

#[test]
fn server_and_clients_talk_in_three_terminals() {
    if !ipv6() {
        return;
    }
    let server = Server::start(&mut lesson(&["server", "dual", "[::]:0"])).unwrap();
    let addr = server.addr();
    let port = addr.rsplit_once(':').unwrap().1;
    for (host, shown) in [
        ("127.0.0.1", "you are 127.0.0.1:"),
        ("[::1]", "you are [::1]:"),
    ] {
        let (code, output, errors) =
            outcome(&["client", "dual", &format!("{host}:{port}")]);
        assert_eq!((code, errors.as_str()), (Some(0), ""));
        assert!(output.starts_with(shown), "{output}");
    }
    let printed: Vec<String> = (0..6).map(|_| server.line()).collect();
    assert!(printed[0].starts_with("everybody"), "{printed:?}");
    assert!(
        printed[4].starts_with("accept says [::ffff:127.0.0.1]:"),
        "{printed:?}"
    );
    assert!(printed[4].contains("; that is 127.0.0.1:"), "{printed:?}");
}

#[cfg(unix)]
#[test]
fn ctrl_c_ends_the_server() {
    let server =
        Server::start(&mut lesson(&["server", "dual", "127.0.0.1:0"])).unwrap();
    server.addr();
    Command::new("kill")
        .args(["-INT", &server.id().to_string()])
        .status()
        .unwrap();
    assert_eq!(server.end().unwrap().code(), Some(0));
}

#[test]
fn a_screen_that_nobody_reads_ends_the_program_without_a_word() {
    let mut child = lesson(&["help"])
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
        (&["session"][..], "getpeername"),
        (&["families"], "AF_APPLETALK"),
        (&["attempts"], "without the third"),
        (&["broken", "first-only"], "Connection refused"),
    ] {
        let (code, output, errors) = outcome(args);
        assert_eq!((code, errors.as_str()), (Some(0), ""), "{args:?}");
        assert!(output.contains(shown), "{args:?}: {output}");
    }
    if !ipv6() {
        return;
    }
    for (args, shown) in [
        (
            &["broken", "mapped"][..],
            "::ffff:127.0.0.1, and is turned away",
        ),
        (&["broken", "v6only"], "127.0.0.1  Connection refused"),
    ] {
        let (code, output, errors) = outcome(args);
        assert_eq!((code, errors.as_str()), (Some(0), ""), "{args:?}");
        assert!(output.contains(shown), "{args:?}: {output}");
    }
}
