//! The processes that are looked at: how to start one, and the parts it can play.

use rustix::event::{PollFd, PollFlags, Timespec, epoll, poll};
use rustix::process::{Signal, getppid, set_parent_process_death_signal};
use std::io::{self, BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream, UdpSocket};
use std::os::fd::AsRawFd;
use std::os::unix::net::{UnixListener, UnixStream};
use std::process::{Child, ChildStdin, ChildStdout, Command, ExitCode, Stdio};
use std::time::{Duration, Instant};
use std::{env, thread};
use xray::{Glance, Process};

const PART: &str = "XRAY_TEST_PART";
const PARENT: &str = "XRAY_TEST_PARENT";

/// A process that plays a part, killed and collected at the end of the test however
/// that comes about.
pub struct Subject {
    child: Child,
    said: BufReader<ChildStdout>,
}

impl Subject {
    /// Starts this program again with a part to play, such as `accept 127.0.0.1:0`.
    pub fn start(part: &str) -> Subject {
        Subject::spawn(&mut itself(part))
    }

    pub fn spawn(command: &mut Command) -> Subject {
        let command = command.stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut child = command.spawn().expect("this program can be started again");
        let said = BufReader::new(child.stdout.take().expect("its output is a pipe"));
        Subject { child, said }
    }

    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    /// The next line that it says.
    pub fn says(&mut self) -> String {
        let mut line = String::new();
        self.said.read_line(&mut line).expect("its output is text");
        assert!(line.ends_with('\n'), "it ended without a word: {line:?}");
        line.trim_end().to_string()
    }

    /// The next line, as an address.
    pub fn says_address(&mut self) -> SocketAddr {
        let line = self.says();
        line.parse()
            .unwrap_or_else(|_| panic!("no address: {line:?}"))
    }

    /// The next line, as a number.
    pub fn says_number<T: std::str::FromStr>(&mut self) -> T {
        let line = self.says();
        line.parse()
            .unwrap_or_else(|_| panic!("no number: {line:?}"))
    }

    pub fn kill(&mut self) {
        self.child.kill().expect("one's own child may be killed");
    }

    pub fn collect(&mut self) {
        self.child
            .wait()
            .expect("one's own child may be waited for");
    }

    pub fn take_stdin(&mut self) -> ChildStdin {
        self.child.stdin.take().expect("its input is a pipe")
    }

    /// Looks until what is seen is as wanted, and all of one moment.
    pub fn until(&self, wanted: impl Fn(&Process) -> bool) -> Process {
        until(|| {
            let seen =
                xray::look(self.pid()).expect("one's own child may be looked at");
            let good = seen.settled && wanted(&seen);
            if good {
                Ok(seen)
            } else {
                Err(format!("{}\n{seen:#?}", seen.to_text(80)))
            }
        })
    }

    /// Looks until every thread is blocked, the first one in this call.
    pub fn blocked_in(&self, name: &str) -> Process {
        self.until(|seen| {
            let call = seen.threads.first().and_then(|thread| thread.call.as_ref());
            seen.is_blocked() && call.is_some_and(|call| call.name == name)
        })
    }

    pub fn glance(&self) -> Glance {
        xray::glance(self.pid()).expect("one's own child may be glanced at")
    }

    /// Takes glances until one is quiet since the one before.
    pub fn quiet(&self) -> Glance {
        let mut earlier = self.glance();
        until(|| {
            let later = self.glance();
            let quiet = later.quiet_since(&earlier);
            earlier = later.clone();
            if quiet {
                Ok(later)
            } else {
                Err(format!("{later:#?}"))
            }
        })
    }
}

impl Drop for Subject {
    fn drop(&mut self) {
        // An error means that it has ended and was collected.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Tries until it succeeds; the limit is far beyond what a busy machine needs.
pub fn until<T>(mut attempt: impl FnMut() -> Result<T, String>) -> T {
    let begun = Instant::now();
    loop {
        match attempt() {
            Ok(value) => return value,
            Err(seen) if begun.elapsed() > Duration::from_secs(60) => {
                panic!("this never came about; the last that was seen:\n{seen}")
            }
            Err(_) => thread::sleep(Duration::from_millis(1)),
        }
    }
}

/// The command that starts this program again with a part to play.
pub fn itself(part: &str) -> Command {
    let program = env::current_exe().expect("the path of this program");
    let mut command = Command::new(program);
    command.env(PART, part);
    command.env(PARENT, std::process::id().to_string());
    command
}

/// The part that this process was started to play, if any.
pub fn part() -> Option<String> {
    env::var(PART).ok()
}

pub fn play(part: &str) -> ExitCode {
    // Should the test be killed, nobody is left to kill us.
    set_parent_process_death_signal(Some(Signal::KILL)).expect("a valid signal");
    let parent = getppid().map_or(0, |parent| parent.as_raw_nonzero().get());
    if env::var(PARENT).is_ok_and(|expected| expected != parent.to_string()) {
        return ExitCode::FAILURE; // it was killed before that
    }
    let words: Vec<&str> = part.split(' ').collect();
    match perform(&words) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            // If the test still listens, this is not what it expects to hear.
            let _ = say(format_args!("the part {part:?} failed: {error}"));
            ExitCode::FAILURE
        }
    }
}

