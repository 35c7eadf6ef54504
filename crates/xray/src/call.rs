//! A system call that a thread is blocked in, as a sentence.

use crate::descriptor::{Descriptor, Kind};
use crate::socket::{TcpSocket, UdpSocket, UnixSocket, waiting};
use crate::words::count;
use std::fmt;
use std::time::Duration;

/// A system call that a thread is blocked in.
///
/// Its arguments are what stands in the registers. Those that are addresses point
/// into the other process's memory, which this crate does not read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Call {
    /// Its name, as in the manual: `recvfrom`. `system call 451` for one without a
    /// name here.
    pub name: String,
    /// Its arguments; the call may take fewer, and then the rest means nothing.
    pub args: [u64; 6],
    /// What the descriptor among its arguments stands for. `None` if it takes none,
    /// if the descriptor could not be seen, and in a [`Glance`](crate::Glance).
    pub descriptor: Option<Descriptor>,
    /// For a wait on an epoll set, once resolved: what the set watches, as far as it
    /// is still open under the number it was added by.
    pub watched: Vec<Descriptor>,
}

/// What a call does to its descriptor, and so which of its queues matter.
#[derive(PartialEq)]
enum Purpose {
    Accept,
    Receive,
    Send,
    Epoll,
    Other,
}

impl Call {
    /// The descriptor among the arguments of a call that can block on one. Where
    /// there are two (sendfile(2), splice(2)) it is the first.
    pub fn fd(&self) -> Option<i32> {
        let takes_one = self.purpose() != Purpose::Other
            || matches!(
                self.name.as_str(),
                "connect"
                    | "close"
                    | "shutdown"
                    | "ioctl"
                    | "fcntl"
                    | "flock"
                    | "fsync"
                    | "fdatasync"
                    | "sync_file_range"
                    | "fallocate"
                    | "ftruncate"
                    | "getdents64"
                    | "epoll_ctl"
                    | "io_uring_enter"
            );
        (takes_one && int(self.args[0]) >= 0).then_some(int(self.args[0]))
    }

    /// Whether nothing but an event, a peer or a signal ends the call.
    ///
    /// `Some(false)`: it carries a time limit, or is nothing but a pause.
    /// `Some(true)`: it could carry one and does not, or never has one. `None`: not
    /// known. That goes for every call on a socket: it may have a time limit of its
    /// own (`SO_RCVTIMEO`, socket(7)), which [`time_limit`](crate::time_limit) asks
    /// for.
    pub fn waits_forever(&self) -> Option<bool> {
        let absent = |index: usize| Some(self.args[index] == 0); // a null pointer
        match self.name.as_str() {
            // Milliseconds; anything negative means no limit.
            "poll" => Some(int(self.args[2]) < 0),
            "epoll_wait" | "epoll_pwait" => Some(int(self.args[3]) < 0),
            // The address of a timespec or timeval.
            "ppoll" | "rt_sigtimedwait" => absent(2),
            "epoll_pwait2" | "futex_waitv" => absent(3),
            "select" | "pselect6" | "futex_wait" => absent(4),
            // Without the flags FUTEX_PRIVATE_FLAG and FUTEX_CLOCK_REALTIME.
            "futex" => match self.args[1] & 0x7f {
                // WAIT, LOCK_PI, WAIT_BITSET, WAIT_REQUEUE_PI, LOCK_PI2: futex(2).
                0 | 6 | 9 | 11 | 13 => absent(3),
                _ => None,
            },
            "nanosleep" | "clock_nanosleep" => Some(false),
            "pause" | "rt_sigsuspend" | "wait4" | "waitid" | "flock" => Some(true),
            // F_SETLKW and F_OFD_SETLKW: the only commands of fcntl that wait.
            "fcntl" => matches!(self.args[1], 7 | 38).then_some(true),
            _ => None,
        }
    }

