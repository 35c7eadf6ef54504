//! The whole battery, for every way in which the framework runs a handler.

use std::io::{self, BufRead, Write};
use std::net::TcpListener;
use std::process::ExitCode;

use checks::answers::{self, Answer};
use checks::battery::whole;
use socketserver::{Backend, Conn, Next, Protocol, Result, Server, Strategy};

fn upper(conn: &mut Conn) -> Result<Next> {
    let mut line = Vec::new();
    conn.read_until(b'\n', &mut line)?;
    if line.is_empty() {
        return Ok(Next::Close);
    }
    conn.write_all(&capitals(&line))?;
    Ok(Next::Again)
}

/// A line in capitals, with a newline where it has none.
fn capitals(line: &[u8]) -> Vec<u8> {
    let mut answer = line.to_ascii_uppercase();
    if answer.last() != Some(&b'\n') {
        answer.push(b'\n');
    }
    answer
}

/// The same as a protocol, for the event loops.
struct Upper;

impl Protocol for Upper {
    fn data(&mut self, input: &mut Vec<u8>, output: &mut Vec<u8>) -> Result<Next> {
        let Some(last) = input.iter().rposition(|byte| *byte == b'\n') else {
            return Ok(Next::Again);
        };
        output.extend(input.drain(..=last).map(|byte| byte.to_ascii_uppercase()));
        Ok(Next::Again)
    }

    fn end(&mut self, input: &mut Vec<u8>, output: &mut Vec<u8>) -> Result {
        if !input.is_empty() {
            output.extend(capitals(input));
            input.clear();
        }
        Ok(())
    }
}

fn serve(listener: TcpListener, strategy: Strategy) -> io::Result<()> {
    let server = Server::from_listener(listener).on_error(|_, _| {}).bind()?;
    server.serve(strategy, |_| upper).map(drop)
}

fn events(listener: TcpListener, backend: Backend, max: usize) -> io::Result<()> {
    let server = Server::from_listener(listener).on_error(|_, _| {}).bind()?;
    server.serve_events(backend, max, |_| Upper).map(drop)
}

fn threads(listener: TcpListener) -> io::Result<()> {
    serve(listener, Strategy::Threads { max: 1100 })
}

fn pool(listener: TcpListener) -> io::Result<()> {
    let (workers, queue) = (210, 100);
    serve(listener, Strategy::Pool { workers, queue })
}

fn fork(listener: TcpListener) -> io::Result<()> {
    serve(listener, Strategy::Fork { max: 210 })
}

fn prefork(listener: TcpListener) -> io::Result<()> {
    serve(listener, Strategy::Prefork { workers: 40 })
}

fn parked(listener: TcpListener) -> io::Result<()> {
    let (workers, max) = (4, 1100);
    serve(listener, Strategy::Parked { workers, max })
}

fn epoll(listener: TcpListener) -> io::Result<()> {
    events(listener, Backend::Epoll, 1100)
}

fn poll(listener: TcpListener) -> io::Result<()> {
    events(listener, Backend::Poll, 1100)
}

fn select(listener: TcpListener) -> io::Result<()> {
    events(listener, Backend::Select, 1000)
}

fn main() -> ExitCode {
    let reply = |line: &[u8]| line.to_ascii_uppercase();
    answers::main(&[
        Answer::right("threads", whole(threads, reply, 1000)),
        Answer::right("pool", whole(pool, reply, 200)),
        Answer::right("fork", whole(fork, reply, 200)),
        Answer::right("prefork", whole(prefork, reply, 30)),
        Answer::right("parked", whole(parked, reply, 1000)),
        Answer::right("epoll", whole(epoll, reply, 1000)),
        Answer::right("poll", whole(poll, reply, 1000)),
        Answer::right("select", whole(select, reply, 900)),
    ])
}
