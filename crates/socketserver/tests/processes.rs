//! The strategies with processes. Each test is a process of its own, started anew from
//! this binary, whose main thread serves; the parent plays the clients.
#![allow(clippy::unwrap_used, reason = "a test that fails may panic")]

use std::io::{self, BufRead, BufReader, Read, Write};
use std::net::{Shutdown, SocketAddr, TcpStream, UdpSocket};
use std::os::unix::net::{UnixDatagram, UnixStream};
use std::path::PathBuf;
use std::process::{Child, Command, ExitCode, Stdio};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;
use std::{env, iter, panic, thread};

use nix::libc;
use nix::sys::signal::{Signal, kill};
use nix::sys::wait::{Id, WaitPidFlag, waitid, waitpid};
use nix::unistd::Pid;
use socketserver::{
    Builder, Conn, Error, Next, Peer, Reply, Result, Server, Stats, Strategy,
    Streams, serve_all,
};

const ROLE: &str = "SOCKETSERVER_ROLE";
const BACKSTOP: Duration = Duration::from_secs(20);
/// Bytes: more than a connection's buffers hold.
const MANY: usize = 16 << 20;

struct Test {
    name: &'static str,
    /// Serves, in the child; what it returns is the last line that it prints.
    serve: fn() -> io::Result<String>,
    play: fn(&mut Serving),
}

