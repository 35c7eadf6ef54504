//! The texts of `/proc` that we take apart ourselves.
//!
//! The `procfs` crate reads most of them, and where it serves we use it. Not here, as
//! of its version 0.18:
//!
//! - `syscall`: it wants six arguments, also where the kernel prints none (`-1 SP
//!   PC`), and so fails on a thread that is stopped.
//! - `status`: it turns all of some sixty lines into strings in a map. We want five
//!   of them, every few milliseconds.
//! - `net/unix`: it drops the flag that tells a listener from other sockets, cuts a
//!   path at its first blank, and gives up the whole table over one path that is not
//!   UTF-8.
//! - `fdinfo`: it has no reader for it.
//!
//! Every function here is total: a text that the kernel would not write gives `None`
//! or is skipped, never a panic.

use crate::descriptor::Watch;
use crate::socket::UnixKind;

/// What a thread is in the middle of, from `/proc/PID/task/TID/syscall`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Doing {
    /// On a processor, or ready for one.
    Running,
    /// Asleep, but not in a system call: in a page fault, or stopped.
    Outside,
    /// Asleep in the call of this number.
    Call {
        number: u64,
        args: [u64; 6],
        stack: u64,
    },
}

/// `running`, `-1 SP PC` or `NUMBER ARG0 … ARG5 SP PC` (proc_pid_syscall(5)).
pub(crate) fn syscall(text: &str) -> Option<Doing> {
    let mut words = text.split_ascii_whitespace();
    let first = words.next()?;
    if first == "running" {
        return Some(Doing::Running);
    }
    if first == "-1" {
        return Some(Doing::Outside);
    }
    let number = first.parse().ok()?;
    let mut args = [0; 6];
    for arg in &mut args {
        *arg = hex(words.next()?)?;
    }
    let stack = hex(words.next()?)?;
    Some(Doing::Call {
        number,
        args,
        stack,
    })
}

fn hex(word: &str) -> Option<u64> {
    u64::from_str_radix(word.strip_prefix("0x").unwrap_or(word), 16).ok()
}

/// The lines of `/proc/PID/status` that we want.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Status {
    pub name: String,
    pub state: char,
    /// The process that the thread belongs to.
    pub process: u32,
    pub parent: u32,
    /// Voluntary and involuntary context switches together.
    pub switches: u64,
}

/// `Name:`, `State:`, `Tgid:`, `PPid:` and the two counts of switches
/// (proc_pid_status(5)).
pub(crate) fn status(text: &str) -> Option<Status> {
    let (mut name, mut state, mut process, mut parent) = (None, None, None, None);
    let mut switches = 0u64;
    for line in text.lines() {
        let Some((key, value)) = line.split_once(':') else {
            continue;
        };
        let value = value.trim();
        match key {
            "Name" => name = Some(value.to_string()),
            "State" => state = value.chars().next(),
            "Tgid" => process = value.parse().ok(),
            "PPid" => parent = value.parse().ok(),
            "voluntary_ctxt_switches" | "nonvoluntary_ctxt_switches" => {
                switches = switches.wrapping_add(value.parse().ok()?);
            }
            _ => {}
        }
    }
    Some(Status {
        name: name?,
        state: state?,
        process: process?,
        parent: parent?,
        switches,
    })
}

/// The `tfd:` lines of an epoll set's `/proc/PID/fdinfo/FD` (proc_pid_fdinfo(5)):
/// `tfd:        6 events:       19 data:                6  pos:0 ino:43ef sdev:9`.
pub(crate) fn watches(text: &str) -> Vec<Watch> {
    text.lines().filter_map(watch).collect()
}

fn watch(line: &str) -> Option<Watch> {
    let (fd, rest) = line.strip_prefix("tfd:")?.split_once("events:")?;
    let field = |name: &str| rest.split_once(name)?.1.split_ascii_whitespace().next();
    let events = rest.split_ascii_whitespace().next()?;
    Some(Watch {
        fd: fd.trim().parse().ok()?,
        events: u32::from_str_radix(events, 16).ok()?,
        inode: field("ino:").and_then(hex),
    })
}

