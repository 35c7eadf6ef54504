//! The servers, each as one of many that do the same.

use std::io::{self, BufRead, BufReader, ErrorKind, Read, Write};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::mpsc::{self, Receiver};
use std::thread;
use std::time::Duration;

use lesson_10::conn::News;
use lesson_10::{ANY_PORT, echo, polling, queues};
use socket2::SockRef;

/// No test waits for this; it ends one that would wait for ever.
const BACKSTOP: Duration = Duration::from_secs(60);

type Serve = fn(TcpListener, &mut dyn FnMut(News)) -> io::Result<()>;

/// Those that answer each line with the line in capitals.
fn line_servers() -> Vec<(&'static str, Serve)> {
    vec![
        ("queues", |listener, tell| queues::serve(&listener, tell)),
        ("poll", |listener, tell| polling::serve(&listener, tell)),
        #[cfg(target_os = "linux")]
        ("epoll", |listener, tell| {
            lesson_10::levels::serve(&listener, tell)
        }),
        #[cfg(target_os = "linux")]
        ("edge", |listener, tell| {
            lesson_10::edges::serve(&listener, tell)
        }),
        #[cfg(target_os = "linux")]
        ("reactor", |listener, tell| {
            lesson_10::reacting::Server::new(listener, BACKSTOP)?.run(tell)
        }),
    ]
}

/// Starts a server that lives as long as this process.
fn start(serve: Serve) -> (SocketAddr, Receiver<News>) {
    let listener = TcpListener::bind(ANY_PORT).unwrap();
    let addr = listener.local_addr().unwrap();
    let (sender, news) = mpsc::channel();
    thread::spawn(move || {
        serve(listener, &mut |news| {
            let _ = sender.send(news);
        })
        .unwrap();
    });
    (addr, news)
}

fn connect(addr: SocketAddr) -> TcpStream {
    let stream = TcpStream::connect(addr).unwrap();
    stream.set_read_timeout(Some(BACKSTOP)).unwrap();
    stream.set_write_timeout(Some(BACKSTOP)).unwrap();
    stream
}

fn ask(stream: &TcpStream, line: &str) -> String {
    (&*stream)
        .write_all(format!("{line}\n").as_bytes())
        .unwrap();
    let mut answer = String::new();
    BufReader::new(stream).read_line(&mut answer).unwrap();
    answer
}

/// Waits until the server has told this.
fn until(news: &Receiver<News>, what: impl Fn(&News) -> bool) {
    while !what(&news.recv_timeout(BACKSTOP).unwrap()) {}
}

#[test]
fn half_a_line_of_one_client_delays_no_other() {
    for (name, serve) in line_servers() {
        let (addr, _news) = start(serve);
        let slow = connect(addr);
        (&slow).write_all(b"hel").unwrap();
        let quick = connect(addr);
        assert_eq!(ask(&quick, "quick"), "QUICK\n", "{name}");
        assert_eq!(ask(&slow, "lo"), "HELLO\n", "{name}");
    }
}

#[test]
fn a_client_that_does_not_read_gets_everything_in_the_end_and_delays_nobody() {
    let line = [&[b'x'; 999][..], b"\n"].concat();
    let all: Vec<u8> = line.repeat(20_000); // 20 MB: more than any buffer
    for (name, serve) in line_servers() {
        let (addr, _news) = start(serve);
        let slow = connect(addr);
        let mut output = slow.try_clone().unwrap();
        let sent = all.clone();
        let writer = thread::spawn(move || {
            output.write_all(&sent).unwrap();
            output.shutdown(Shutdown::Write).unwrap();
        });
        let quick = connect(addr);
        for _ in 0..100 {
            assert_eq!(ask(&quick, "quick"), "QUICK\n", "{name}");
        }
        let mut back = Vec::new();
        (&slow).read_to_end(&mut back).unwrap();
        writer.join().unwrap();
        assert!(back == all.to_ascii_uppercase(), "{name}: {}", back.len());
    }
}

#[test]
fn clients_that_break_off_at_any_point_end_their_own_visit_only() {
    for (name, serve) in line_servers() {
        let (addr, news) = start(serve);
        drop(connect(addr));
        (&connect(addr)).write_all(b"half a li").unwrap();
        for words in [&b""[..], b"half", b"line\n"] {
            let rude = connect(addr);
            (&rude).write_all(words).unwrap();
            SockRef::from(&rude)
                .set_linger(Some(Duration::ZERO))
                .unwrap();
        }
        let gone = std::cell::Cell::new(0);
        until(&news, |news| {
            if matches!(news, News::Left(..) | News::Lost(..)) {
                gone.set(gone.get() + 1);
            }
            gone.get() == 5
        });
        assert_eq!(
            ask(&connect(addr), "still there?"),
            "STILL THERE?\n",
            "{name}"
        );
    }
}

#[test]
fn a_line_without_an_end_is_not_stored_for_ever() {
    for (name, serve) in line_servers() {
        let (addr, _news) = start(serve);
        let endless = connect(addr);
        let outcome = loop {
            if let Err(error) = (&endless).write_all(&[b'x'; 64 << 10]) {
                break error.kind();
            }
        };
        let broken = [ErrorKind::ConnectionReset, ErrorKind::BrokenPipe];
        assert!(broken.contains(&outcome), "{name}: {outcome}");
    }
}