fn perform(part: &[&str]) -> io::Result<()> {
    match part {
        ["accept", address] => accept(address),
        ["read", address, number] => read(address, number),
        ["hold", address, number] => hold(address, number),
        ["send", address] => send(address),
        ["answer", address] => answer(address),
        ["connect", address] => connect(address),
        ["dial", address] => dial(address),
        ["udp", address] => udp(address, None),
        ["patient", address] => udp(address, Some(Duration::from_secs(3600))),
        ["socket"] => unconnected_socket(),
        ["unix", path] => unix(path),
        ["epoll"] => watch(),
        ["poll", limit] => poll_for(limit),
        ["sleep"] => {
            thread::sleep(Duration::from_secs(3600));
            Ok(())
        }
        ["stdin"] => wait_for_stdin(),
        ["spin"] => spin(),
        ["threads"] => two_threads(),
        ["flicker"] => flicker(),
        ["zombie"] => zombie(),
        ["parent"] => parent(),
        ["wait"] => wait(),
        ["exit"] => Ok(()),
        ["look", pid] => look(pid),
        other => Err(io::Error::other(format!("no such part: {other:?}"))),
    }
}

/// Says a line to the test.
fn say(line: impl std::fmt::Display) -> io::Result<()> {
    let mut out = io::stdout().lock();
    writeln!(out, "{line}")?;
    out.flush()
}

fn number(text: &str) -> io::Result<usize> {
    text.parse().map_err(io::Error::other)
}

/// Listens, and says where.
fn listen(address: &str) -> io::Result<TcpListener> {
    let listener = TcpListener::bind(address)?;
    say(listener.local_addr()?)?;
    say(listener.as_raw_fd())?;
    Ok(listener)
}

fn take(listener: &TcpListener, number: usize) -> io::Result<Vec<TcpStream>> {
    (0..number)
        .map(|_| {
            let (stream, _) = listener.accept()?;
            say(stream.as_raw_fd())?;
            Ok(stream)
        })
        .collect()
}

fn wait_for_stdin() -> io::Result<()> {
    io::stdin().lock().read_to_end(&mut Vec::new())?;
    Ok(())
}

fn accept(address: &str) -> io::Result<()> {
    let listener = listen(address)?;
    listener.accept()?;
    Ok(())
}

/// Accepts some connections and reads from the first of them.
fn read(address: &str, connections: &str) -> io::Result<()> {
    let listener = listen(address)?;
    let mut streams = take(&listener, number(connections)?)?;
    streams[0].read_exact(&mut [0; 64])
}

/// Accepts some connections and does nothing with them until its input ends. Then it
/// reads the first to its end, and keeps it.
fn hold(address: &str, connections: &str) -> io::Result<()> {
    let listener = listen(address)?;
    let mut streams = take(&listener, number(connections)?)?;
    wait_for_stdin()?;
    streams[0].read_to_end(&mut Vec::new())?;
    thread::sleep(Duration::from_secs(3600));
    Ok(())
}

/// Sends to its one caller without end.
fn send(address: &str) -> io::Result<()> {
    let listener = listen(address)?;
    let mut streams = take(&listener, 1)?;
    loop {
        streams[0].write_all(&[b'x'; 65536])?;
    }
}

/// Gives back every byte of its one caller.
fn answer(address: &str) -> io::Result<()> {
    let listener = listen(address)?;
    let mut streams = take(&listener, 1)?;
    let mut byte = [0];
    loop {
        streams[0].read_exact(&mut byte)?;
        streams[0].write_all(&byte)?;
    }
}

/// Connects again and again until a connection does not come about.
fn connect(address: &str) -> io::Result<()> {
    let mut streams = Vec::new();
    loop {
        streams.push(TcpStream::connect(address)?);
    }
}