/// A line of `/proc/PID/net/unix`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct UnixRow {
    pub inode: u64,
    pub kind: UnixKind,
    pub listening: bool,
    /// The kernel's `SS_*`: 1 unconnected, 2 connecting, 3 connected, 4
    /// disconnecting.
    pub state: u8,
    /// Of a file, or `@NAME` for an abstract name.
    pub path: Option<String>,
}

/// The table of Unix sockets (proc_pid_net(5)); lines that do not fit are skipped: a
/// path may hold a newline, and then its second half looks like a line.
pub(crate) fn unix(text: &str) -> impl Iterator<Item = UnixRow> + '_ {
    text.split('\n').skip(1).filter_map(unix_row)
}

/// `ADDRESS: REFERENCES PROTOCOL FLAGS TYPE STATE INODE [PATH]`, all but the inode in
/// hexadecimal.
fn unix_row(line: &str) -> Option<UnixRow> {
    /// `__SO_ACCEPTCON` of the kernel's `include/linux/net.h`.
    const LISTENING: u64 = 1 << 16;

    let mut rest = line;
    let mut next = || {
        rest = rest.trim_start_matches(' ');
        let (word, after) = rest.split_once(' ').unwrap_or((rest, ""));
        rest = after;
        (!word.is_empty()).then_some(word)
    };
    next()?.strip_suffix(':')?;
    let (_references, _protocol) = (next()?, next()?);
    let flags = hex(next()?)?;
    let kind = match hex(next()?)? {
        1 => UnixKind::Stream,
        2 => UnixKind::Datagram,
        5 => UnixKind::Sequenced,
        _ => return None,
    };
    let state = u8::from_str_radix(next()?, 16).ok()?;
    let inode = next()?.parse().ok()?;
    let path = (!rest.is_empty()).then(|| rest.to_string());
    Some(UnixRow {
        inode,
        kind,
        listening: flags & LISTENING != 0,
        state,
        path,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_blocked_call_has_its_number_its_arguments_and_its_stack() {
        let text = "45 0x4 0x7f94 0x2000 0x0 0x0 0x0 0x7ffce13d4fb8 0x7f94fa51f2ad\n";
        let args = [4, 0x7f94, 0x2000, 0, 0, 0];
        let stack = 0x7ffc_e13d_4fb8;
        assert_eq!(
            syscall(text),
            Some(Doing::Call {
                number: 45,
                args,
                stack
            })
        );
    }

    #[test]
    fn a_thread_may_be_running_or_outside_of_any_call() {
        assert_eq!(syscall("running\n"), Some(Doing::Running));
        assert_eq!(syscall("-1 0x7ffd8f41c8a8 0x5600\n"), Some(Doing::Outside));
    }

    #[test]
    fn half_a_line_about_a_call_is_no_call() {
        assert_eq!(syscall(""), None);
        assert_eq!(syscall("45 0x4 0x7f94"), None);
        assert_eq!(syscall("45 0x4 0x7f94 zz 0x0 0x0 0x0 0x1 0x2"), None);
    }

    #[test]
    fn a_status_gives_name_state_parent_and_all_switches() {
        let text = "Name:\ta: b\nUmask:\t0022\nState:\tS (sleeping)\nTgid:\t6\n\
                    Pid:\t7\nPPid:\t3\n\
                    voluntary_ctxt_switches:\t40\nnonvoluntary_ctxt_switches:\t2\n";
        let name = "a: b".to_string();
        let expected = Status {
            name,
            state: 'S',
            process: 6,
            parent: 3,
            switches: 42,
        };
        assert_eq!(status(text), Some(expected));
        assert_eq!(status("Name:\tx\nTgid:\t3\nPPid:\t3\n"), None, "no state");
    }

    #[test]
    fn an_epoll_set_lists_what_it_watches() {
        let text = "pos:\t0\nflags:\t02000002\nmnt_id:\t17\nino:\t1038\n\
            tfd:        6 events:       19 data:                6  pos:0 ino:43ef \
            sdev:9\n\
            tfd:        9 events: 80000005 data: ffffffffffffffff\n";
        let expected = [
            Watch {
                fd: 6,
                events: 0x19,
                inode: Some(0x43ef),
            },
            Watch {
                fd: 9,
                events: 0x8000_0005,
                inode: None,
            },
        ];
        assert_eq!(watches(text), expected);
    }

    #[test]
    fn a_unix_socket_may_listen_be_connected_and_have_blanks_in_its_path() {
        let text = "Num       RefCount Protocol Flags    Type St Inode Path\n\
            0000000076a595d4: 00000002 00000000 00010000 0001 01 23417 /tmp/a b\n\
            0000000076a595d4: 00000003 00000000 00000000 0005 03  1060\n\
            0000000076a595d4: 00000002 00000000 00000000 0002 01  1061 @name\n";
        let row = |inode, kind, listening, state, path: Option<&str>| {
            let path = path.map(str::to_string);
            UnixRow {
                inode,
                kind,
                listening,
                state,
                path,
            }
        };
        let expected = [
            row(23417, UnixKind::Stream, true, 1, Some("/tmp/a b")),
            row(1060, UnixKind::Sequenced, false, 3, None),
            row(1061, UnixKind::Datagram, false, 1, Some("@name")),
        ];
        assert_eq!(unix(text).collect::<Vec<_>>(), expected);
    }

    #[test]
    fn the_half_of_a_path_behind_a_newline_is_skipped() {
        let text =
            "Num\n0: 00000002 00000000 00010000 0001 01 7 /tmp/a\nb c d e f g h\n";
        let inodes: Vec<u64> = unix(text).map(|row| row.inode).collect();
        assert_eq!(inodes, [7]);
    }

    /// Pieces that lead the parsers deep, between them anything.
    fn noise(random: &mut fastrand::Rng) -> String {
        const PIECES: [&str; 22] = [
            "running",
            "-1",
            "45",
            "0x",
            "0x7f",
            "ffffffffffffffffff",
            " ",
            "  ",
            "\n",
            "\t",
            ":",
            "Name:",
            "State:",
            "PPid:",
            "voluntary_ctxt_switches:",
            "tfd:",
            "events:",
            "ino:",
            "0001",
            "00010000",
            "é",
            "\0",
        ];
        let mut text = String::new();
        for _ in 0..random.usize(0..60) {
            match random.u8(0..4) {
                0 => text.push(random.char(..)),
                _ => text.push_str(random.choice(PIECES).unwrap_or(" ")),
            }
        }
        text
    }

    #[test]
    fn no_text_at_all_makes_a_parser_panic() {
        for seed in 0..20_000 {
            let text = noise(&mut fastrand::Rng::with_seed(seed));
            let parsed = std::panic::catch_unwind(|| {
                let _ = (syscall(&text), status(&text), watches(&text));
                unix(&text).count()
            });
            assert!(parsed.is_ok(), "seed {seed}: {text:?}");
        }
    }

    #[test]
    fn what_the_kernel_would_write_is_read_back_whole() {
        for seed in 0..2_000 {
            let mut random = fastrand::Rng::with_seed(seed);
            let args: [u64; 6] = std::array::from_fn(|_| random.u64(..));
            let (number, stack) = (random.u64(0..500), random.u64(..));
            let words = args.map(|arg| format!("{arg:#x}")).join(" ");
            let text = format!("{number} {words} {stack:#x} 0x1\n");
            let expected = Some(Doing::Call {
                number,
                args,
                stack,
            });
            assert_eq!(syscall(&text), expected, "seed {seed}");

            let (fd, events, inode) =
                (random.i32(0..), random.u32(..), random.u64(..));
            let text = format!(
                "tfd: {fd:8} events: {events:8x} data: {number:16x}  pos:0 \
                 ino:{inode:x} sdev:9\n"
            );
            let expected = [Watch {
                fd,
                events,
                inode: Some(inode),
            }];
            assert_eq!(watches(&text), expected, "seed {seed}");
        }
    }
}