const TESTS: &[Test] = &[
    Test {
        name: "a process for each client",
        serve: || serve(tcp(), Strategy::Fork { max: 10 }),
        play: |server| {
            let mut first = Client::connect(server.addr);
            let mut second = Client::connect(server.addr);
            let (one, two) = (first.ask("pid"), second.ask("pid"));
            assert_ne!(one, two);
            assert_eq!(second.ask("hello"), "HELLO\n");
            drop((first, second));
            assert_eq!(server.stop(), "accepted 2, errors 0, forced 0, children 0");
        },
    },
    Test {
        name: "the limit on processes",
        serve: || serve(tcp(), Strategy::Fork { max: 2 }),
        play: |server| {
            let mut two: Vec<Client> =
                (0..2).map(|_| Client::connect(server.addr)).collect();
            for client in &mut two {
                assert_eq!(client.ask("hello"), "HELLO\n");
            }
            let mut third = Client::connect(server.addr);
            third.say("let me in");
            assert_eq!(two[0].ask("still served"), "STILL SERVED\n");
            drop(two.pop());
            assert_eq!(third.hear(), "LET ME IN\n");
            drop((two, third));
            assert_eq!(server.stop(), "accepted 3, errors 0, forced 0, children 0");
        },
    },
    Test {
        name: "whoever is accepted is served, also where descriptors run out",
        serve: || {
            use nix::sys::resource::{Resource, setrlimit};
            setrlimit(Resource::RLIMIT_NOFILE, 16, 16)?;
            serve(tcp(), Strategy::Fork { max: 100 })
        },
        play: |server| {
            let mut clients: Vec<Client> =
                (0..24).map(|_| Client::connect(server.addr)).collect();
            for client in &mut clients {
                client.say("hello");
            }
            // Each has its turn once others have left.
            for mut client in clients {
                assert_eq!(client.hear(), "HELLO\n");
            }
            let said = server.stop();
            assert!(said.starts_with("accepted 24, "), "{said}");
            assert!(said.ends_with("forced 0, children 0"), "{said}");
        },
    },
    Test {
        name: "one request by hand, where descriptors have run out",
        serve: || {
            use nix::sys::resource::{Resource, setrlimit};
            use std::fs::File;
            use std::sync::Mutex;

            setrlimit(Resource::RLIMIT_NOFILE, 16, 16)?;
            let held: &'static Mutex<Vec<File>> = Box::leak(Box::default());
            let give_back = |_: &Peer, error: &Error| {
                assert!(matches!(error, Error::Exhausted(_)), "{error}");
                held.lock().unwrap().pop();
                println!("given back");
            };
            let server = tcp().on_error(give_back).bind()?;
            held.lock()
                .unwrap()
                .extend(iter::from_fn(|| File::open("/dev/null").ok()));
            println!("listening on {}", server.local_addr());
            let served = server.serve_one(Some(BACKSTOP), |_| words)?;
            Ok(format!("{served:?}"))
        },
        play: |server| {
            assert_eq!(Client::connect(server.addr).ask("hello"), "HELLO\n");
            assert_eq!(server.last_words(), "Request");
            assert_eq!(server.said.matches("given back").count(), 1);
        },
    },
    Test {
        name: "a process that dies costs one client",
        serve: || serve(tcp(), Strategy::Fork { max: 10 }),
        play: |server| {
            for how in ["abort", "exit", "panic"] {
                let mut client = Client::connect(server.addr);
                client.say(how);
                assert_eq!(client.rest(), "");
            }
            assert_eq!(Client::connect(server.addr).ask("hello"), "HELLO\n");
            assert_eq!(server.stop(), "accepted 4, errors 3, forced 0, children 0");
        },
    },
    Test {
        name: "the children of others are left to them",
        serve: || {
            let mut other = Command::new("true").spawn()?;
            let pid = Pid::from_raw(i32::try_from(other.id()).unwrap());
            let stats = serve_only(tcp(), Strategy::Fork { max: 10 })?;
            // It has long ended, and is still here to be waited for.
            let peek = WaitPidFlag::WEXITED | WaitPidFlag::WNOWAIT;
            let waited = waitid(Id::Pid(pid), peek);
            assert!(waited.is_ok(), "{waited:?}");
            assert!(other.wait()?.success());
            Ok(format!("accepted {}, {}", stats.accepted, children()))
        },
        play: |server| {
            for _ in 0..5 {
                assert_eq!(Client::connect(server.addr).ask("hello"), "HELLO\n");
            }
            assert_eq!(server.stop(), "accepted 5, children 0");
        },
    },
    Test {
        name: "a client that does not leave is forced to",
        serve: || {
            let builder = tcp().drain(Duration::from_millis(1));
            serve(builder, Strategy::Fork { max: 10 })
        },
        play: |server| {
            let mut client = Client::connect(server.addr);
            assert_eq!(client.ask("hello"), "HELLO\n");
            assert_eq!(server.stop(), "accepted 1, errors 1, forced 1, children 0");
            assert_eq!(client.rest(), "");
        },
    },
    Test {
        name: "output is printed once",
        serve: || {
            print!("printed once ");
            serve(tcp(), Strategy::Fork { max: 10 })
        },
        play: |server| {
            for _ in 0..3 {
                assert_eq!(Client::connect(server.addr).ask("hello"), "HELLO\n");
            }
            let said = server.stop();
            assert_eq!(said, "accepted 3, errors 0, forced 0, children 0");
            assert_eq!(
                server.said.matches("printed once").count(),
                1,
                "{}",
                server.said
            );
        },
    },
    Test {
        name: "a process with threads does not fork",
        serve: || {
            let (_held, hold) = std::sync::mpsc::channel::<()>();
            thread::spawn(move || hold.recv());
            for strategy in
                [Strategy::Fork { max: 2 }, Strategy::Prefork { workers: 2 }]
            {
                let error = serve(tcp(), strategy).unwrap_err();
                assert_eq!(error.kind(), io::ErrorKind::Unsupported);
                assert!(error.to_string().contains("2 threads"), "{error}");
            }
            Ok("refused twice".to_owned())
        },
        play: |server| assert_eq!(server.last_words(), "refused twice"),
    },
    Test {
        name: "datagrams, a process each",
        serve: || {
            let server = Server::udp("127.0.0.1:0").bind()?;
            let handle = server.handle();
            stop_at_sigterm(handle);
            println!("listening on {}", server.local_addr());
            let stats = server.serve(Strategy::Fork { max: 4 }, |_| shout)?;
            Ok(format!("accepted {}, {}", stats.accepted, children()))
        },
        play: |server| {
            let client = UdpSocket::bind("127.0.0.1:0").unwrap();
            client.set_read_timeout(Some(BACKSTOP)).unwrap();
            client.connect(server.addr).unwrap();
            for _ in 0..10 {
                client.send(b"hello").unwrap();
                let mut buffer = [0; 10];
                assert_eq!(client.recv(&mut buffer).unwrap(), 5);
                assert_eq!(&buffer[..5], b"HELLO");
            }
            assert_eq!(server.stop(), "accepted 10, children 0");
        },
    },
    Test {
        name: "connections of a Unix socket, a process each",
        serve: || {
            let path = socket_path();
            let server = Server::unix(&path).bind()?;
            stop_at_sigterm(server.handle());
            println!("listening on {}", server.local_addr());
            let stats = server.serve(Strategy::Fork { max: 4 }, |_| words)?;
            drop(server);
            assert!(
                !path.exists(),
                "the file goes with the server, and not before"
            );
            Ok(format!("accepted {}, {}", stats.accepted, children()))
        },
        play: |server| {
            for _ in 0..3 {
                let mut stream = UnixStream::connect(server.path()).unwrap();
                stream.write_all(b"hello\n").unwrap();
                let mut line = String::new();
                BufReader::new(stream).read_line(&mut line).unwrap();
                assert_eq!(line, "HELLO\n");
            }
            assert_eq!(server.stop(), "accepted 3, children 0");
        },
    },
    Test {
        name: "datagrams of a Unix socket, a process each",
        serve: || {
            let server = Server::unix_datagram(socket_path()).bind()?;
            stop_at_sigterm(server.handle());
            println!("listening on {}", server.local_addr());
            let stats = server.serve(Strategy::Fork { max: 4 }, |_| shout)?;
            Ok(format!("accepted {}, {}", stats.accepted, children()))
        },
        play: |server| {
            let own = server.path().with_extension("client");
            let client = UnixDatagram::bind(&own).unwrap();
            client.set_read_timeout(Some(BACKSTOP)).unwrap();
            for _ in 0..3 {
                client.send_to(b"hello", server.path()).unwrap();
                let mut buffer = [0; 10];
                assert_eq!(client.recv(&mut buffer).unwrap(), 5);
            }
            std::fs::remove_file(own).unwrap();
            assert_eq!(server.stop(), "accepted 3, children 0");
        },
    },
    Test {
        name: "what a process changes stays in it",
        serve: || {
            let count = std::sync::Arc::new(std::sync::atomic::AtomicU64::new(0));
            let server = tcp().bind()?;
            stop_at_sigterm(server.handle());
            println!("listening on {}", server.local_addr());
            server.serve(Strategy::Fork { max: 4 }, {
                let count = count.clone();
                move |_| {
                    let count = count.clone();
                    move |conn: &mut Conn| {
                        conn.line(100)?;
                        let before = count.fetch_add(1, Ordering::SeqCst);
                        writeln!(conn, "{}", before + 1)?;
                        Ok(Next::Again)
                    }
                }
            })?;
            Ok(format!("counted {}", count.load(Ordering::SeqCst)))
        },
        play: |server| {
            for _ in 0..2 {
                let mut client = Client::connect(server.addr);
                assert_eq!(client.ask("count"), "1\n");
                assert_eq!(client.ask("count"), "2\n");
            }
            assert_eq!(server.stop(), "counted 0");
        },
    },
    Test {
        name: "several servers in one loop, one with processes",
        serve: || {
            let (lines, shouts) = (tcp().bind()?, Server::udp("127.0.0.1:0").bind()?);
            println!("{}", shouts.local_addr());
            println!("listening on {}", lines.local_addr());
            let (stop, stop_shouts) = (lines.handle(), shouts.handle());
            stop_at_sigterm(stop);
            let stats = serve_all([
                lines.service(Strategy::Fork { max: 4 }, |_| words),
                // The end of one is the end of the other.
                shouts.service(Strategy::Inline, move |_| {
                    let stop = stop_shouts.clone();
                    move |data: &[u8], peer: &Peer, reply: &mut Reply<'_>| -> Result {
                        if data == b"stop" {
                            stop.shutdown();
                        }
                        shout(data, peer, reply)
                    }
                }),
            ])?;
            Ok(format!(
                "accepted {} and {}, {}",
                stats[0].accepted,
                stats[1].accepted,
                children()
            ))
        },
        play: |server| {
            let port: SocketAddr =
                server.said.lines().next().unwrap().parse().unwrap();
            let client = UdpSocket::bind("127.0.0.1:0").unwrap();
            client.set_read_timeout(Some(BACKSTOP)).unwrap();
            let mut held = Client::connect(server.addr);
            assert_eq!(held.ask("hello"), "HELLO\n");
            let mut buffer = [0; 10];
            client.send_to(b"hello", port).unwrap();
            assert_eq!(client.recv(&mut buffer).unwrap(), 5);
            // The child that serves has neither of the listeners: /proc/PID/fd, proc(5).
            if cfg!(target_os = "linux") {
                let pid = held.ask("pid");
                assert_eq!(sockets_of(pid.trim()), 1, "its connection alone");
            }
            client.send_to(b"stop", port).unwrap();
            assert_eq!(client.recv(&mut buffer).unwrap(), 4);
            drop(held);
            assert_eq!(server.stop(), "accepted 1 and 2, children 0");
        },
    },
    Test {
        name: "a write that a signal interrupts goes on",
        serve: || {
            count_sigusr1();
            let server = tcp().bind()?;
            println!("listening on {}", server.local_addr());
            stop_at_sigterm(server.handle());
            server.serve(Strategy::Inline, |_| {
                |conn: &mut Conn| {
                    conn.line(100)?;
                    conn.write_all(&vec![b'x'; MANY])?;
                    Ok(Next::Close)
                }
            })?;
            assert!(SIGNALS.load(Ordering::SeqCst) > 0);
            Ok("interrupted".to_owned())
        },
        play: |server| {
            let mut client = Client::connect(server.addr);
            client.say("send");
            let pid = Pid::from_raw(i32::try_from(server.child.id()).unwrap());
            let mut length = 0;
            let mut piece = vec![0; 64 << 10];
            // More than the kernel's buffers hold: most of the time it waits in send(2).
            loop {
                kill(pid, Signal::SIGUSR1).unwrap();
                match client.0.read(&mut piece).unwrap() {
                    0 => break,
                    more => length += more,
                }
            }
            assert_eq!(length, MANY);
            assert_eq!(server.stop(), "interrupted");
        },
    },
    Test {
        name: "workers that were started before",
        serve: || serve(tcp(), Strategy::Prefork { workers: 3 }),
        play: |server| {
            let mut three: Vec<Client> =
                (0..3).map(|_| Client::connect(server.addr)).collect();
            let mut pids: Vec<String> =
                three.iter_mut().map(|c| c.ask("pid")).collect();
            pids.sort();
            pids.dedup();
            assert_eq!(pids.len(), 3, "three at once, and so in three processes");
            drop(three);
            assert_eq!(server.stop(), "accepted 0, errors 0, forced 0, children 0");
        },
    },
    Test {
        name: "a worker that dies is replaced",
        serve: || serve(tcp(), Strategy::Prefork { workers: 1 }),
        play: |server| {
            let mut before = Client::connect(server.addr);
            let pid = before.ask("pid");
            before.say("abort");
            assert_eq!(before.rest(), "");
            let mut after = Client::connect(server.addr);
            assert_ne!(after.ask("pid"), pid);
            drop(after);
            assert_eq!(server.stop(), "accepted 0, errors 1, forced 0, children 0");
        },
    },
    Test {
        name: "workers end with their parent",
        serve: || serve(tcp(), Strategy::Prefork { workers: 2 }),
        play: |server| {
            let mut client = Client::connect(server.addr);
            assert_eq!(client.ask("hello"), "HELLO\n");
            drop(client);
            server.child.kill().unwrap();
            server.child.wait().unwrap();
            // The output of all of them is one pipe: it ends when the last has gone.
            let mut rest = String::new();
            server.output.read_to_string(&mut rest).unwrap();
            assert!(TcpStream::connect(server.addr).is_err());
        },
    },
];

