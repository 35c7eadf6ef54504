//! Reads what strace has written (`-f -ttt -xx -o FILE`).
//!
//! Any text is read to the end or refused with the line that makes no sense; nothing
//! is passed over in silence, because a call that is missing from a picture makes the
//! picture wrong.

use std::collections::HashMap;
use std::fmt;
use std::net::{IpAddr, SocketAddr};

/// What happened in a traced process, in the order of its beginning.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Entry {
    /// A system call.
    Call(Call),
    /// The thread with this number was stopped, by the signal `SIGSTOP`.
    Stop(u32),
    /// The thread with this number has ended.
    Exit(u32),
}

/// One system call.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Call {
    /// The thread that made it.
    pub pid: u32,
    /// Its name, such as `accept4`.
    pub name: String,
    /// Its arguments as strace writes them.
    pub args: Vec<String>,
    /// What stands behind the `=`; none if it has not returned.
    pub result: Option<String>,
}

impl Call {
    /// The number that it returned; `None` if it has not, or returned an address.
    pub fn number(&self) -> Option<i64> {
        let result = self.result.as_deref()?;
        result.split(' ').next()?.parse().ok()
    }

    /// The name of the error that it returned, such as `EAGAIN`.
    pub fn error(&self) -> Option<&str> {
        let rest = self.result.as_deref()?.strip_prefix("-1 ")?;
        rest.split(' ').next()
    }

    /// The argument at this place; empty if there are fewer.
    pub fn arg(&self, place: usize) -> &str {
        self.args.get(place).map_or("", String::as_str)
    }

    /// Its first argument, if that is a descriptor.
    pub fn descriptor(&self) -> Option<i32> {
        self.arg(0).parse().ok()
    }
}

/// A line that is not of the form that strace writes.
#[derive(Debug, PartialEq, Eq)]
pub struct Garbled {
    /// Its number, from 1.
    pub line: usize,
    /// The line.
    pub text: String,
}

impl fmt::Display for Garbled {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Garbled { line, text } = self;
        write!(f, "line {line} of the trace makes no sense: {text:?}")
    }
}

impl std::error::Error for Garbled {}

/// Reads a whole trace.
pub fn parse(trace: &str) -> Result<Vec<Entry>, Garbled> {
    let mut reader = Reader::default();
    for (number, line) in trace.lines().enumerate() {
        reader.line(line).ok_or_else(|| Garbled {
            line: number + 1,
            text: line.to_string(),
        })?;
    }
    Ok(reader.finish())
}

const UNFINISHED: &str = "<unfinished ...>";

#[derive(Default)]
struct Reader {
    entries: Vec<Entry>,
    /// The calls that have not returned: their place in `entries`, their beginning.
    open: HashMap<u32, (usize, String)>,
}

impl Reader {
    fn line(&mut self, line: &str) -> Option<()> {
        let (pid, rest) = line.split_once(' ')?;
        let pid = pid.parse().ok()?;
        let (time, rest) = rest.trim_start().split_once(' ')?;
        time.parse::<f64>().ok()?;
        if is_framed(rest, "---") {
            // The other signals are neither calls nor seen in a picture.
            let stopped = rest.starts_with("--- stopped by SIGSTOP");
            self.entries.extend(stopped.then_some(Entry::Stop(pid)));
            return Some(());
        }
        if is_framed(rest, "+++") {
            self.entries.push(Entry::Exit(pid));
            return Some(());
        }
        if let Some(resumed) = rest.strip_prefix("<... ") {
            return self.resume(pid, resumed);
        }
        if self.open.contains_key(&pid) {
            return None; // a thread is in one call at a time
        }
        match rest.strip_suffix(UNFINISHED) {
            Some(beginning) => self.begin(pid, beginning),
            None => {
                self.entries.push(Entry::Call(whole_call(pid, rest)?));
                Some(())
            }
        }
    }

    /// `accept4(3,  <unfinished ...>`: the call waits, another thread is heard of.
    fn begin(&mut self, pid: u32, beginning: &str) -> Option<()> {
        let (name, args) = beginning.split_once('(')?;
        let call = Call {
            pid,
            name: valid_name(name)?.to_string(),
            args: pieces(args.trim_end().trim_end_matches(',')),
            result: None,
        };
        self.open
            .insert(pid, (self.entries.len(), beginning.trim_end().to_string()));
        self.entries.push(Entry::Call(call));
        Some(())
    }

