//! What the system calls of one process do to its connections.

use std::collections::{BTreeSet, HashMap};
use std::ops::Range;
use std::time::Duration;

use crate::pieces::strace::{Call, Entry, address, bytes};

/// One system call, as far as a picture of the conversation is concerned.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Step {
    /// The call in short: `recvfrom(3, …, 32)`.
    pub call: String,
    /// What it returned, `32`; empty if it has not.
    pub result: String,
    /// What it has to wait for, and what it brings about.
    pub deed: Deed,
}

/// What a call does. Connections are counted from 0 by each process: the client's in
/// the order of its `connect`, the server's in the order of its `accept`: the same
/// order, because the accept queue is one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Deed {
    /// Nothing that the other side could see.
    Nothing,
    /// It never returned.
    Waits,
    /// It is no call: the process was stopped until the other had nothing left to do.
    Held,
    /// From now on the kernel accepts connections.
    Listen,
    /// A connection is made.
    Connect,
    /// A connection is taken from the queue.
    Accept,
    /// Bytes are sent.
    Send(usize, Vec<u8>),
    /// Bytes are received, and left where they are if they were only looked at.
    Receive(usize, Vec<u8>, Taken),
    /// 0 bytes are received: the end.
    ReceiveEnd(usize),
    /// A reset is received.
    ReceiveReset(usize),
    /// The sending is ended; the receiving too.
    End(Vec<usize>, Closed),
    /// Bytes that come from elsewhere than a socket, such as the keyboard.
    Input(Vec<u8>),
    /// Bytes are received, and the trace does not say which.
    Unclear,
}

/// Whether a receive has taken the bytes off the stream.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Taken {
    /// It has.
    Yes,
    /// It has not (`MSG_PEEK`).
    No,
}

/// Whether a socket is gone after its sending has ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Closed {
    /// `close`, or the end of the process.
    Yes,
    /// `shutdown`.
    No,
}

/// Goes through what a process did, and keeps what concerns its sockets, and the
/// reads of its standard input if `keyboard` is wanted.
pub fn steps(entries: &[Entry], keyboard: bool) -> Vec<Step> {
    let main = entries.iter().find_map(|entry| match entry {
        Entry::Call(call) => Some(call.pid),
        Entry::Stop(_) | Entry::Exit(_) => None,
    });
    let mut process = Process::default();
    let steps = entries.iter().filter_map(|entry| match entry {
        Entry::Call(call) => process.step(call, keyboard),
        Entry::Stop(pid) if Some(*pid) == main => Some(Step {
            call: "stopped".into(),
            result: "goes on".into(),
            deed: Deed::Held,
        }),
        Entry::Exit(pid) if Some(*pid) == main => process.exit(),
        Entry::Stop(_) | Entry::Exit(_) => None,
    });
    steps.collect()
}

/// What a process holds.
#[derive(Default)]
struct Process {
    /// Which socket a descriptor is.
    descriptors: HashMap<i32, usize>,
    sockets: Vec<Socket>,
    links: usize,
}

#[derive(Clone, Copy, Default)]
struct Socket {
    /// Its connection, if it has one.
    link: Option<usize>,
}

impl Process {
    fn step(&mut self, call: &Call, keyboard: bool) -> Option<Step> {
        let is_socket = call
            .descriptor()
            .is_some_and(|fd| self.descriptors.contains_key(&fd));
        let name = call.name.as_str();
        let wanted = match name {
            "socket" => true,
            "fcntl" => is_socket && call.arg(1).starts_with("F_DUPFD"),
            "read" => is_socket || (keyboard && call.arg(0) == "0"),
            _ => is_socket,
        };
        if !wanted {
            return None;
        }
        let deed = match call.result {
            None => Deed::Waits,
            Some(_) if call.error().is_some() => self.failure(call),
            Some(_) => self.deed(call, is_socket),
        };
        let (call, result) = words(call, is_socket);
        Some(Step { call, result, deed })
    }

    /// A call that has failed; most failures move nothing.
    fn failure(&mut self, call: &Call) -> Deed {
        match (call.error(), self.link(call)) {
            (Some("ECONNRESET"), Some(link)) => Deed::ReceiveReset(link),
            // The handshake goes on without the process.
            (Some("EINPROGRESS"), None) => self.connect(call),
            _ => Deed::Nothing,
        }
    }