    /// The time limit that can be read off the registers, as that of poll(2) and
    /// epoll_wait(2) can, which is a number there. Of others, such as select(2), they
    /// hold an address.
    pub fn known_limit(&self) -> Option<Duration> {
        let millis = match self.name.as_str() {
            "poll" => int(self.args[2]),
            "epoll_wait" | "epoll_pwait" => int(self.args[3]),
            _ => return None,
        };
        u64::try_from(millis).ok().map(Duration::from_millis)
    }

    fn purpose(&self) -> Purpose {
        match self.name.as_str() {
            "accept" | "accept4" => Purpose::Accept,
            "read" | "readv" | "pread64" | "preadv" | "preadv2" | "recvfrom"
            | "recvmsg" | "recvmmsg" => Purpose::Receive,
            "write" | "writev" | "pwrite64" | "pwritev" | "pwritev2" | "sendto"
            | "sendmsg" | "sendmmsg" | "sendfile" | "splice" | "tee" | "vmsplice"
            | "copy_file_range" => Purpose::Send,
            "epoll_wait" | "epoll_pwait" | "epoll_pwait2" => Purpose::Epoll,
            _ => Purpose::Other,
        }
    }

    /// Everything but "blocked in ".
    pub(crate) fn phrase(&self) -> String {
        let mut text = self.name.clone();
        match (&self.descriptor, self.fd()) {
            (Some(descriptor), _) => text += &format!(" on {descriptor}"),
            (None, Some(fd)) => text += &format!(" on fd {fd}"),
            (None, None) => text += &self.object(),
        }
        text += &self.limit();
        if let Some(queues) = self.queues() {
            text += &format!("; {queues}");
        }
        text
    }

    /// What a call without a descriptor waits for, where it can be told.
    fn object(&self) -> String {
        match self.name.as_str() {
            "futex" | "futex_wait" | "futex_waitv" => {
                ": a lock, a channel or a join".to_string()
            }
            "nanosleep" | "clock_nanosleep" => {
                ": a pause that the program asked for".to_string()
            }
            "poll" | "ppoll" => match self.args[1] {
                0 => ", waiting for no descriptor".to_string(),
                number => format!(", waiting for {}", count(number, "descriptor")),
            },
            "select" | "pselect6" => match int(self.args[0]) {
                0 => ", waiting for no descriptor".to_string(),
                bound => format!(", waiting for descriptors below {bound}"),
            },
            "wait4" if int(self.args[0]) > 0 => child(int(self.args[0])),
            // P_PID of waitid(2) is 1.
            "waitid" if self.args[0] == 1 => child(int(self.args[1])),
            "wait4" | "waitid" => ", waiting for a child to end".to_string(),
            "pause" | "rt_sigsuspend" | "rt_sigtimedwait" => {
                ", waiting for a signal".to_string()
            }
            // The kernel takes up poll(2) so, with a time limit or without, and a
            // futex(2) or a pause with one.
            "restart_syscall" => {
                ": a wait, taken up again after a signal or a stop".to_string()
            }
            _ => String::new(),
        }
    }

    fn limit(&self) -> String {
        let pause = matches!(self.name.as_str(), "nanosleep" | "clock_nanosleep");
        let multiplexed = matches!(
            self.name.as_str(),
            "poll"
                | "ppoll"
                | "select"
                | "pselect6"
                | "epoll_wait"
                | "epoll_pwait"
                | "epoll_pwait2"
        );
        match (self.waits_forever(), self.known_limit()) {
            (Some(false), Some(limit)) => {
                format!(", for at most {} ms", limit.as_millis())
            }
            (Some(false), None) if !pause => ", with a time limit".to_string(),
            (Some(true), _) if multiplexed => ", without a time limit".to_string(),
            _ => String::new(),
        }
    }

