//! Each program of `examples/`, started as a user would and spoken to.
#![allow(clippy::unwrap_used, reason = "a test that fails may panic")]

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpStream, UdpSocket};
use std::os::unix::net::UnixStream;
use std::path::PathBuf;
use std::process::{Child, ChildStdout, Command, Stdio};
use std::sync::OnceLock;
use std::time::{Duration, SystemTime, UNIX_EPOCH};
use std::{env, process};

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

const BACKSTOP: Duration = Duration::from_secs(20);

/// The folder with the programs, which are built here: a run of this test alone would
/// find old ones.
fn built() -> &'static PathBuf {
    static BUILT: OnceLock<PathBuf> = OnceLock::new();
    BUILT.get_or_init(|| {
        let exe = env::current_exe().unwrap(); // TARGET/debug/deps/NAME
        let profile = exe.ancestors().nth(2).unwrap();
        let status = Command::new(env!("CARGO"))
            .args([
                "build",
                "--quiet",
                "--examples",
                "--package",
                "socketserver",
            ])
            .arg("--manifest-path")
            .arg(concat!(env!("CARGO_MANIFEST_DIR"), "/Cargo.toml"))
            .arg("--target-dir")
            .arg(profile.parent().unwrap())
            .status()
            .unwrap();
        assert!(status.success());
        profile.join("examples")
    })
}

struct Example {
    child: Child,
    output: BufReader<ChildStdout>,
    addr: String,
}

impl Example {
    fn start(name: &str, args: &[&str]) -> Self {
        let mut child = Command::new(built().join(name))
            .args(args)
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let mut output = BufReader::new(child.stdout.take().unwrap());
        let mut line = String::new();
        output.read_line(&mut line).unwrap();
        let addr = line
            .trim()
            .strip_prefix("listening on ")
            .unwrap()
            .to_owned();
        Self {
            child,
            output,
            addr,
        }
    }

    fn inet(&self) -> SocketAddr {
        self.addr.parse().unwrap()
    }

    fn line(&mut self) -> String {
        let mut line = String::new();
        self.output.read_line(&mut line).unwrap();
        line
    }

    fn kill(&mut self) -> String {
        self.child.kill().unwrap();
        self.errors()
    }

    fn errors(&mut self) -> String {
        let mut text = String::new();
        let errors = self.child.stderr.as_mut().unwrap();
        errors.read_to_string(&mut text).unwrap();
        text
    }
}