    fn deed(&mut self, call: &Call, is_socket: bool) -> Deed {
        let link = self.link(call);
        let returned = call.number().unwrap_or(0);
        match (call.name.as_str(), link) {
            ("socket", _) => self.open(returned),
            ("fcntl" | "dup" | "dup2" | "dup3", _) => self.duplicate(call, returned),
            ("listen", _) => Deed::Listen,
            ("connect", None) => self.connect(call),
            ("accept4" | "accept", _) => self.accept(returned),
            ("read", _) if !is_socket && returned == 0 => Deed::Nothing,
            ("read", _) if !is_socket => {
                Deed::Input(bytes(call.arg(1)).unwrap_or_default())
            }
            ("sendto" | "send" | "write", Some(link)) => {
                let sent = bytes(call.arg(1)).unwrap_or_default();
                let kept = usize::try_from(returned).unwrap_or(0).min(sent.len());
                Deed::Send(link, sent[..kept].to_vec())
            }
            ("recvfrom" | "recv" | "read", Some(link)) if returned == 0 => {
                Deed::ReceiveEnd(link)
            }
            ("recvfrom" | "recv" | "read", Some(link)) => {
                let peeked = call.arg(3).contains("MSG_PEEK");
                let taken = if peeked { Taken::No } else { Taken::Yes };
                let all =
                    |bytes: &Vec<u8>| i64::try_from(bytes.len()) == Ok(returned);
                let bytes = bytes(call.arg(1)).filter(all);
                bytes.map_or(Deed::Unclear, |bytes| Deed::Receive(link, bytes, taken))
            }
            ("shutdown", Some(link)) if call.arg(1) != "SHUT_RD" => {
                Deed::End(vec![link], Closed::No)
            }
            ("close", _) => self.close(call),
            _ => Deed::Nothing,
        }
    }

    fn socket(&mut self, call: &Call) -> Option<&mut Socket> {
        let place = self.descriptors.get(&call.descriptor()?)?;
        self.sockets.get_mut(*place)
    }

    fn link(&mut self, call: &Call) -> Option<usize> {
        self.socket(call)?.link
    }

    fn open(&mut self, fd: i64) -> Deed {
        if let Ok(fd) = i32::try_from(fd) {
            self.descriptors.insert(fd, self.sockets.len());
            self.sockets.push(Socket::default());
        }
        Deed::Nothing
    }

    fn duplicate(&mut self, call: &Call, fd: i64) -> Deed {
        let place = call.descriptor().and_then(|fd| self.descriptors.get(&fd));
        if let (Some(&place), Ok(fd)) = (place, i32::try_from(fd)) {
            self.descriptors.insert(fd, place);
        }
        Deed::Nothing
    }

    fn connect(&mut self, call: &Call) -> Deed {
        let link = self.links;
        self.links += 1;
        if let Some(socket) = self.socket(call) {
            socket.link = Some(link);
        }
        Deed::Connect
    }

    fn accept(&mut self, fd: i64) -> Deed {
        self.open(fd);
        if let Some(socket) = self.sockets.last_mut() {
            socket.link = Some(self.links);
        }
        self.links += 1;
        Deed::Accept
    }

    /// The connection ends with its last descriptor.
    fn close(&mut self, call: &Call) -> Deed {
        let gone = call
            .descriptor()
            .and_then(|fd| self.descriptors.remove(&fd));
        let last = |place: &usize| !self.descriptors.values().any(|it| it == place);
        let socket = gone.filter(last).and_then(|place| self.sockets.get(place));
        let link = socket.and_then(|socket| socket.link);
        Deed::End(link.into_iter().collect(), Closed::Yes)
    }

    /// The process ends, and the kernel closes what it had open.
    fn exit(&mut self) -> Option<Step> {
        let open: BTreeSet<usize> = self.descriptors.drain().map(|it| it.1).collect();
        let links = open
            .iter()
            .filter_map(|place| self.sockets.get(*place)?.link);
        let links: Vec<usize> = links.collect();
        (!links.is_empty()).then(|| Step {
            call: "the process ends".into(),
            result: String::new(),
            deed: Deed::End(links, Closed::Yes),
        })
    }
}

