//! The strategies with processes. Each test is a process of its own, started anew from
//! this binary, whose main thread serves; the parent plays the clients.
#![allow(clippy::unwrap_used, reason = "a test that fails may panic")]

use std::io::{self, BufRead, BufReader, Read, Write};
use std::net::{Shutdown, SocketAddr, TcpStream, UdpSocket};
use std::process::{Child, Command, ExitCode, Stdio};
use std::time::Duration;
use std::{env, panic, thread};

use nix::libc;
use nix::sys::signal::{Signal, kill};
use nix::sys::wait::{Id, WaitPidFlag, waitid, waitpid};
use nix::unistd::Pid;
use socketserver::{
    Builder, Conn, Error, Next, Peer, Reply, Result, Server, Stats, Strategy, Streams,
};

const ROLE: &str = "SOCKETSERVER_ROLE";
const BACKSTOP: Duration = Duration::from_secs(20);

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
    let filters: Vec<String> = env::args()
        .skip(1)
        .filter(|a| !a.starts_with('-'))
        .collect();
    let chosen = TESTS.iter().filter(|test| {
        filters.is_empty() || filters.iter().any(|part| test.name.contains(part))
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