    /// `<... accept4 resumed>{…}, [128 => 16], SOCK_CLOEXEC) = 4`
    fn resume(&mut self, pid: u32, resumed: &str) -> Option<()> {
        let (name, rest) = resumed.split_once(" resumed>")?;
        let (place, beginning) = self.open.remove(&pid)?;
        // A thread that is killed while it waits is resumed in a way of its own.
        let rest = rest.trim_start();
        let rest = rest.strip_prefix(UNFINISHED).unwrap_or(rest);
        let call = whole_call(pid, &format!("{beginning}{rest}"))?;
        if call.name != name {
            return None;
        }
        *self.entries.get_mut(place)? = Entry::Call(call);
        Some(())
    }

    fn finish(self) -> Vec<Entry> {
        let mut entries = self.entries;
        let mut place = 0;
        while place < entries.len() {
            // A signal came while the call waited; the kernel makes it again after.
            if has_result(&entries[place], "? ERESTART")
                && same_again(&entries[place..])
            {
                entries.remove(place);
            } else {
                place += 1;
            }
        }
        for entry in &mut entries {
            if has_result(entry, "?")
                && let Entry::Call(call) = entry
            {
                call.result = None;
            }
        }
        entries
    }
}

fn has_result(entry: &Entry, beginning: &str) -> bool {
    match entry {
        Entry::Call(call) => {
            let result = call.result.as_deref();
            result.is_some_and(|result| result.starts_with(beginning))
        }
        Entry::Stop(_) | Entry::Exit(_) => false,
    }
}

/// Whether the thread of the first of `entries` makes the same call next.
fn same_again(entries: &[Entry]) -> bool {
    let [Entry::Call(first), rest @ ..] = entries else {
        return false;
    };
    let next = rest.iter().find_map(|entry| match entry {
        Entry::Call(call) if call.pid == first.pid => Some(call),
        _ => None,
    });
    next.is_some_and(|next| next.name == first.name)
}

fn is_framed(text: &str, frame: &str) -> bool {
    text.starts_with(frame) && text.trim_end().ends_with(frame)
}

/// `listen(3, 128)  = 0`
fn whole_call(pid: u32, text: &str) -> Option<Call> {
    let (name, rest) = text.split_once('(')?;
    let end = closing(rest)?;
    let result = rest[end + 1..].trim_start().strip_prefix('=')?.trim();
    Some(Call {
        pid,
        name: valid_name(name)?.to_string(),
        args: pieces(&rest[..end]),
        result: Some(result.to_string()),
    })
}

fn valid_name(name: &str) -> Option<&str> {
    let fits = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_';
    (!name.is_empty() && name.chars().all(fits)).then_some(name)
}

/// Where the parenthesis closes that was opened before `text`.
fn closing(text: &str) -> Option<usize> {
    let mut nesting = Nesting::default();
    text.char_indices().find_map(|(at, c)| {
        let outside = nesting.is_outside();
        nesting.next(c);
        (outside && c == ')').then_some(at)
    })
}

/// The arguments: separated by the commas that are in no bracket and in no string.
fn pieces(text: &str) -> Vec<String> {
    let mut nesting = Nesting::default();
    let mut found = vec![String::new()];
    for c in text.chars() {
        if c == ',' && nesting.is_outside() {
            found.push(String::new());
        } else if let Some(last) = found.last_mut() {
            last.push(c);
        }
        nesting.next(c);
    }
    let found = found.iter().map(|piece| piece.trim().to_string());
    found.filter(|piece| !piece.is_empty()).collect()
}

/// How deep in brackets we are, and whether in a string.
#[derive(Default)]
struct Nesting {
    depth: usize,
    quoted: bool,
    escaped: bool,
}

impl Nesting {
    fn is_outside(&self) -> bool {
        self.depth == 0 && !self.quoted
    }

    fn next(&mut self, c: char) {
        match c {
            _ if self.escaped => self.escaped = false,
            '\\' if self.quoted => self.escaped = true,
            '"' => self.quoted = !self.quoted,
            _ if self.quoted => {}
            '(' | '[' | '{' => self.depth += 1,
            ')' | ']' | '}' => self.depth = self.depth.saturating_sub(1),
            _ => {}
        }
    }
}

/// The bytes of a string that strace has written whole, such as `"\x68\x69"`.
pub fn bytes(arg: &str) -> Option<Vec<u8>> {
    let mut rest = arg.strip_prefix('"')?.strip_suffix('"')?;
    let mut bytes = Vec::new();
    while !rest.is_empty() {
        let (digits, tail) = rest.strip_prefix("\\x")?.split_at_checked(2)?;
        if !digits.bytes().all(|digit| digit.is_ascii_hexdigit()) {
            return None;
        }
        bytes.push(u8::from_str_radix(digits, 16).ok()?);
        rest = tail;
    }
    Some(bytes)
}