/// Connects once and reads.
fn dial(address: &str) -> io::Result<()> {
    TcpStream::connect(address)?.read_exact(&mut [0])
}

fn udp(address: &str, limit: Option<Duration>) -> io::Result<()> {
    let socket = UdpSocket::bind(address)?;
    socket.set_read_timeout(limit)?;
    say(socket.local_addr()?)?;
    say(socket.as_raw_fd())?;
    socket.recv_from(&mut [0; 16])?;
    Ok(())
}

fn unconnected_socket() -> io::Result<()> {
    use rustix::net::{AddressFamily, SocketType, bind, getsockname, socket};
    let tcp = socket(AddressFamily::INET, SocketType::STREAM, None)?;
    let udp = socket(AddressFamily::INET6, SocketType::DGRAM, None)?;
    let bound = socket(AddressFamily::INET, SocketType::STREAM, None)?;
    bind(&bound, &SocketAddr::from(([127, 0, 0, 1], 0)))?;
    let address = SocketAddr::try_from(getsockname(&bound)?)?;
    say(tcp.as_raw_fd())?;
    say(udp.as_raw_fd())?;
    say(bound.as_raw_fd())?;
    say(address)?;
    wait_for_stdin()
}

/// Holds one end of a socket pair, listens, accepts one connection and reads from it.
fn unix(path: &str) -> io::Result<()> {
    let (one, _other) = UnixStream::pair()?;
    let listener = UnixListener::bind(path)?;
    say(one.as_raw_fd())?;
    say(listener.as_raw_fd())?;
    let (mut stream, _) = listener.accept()?;
    say(stream.as_raw_fd())?;
    stream.read_exact(&mut [0; 64])
}

fn watch() -> io::Result<()> {
    let listener = listen("127.0.0.1:0")?;
    let set = epoll::create(epoll::CreateFlags::CLOEXEC)?;
    say(set.as_raw_fd())?;
    epoll::add(
        &set,
        &listener,
        epoll::EventData::new_u64(0),
        epoll::EventFlags::IN,
    )?;
    let mut events = Vec::with_capacity(8);
    epoll::wait(&set, rustix::buffer::spare_capacity(&mut events), None)?;
    Ok(())
}

fn poll_for(limit: &str) -> io::Result<()> {
    let hour = Timespec {
        tv_sec: 3600,
        tv_nsec: 0,
    };
    let limit = (limit == "hour").then_some(&hour);
    let stdin = io::stdin();
    poll(&mut [PollFd::new(&stdin, PollFlags::IN)], limit)?;
    Ok(())
}

fn spin() -> io::Result<()> {
    say("off we go")?;
    loop {
        std::hint::spin_loop();
    }
}

/// Joins a thread that waits on a channel on which nothing comes.
fn two_threads() -> io::Result<()> {
    let (_keep, receiver) = std::sync::mpsc::channel::<()>();
    let worker = thread::Builder::new().name("worker".to_string());
    let worker = worker.spawn(move || receiver.recv())?;
    let _ = worker.join();
    Ok(())
}

/// Starts and ends threads as fast as it can.
fn flicker() -> io::Result<()> {
    say("off we go")?;
    loop {
        let threads: Vec<_> =
            (0..4).map(|_| thread::spawn(thread::yield_now)).collect();
        threads.into_iter().for_each(|thread| drop(thread.join()));
    }
}

/// Has a child that has ended and that it does not collect.
fn zombie() -> io::Result<()> {
    let mut child = itself("exit").spawn()?;
    say(child.id())?;
    wait_for_stdin()?;
    child.wait()?;
    Ok(())
}

/// Has a child that lives as long as it does: its input ends with us.
fn child() -> io::Result<Child> {
    let child = itself("stdin").stdin(Stdio::piped()).spawn()?;
    say(child.id())?;
    Ok(child)
}

fn parent() -> io::Result<()> {
    let mut child = child()?;
    wait_for_stdin()?;
    drop(child.stdin.take());
    child.wait()?;
    Ok(())
}

fn wait() -> io::Result<()> {
    let mut child = child()?;
    // Child::wait would close its input first, and so end it.
    let _input = child.stdin.take();
    child.wait()?;
    Ok(())
}

/// Looks at another process and says what it sees.
fn look(pid: &str) -> io::Result<()> {
    let seen = xray::look(pid.parse().map_err(io::Error::other)?)?;
    say(format_args!("blocked: {}", seen.is_blocked()))?;
    say(seen.to_text(80))
}