    fn queues(&self) -> Option<String> {
        match (self.purpose(), &self.descriptor.as_ref()?.what) {
            (Purpose::Epoll, _) => Some(self.watching()),
            (purpose, Kind::Tcp(socket)) => tcp_queues(&purpose, socket),
            (Purpose::Receive, Kind::Udp(socket)) => Some(udp_queue(socket)),
            (purpose, Kind::Unix(socket)) => unix_queues(&purpose, socket),
            _ => None,
        }
    }

    fn watching(&self) -> String {
        let nouns: Vec<String> = self
            .watched
            .iter()
            .map(|watched| format!("fd {} ({})", watched.fd, watched.what))
            .collect();
        match nouns.is_empty() {
            true => "it watches nothing".to_string(),
            false => format!("it watches {}", crate::words::list(&nouns)),
        }
    }
}

impl fmt::Display for Call {
    /// A sentence without its full stop: `blocked in recvfrom on fd 4, the connection
    /// from 127.0.0.1:58974; 0 bytes unread`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "blocked in {}", self.phrase())
    }
}

fn child(pid: i32) -> String {
    format!(", waiting for the child {pid} to end")
}

fn tcp_queues(purpose: &Purpose, socket: &TcpSocket) -> Option<String> {
    let unread = || count(socket.unread.into(), "byte") + " unread";
    match purpose {
        Purpose::Accept => socket.waiting.map(waiting),
        Purpose::Receive => Some(unread()),
        Purpose::Send => {
            let unsent = count(socket.unsent.into(), "byte");
            Some(format!(
                "{unsent} not acknowledged by the peer, {}",
                unread()
            ))
        }
        Purpose::Epoll | Purpose::Other => None,
    }
}

fn udp_queue(socket: &UdpSocket) -> String {
    match socket.unread {
        0 => "no datagram waits".to_string(),
        _ => "at least one datagram waits".to_string(),
    }
}

fn unix_queues(purpose: &Purpose, socket: &UnixSocket) -> Option<String> {
    match purpose {
        Purpose::Accept => socket.waiting.map(waiting),
        Purpose::Receive => Some(count(socket.unread?.into(), "byte") + " unread"),
        _ => None,
    }
}

