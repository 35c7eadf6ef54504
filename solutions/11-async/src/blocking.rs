//! Exercise `async/blocking`: one client's question holds everybody up.
//!
//! This server answers each line with a line: `lookup NAME` with what it has found
//! out about the name, any other with the same in capitals. Each client has a task of
//! its own. And yet, while the answer to one client's `lookup` is looked for, nobody
//! else gets one.
//!
//! Find out why, and repair it. All tasks share one thread, and may go on doing so.
//!
//! The book has it in chapter 11, "A call that blocks".

use std::io;

use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::{TcpListener, TcpStream};
use tokio::runtime::Builder;

/// The longest line, in bytes, with its newline. Whoever sends a longer one has to
/// go.
const MAX_LINE: u64 = 1024;

/// Serves clients until accepting itself fails. `lookup` finds out about a name; how
/// long that takes is not known, and it cannot be changed: it is an old library.
///
/// A client gets its answers in the order of its lines. As long as a lookup goes on,
/// all other clients are served, those with lookups of their own, too: there may be
/// as many at the same time as there are clients, some 200. A client that leaves
/// during its lookup harms nobody. While there is nothing to do, no thread runs.
pub fn serve(
    listener: std::net::TcpListener,
    lookup: fn(&str) -> String,
) -> io::Result<()> {
    let runtime = Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(async {
        listener.set_nonblocking(true)?;
        let listener = TcpListener::from_std(listener)?;
        loop {
            let (stream, peer) = listener.accept().await?;
            tokio::spawn(async move {
                if let Err(error) = talk(stream, lookup).await {
                    eprintln!("{peer}: {error}");
                }
            });
        }
    })
}

/// One client's visit, until the end of its input.
async fn talk(mut stream: TcpStream, lookup: fn(&str) -> String) -> io::Result<()> {
    let (input, mut output) = stream.split();
    let mut input = BufReader::new(input);
    loop {
        let mut line = Vec::new();
        (&mut input)
            .take(MAX_LINE)
            .read_until(b'\n', &mut line)
            .await?;
        if line.pop_if(|last| *last == b'\n').is_none() {
            return Ok(()); // the end, or a line that has none
        }
        let line = String::from_utf8_lossy(&line).into_owned();
        let mut answer = answer(line, lookup).await?;
        answer.push('\n');
        output.write_all(answer.as_bytes()).await?;
    }
}

/// The answer to one line.
async fn answer(line: String, lookup: fn(&str) -> String) -> io::Result<String> {
    match line.strip_prefix("lookup ") {
        // BEGIN SOLUTION
        Some(name) => {
            // It waits in a thread that is there to wait; this one goes on with the
            // other tasks.
            let name = name.to_string();
            let found = tokio::task::spawn_blocking(move || lookup(&name));
            found.await.map_err(io::Error::other)
        }
        // STUB Some(name) => Ok(lookup(name)),
        // END SOLUTION
        None => Ok(line.to_uppercase()),
    }
}

#[cfg(test)]
pub(crate) fn check() -> checks_async::Check {
    checks_async::blocking(serve)
}