/// The address in an argument such as
/// `{sa_family=AF_INET, sin_port=htons(80), sin_addr=inet_addr("\x31…")}`.
pub fn address(arg: &str) -> Option<SocketAddr> {
    let inner = arg.strip_prefix('{')?.strip_suffix('}')?;
    let fields = pieces(inner);
    let port = fields.iter().find_map(|field| {
        let (_, number) = field.split_once("port=htons(")?;
        number.strip_suffix(')')?.parse().ok()
    })?;
    let host = fields.iter().find_map(|field| {
        let (_, quoted) = field.split_once('"')?;
        let text = bytes(&format!("\"{}\"", quoted.split('"').next()?))?;
        str::from_utf8(&text).ok()?.parse::<IpAddr>().ok()
    })?;
    Some(SocketAddr::new(host, port))
}

#[cfg(test)]
pub mod tests {
    use super::*;

    /// Part of a real trace, the strings shortened.
    pub const TRACE: &str = r#"100 1795258093.442881 socket(AF_INET, SOCK_STREAM|SOCK_CLOEXEC, IPPROTO_TCP) = 3
100 1795258093.442911 setsockopt(3, SOL_SOCKET, SO_REUSEADDR, [1], 4) = 0
100 1795258093.442940 bind(3, {sa_family=AF_INET, sin_port=htons(0), sin_addr=inet_addr("\x31\x32\x37\x2e\x30\x2e\x30\x2e\x31")}, 16) = 0
100 1795258093.442978 listen(3, 128)  = 0
100 1795258093.443003 getsockname(3, {sa_family=AF_INET, sin_port=htons(44643), sin_addr=inet_addr("\x31\x32\x37\x2e\x30\x2e\x30\x2e\x31")}, [128 => 16]) = 0
100 1795258093.443561 accept4(3,  <unfinished ...>
101 1795258093.443598 read(9, "\x0a\x28", 2) = 2
100 1795258094.162240 <... accept4 resumed>{sa_family=AF_INET, sin_port=htons(46728), sin_addr=inet_addr("\x31\x32\x37\x2e\x30\x2e\x30\x2e\x31")}, [128 => 16], SOCK_CLOEXEC) = 4
100 1795258094.162385 setsockopt(4, SOL_SOCKET, SO_RCVTIMEO_OLD, "\x2c\x01\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00", 16) = 0
100 1795258094.162442 getpeername(4, {sa_family=AF_INET, sin_port=htons(46728), sin_addr=inet_addr("\x31\x32\x37\x2e\x30\x2e\x30\x2e\x31")}, [128 => 16]) = 0
100 1795258094.162476 sendto(4, "\x68\x69\x0a", 3, MSG_NOSIGNAL, NULL, 0) = 3
100 1795258094.162635 shutdown(4, SHUT_WR) = 0
100 1795258094.162743 recvfrom(4, "", 1024, 0, NULL, NULL) = 0
100 1795258094.163034 close(4)        = 0
100 1795258094.163085 accept4(3, 0x7ffeaf1977c8, [128], SOCK_CLOEXEC) = ? ERESTARTSYS (To be restarted if SA_RESTART is set)
100 1795258094.378845 --- SIGINT {si_signo=SIGINT, si_code=SI_USER, si_pid=12995, si_uid=0} ---
100 1795258094.380417 accept4(3,  <unfinished ...>
101 1795258094.380491 exit_group(0 <unfinished ...>
100 1795258094.380511 <... accept4 resumed> <unfinished ...>) = ?
101 1795258094.380518 <... exit_group resumed>) = ?
101 1795258094.380764 +++ exited with 0 +++
100 1795258094.380771 +++ killed by SIGTERM +++
"#;

    /// Calls `check` with the trace, damaged in many ways.
    pub fn with_damaged_traces(check: impl Fn(&str)) {
        for seed in 0..400 {
            let mut random = fastrand::Rng::with_seed(seed);
            let mut text: Vec<char> = TRACE.chars().collect();
            for _ in 0..random.usize(1..12) {
                let at = random.usize(..text.len());
                let to = (at + random.usize(..40)).min(text.len());
                match random.u8(..4) {
                    0 => drop(text.drain(at..to)),
                    1 => text.insert(
                        at,
                        *random
                            .choice(&['"', '\\', ')', '(', '\n', 'é', ' ', '=', '<'])
                            .unwrap(),
                    ),
                    2 => text[at] = random.char(..),
                    _ => text.extend_from_within(at..to),
                }
            }
            let text: String = text.into_iter().collect();
            println!("seed {seed}");
            check(&text);
        }
    }

