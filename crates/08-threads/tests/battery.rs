//! The servers of capitals under the whole battery: every trick that the exercises'
//! peer knows, and a throng of callers at once, after which nothing may be left over.

use std::io;
use std::net::TcpListener;
use std::process::ExitCode;
use std::time::Duration;

use checks::answers::{Answer, main as run};
use checks::battery::whole;
use lesson_8::accept::Stop;
use lesson_8::function;
use lesson_8::lines::upper;
use lesson_8::object::Server;
use lesson_8::pool::{self, Size};

/// As many as a thousand have a thread each.
const CALLERS: usize = 1000;

/// A pool serves as many as it has threads.
const WORKERS: usize = 128;

const LIMIT: Duration = Duration::from_secs(5);

fn main() -> ExitCode {
    let reply = |line: &[u8]| upper(line);
    run(&[
        Answer::right("function", whole(by_function, reply, CALLERS)),
        Answer::right("object", whole(by_object, reply, CALLERS)),
        Answer::right("pool", whole(by_pool, reply, WORKERS - 1)),
    ])
}

fn by_function(listener: TcpListener) -> io::Result<()> {
    function::serve(&listener)
}

fn by_object(listener: TcpListener) -> io::Result<()> {
    Server::new(listener)?.run(LIMIT).map(drop)
}

fn by_pool(listener: TcpListener) -> io::Result<()> {
    let size = Size {
        workers: WORKERS,
        queue: 8,
    };
    let stop = Stop::new(&listener)?;
    pool::serve(listener, size, &stop, LIMIT).map(drop)
}