/// The kernel takes an `int` from the lower half of the register; the upper half may
/// hold anything.
#[expect(
    clippy::cast_possible_truncation,
    reason = "this is what the kernel does"
)]
fn int(register: u64) -> i32 {
    register as i32
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::descriptor::Watch;

    fn call(name: &str, args: [u64; 6]) -> Call {
        Call {
            name: name.to_string(),
            args,
            descriptor: None,
            watched: vec![],
        }
    }

    fn tcp(state: &str, unread: u32, unsent: u32, waiting: Option<u32>) -> Kind {
        let remote = "127.0.0.1:58974".parse().expect("an address");
        Kind::Tcp(TcpSocket {
            local: "127.0.0.1:8009".parse().expect("an address"),
            remote: waiting.is_none().then_some(remote),
            state: state.to_string(),
            unread,
            end_unread: false,
            unsent,
            waiting,
            backlog: None,
            accepted: Some(true),
        })
    }

    fn on(mut call: Call, fd: i32, what: Kind) -> String {
        call.descriptor = Some(Descriptor {
            fd,
            what,
            inode: None,
        });
        call.to_string()
    }

    const MINUS_ONE: u64 = u64::MAX;
    /// What a 32-bit -1 looks like where the upper half was cleared.
    const MINUS_ONE_32: u64 = 0xffff_ffff;

    #[test]
    fn a_receive_is_told_with_the_bytes_unread() {
        let receive = || call("recvfrom", [4, 1, 2, 0, 0, 0]);
        let expected = "blocked in recvfrom on fd 4, the connection from \
                        127.0.0.1:58974; 0 bytes unread";
        assert_eq!(on(receive(), 4, tcp("ESTABLISHED", 0, 0, None)), expected);
        let one = on(receive(), 4, tcp("ESTABLISHED", 1, 0, None));
        assert!(one.ends_with("; 1 byte unread"), "{one}");
        assert_eq!(receive().to_string(), "blocked in recvfrom on fd 4");
    }

    #[test]
    fn a_send_is_told_with_both_queues() {
        let told = on(call("sendto", [4; 6]), 4, tcp("ESTABLISHED", 7, 9000, None));
        let expected = "blocked in sendto on fd 4, the connection from \
                        127.0.0.1:58974; 9000 bytes not acknowledged by the \
                        peer, 7 bytes unread";
        assert_eq!(told, expected);
    }

    #[test]
    fn an_accept_is_told_with_who_waits() {
        let accept = || call("accept4", [3, 0, 0, 0, 0, 0]);
        let told = on(accept(), 3, tcp("LISTEN", 0, 0, Some(0)));
        let expected = "blocked in accept4 on fd 3, the listener on \
                        127.0.0.1:8009; no connection waits to be accepted";
        assert_eq!(told, expected);
    }

    #[test]
    fn a_wait_on_an_epoll_set_is_told_with_what_it_watches() {
        let mut wait = call("epoll_wait", [5, 1, 8, MINUS_ONE_32, 0, 0]);
        let watches = vec![Watch {
            fd: 3,
            events: 1,
            inode: None,
        }];
        let listener = tcp("LISTEN", 0, 0, Some(0));
        wait.watched = vec![Descriptor {
            fd: 3,
            what: listener,
            inode: None,
        }];
        let expected = "blocked in epoll_wait on fd 5, an epoll set of 1 descriptor, \
                        without a time limit; it watches fd 3 (the listener on \
                        127.0.0.1:8009)";
        assert_eq!(on(wait, 5, Kind::Epoll(watches)), expected);
        let idle = call("epoll_wait", [5, 1, 8, 250, 0, 0]);
        let expected = "blocked in epoll_wait on fd 5, an epoll set of 0 \
                        descriptors, for at most 250 ms; it watches nothing";
        assert_eq!(on(idle, 5, Kind::Epoll(vec![])), expected);
    }

    #[test]
    fn calls_without_a_descriptor_say_what_they_wait_for() {
        let told = |name, args| call(name, args).to_string();
        let a = 0x7ffd_0000; // an address
        for (sentence, expected) in [
            (
                told("futex", [a, 128, 2, 0, 0, 0]),
                "futex: a lock, a channel or a join",
            ),
            (
                told("futex", [a, 137, 2, a, 0, 0]),
                "futex: a lock, a channel or a join, with a time limit",
            ),
            (
                told("clock_nanosleep", [0; 6]),
                "clock_nanosleep: a pause that the program asked for",
            ),
            (
                told("poll", [a, 1, MINUS_ONE, 0, 0, 0]),
                "poll, waiting for 1 descriptor, without a time limit",
            ),
            (
                told("poll", [a, 3, 500, 0, 0, 0]),
                "poll, waiting for 3 descriptors, for at most 500 ms",
            ),
            (
                told("ppoll", [a, 2, a, 0, 0, 0]),
                "ppoll, waiting for 2 descriptors, with a time limit",
            ),
            (
                told("select", [8, a, 0, 0, 0, 0]),
                "select, waiting for descriptors below 8, without a time limit",
            ),
            (
                told("wait4", [MINUS_ONE, 0, 0, 0, 0, 0]),
                "wait4, waiting for a child to end",
            ),
            (
                told("wait4", [77, 0, 0, 0, 0, 0]),
                "wait4, waiting for the child 77 to end",
            ),
            (
                told("waitid", [1, 77, 0, 4, 0, 0]),
                "waitid, waiting for the child 77 to end",
            ),
            (told("pause", [0; 6]), "pause, waiting for a signal"),
            (
                told("restart_syscall", [a, 1, MINUS_ONE, 0, 0, 0]),
                "restart_syscall: a wait, taken up again after a signal or a stop",
            ),
            (told("getrandom", [a, 0, 0, 0, 0, 0]), "getrandom"),
            (told("system call 999", [3; 6]), "system call 999"),
        ] {
            assert_eq!(sentence, format!("blocked in {expected}"));
        }
    }

    #[test]
    fn a_time_limit_in_the_registers_is_known() {
        let forever = |name, args| call(name, args).waits_forever();
        let a = 0x7ffd_0000;
        assert_eq!(forever("poll", [a, 1, MINUS_ONE, 0, 0, 0]), Some(true));
        assert_eq!(forever("poll", [a, 1, MINUS_ONE_32, 0, 0, 0]), Some(true));
        assert_eq!(forever("poll", [a, 1, 0, 0, 0, 0]), Some(false));
        let limit = |name, args| call(name, args).known_limit();
        let garbage_above = 0xdead_beef_0000_0032;
        let fifty = Some(Duration::from_millis(50));
        assert_eq!(limit("poll", [a, 1, garbage_above, 0, 0, 0]), fifty);
        assert_eq!(limit("epoll_wait", [5, a, 8, 50, 0, 0]), fifty);
        assert_eq!(limit("poll", [a, 1, MINUS_ONE_32, 0, 0, 0]), None);
        assert_eq!(limit("ppoll", [a, 1, 50, 0, 0, 0]), None);
        assert_eq!(
            forever("epoll_wait", [5, a, 8, MINUS_ONE_32, 0, 0]),
            Some(true)
        );
        assert_eq!(forever("epoll_pwait", [5, a, 8, 100, 0, 0]), Some(false));
        assert_eq!(forever("ppoll", [a, 1, 0, 0, 0, 0]), Some(true));
        assert_eq!(forever("ppoll", [a, 1, a, 0, 0, 0]), Some(false));
        assert_eq!(forever("select", [4, a, 0, 0, a, 0]), Some(false));
        assert_eq!(forever("pselect6", [4, a, 0, 0, 0, 0]), Some(true));
        assert_eq!(forever("futex", [a, 128, 0, 0, 0, 0]), Some(true));
        assert_eq!(forever("futex", [a, 137, 0, a, 0, 0]), Some(false));
        assert_eq!(forever("futex", [a, 129, 1, 0, 0, 0]), None, "FUTEX_WAKE");
        assert_eq!(forever("clock_nanosleep", [0, 0, a, a, 0, 0]), Some(false));
        assert_eq!(forever("wait4", [MINUS_ONE, 0, 0, 0, 0, 0]), Some(true));
        assert_eq!(forever("fcntl", [3, 7, a, 0, 0, 0]), Some(true));
        assert_eq!(
            forever("recvfrom", [4, a, 9, 0, 0, 0]),
            None,
            "SO_RCVTIMEO?"
        );
    }

    #[test]
    fn only_a_descriptor_among_the_arguments_is_taken_for_one() {
        let fd = |name, first| call(name, [first, 0, 0, 0, 0, 0]).fd();
        assert_eq!(fd("recvfrom", 4), Some(4));
        assert_eq!(fd("connect", 0xdead_beef_0000_0003), Some(3));
        assert_eq!(fd("read", MINUS_ONE_32), None);
        assert_eq!(fd("futex", 4), None);
        assert_eq!(fd("poll", 4), None);
    }

    #[test]
    fn no_registers_at_all_make_a_sentence_panic() {
        const NAMES: [&str; 12] = [
            "poll",
            "ppoll",
            "select",
            "futex",
            "epoll_wait",
            "wait4",
            "waitid",
            "fcntl",
            "read",
            "sendfile",
            "accept",
            "",
        ];
        for seed in 0..5_000 {
            let mut random = fastrand::Rng::with_seed(seed);
            let args = std::array::from_fn(|_| random.u64(..));
            let call = call(random.choice(NAMES).unwrap_or(""), args);
            let told =
                std::panic::catch_unwind(|| (call.to_string(), call.waits_forever()));
            assert!(told.is_ok(), "seed {seed}: {call:?}");
        }
    }
}