    fn calls(trace: &str) -> Vec<Call> {
        let entries = parse(trace).unwrap().into_iter();
        let call = |entry| match entry {
            Entry::Call(call) => Some(call),
            Entry::Stop(_) | Entry::Exit(_) => None,
        };
        entries.filter_map(call).collect()
    }

    #[test]
    fn a_call_has_a_name_arguments_and_a_result() {
        let calls = calls(TRACE);
        assert_eq!(calls[1].name, "setsockopt");
        assert_eq!(
            calls[1].args,
            ["3", "SOL_SOCKET", "SO_REUSEADDR", "[1]", "4"]
        );
        assert_eq!(calls[1].number(), Some(0));
        let port = |call: &Call| address(call.arg(1)).unwrap().to_string();
        assert_eq!(port(&calls[2]), "127.0.0.1:0");
        assert_eq!(port(&calls[4]), "127.0.0.1:44643");
        let refused =
            "7 1.0 connect(3, {}, 16) = -1 ECONNREFUSED (Connection refused)";
        let refused = &parse(refused).unwrap()[0];
        let Entry::Call(refused) = refused else {
            panic!("{refused:?}");
        };
        assert_eq!(refused.error(), Some("ECONNREFUSED"));
    }

    #[test]
    fn a_call_that_another_thread_interrupts_in_the_trace_is_one_call() {
        let calls = calls(TRACE);
        let names: Vec<&str> =
            calls[5..8].iter().map(|call| call.name.as_str()).collect();
        assert_eq!(
            names,
            ["accept4", "read", "setsockopt"],
            "in the order of beginning"
        );
        assert_eq!(calls[5].number(), Some(4));
        assert_eq!(bytes(calls[6].arg(1)).unwrap(), b"\n(");
    }

    #[test]
    fn a_call_that_a_signal_interrupts_is_one_call_and_has_not_returned() {
        let calls = calls(TRACE);
        let last: Vec<&Call> = calls.iter().filter(|call| call.pid == 100).collect();
        let [.., close, accept] = last.as_slice() else {
            panic!("{last:?}");
        };
        assert_eq!((close.name.as_str(), close.number()), ("close", Some(0)));
        assert_eq!((accept.name.as_str(), &accept.result), ("accept4", &None));
    }

    #[test]
    fn a_line_that_strace_does_not_write_is_refused() {
        for line in [
            "",
            "100",
            "100 1.5",
            "x 1.5 close(3) = 0",
            "100 1.5 close(3)",
            "100 1.5 close(3 = 0",
            "100 1.5 cl ose(3) = 0",
            "100 1.5 <... read resumed>) = 0",
        ] {
            let trace = format!("100 1.0 close(3) = 0\n{line}\n");
            assert_eq!(parse(&trace).unwrap_err().line, 2, "{line}");
        }
    }

    #[test]
    fn a_thread_that_would_be_in_two_calls_is_refused() {
        let waits = "100 1.0 accept4(3,  <unfinished ...>\n";
        let other = format!("{waits}100 1.1 close(3) = 0\n");
        assert_eq!(parse(&other).unwrap_err().line, 2);
        let other = format!("{waits}100 1.1 <... close resumed>) = 0\n");
        assert_eq!(parse(&other).unwrap_err().line, 2);
    }

    #[test]
    fn any_text_is_read_or_refused() {
        with_damaged_traces(|text| {
            if let Ok(entries) = parse(text) {
                for entry in entries {
                    if let Entry::Call(call) = entry {
                        let _ = (call.number(), call.error(), call.descriptor());
                        for arg in &call.args {
                            let _ = (bytes(arg), address(arg));
                        }
                    }
                }
            }
        });
        for seed in 0..200 {
            let mut random = fastrand::Rng::with_seed(seed);
            let text: String =
                (0..random.usize(..200)).map(|_| random.char(..)).collect();
            let _ = (parse(&text), bytes(&text), address(&text));
        }
    }

    #[test]
    fn the_bytes_of_a_string_come_back() {
        for seed in 0..100 {
            let mut random = fastrand::Rng::with_seed(seed);
            let wanted: Vec<u8> =
                (0..random.usize(..100)).map(|_| random.u8(..)).collect();
            let escaped: String =
                wanted.iter().map(|byte| format!("\\x{byte:02x}")).collect();
            assert_eq!(
                bytes(&format!("\"{escaped}\"")),
                Some(wanted),
                "seed {seed}"
            );
        }
        assert_eq!(bytes("\"\\x68\"..."), None, "cut short");
        assert_eq!(bytes("\"\\x+1\""), None);
    }
}