fn main() -> ExitCode {
    if let Ok(role) = env::var(ROLE) {
        let test = TESTS.iter().find(|test| test.name == role).unwrap();
        println!("\n{}", (test.serve)().unwrap());
        return ExitCode::SUCCESS;
    }
    // As Rust's own tests: parts of names, and after `--skip` one that is left out.
    let mut args = env::args().skip(1);
    let (mut wanted, mut unwanted) = (Vec::new(), Vec::new());
    while let Some(arg) = args.next() {
        match &arg[..] {
            "--skip" => unwanted.extend(args.next()),
            option if option.starts_with('-') => {}
            _ => wanted.push(arg),
        }
    }
    let has_one = |test: &Test, parts: &[String]| {
        parts.iter().any(|part| test.name.contains(&part[..]))
    };
    let chosen = TESTS.iter().filter(|test| {
        !has_one(test, &unwanted) && (wanted.is_empty() || has_one(test, &wanted))
    });
    let (mut passed, mut failed) = (0, 0);
    for test in chosen {
        let played = panic::catch_unwind(|| {
            let mut server = Serving::start(test.name);
            (test.play)(&mut server);
        });
        let word = if played.is_ok() { "ok" } else { "FAILED" };
        println!("test {} ... {word}", test.name);
        *(if played.is_ok() {
            &mut passed
        } else {
            &mut failed
        }) += 1;
    }
    let word = if failed == 0 { "ok" } else { "FAILED" };
    println!(
        "\ntest result: {word}. {passed} passed; {failed} failed; 0 ignored; 0 measured; \
         0 filtered out\n"
    );
    ExitCode::from(u8::from(failed > 0))
}

