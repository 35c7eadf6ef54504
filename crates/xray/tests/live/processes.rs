//! Descriptors, children, and processes that are gone or closed to us.

use crate::harness::skip;
use crate::subject::{Subject, itself, until};
use crate::tests;
use std::io::ErrorKind;
use std::os::fd::AsRawFd;
use std::os::unix::process::CommandExt;
use xray::{Descriptor, Kind, PipeEnd, Relative};

tests![
    descriptors_are_told_in_order,
    a_child_that_was_not_collected_is_a_zombie,
    a_living_child_is_listed,
    a_zombie_itself_has_ended,
    a_process_that_does_not_exist_is_not_found,
    a_process_is_found_by_its_name,
    threads_and_processes_may_vanish_while_we_look,
    what_may_not_be_seen_is_named_and_the_rest_stands,
    a_page_has_everything_and_fits_its_width,
];

fn descriptors_are_told_in_order() {
    let mut subject = Subject::start("stdin");
    let seen = subject.blocked_in("read");
    let fds: Vec<i32> = seen.descriptors.iter().map(|open| open.fd).collect();
    assert!(fds.is_sorted(), "{fds:?}");
    let end = |fd| match seen.descriptor(fd) {
        Some(Descriptor {
            what: Kind::Pipe { end, .. },
            ..
        }) => *end,
        other => panic!("fd {fd} is {other:?}"),
    };
    assert_eq!((end(0), end(1)), (PipeEnd::Read, PipeEnd::Write));
    assert_eq!(seen.pid, subject.pid());

    // The other end of its input is ours.
    let input = subject.take_stdin();
    let me = xray::look(std::process::id()).expect("one may look at oneself");
    let ours = me.descriptor(input.as_raw_fd()).expect("it is open");
    assert!(ours.inode.is_some());
    assert_eq!(
        ours.inode,
        seen.descriptor(0).and_then(|theirs| theirs.inode)
    );

    let program = std::env::current_exe().expect("the path of this program");
    assert_eq!(seen.command, [program.to_str().expect("the path is text")]);
}

fn a_child_that_was_not_collected_is_a_zombie() {
    let mut subject = Subject::start("zombie");
    let pid = subject.says_number();
    let seen = subject.until(|seen| seen.zombies() == 1);
    let name = seen.name.clone(); // the same program
    assert_eq!(
        seen.children,
        [Relative {
            pid,
            name,
            zombie: true
        }]
    );
    assert!(
        seen.to_text(80).contains("ended, not yet collected"),
        "{}",
        seen.to_text(80)
    );
}

fn a_living_child_is_listed() {
    let mut subject = Subject::start("parent");
    let pid: u32 = subject.says_number();
    let seen = subject.blocked_in("read");
    let children: Vec<_> =
        seen.children.iter().map(|is| (is.pid, is.zombie)).collect();
    assert_eq!(children, [(pid, false)]);
    assert_eq!(seen.zombies(), 0);
    drop(subject.take_stdin());
    subject.collect();
}

fn a_zombie_itself_has_ended() {
    let mut subject = Subject::start("stdin");
    subject.blocked_in("read");
    let status = || xray::wait_status(subject.pid()).expect("it is there");
    assert_eq!(status(), None);
    subject.kill();
    let seen = until(|| {
        let seen = xray::look(subject.pid()).expect("it is not yet collected");
        if seen.is_zombie() {
            Ok(seen)
        } else {
            Err(format!("{seen:#?}"))
        }
    });
    assert_eq!(
        xray::wait_status(subject.pid()).ok(),
        Some(Some(9)),
        "SIGKILL"
    );
    assert!(!seen.is_blocked());
    assert_eq!(seen.descriptors, []);
    assert_eq!(seen.unseen, [""; 0], "there is nothing left to see");
    assert!(
        seen.to_text(80).contains("It has ended"),
        "{}",
        seen.to_text(80)
    );
    let glance = subject.glance();
    assert!(!glance.quiet_since(&glance.clone()));
    assert_eq!(glance.waits_forever(), None);
}