/// The call and its result, as short as a picture needs them.
///
/// Left out are the flags that std always sets (`SOCK_CLOEXEC`, `MSG_NOSIGNAL`), the
/// sizes of structures, and the protocol, which follows from the type of the socket.
/// Bytes are `…` here; the picture shows them beside the call.
pub fn words(call: &Call, is_socket: bool) -> (String, String) {
    let name = call.name.as_str();
    let args = |range: Range<usize>| -> Vec<String> {
        let args = call.args.get(range).unwrap_or_default();
        args.iter().map(|arg| arg.to_string()).collect()
    };
    let fd = call.arg(0).to_string();
    let told = match name {
        "socket" => {
            let kind = call.arg(1).replace("|SOCK_CLOEXEC", "");
            vec![fd, kind]
        }
        "setsockopt" => vec![fd, option(call.arg(2)), value(call.arg(3))],
        "getsockopt" => vec![fd, option(call.arg(2))],
        "bind" | "connect" => vec![fd, place(call.arg(1))],
        "accept4" | "accept" | "getsockname" | "getpeername" => vec![fd],
        "sendto" | "write" | "recvfrom" | "read" | "send" | "recv" => {
            let mut told = vec![fd, "…".into(), call.arg(2).to_string()];
            let flags = call.arg(3).replace("MSG_NOSIGNAL", "0");
            told.extend(
                Some(flags)
                    .filter(|flags| is_socket && !flags.is_empty() && flags != "0"),
            );
            told.retain(|arg| !arg.is_empty()); // a call that has not returned
            if name == "sendto" {
                told.extend(address(call.arg(4)).map(|to| to.to_string()));
            }
            told
        }
        _ => args(0..call.args.len()),
    };
    (format!("{name}({})", told.join(", ")), result(call))
}

fn result(call: &Call) -> String {
    if let Some(error) = call.error() {
        return format!("-1 {error}");
    }
    let number = call.result.clone().unwrap_or_default();
    if call.name == "recvfrom"
        && let Some(peer) = address(call.arg(4))
    {
        return format!("{number}, from {peer}");
    }
    match (call.name.as_str(), address(call.arg(1))) {
        ("accept4" | "accept", Some(peer)) => format!("{number}, from {peer}"),
        ("getsockname" | "getpeername", Some(addr)) => addr.to_string(),
        ("getsockopt", _) => value(call.arg(3)),
        _ => number.split(" (").next().unwrap_or_default().to_string(),
    }
}

/// `SO_RCVTIMEO_OLD` is the same option; the new one has room for years after 2038.
pub fn option(name: &str) -> String {
    name.trim_end_matches("_OLD")
        .trim_end_matches("_NEW")
        .to_string()
}

/// The value of an option: a number, or a time.
fn value(arg: &str) -> String {
    if let Some(time) = time(arg) {
        return match time.subsec_nanos() {
            0 => format!("{} s", time.as_secs()),
            _ => format!("{time:?}"),
        };
    }
    let inner = arg.strip_prefix('[').and_then(|arg| arg.strip_suffix(']'));
    inner.unwrap_or(arg).to_string()
}

/// A `struct timeval`, which strace writes as a structure or, before its version 6.5,
/// as the bytes of one: two numbers of 64 bits.
pub fn time(arg: &str) -> Option<Duration> {
    let (seconds, micros) = match bytes(arg) {
        Some(bytes) => {
            let (seconds, micros) = bytes.split_at_checked(8)?;
            let number =
                |bytes: &[u8]| Some(u64::from_ne_bytes(bytes.try_into().ok()?));
            (number(seconds)?, number(micros)?)
        }
        None => {
            let fields = arg.strip_prefix("{tv_sec=")?.strip_suffix('}')?;
            let (seconds, micros) = fields.split_once(", tv_usec=")?;
            (seconds.parse().ok()?, micros.parse().ok()?)
        }
    };
    Duration::from_secs(seconds).checked_add(Duration::from_micros(micros))
}