// ---- in the child ----

fn tcp() -> Builder<Streams> {
    Server::tcp("127.0.0.1:0")
}

fn serve_only(builder: Builder<Streams>, strategy: Strategy) -> io::Result<Stats> {
    let quiet = |_: &Peer, _: &Error| ();
    let server = builder.on_error(quiet).bind()?;
    stop_at_sigterm(server.handle());
    println!("listening on {}", server.local_addr());
    server.serve(strategy, |_| words)
}

fn serve(builder: Builder<Streams>, strategy: Strategy) -> io::Result<String> {
    let stats = serve_only(builder, strategy)?;
    Ok(format!(
        "accepted {}, errors {}, forced {}, {}",
        stats.accepted,
        stats.errors,
        stats.forced,
        children()
    ))
}

fn children() -> String {
    let none = waitpid(None, Some(WaitPidFlag::WNOHANG));
    match none {
        Err(nix::errno::Errno::ECHILD) => "children 0".to_owned(),
        other => format!("children left: {other:?}"),
    }
}

fn words(conn: &mut Conn) -> Result<Next> {
    let Some(mut line) = conn.line(1000)? else {
        return Ok(Next::Close);
    };
    match &line[..] {
        b"abort" => std::process::abort(),
        b"exit" => std::process::exit(3),
        b"panic" => panic!("by intent"),
        b"pid" => line = std::process::id().to_string().into_bytes(),
        _ => line.make_ascii_uppercase(),
    }
    line.push(b'\n');
    conn.write_all(&line)?;
    Ok(Next::Again)
}