fn a_process_that_does_not_exist_is_not_found() {
    let mut subject = Subject::start("exit");
    subject.collect();
    for pid in [subject.pid(), 0, u32::MAX] {
        let error = xray::look(pid).expect_err("nobody there");
        assert_eq!(error.kind(), ErrorKind::NotFound);
        assert_eq!(error.to_string(), format!("there is no process {pid}"));
    }
}

fn a_process_is_found_by_its_name() {
    let mut subject = Subject::start("stdin");
    subject.blocked_in("read");
    let program = std::env::current_exe().expect("the path of this program");
    let name = program
        .file_name()
        .and_then(|name| name.to_str())
        .expect("it is text");
    let among = |name: &str| {
        let found = xray::named(name).expect("names are no secret");
        assert!(found.is_sorted(), "{found:?}");
        found.contains(&subject.pid())
    };
    assert!(among(name), "{name} is longer than what the kernel keeps");
    assert!(!among("another name"));
    assert!(!among(""));
    subject.kill();
    until(|| {
        let found = xray::named(name).expect("names are no secret");
        if found.contains(&subject.pid()) {
            Err(format!("{found:?}"))
        } else {
            Ok(())
        }
    });
}

fn threads_and_processes_may_vanish_while_we_look() {
    for round in 0..20 {
        let mut subject = Subject::start("flicker");
        subject.says();
        let mut most = 0;
        for _ in 0..50 {
            let seen = xray::look(subject.pid()).expect("the first thread stays");
            most = most.max(seen.threads.len());
            assert_eq!(seen.threads[0].tid, subject.pid());
        }
        // Dying: it may be seen alive, or as a zombie, but not as a failure.
        subject.kill();
        until(|| {
            let seen = xray::look(subject.pid()).expect("it is not yet collected");
            if seen.is_zombie() {
                Ok(())
            } else {
                Err(format!("{seen:#?}"))
            }
        });
        assert!(most > 0, "round {round}");
    }
}

fn what_may_not_be_seen_is_named_and_the_rest_stands() {
    const NOBODY: u32 = 65534;
    if !rustix::process::geteuid().is_root() {
        skip("only root can become somebody else, who then may not look");
    }
    let subject = Subject::start("stdin");
    subject.blocked_in("read");
    let mut command = itself(&format!("look {}", subject.pid()));
    match command.uid(NOBODY).gid(NOBODY).output() {
        Ok(output) if output.status.success() => {
            let said = String::from_utf8_lossy(&output.stdout).into_owned();
            assert!(said.starts_with("blocked: true\n"), "{said}");
            assert!(
                said.contains("in a system call that cannot be seen"),
                "{said}"
            );
            let after = said
                .split("\nnot seen\n")
                .nth(1)
                .expect("a part on what is not");
            let words: Vec<&str> = after.split_whitespace().collect();
            let words = words.join(" ");
            assert!(
                words.contains("its open descriptors: permission denied"),
                "{said}"
            );
            assert!(
                words.contains("system calls of its threads: permission"),
                "{said}"
            );
        }
        Ok(output) => panic!("{}", String::from_utf8_lossy(&output.stderr)),
        Err(error) => skip(&format!("nobody may not start this program: {error}")),
    }
}

fn a_page_has_everything_and_fits_its_width() {
    let mut server = Subject::start("accept 127.0.0.1:0");
    let (address, fd) = (server.says_address(), server.says());
    let seen = server.blocked_in("accept4");
    for width in [0, 40, 60, 80, 200] {
        let page = seen.to_text(width);
        let longest = page.lines().map(|line| line.chars().count()).max();
        assert!(longest <= Some(width.max(40)), "{width}:\n{page}");
        let words = page.split_whitespace().collect::<Vec<_>>().join(" ");
        assert!(words.contains(&format!("process {},", seen.pid)), "{page}");
        assert!(words.contains("1 thread "), "{page}");
        assert!(
            words.contains(&format!("blocked in accept4 on fd {fd},")),
            "{page}"
        );
        assert!(words.contains("1 socket "), "{page}");
        assert!(words.contains(&address.to_string()), "{page}");
        assert!(words.contains("0: the read end of a pipe"), "{page}");
    }
}