fn place(arg: &str) -> String {
    address(arg).map_or_else(|| arg.to_string(), |addr| addr.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::pieces::strace::parse;
    use crate::pieces::strace::tests::{TRACE, with_damaged_traces};

    fn told(trace: &str, keyboard: bool) -> Vec<String> {
        let steps = steps(&parse(trace).unwrap(), keyboard);
        let told = |step: &Step| format!("{} = {}", step.call, step.result);
        steps.iter().map(told).collect()
    }

    #[test]
    fn the_calls_on_sockets_are_told_in_short() {
        let expected = [
            "socket(AF_INET, SOCK_STREAM) = 3",
            "setsockopt(3, SO_REUSEADDR, 1) = 0",
            "bind(3, 127.0.0.1:0) = 0",
            "listen(3, 128) = 0",
            "getsockname(3) = 127.0.0.1:44643",
            "accept4(3) = 4, from 127.0.0.1:46728",
            "setsockopt(4, SO_RCVTIMEO, 300 s) = 0",
            "getpeername(4) = 127.0.0.1:46728",
            "sendto(4, …, 3) = 3",
            "shutdown(4, SHUT_WR) = 0",
            "recvfrom(4, …, 1024) = 0",
            "close(4) = 0",
            "accept4(3) = ",
        ];
        assert_eq!(told(TRACE, true), expected);
    }

    #[test]
    fn the_calls_move_bytes_and_ends() {
        let deeds = |trace: &str| -> Vec<Deed> {
            let steps = steps(&parse(trace).unwrap(), false).into_iter();
            steps
                .map(|step| step.deed)
                .filter(|deed| *deed != Deed::Nothing)
                .collect()
        };
        let expected = [
            Deed::Listen,
            Deed::Accept,
            Deed::Send(0, b"hi\n".to_vec()),
            Deed::End(vec![0], Closed::No),
            Deed::ReceiveEnd(0),
            Deed::End(vec![0], Closed::Yes),
            Deed::Waits,
        ];
        assert_eq!(deeds(TRACE), expected);
    }

    #[test]
    fn a_connection_ends_with_its_last_descriptor_or_with_the_process() {
        let trace = "1 1.0 socket(AF_INET, SOCK_STREAM, IPPROTO_IP) = 3\n\
                     1 1.0 connect(3, {}, 16) = 0\n\
                     1 1.0 fcntl(3, F_DUPFD_CLOEXEC, 3) = 4\n\
                     1 1.0 close(3) = 0\n\
                     1 1.0 +++ exited with 0 +++\n";
        let steps = steps(&parse(trace).unwrap(), false);
        let ends: Vec<&Deed> = steps[3..].iter().map(|step| &step.deed).collect();
        let expected = [
            &Deed::End(vec![], Closed::Yes),
            &Deed::End(vec![0], Closed::Yes),
        ];
        assert_eq!(ends, expected);
    }

    #[test]
    fn a_look_at_bytes_takes_none() {
        let trace = "1 1.0 socket(AF_INET, SOCK_STREAM, IPPROTO_IP) = 3\n\
                     1 1.0 connect(3, {}, 16) = 0\n\
                     1 1.0 recvfrom(3, \"\\x61\", 9, MSG_PEEK, NULL, NULL) = 1\n\
                     1 1.0 recvfrom(3, \"\\x61\", 9, 0, NULL, NULL) = 1\n";
        let steps = steps(&parse(trace).unwrap(), false);
        let bytes = |taken| Deed::Receive(0, b"a".to_vec(), taken);
        assert_eq!(steps[2].deed, bytes(Taken::No));
        assert_eq!(steps[3].deed, bytes(Taken::Yes));
        assert_eq!(steps[2].call, "recvfrom(3, …, 9, MSG_PEEK)");
    }

    #[test]
    fn the_keyboard_is_told_if_it_is_wanted() {
        let trace = "1 1.0 read(0, \"\\x61\\x0a\", 8192) = 2\n\
                     1 1.0 read(5, \"\\x61\", 8192) = 1\n\
                     1 1.0 close(5) = 0\n";
        assert_eq!(told(trace, true), ["read(0, …, 8192) = 2"]);
        assert!(told(trace, false).is_empty());
    }

    #[test]
    fn a_time_is_read_in_both_forms_that_strace_has_for_it() {
        let half = Some(Duration::from_millis(1500));
        assert_eq!(time("{tv_sec=1, tv_usec=500000}"), half);
        let bytes = [1_u64.to_ne_bytes(), 500_000_u64.to_ne_bytes()].concat();
        let escaped: String =
            bytes.iter().map(|byte| format!("\\x{byte:02x}")).collect();
        assert_eq!(time(&format!("\"{escaped}\"")), half);
        assert_eq!(time("[1]"), None);
        assert_eq!(time("{tv_sec=18446744073709551615, tv_usec=1000000}"), None);
    }

    #[test]
    fn any_trace_has_its_steps() {
        with_damaged_traces(|trace| {
            if let Ok(entries) = parse(trace) {
                let _ = steps(&entries, true);
            }
        });
    }
}