fn shout(data: &[u8], _peer: &Peer, reply: &mut Reply<'_>) -> Result {
    reply.write_all(&data.to_ascii_uppercase())?;
    Ok(())
}

fn socket_path() -> PathBuf {
    env::temp_dir().join(format!("socketserver-{}.sock", std::process::id()))
}

static SIGNALS: AtomicUsize = AtomicUsize::new(0);

/// Counts SIGUSR1. Without SA_RESTART it interrupts what waits: EINTR of signal(7).
#[expect(unsafe_code, reason = "sigaction(2)")]
fn count_sigusr1() {
    use nix::sys::signal::{SaFlags, SigAction, SigHandler, SigSet, sigaction};

    extern "C" fn count(_signal: libc::c_int) {
        SIGNALS.fetch_add(1, Ordering::SeqCst);
    }
    let handler = SigHandler::Handler(count);
    let action = SigAction::new(handler, SaFlags::empty(), SigSet::empty());
    // SAFETY: `count` adds to an atomic number, which is safe in a signal handler.
    unsafe { sigaction(Signal::SIGUSR1, &action) }.unwrap();
}

/// Stops the server in a signal handler, which a handle is made for.
#[expect(unsafe_code, reason = "sigaction(2)")]
fn stop_at_sigterm(handle: socketserver::Handle) {
    use nix::sys::signal::{SaFlags, SigAction, SigHandler, SigSet, sigaction};
    use std::sync::OnceLock;

    static HANDLE: OnceLock<socketserver::Handle> = OnceLock::new();
    extern "C" fn stop(_signal: libc::c_int) {
        if let Some(handle) = HANDLE.get() {
            handle.shutdown();
        }
    }
    let _ = HANDLE.set(handle);
    let action = SigAction::new(
        SigHandler::Handler(stop),
        SaFlags::SA_RESTART,
        SigSet::empty(),
    );
    // SAFETY: `stop` reads what was set before, and `shutdown` sets a flag and calls
    // write(2): all of it is safe in a signal handler.
    unsafe { sigaction(Signal::SIGTERM, &action) }.unwrap();
}

