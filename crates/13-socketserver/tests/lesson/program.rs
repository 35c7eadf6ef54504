//! The program from outside: its words and its exit codes.

use std::net::{TcpListener, UdpSocket};

use wire::demo::{Server, run};

use crate::{lesson, output, terminate};

/// Exit code, standard output and standard error of the program.
fn outcome(args: &[&str], input: &str) -> (Option<i32>, String, String) {
    let output = run(&mut lesson(args), input.as_bytes()).unwrap();
    let text = |bytes| String::from_utf8(bytes).unwrap();
    let (out, errors) = (text(output.stdout), text(output.stderr));
    (output.status.code(), out, errors)
}

#[test]
fn help_names_everything() {
    let (code, help, _) = outcome(&["help"], "");
    assert_eq!(code, Some(0));
    for word in [
        "server NAME [STRATEGY] [PLACE]",
        "client NAME [PLACE]",
        "hotline     port 8009",
        "timestamps  port 8009",
        "upper       port 9999",
        "inline   threads   pool   fork   prefork   parked",
        "udp:127.0.0.1:9999",
        "unix:/tmp/upper",
        "unixgram:/tmp/upper",
        "trace [STRATEGY]",
        "objects",
        "surprise",
        "broken seats",
        "broken shutdown",
    ] {
        assert!(help.contains(word), "{word} is missing in\n{help}");
    }
}

#[test]
fn what_is_not_understood_ends_with_code_2_and_one_sentence() {
    for (args, sentence) in [
        (&["dance", "now"][..], "there is no `dance now` here"),
        (&["server"], "server what?"),
        (&["client"], "client what?"),
        (&["broken"], "broken what?"),
        (&["server", "spoon"], "`spoon` is none of: hotline"),
        (&["client", "spoon"], "`spoon` is none of: hotline"),
        (
            &["server", "upper", "fibres"],
            "`fibres` is none of: inline",
        ),
        (&["trace", "fibres"], "`fibres` is none of: inline"),
        (&["server", "upper", "udp:here"], "`udp:here` is no place"),
        (&["server", "upper", "fork", "here"], "`here` is no place"),
        (&["client", "upper", "unix:"], "`unix:` is no place"),
    ] {
        let (code, output, errors) = outcome(args, "");
        assert_eq!((code, output.as_str()), (Some(2), ""), "{args:?}: {errors}");
        assert!(errors.contains(sentence), "{args:?}: {errors}");
        assert_eq!(errors.lines().count(), 1, "{errors}");
    }
}

#[test]
fn an_error_names_its_operation_and_its_object() {
    let taken = TcpListener::bind(("127.0.0.1", 0)).unwrap();
    let tcp = taken.local_addr().unwrap().to_string();
    let taken = UdpSocket::bind(("127.0.0.1", 0)).unwrap();
    let udp = format!("udp:{}", taken.local_addr().unwrap());
    let free = TcpListener::bind(("127.0.0.1", 0)).unwrap().local_addr();
    let free = free.unwrap().to_string();
    let nowhere = "unix:/nonexistent/upper";
    for (args, words, object) in [
        (
            &["server", "upper", &tcp][..],
            "cannot serve upper at",
            &tcp[..],
        ),
        (
            &["server", "hotline", "fork", &udp],
            "cannot serve hotline",
            &udp,
        ),
        (
            &["server", "upper", nowhere],
            "cannot serve upper at",
            nowhere,
        ),
        (&["client", "upper", &free], "cannot reach", &free),
        (&["client", "upper", nowhere], "cannot reach", nowhere),
    ] {
        let (code, _, errors) = outcome(args, "");
        assert_eq!(code, Some(1), "{args:?}: {errors}");
        assert!(errors.contains(words), "{args:?}: {errors}");
        assert!(errors.contains(object), "{args:?}: {errors}");
        assert!(errors.contains("os error"), "{args:?}: {errors}");
    }
}

#[test]
fn server_and_client_talk_in_two_terminals() {
    let mut server = lesson(&["server", "hotline", "fork", "127.0.0.1:0"]);
    let server = Server::start(&mut server).unwrap();
    let addr = server.addr();
    let (code, said, errors) = outcome(&["client", "hotline", &addr], "0\nexit\n0\n");
    assert_eq!((code, errors.as_str()), (Some(0), ""));
    let lines: Vec<&str> = said.lines().collect();
    assert_eq!(lines[1..], ["this call may be recorded", "goodbye"]);
    terminate(&server);
    assert_eq!(server.end().unwrap().code(), Some(0));
}

#[test]
fn what_is_wrong_on_purpose_shows_it() {
    let told = output(&mut lesson(&["broken", "seats"]));
    let free: Vec<&str> = told.lines().map(|line| line[34..].trim()).collect();
    let expected = ["10 seats are free", "10 seats are free", "7 seats are free"];
    assert_eq!(free, expected);
    let told = output(&mut lesson(&["broken", "shutdown"]));
    let (first, second) = told.split_once('\n').unwrap();
    assert!(first.ends_with("the loop has ended"), "{told}");
    assert!(second.contains("gave up waiting"), "{told}");
    let told = output(&mut lesson(&["surprise"]));
    assert!(told.contains("To be woken is"), "{told}");
}
