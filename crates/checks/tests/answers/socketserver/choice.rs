//! Answers to `socketserver/choice`.

use std::io::{self, BufRead, BufReader, ErrorKind, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Condvar, Mutex};
use std::thread;

use checks::answers::{Answer, Expected};
use checks_socketserver::choice as check;
use nix::sys::wait::waitpid;
use nix::unistd::{ForkResult, Pid, fork};
use socketserver::{Conn, Handler, Next, Server, Strategy};

type Reply = fn(&[u8]) -> Vec<u8>;

pub fn answers() -> Vec<Answer> {
    vec![
        Answer::right(
            "choice right: a table",
            check(|l, w, a| framed(l, by(w, RIGHT)?, a)),
        ),
        Answer::right(
            "choice right: a pool",
            check(|l, w, a| framed(l, by(w, POOL)?, a)),
        ),
        Answer::right("choice right: whole conversations", check(whole)),
        Answer::right("choice right: by hand", check(by_hand)),
        Answer::wrong(
            "M18",
            "choice: always inline",
            check(|l, w, a| framed(l, by(w, INLINE)?, a)),
        ),
        Answer::wrong(
            "M101",
            "choice: its own limit",
            check(|l, w, a| framed(l, by(w, MORE)?, a)),
        ),
        Answer::unnamed(
            "fork",
            "choice: always threads",
            check(|l, w, a| framed(l, by(w, THREADS)?, a)),
        ),
        Answer::unnamed(
            "words",
            "choice: a default",
            check(|l, w, a| framed(l, by(w, RIGHT).unwrap_or(Strategy::Inline), a)),
        ),
        Answer::unnamed(
            "words",
            "choice: any number",
            check(|l, w, a| framed(l, by(w, ANY)?, a)),
        ),
        Answer::unnamed(
            "words",
            "choice: without the word",
            check(|l, w, a| {
                framed(l, by(w, RIGHT).map_err(|_| ErrorKind::InvalidInput)?, a)
            }),
        ),
        Answer::unnamed("inline", "choice: no newline", check(no_newline)),
        Answer {
            name: "choice: the stub",
            check: check(|_, _, _| todo!("the task")),
            expected: Expected::Untouched,
        },
    ]
}

/// From a name and a number to a strategy.
type Make = fn(&str, Option<usize>) -> Option<Strategy>;

fn by(word: &str, make: Make) -> io::Result<Strategy> {
    let nonsense = || io::Error::new(ErrorKind::InvalidInput, format!("{word}?"));
    let (name, number) = match word.split_once(' ') {
        Some((name, number)) => (name, Some(number.parse().map_err(|_| nonsense())?)),
        None => (word, None),
    };
    make(name, number).ok_or_else(nonsense)
}

const RIGHT: Make = |name, number| match (name, number) {
    ("inline", None) => Some(Strategy::Inline),
    ("threads", Some(max @ 1..=1000)) => Some(Strategy::Threads { max }),
    ("fork", Some(max @ 1..=1000)) => Some(Strategy::Fork { max }),
    _ => None,
};
const POOL: Make = |name, number| match RIGHT(name, number)? {
    Strategy::Threads { max } => Some(Strategy::Pool {
        workers: max,
        queue: 0,
    }),
    other => Some(other),
};
const INLINE: Make = |name, number| RIGHT(name, number).map(|_| Strategy::Inline);
const MORE: Make = |name, number| match RIGHT(name, number)? {
    Strategy::Threads { .. } => Some(Strategy::Threads { max: 1000 }),
    Strategy::Fork { .. } => Some(Strategy::Fork { max: 1000 }),
    other => Some(other),
};
const THREADS: Make = |name, number| match RIGHT(name, number)? {
    Strategy::Fork { max } => Some(Strategy::Threads { max }),
    other => Some(other),
};
const ANY: Make = |name, number| match (name, number) {
    ("inline", None) => Some(Strategy::Inline),
    ("threads", Some(max)) => Some(Strategy::Threads { max }),
    ("fork", Some(max)) => Some(Strategy::Fork { max }),
    _ => None,
};

fn framed(
    listener: TcpListener,
    strategy: Strategy,
    answer: Reply,
) -> io::Result<()> {
    let server = Server::from_listener(listener).bind()?;
    let handler = move |conn: &mut Conn| -> socketserver::Result<Next> {
        let Some(line) = conn.line(1024)? else {
            return Ok(Next::Close);
        };
        conn.write_all(&[&answer(&line)[..], b"\n"].concat())?;
        Ok(Next::Again)
    };
    server.serve(strategy, move |_| handler).map(drop)
}

/// A handler in Python's manner, which stays with its caller to the end.
fn whole(listener: TcpListener, word: &str, answer: Reply) -> io::Result<()> {
    struct Talk(Reply);
    impl Handler for Talk {
        fn handle(&mut self, conn: &mut Conn) -> socketserver::Result<Next> {
            while let Some(line) = conn.line(1024)? {
                conn.write_all(&(self.0)(&line))?;
                conn.write_all(b"\n")?;
                conn.flush()?;
            }
            Ok(Next::Close)
        }
    }
    let strategy = by(word, RIGHT)?;
    let server = Server::from_listener(listener).bind()?;
    server.serve(strategy, move |_| Talk(answer)).map(drop)
}

fn no_newline(listener: TcpListener, word: &str, answer: Reply) -> io::Result<()> {
    let server = Server::from_listener(listener).bind()?;
    let handler = move |conn: &mut Conn| -> socketserver::Result<Next> {
        let line = conn.line(1024)?.unwrap_or_default();
        conn.write_all(&answer(&line))?;
        Ok(Next::Again)
    };
    server.serve(by(word, RIGHT)?, move |_| handler).map(drop)
}

/// Without the framework.
#[expect(unsafe_code, reason = "fork has no safe form")]
fn by_hand(listener: TcpListener, word: &str, answer: Reply) -> io::Result<()> {
    match by(word, RIGHT)? {
        Strategy::Threads { max } => {
            let places = Arc::new((Mutex::new(max), Condvar::new()));
            loop {
                let mut free = places.0.lock().unwrap();
                while *free == 0 {
                    free = places.1.wait(free).unwrap();
                }
                *free -= 1;
                drop(free);
                let (stream, _) = listener.accept()?;
                let places = Arc::clone(&places);
                thread::spawn(move || {
                    talk(&stream, answer);
                    *places.0.lock().unwrap() += 1;
                    places.1.notify_one();
                });
            }
        }
        Strategy::Fork { max } => {
            let mut children = 0;
            loop {
                if children == max {
                    waitpid(None::<Pid>, None)?;
                    children -= 1;
                }
                let (stream, _) = listener.accept()?;
                // SAFETY: this process has one thread.
                if let ForkResult::Child = unsafe { fork() }? {
                    drop(listener);
                    talk(&stream, answer);
                    // SAFETY: it takes a number and does not return.
                    unsafe { libc::_exit(0) }
                }
                children += 1;
            }
        }
        _ => loop {
            talk(&listener.accept()?.0, answer);
        },
    }
}

fn talk(mut stream: &TcpStream, answer: Reply) {
    for line in BufReader::new(stream).split(b'\n').map_while(Result::ok) {
        if stream
            .write_all(&[&answer(&line)[..], b"\n"].concat())
            .is_err()
        {
            return;
        }
    }
}