#[test]
fn the_echo_server_sends_back_what_comes_and_drops_who_does_not_read() {
    let (addr, news) = start(|listener, tell| echo::serve(&listener, tell));
    let (a, b) = (connect(addr), connect(addr));
    assert_eq!(ask(&b, "b"), "b\n");
    assert_eq!(ask(&a, "a"), "a\n");
    let flood = thread::spawn(move || while (&a).write_all(&[b'x'; 4096]).is_ok() {});
    until(&news, |news| matches!(news, News::Lost(..)));
    flood.join().unwrap();
    assert_eq!(ask(&b, "still there?"), "still there?\n");
}

#[test]
fn five_hundred_clients_at_once_lose_nothing_and_leave_nothing() {
    const CLIENTS: usize = 500;
    #[cfg(target_os = "linux")]
    raise_the_limit();
    for (name, serve) in line_servers().into_iter().skip(1) {
        let (addr, news) = start(serve);
        let clients: Vec<TcpStream> = (0..CLIENTS).map(|_| connect(addr)).collect();
        for (number, client) in clients.iter().enumerate() {
            let mut client = client;
            client
                .write_all(format!("i am {number}\n").as_bytes())
                .unwrap();
        }
        for (number, client) in clients.iter().enumerate() {
            client.shutdown(Shutdown::Write).unwrap();
            let mut said = String::new();
            let mut client = client;
            client.read_to_string(&mut said).unwrap();
            assert_eq!(said, format!("I AM {number}\n"), "{name}");
        }
        let left = std::cell::Cell::new(0);
        until(&news, |news| {
            left.set(left.get() + usize::from(matches!(news, News::Left(_, 1))));
            left.get() == CLIENTS
        });
    }
}

#[cfg(target_os = "linux")]
fn raise_the_limit() {
    use nix::sys::resource::{Resource, getrlimit, setrlimit};
    let (_, most) = getrlimit(Resource::RLIMIT_NOFILE).unwrap();
    setrlimit(Resource::RLIMIT_NOFILE, most, most).unwrap();
}

#[cfg(target_os = "linux")]
mod reacting {
    use std::time::Instant;

    use lesson_10::reacting::{Server, Stopper};

    use super::*;

    type Ended = Receiver<io::Result<()>>;

    fn start(patience: Duration) -> (SocketAddr, Stopper, Receiver<News>, Ended) {
        let listener = TcpListener::bind(ANY_PORT).unwrap();
        let addr = listener.local_addr().unwrap();
        let server = Server::new(listener, patience).unwrap();
        let stopper = server.stopper();
        let (sender, news) = mpsc::channel();
        let (end, ended) = mpsc::channel();
        thread::spawn(move || {
            end.send(server.run(|news| {
                let _ = sender.send(news);
            }))
        });
        (addr, stopper, news, ended)
    }

    #[test]
    fn a_server_that_is_stopped_sends_what_is_queued_and_ends() {
        let (addr, stopper, news, ended) = start(BACKSTOP);
        let idle = connect(addr);
        assert_eq!(ask(&idle, "hello"), "HELLO\n");
        let slow = connect(addr);
        slow.set_nonblocking(true).unwrap();
        let line = [&[b'x'; 999][..], b"\n"].concat();
        let mut sent = 0;
        let mut full = 0;
        while full < 20 {
            match (&slow).write(&line[sent % line.len()..]) {
                Ok(length) => (sent, full) = (sent + length, 0),
                Err(_) => {
                    full += 1;
                    until(&news, |_| true);
                    thread::sleep(Duration::from_millis(5)); // is it full, or busy?
                }
            }
        }
        slow.set_nonblocking(false).unwrap();
        stopper.stop().unwrap();
        stopper.stop().unwrap();
        assert_eq!((&idle).read(&mut [0; 1]).unwrap(), 0);
        // What was read before the stop is answered; what was not is lost, and so the
        // connection may end with a reset.
        let mut back = Vec::new();
        let _ = (&slow).read_to_end(&mut back);
        assert!(back.len() > 64 << 10 && back.len() <= sent);
        let wanted = line
            .repeat(back.len() / line.len() + 1)
            .to_ascii_uppercase();
        assert!(back[..] == wanted[..back.len()]);
        ended.recv_timeout(BACKSTOP).unwrap().unwrap();
        assert!(TcpStream::connect(addr).is_err());
    }

    #[test]
    fn a_stop_before_the_first_wait_is_not_lost() {
        let listener = TcpListener::bind(ANY_PORT).unwrap();
        let server = Server::new(listener, BACKSTOP).unwrap();
        server.stopper().stop().unwrap();
        server.run(|_| {}).unwrap();
    }

    #[test]
    fn who_is_silent_has_to_go_and_who_speaks_stays() {
        let patience = Duration::from_millis(400);
        let (addr, _stopper, _news, _ended) = start(patience);
        let talker = connect(addr);
        let started = Instant::now();
        let silent = connect(addr);
        let gone = thread::spawn(move || {
            let read = (&silent).read(&mut [0; 1]).unwrap();
            (read, started.elapsed())
        });
        let mut longest = Duration::ZERO;
        while !gone.is_finished() {
            let before = Instant::now();
            let mut talker = &talker;
            if talker.write_all(b"x\n").is_err() {
                break;
            }
            if talker.read(&mut [0; 2]).unwrap_or(0) == 0 {
                break;
            }
            thread::sleep(Duration::from_millis(20)); // a talker with pauses
            longest = longest.max(before.elapsed());
        }
        // A machine that lets nobody run for so long proves nothing.
        if longest < patience / 2 {
            assert_eq!(ask(&talker, "still there"), "STILL THERE\n");
        }
        let (read, after) = gone.join().unwrap();
        assert_eq!(read, 0);
        assert!(after >= patience, "{after:?}");
    }
}