impl Drop for Example {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn connect(addr: SocketAddr) -> BufReader<TcpStream> {
    let stream = TcpStream::connect(addr).unwrap();
    stream.set_read_timeout(Some(BACKSTOP)).unwrap();
    BufReader::new(stream)
}

fn hear(from: &mut impl BufRead) -> String {
    let mut line = String::new();
    from.read_line(&mut line).unwrap();
    line
}

fn ask(stream: &mut BufReader<TcpStream>, line: &str) -> String {
    stream.get_mut().write_all(line.as_bytes()).unwrap();
    hear(stream)
}

fn udp(addr: SocketAddr) -> UdpSocket {
    let socket = UdpSocket::bind("127.0.0.1:0").unwrap();
    socket.set_read_timeout(Some(BACKSTOP)).unwrap();
    socket.connect(addr).unwrap();
    socket
}

#[test]
fn upper_under_each_strategy() {
    let strategies = ["inline", "threads", "pool", "fork", "prefork", "parked"];
    for strategy in strategies {
        let example = Example::start("upper", &[strategy, "127.0.0.1:0"]);
        let mut client = connect(example.inet());
        assert_eq!(ask(&mut client, "hello\n"), "HELLO\n", "{strategy}");
    }
    for name in ["upper", "lines"] {
        let wrong = Command::new(built().join(name))
            .arg("magic")
            .output()
            .unwrap();
        assert_eq!(wrong.status.code(), Some(2));
        assert!(String::from_utf8_lossy(&wrong.stderr).starts_with("`magic` is no "));
    }
}

#[test]
fn an_error_is_one_line_on_standard_error() {
    let mut example = Example::start("upper", &["threads", "127.0.0.1:0"]);
    let mut client = connect(example.inet());
    let who = client.get_ref().local_addr().unwrap();
    let _ = client.get_mut().write_all(&vec![b'x'; 100 << 10]);
    let _ = client.read_to_end(&mut Vec::new());
    assert_eq!(ask(&mut connect(example.inet()), "hello\n"), "HELLO\n");
    assert_eq!(
        example.kill(),
        format!("{who}: handle failed: {who} sent a line of more than 65536 bytes\n")
    );
}

#[test]
fn chat() {
    let example = Example::start("chat", &["127.0.0.1:0"]);
    let mut first = connect(example.inet());
    assert_eq!(hear(&mut first), "You are guest 1. Others here: 0.\n");
    first.get_mut().write_all(b"anybody here?\n").unwrap();
    let mut second = connect(example.inet());
    assert_eq!(hear(&mut second), "You are guest 2. Others here: 1.\n");
    assert_eq!(hear(&mut first), "guest 2 has come\n");
    second
        .get_mut()
        .write_all("grüß dich\n".as_bytes())
        .unwrap();
    assert_eq!(hear(&mut first), "guest 2: grüß dich\n");
    drop(second);
    assert_eq!(hear(&mut first), "guest 2 has left\n");
}

#[test]
fn echo() {
    let mut example = Example::start("echo", &["127.0.0.1:0"]);
    let mut stream = connect(example.inet());
    assert_eq!(ask(&mut stream, "hello\n"), "hello\n");
    let socket = udp(example.inet());
    for words in [&b"hello"[..], b""] {
        socket.send(words).unwrap();
        let mut answer = [0; 10];
        let length = socket.recv(&mut answer).unwrap();
        assert_eq!(&answer[..length], words);
    }
    let pid = Pid::from_raw(i32::try_from(example.child.id()).unwrap());
    kill(pid, Signal::SIGINT).unwrap();
    assert_eq!(example.line(), "served 1 connections and 2 datagrams\n");
    assert!(example.child.wait().unwrap().success());
    assert_eq!(stream.read(&mut [0]).unwrap(), 0);
}

#[test]
fn time() {
    let mut example = Example::start("time", &["127.0.0.1:0"]);
    let now = || {
        SystemTime::now()
            .duration_since(UNIX_EPOCH)
            .unwrap()
            .as_secs()
    };
    let before = now();
    let socket = udp(example.inet());
    socket.send(b"").unwrap();
    let mut answer = [0; 8];
    assert_eq!(socket.recv(&mut answer).unwrap(), 4);
    let told = u32::from_be_bytes([answer[0], answer[1], answer[2], answer[3]]);
    // RFC 868: "the time 2,208,988,800 corresponds to 00:00 1 Jan 1970 GMT".
    let told = u64::from(told.wrapping_sub(2_208_988_800));
    let low = |seconds: u64| seconds & u64::from(u32::MAX);
    assert!((low(before)..=low(now())).contains(&told));
    assert_eq!(example.line(), "1 asked, 0 errors\n");
}

#[test]
fn control() {
    let path = env::temp_dir().join(format!("control-{}.sock", process::id()));
    let mut example = Example::start("control", &[path.to_str().unwrap()]);
    let stream = UnixStream::connect(&path).unwrap();
    stream.set_read_timeout(Some(BACKSTOP)).unwrap();
    let mut stream = BufReader::new(stream);
    let lines = b"status\ndance\nstop\n";
    stream.get_mut().write_all(lines).unwrap();
    let mut answers = String::new();
    stream.read_to_string(&mut answers).unwrap();
    let wanted = "1 callers, 1 now\n`dance` is no command: status, stop\nstopping\n";
    assert_eq!(answers, wanted);
    assert!(example.child.wait().unwrap().success());
    assert_eq!(example.errors(), "");
    assert!(!path.exists());
}

#[test]
fn lines_under_each_backend() {
    for backend in ["select", "poll", "epoll"] {
        let example = Example::start("lines", &[backend, "127.0.0.1:0"]);
        let mut client = connect(example.inet());
        assert_eq!(ask(&mut client, "hello\n"), "HELLO\n", "{backend}");
    }
}
