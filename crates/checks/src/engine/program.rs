//! The learner's program as the check holds it: started, listened to, ended.

use std::io::{self, Read, Write};
use std::net::SocketAddr;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::os::unix::net::UnixStream;
use std::os::unix::process::CommandExt;
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Condvar, Mutex};
use std::time::Duration;
use std::{env, fmt, fs, thread};

use rustix::io::Errno;
use rustix::process::{
    Pid, Resource, Rlimit, Signal, WaitId, WaitIdOptions, WaitOptions,
};

use super::child::{ADDRESS, Message, PEER};
use super::strays;
use crate::json;

/// What the kernel lets the learner's program have.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// How many descriptors it may have open at once.
    pub descriptors: u64,
}

/// Room for what any exercise needs, and an end for what runs away.
const MEMORY: u64 = 4 << 30; // bytes of address space
const CPU: u64 = 60; // seconds
const FILE: u64 = 256 << 20; // bytes

impl Default for Limits {
    fn default() -> Self {
        Self { descriptors: 256 }
    }
}

impl Limits {
    /// Puts the limits on this process: setrlimit(2).
    pub(super) fn apply(self) -> io::Result<()> {
        let limits = [
            (Resource::Nofile, self.descriptors),
            (Resource::As, MEMORY),
            (Resource::Cpu, CPU),
            (Resource::Fsize, FILE),
            (Resource::Core, 0),
            (Resource::Nproc, processes() + self.descriptors),
        ];
        for (resource, most) in limits {
            // A limit may be lowered by anybody and raised by nobody: where the
            // machine allows less than we ask for, less it is.
            let Rlimit { maximum, .. } = rustix::process::getrlimit(resource);
            let most = maximum.map_or(most, |maximum| maximum.min(most));
            let limit = Rlimit {
                current: Some(most),
                maximum: Some(most),
            };
            rustix::process::setrlimit(resource, limit)?;
        }
        Ok(())
    }
}

/// How many processes and threads the program's user may have, besides one for each
/// descriptor: those that there are, and room for what an exercise needs. The limit
/// counts all of a user's, so what the whole machine runs is a bound that is never too
/// low; root is not held by it.
fn processes() -> u64 {
    const ROOM: u64 = 256;
    let load = fs::read_to_string("/proc/loadavg").unwrap_or_default();
    let all = load
        .split(['/', ' '])
        .nth(4)
        .and_then(|all| all.parse().ok());
    all.map_or(u64::MAX, |all: u64| all + ROOM)
}

/// How the program ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Exit {
    /// It returned from `main` or called `exit`.
    Code(i32),
    /// A signal ended it.
    Signal(i32),
}

impl fmt::Display for Exit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match *self {
            Exit::Code(101) => write!(f, "exited with code 101, that of a panic"),
            Exit::Code(code) => write!(f, "exited with code {code}"),
            Exit::Signal(signal) => match Signal::from_named_raw(signal) {
                Some(name) => {
                    // It calls itself `Signal::ABORT`, in quotes.
                    let name = format!("{name:?}");
                    let name = name.trim_matches('"').trim_start_matches("Signal::");
                    write!(f, "was ended by signal {signal}, SIG{name}")
                }
                None => write!(f, "was ended by signal {signal}"),
            },
        }
    }
}

/// What a program is told when it is started.
#[derive(Clone, Copy, Debug)]
pub(super) enum Told {
    /// Nothing: it listens at a port of the kernel's choice, or does not listen.
    Nothing,
    /// Where its peer listens.
    Peer(SocketAddr),
    /// Where it has to listen.
    Address(SocketAddr),
}

/// The child process of one probe.
pub(super) struct Program {
    child: Child,
    line: UnixStream,
    heard: Vec<u8>,
    /// So many bytes of that hold no end of a line: a story is long, and comes in small
    /// pieces.
    searched: usize,
    /// The other end of the line is closed.
    silent: bool,
    output: Arc<(Mutex<Output>, Condvar)>,
    exit: Option<Exit>,
    ended: bool,
}

/// What the program printed, the first and the last of it.
#[derive(Default)]
struct Output {
    head: Vec<u8>,
    tail: Vec<u8>,
    total: usize,
    open: usize,
}

const KEPT: usize = 4096; // bytes at each end

/// Longer than any message of a child's report, in bytes.
const LONGEST_MESSAGE: usize = 16 << 20;

/// How long to wait for the output of a program that has ended.
const LAST_WORDS: Duration = Duration::from_millis(200);

impl Program {
    /// Starts this same binary anew for one probe.
    pub(super) fn start(job: &str, told: Told) -> io::Result<Self> {
        let (line, theirs) = UnixStream::pair()?;
        let mut command = Command::new(env::current_exe()?);
        command
            .env(super::CHILD, job)
            .env("RUST_BACKTRACE", "0")
            .stdin(Stdio::from(OwnedFd::from(theirs)))
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .process_group(0); // so that its own children can be ended with it
        match told {
            Told::Nothing => {}
            Told::Peer(peer) => {
                command.env(PEER, peer.to_string());
            }
            Told::Address(address) => {
                command.env(ADDRESS, address.to_string());
            }
        }
        let mut child = strays::among_the_living(|| command.spawn())?;
        let output: Arc<(Mutex<Output>, Condvar)> = Arc::default();
        if let Some(stdout) = child.stdout.take() {
            keep(stdout, Arc::clone(&output));
        }
        if let Some(stderr) = child.stderr.take() {
            keep(stderr, Arc::clone(&output));
        }
        line.set_nonblocking(true)?;
        let heard = Vec::new();
        let (exit, ended, silent) = (None, false, false);
        Ok(Self {
            child,
            line,
            heard,
            searched: 0,
            silent,
            output,
            exit,
            ended,
        })
    }

