//! The program from outside: its words, its exit codes.

use std::process::{Command, Stdio};

use wire::demo::{Server, run};

use crate::{lesson, room};

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
    let (code, help, _) = outcome(&["--help"]);
    assert_eq!(code, Some(0));
    for word in [
        "ping [OPTION...] [HOST]",
        "-c COUNT",
        "-i SECONDS",
        "-W SECONDS",
        "layers",
        "layers ordinary",
        "udp-by-hand",
        "doors",
        "room [COMMAND...]",
        "server udp [ADDR]",
        "client udp [ADDR]",
        "trap",
        "ping-socket",
        "igmp",
        "surprise",
        "broken own-request",
        "broken no-pseudo-header",
        "broken twenty",
    ] {
        assert!(help.contains(word), "{word} is missing in\n{help}");
    }
    assert!(help.lines().all(|line| line.chars().count() <= 86));
}

#[test]
fn what_is_not_understood_ends_with_code_2_and_one_sentence() {
    for (args, sentence) in [
        (&["dance", "now"][..], "there is no `dance now` here"),
        (&["client"], "client what?"),
        (&["server", "tcp"], "`tcp` is not: udp"),
        (&["server", "udp", "here"], "`here` is not an IPv4 address"),
        (&["server", "udp", "[::1]:9"], "is not an IPv4 address"),
        (&["ping", "-c"], "ping -c what?"),
        (&["ping", "-c", "many"], "`many` is not such a number"),
        (&["ping", "-c", "0"], "would send nothing"),
        (&["ping", "-i", "-1"], "`-1` is no number of seconds"),
        (&["ping", "-W", "NaN"], "`NaN` is no number of seconds"),
        (&["ping", "-f"], "ping knows no `-f`"),
    ] {
        let (code, output, errors) = outcome(args);
        assert_eq!((code, output.as_str()), (Some(2), ""), "{args:?}");
        assert!(errors.contains(sentence), "{args:?}: {errors}");
        assert_eq!(errors.lines().count(), 1, "{errors}");
    }
}

#[test]
fn a_port_that_is_taken_is_told_with_its_address() {
    let taken = std::net::UdpSocket::bind("127.0.0.1:0").unwrap();
    let addr = taken.local_addr().unwrap().to_string();
    let (code, _, errors) = outcome(&["server", "udp", &addr]);
    assert_eq!(code, Some(1));
    assert!(errors.contains(&format!("cannot bind {addr}")), "{errors}");
}

#[test]
fn ping_pings_and_says_so_as_ping_does() {
    if !room() {
        return;
    }
    let (code, output, errors) = outcome(&["ping", "-c", "3", "-i", "0.01"]);
    assert_eq!((code, errors.as_str()), (Some(0), ""));
    assert_eq!(
        output.matches("64 bytes from 127.0.0.1: icmp_seq=").count(),
        3
    );
    let summary = "3 packets transmitted, 3 received, 0% packet loss\nrtt min/avg/";
    assert!(output.contains(summary), "{output}");
}

#[test]
fn a_host_without_a_way_to_it_ends_ping_with_code_2() {
    if !room() {
        return;
    }
    let program = env!("CARGO_BIN_EXE_lesson-7");
    let (code, _, errors) =
        outcome(&["room", program, "ping", "-c", "1", "192.0.2.1"]);
    assert_eq!(code, Some(2), "{errors}");
    assert!(errors.contains("cannot ping 192.0.2.1"), "{errors}");
}

#[test]
fn a_silent_host_ends_ping_with_code_1() {
    if !room() {
        return;
    }
    let program = env!("CARGO_BIN_EXE_lesson-7");
    let script = format!(
        "echo 1 > /proc/sys/net/ipv4/icmp_echo_ignore_all || exit 77
         {program} ping -c 2 -i 0 -W 0.05"
    );
    let (code, output, errors) = outcome(&["room", "sh", "-c", &script]);
    if code == Some(77) {
        return; // a container whose /proc/sys can only be read
    }
    assert_eq!(code, Some(1), "{errors}");
    assert!(output.contains("2 transmitted") || output.contains("100% packet loss"));
}

#[test]
fn ctrl_c_ends_ping_with_its_summary() {
    if !room() {
        return;
    }
    let ping = Server::start(&mut lesson(&["ping", "-i", "0.01"])).unwrap();
    while !ping.line().contains("icmp_seq=3") {}
    let id = ping.id().to_string();
    Command::new("kill").args(["-INT", &id]).status().unwrap();
    while !ping.line().contains(" packets transmitted, ") {}
    assert!(ping.line().starts_with("rtt min/avg/max/mdev = "));
    assert_eq!(ping.end().unwrap().code(), Some(0));
}

#[test]
fn an_ordinary_server_receives_what_is_made_by_hand() {
    if !room() {
        return;
    }
    let program = env!("CARGO_BIN_EXE_lesson-7");
    // The client waits until the port shows in the kernel's table: 9999 is 270F.
    let script = format!(
        "{program} server udp & server=$!
         until grep -q ':270F ' /proc/net/udp; do :; done
         {program} client udp && kill -INT $server; wait $server"
    );
    let (code, output, errors) = outcome(&["room", "sh", "-c", &script]);
    assert_eq!((code, errors.as_str()), (Some(0), ""), "{output}");
    assert!(
        output.contains("40 bytes sent to 127.0.0.1:9999"),
        "{output}"
    );
}

#[test]
fn a_screen_that_nobody_reads_ends_the_program_without_a_word() {
    let mut child = lesson(&["surprise"])
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
    if !room() {
        return;
    }
    for (args, shown) in [
        (&["layers"][..], "TRANSPORT    c3 51"),
        (&["layers", "ordinary"], "checksum of it and the addresses"),
        (&["udp-by-hand"], "received  \"hello\" from 127.0.0.1:50001"),
        (&["doors"], "a network of our own           yes"),
        (&["trap"], "received  type 8, request"),
        (
            &["ping-socket"],
            "request  identifier 7 sequence 1\nreceived  type 0",
        ),
        (
            &["igmp"],
            "left 239.1.2.3\n  a report to 224.0.0.22: record of type 3",
        ),
        (&["surprise"], "(100.000 %)"),
        (&["broken", "own-request"], "a hasty ping:  0 % loss"),
        (&["broken", "no-pseudo-header"], "received: nothing"),
        (&["broken", "twenty"], "a header of 24 bytes: from port 257"),
    ] {
        let (code, output, errors) = outcome(args);
        assert_eq!((code, errors.as_str()), (Some(0), ""), "{args:?}");
        assert!(output.contains(shown), "{args:?}: {output}");
    }
}