// ---- in the parent ----

struct Serving {
    child: Child,
    output: BufReader<std::process::ChildStdout>,
    addr: SocketAddr,
    said: String,
}

impl Serving {
    fn start(role: &str) -> Self {
        let mut child = Command::new(env::current_exe().unwrap())
            .env(ROLE, role)
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let mut output = BufReader::new(child.stdout.take().unwrap());
        let mut said = String::new();
        while !said.contains("listening on ") {
            if output.read_line(&mut said).unwrap() == 0 {
                break;
            }
        }
        let addr = said.rsplit("listening on ").next().unwrap().trim().parse();
        Self {
            child,
            output,
            addr: addr.unwrap_or(([0, 0, 0, 0], 0).into()),
            said,
        }
    }

    /// Where it listens, for a Unix socket.
    fn path(&self) -> PathBuf {
        self.said
            .rsplit("listening on ")
            .next()
            .unwrap()
            .trim()
            .into()
    }

    /// Stops the server; the last line that it printed.
    fn stop(&mut self) -> String {
        let pid = Pid::from_raw(i32::try_from(self.child.id()).unwrap());
        kill(pid, Signal::SIGTERM).unwrap();
        self.last_words()
    }

    fn last_words(&mut self) -> String {
        self.output.read_to_string(&mut self.said).unwrap();
        assert!(self.child.wait().unwrap().success(), "{}", self.said);
        self.said
            .trim_end()
            .lines()
            .last()
            .unwrap_or_default()
            .to_owned()
    }
}

impl Drop for Serving {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// How many sockets a process has.
fn sockets_of(pid: &str) -> usize {
    let fds = std::fs::read_dir(format!("/proc/{pid}/fd")).unwrap();
    fds.filter_map(|fd| std::fs::read_link(fd.ok()?.path()).ok())
        .filter(|target| target.to_string_lossy().starts_with("socket:"))
        .count()
}

struct Client(BufReader<TcpStream>);

impl Client {
    fn connect(addr: SocketAddr) -> Self {
        let stream = TcpStream::connect(addr).unwrap();
        stream.set_read_timeout(Some(BACKSTOP)).unwrap();
        Self(BufReader::new(stream))
    }

    fn say(&mut self, line: &str) {
        self.0
            .get_mut()
            .write_all(format!("{line}\n").as_bytes())
            .unwrap();
    }

    fn hear(&mut self) -> String {
        let mut line = String::new();
        self.0.read_line(&mut line).unwrap();
        line
    }

    fn ask(&mut self, line: &str) -> String {
        self.say(line);
        self.hear()
    }

    fn rest(&mut self) -> String {
        let mut text = String::new();
        let _ = self.0.read_to_string(&mut text);
        text
    }
}

impl Drop for Client {
    fn drop(&mut self) {
        let _ = self.0.get_ref().shutdown(Shutdown::Both);
    }
}