    /// Its process id.
    pub(super) fn pid(&self) -> u32 {
        self.child.id()
    }

    /// How it ended, if it has.
    ///
    /// The child is left as a zombie until [`Program::end`]: until then the kernel
    /// gives its number, which is also that of its process group, to nobody else.
    pub(super) fn exit(&mut self) -> Option<Exit> {
        if self.exit.is_none() {
            let id = WaitId::Pid(number(&self.child)?);
            let look =
                WaitIdOptions::EXITED | WaitIdOptions::NOHANG | WaitIdOptions::NOWAIT;
            let status = rustix::process::waitid(id, look).ok().flatten()?;
            self.exit = match (status.exit_status(), status.terminating_signal()) {
                (Some(code), _) => Some(Exit::Code(code)),
                (_, Some(signal)) => Some(Exit::Signal(signal)),
                _ => None,
            };
        }
        self.exit
    }

    /// The next message, if there is one.
    ///
    /// It is read here and now, by no thread of its own: what a program has said
    /// before it came to rest is here when it is seen at rest.
    pub(super) fn message(&mut self) -> Option<Message> {
        loop {
            let unsearched = &self.heard[self.searched..];
            if let Some(end) = unsearched.iter().position(|&byte| byte == b'\n') {
                let line: Vec<u8> =
                    self.heard.drain(..=self.searched + end).collect();
                self.searched = 0;
                let line = String::from_utf8_lossy(&line);
                // A line that is no message was not written by the child's report:
                // the learner's code has found the descriptor. Let it talk.
                match json::read(&line) {
                    Some(message) => return Some(message),
                    None => continue,
                }
            }
            self.searched = self.heard.len();
            let mut chunk = [0; 4096];
            match self.line.read(&mut chunk) {
                Ok(_) if self.heard.len() > LONGEST_MESSAGE => {
                    self.heard.clear();
                    self.searched = 0;
                }
                Ok(read @ 1..) => self.heard.extend_from_slice(&chunk[..read]),
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                    return None;
                }
                _ => {
                    self.silent = true;
                    return None;
                }
            }
        }
    }

    /// Where messages come in, while any can.
    pub(super) fn line(&self) -> Option<BorrowedFd<'_>> {
        (!self.silent).then(|| self.line.as_fd())
    }

    /// Stops it where it is, or lets it go on.
    pub(super) fn signal(&self, signal: Signal) {
        if let Some(pid) = number(&self.child) {
            let _ = rustix::process::kill_process(pid, signal); // it may have ended
        }
    }

    /// Asks for the scripted conversation so far.
    pub(super) fn ask_for_the_story(&mut self) {
        let _ = self.line.write_all(b"\n"); // a program that is gone has told all
    }

    /// Ends it and all its children, and returns what it printed.
    pub(super) fn end(&mut self) -> String {
        self.kill();
        let (output, closed) = &*self.output;
        let output = output.lock().expect(NEVER_POISONED);
        // Who left the process group may hold the pipes open: wait, but not long.
        let (output, _) = closed
            .wait_timeout_while(output, LAST_WORDS, |output| output.open > 0)
            .expect(NEVER_POISONED);
        output.text()
    }

    fn kill(&mut self) {
        if self.ended {
            return;
        }
        self.ended = true;
        self.exit(); // before our own signal is what ended it
        if let Some(group) = number(&self.child) {
            let _ = rustix::process::kill_process_group(group, Signal::KILL);
        }
        let _ = self.child.kill(); // it may have left the group
        let _ = self.child.wait();
        // Its own children have come to us, as orphans do. What they had open is closed
        // once they have ended, and they have all been killed.
        if let Some(group) = number(&self.child) {
            let any = WaitOptions::empty();
            while let Ok(_) | Err(Errno::INTR) = rustix::process::waitpgid(group, any)
            {
            }
        }
        strays::bury(self.child.id());
    }
}

fn number(child: &Child) -> Option<Pid> {
    i32::try_from(child.id()).ok().and_then(Pid::from_raw)
}

impl Drop for Program {
    fn drop(&mut self) {
        self.kill();
    }
}

const NEVER_POISONED: &str = "nothing panics while it keeps output";

/// Reads all that a program prints, so that it never waits for us, and keeps the
/// first and the last of it.
fn keep(
    mut stream: impl Read + Send + 'static,
    output: Arc<(Mutex<Output>, Condvar)>,
) {
    output.0.lock().expect(NEVER_POISONED).open += 1;
    thread::spawn(move || {
        let mut buffer = vec![0; 64 << 10];
        loop {
            let read = match stream.read(&mut buffer) {
                Ok(read @ 1..) => read,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                _ => break,
            };
            output.0.lock().expect(NEVER_POISONED).push(&buffer[..read]);
        }
        output.0.lock().expect(NEVER_POISONED).open -= 1;
        output.1.notify_all();
    });
}

impl Output {
    fn push(&mut self, bytes: &[u8]) {
        self.total += bytes.len();
        let room = KEPT.saturating_sub(self.head.len()).min(bytes.len());
        self.head.extend_from_slice(&bytes[..room]);
        self.tail.extend_from_slice(&bytes[room..]);
        let excess = self.tail.len().saturating_sub(KEPT);
        self.tail.drain(..excess);
    }

    fn text(&self) -> String {
        let left_out = self.total - self.head.len() - self.tail.len();
        let mut text = String::from_utf8_lossy(&self.head).into_owned();
        if left_out > 0 {
            text.push_str(&format!("\n… {left_out} bytes left out …\n"));
        }
        text.push_str(&String::from_utf8_lossy(&self.tail));
        text
    }
}
