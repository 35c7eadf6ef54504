//! Answers to `async/blocking`.

use std::io;
use std::net::TcpListener as StdListener;
use std::sync::mpsc as std_mpsc;
use std::sync::{Arc, Mutex, OnceLock};
use std::thread;
use std::time::Duration;

use checks::answers::Answer;
use checks_async::blocking as check;
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader};
use tokio::net::{TcpListener, TcpStream};
use tokio::runtime::Builder;
use tokio::sync::{Semaphore, oneshot};
use tokio::task;

pub fn answers() -> Vec<Answer> {
    vec![
        Answer::right("blocking right: spawn_blocking", check(spawn_blocking)),
        Answer::right("blocking right: a thread each", check(a_thread_each)),
        Answer::right("blocking right: block_in_place", check(block_in_place)),
        Answer::right("blocking right: threads all the way", check(threads)),
        Answer::wrong("M32", "blocking: as found", check(as_found)),
        Answer::wrong("M32", "blocking: in a task", check(in_a_task)),
        Answer::wrong("M32", "blocking: in an async block", check(in_a_block)),
        Answer::wrong("M32", "blocking: joins a thread", check(joins_a_thread)),
        Answer::wrong("M32", "blocking: two workers", check(two_workers)),
        Answer::wrong(
            "M32",
            "blocking: waits on a channel",
            check(waits_on_a_channel),
        ),
        Answer::wrong(
            "M18",
            "blocking: one client at a time",
            check(one_at_a_time),
        ),
        Answer::unnamed("two", "blocking: one lookup at a time", check(one_lookup)),
        Answer::unnamed("many", "blocking: eight lookups at most", check(eight)),
        Answer::unnamed(
            "order",
            "blocking: answers out of order",
            check(out_of_order),
        ),
        Answer::wrong(
            "M132",
            "blocking: looks again and again",
            check(looks_again),
        ),
        Answer::unnamed("lookup", "blocking: no lookup", check(no_lookup)),
        Answer::unnamed(
            "other",
            "blocking: a lock across the lookup",
            check(lock_across),
        ),
    ]
}

type Lookup = fn(&str) -> String;

/// The server as it is given, with another way to look a name up.
fn serve<F, R>(
    runtime: &mut Builder,
    listener: StdListener,
    lookup: Lookup,
    find: F,
) -> io::Result<()>
where
    F: Fn(String, Lookup) -> R + Copy + Send + 'static,
    R: Future<Output = io::Result<String>> + Send + 'static,
{
    runtime.enable_all().build()?.block_on(async {
        listener.set_nonblocking(true)?;
        let listener = TcpListener::from_std(listener)?;
        loop {
            let (stream, _) = listener.accept().await?;
            tokio::spawn(talk(stream, lookup, find));
        }
    })
}

async fn talk<F, R>(mut stream: TcpStream, lookup: Lookup, find: F) -> io::Result<()>
where
    F: Fn(String, Lookup) -> R,
    R: Future<Output = io::Result<String>>,
{
    let (input, mut output) = stream.split();
    let mut lines = BufReader::new(input).lines();
    while let Some(line) = lines.next_line().await? {
        let answer = match line.strip_prefix("lookup ") {
            Some(name) => find(name.to_string(), lookup).await?,
            None => line.to_uppercase(),
        };
        output.write_all(format!("{answer}\n").as_bytes()).await?;
    }
    Ok(())
}

fn current() -> Builder {
    Builder::new_current_thread()
}

fn workers(workers: usize) -> Builder {
    let mut builder = Builder::new_multi_thread();
    builder.worker_threads(workers);
    builder
}

fn spawn_blocking(listener: StdListener, lookup: Lookup) -> io::Result<()> {
    serve(
        &mut workers(2),
        listener,
        lookup,
        |name, lookup| async move {
            let found = task::spawn_blocking(move || lookup(&name));
            found.await.map_err(io::Error::other)
        },
    )
}

fn a_thread_each(listener: StdListener, lookup: Lookup) -> io::Result<()> {
    serve(
        &mut current(),
        listener,
        lookup,
        |name, lookup| async move {
            let (sender, found) = oneshot::channel();
            thread::spawn(move || sender.send(lookup(&name)));
            found.await.map_err(io::Error::other)
        },
    )
}

fn block_in_place(listener: StdListener, lookup: Lookup) -> io::Result<()> {
    serve(
        &mut workers(2),
        listener,
        lookup,
        |name, lookup| async move { Ok(task::block_in_place(|| lookup(&name))) },
    )
}

/// No task at all.
fn threads(listener: StdListener, lookup: Lookup) -> io::Result<()> {
    use std::io::{BufRead, BufReader, Write};
    loop {
        let (stream, _) = listener.accept()?;
        thread::spawn(move || -> io::Result<()> {
            for line in BufReader::new(&stream).lines() {
                let line = line?;
                let answer = match line.strip_prefix("lookup ") {
                    Some(name) => lookup(name),
                    None => line.to_uppercase(),
                };
                (&stream).write_all(format!("{answer}\n").as_bytes())?;
            }
            Ok(())
        });
    }
}

fn as_found(listener: StdListener, lookup: Lookup) -> io::Result<()> {
    let find = |name: String, lookup: Lookup| async move { Ok(lookup(&name)) };
    serve(&mut current(), listener, lookup, find)
}

fn in_a_task(listener: StdListener, lookup: Lookup) -> io::Result<()> {
    serve(
        &mut current(),
        listener,
        lookup,
        |name, lookup| async move {
            let found = tokio::spawn(async move { lookup(&name) });
            found.await.map_err(io::Error::other)
        },
    )
}

fn in_a_block(listener: StdListener, lookup: Lookup) -> io::Result<()> {
    serve(
        &mut current(),
        listener,
        lookup,
        |name, lookup| async move {
            task::yield_now().await;
            Ok(async { lookup(&name) }.await)
        },
    )
}

fn joins_a_thread(listener: StdListener, lookup: Lookup) -> io::Result<()> {
    serve(
        &mut current(),
        listener,
        lookup,
        |name, lookup| async move {
            let found = thread::spawn(move || lookup(&name));
            found
                .join()
                .map_err(|_| io::Error::other("the lookup panicked"))
        },
    )
}

fn two_workers(listener: StdListener, lookup: Lookup) -> io::Result<()> {
    let find = |name: String, lookup: Lookup| async move { Ok(lookup(&name)) };
    serve(&mut workers(4), listener, lookup, find)
}

fn waits_on_a_channel(listener: StdListener, lookup: Lookup) -> io::Result<()> {
    serve(
        &mut current(),
        listener,
        lookup,
        |name, lookup| async move {
            let (sender, found) = std_mpsc::channel();
            thread::spawn(move || sender.send(lookup(&name)));
            found.recv().map_err(io::Error::other)
        },
    )
}

fn one_at_a_time(listener: StdListener, lookup: Lookup) -> io::Result<()> {
    current().enable_all().build()?.block_on(async {
        listener.set_nonblocking(true)?;
        let listener = TcpListener::from_std(listener)?;
        loop {
            let (stream, _) = listener.accept().await?;
            let find = |name: String, lookup: Lookup| async move {
                let found = task::spawn_blocking(move || lookup(&name));
                found.await.map_err(io::Error::other)
            };
            let _ = talk(stream, lookup, find).await;
        }
    })
}

static ONE: Semaphore = Semaphore::const_new(1);
static EIGHT: Semaphore = Semaphore::const_new(8);

async fn with_leave(
    leave: &'static Semaphore,
    name: String,
    lookup: Lookup,
) -> io::Result<String> {
    let _leave = leave.acquire().await.map_err(io::Error::other)?;
    let found = task::spawn_blocking(move || lookup(&name));
    found.await.map_err(io::Error::other)
}

fn one_lookup(listener: StdListener, lookup: Lookup) -> io::Result<()> {
    let find = |name, lookup| with_leave(&ONE, name, lookup);
    serve(&mut current(), listener, lookup, find)
}

fn eight(listener: StdListener, lookup: Lookup) -> io::Result<()> {
    let find = |name, lookup| with_leave(&EIGHT, name, lookup);
    serve(&mut current(), listener, lookup, find)
}

fn out_of_order(listener: StdListener, lookup: Lookup) -> io::Result<()> {
    current().enable_all().build()?.block_on(async {
        listener.set_nonblocking(true)?;
        let listener = TcpListener::from_std(listener)?;
        loop {
            let (stream, _) = listener.accept().await?;
            tokio::spawn(async move {
                let (input, output) = stream.into_split();
                let output = Arc::new(tokio::sync::Mutex::new(output));
                let mut lines = BufReader::new(input).lines();
                while let Ok(Some(line)) = lines.next_line().await {
                    let output = Arc::clone(&output);
                    tokio::spawn(async move {
                        let answer = match line.strip_prefix("lookup ") {
                            Some(name) => {
                                let name = name.to_string();
                                let found =
                                    task::spawn_blocking(move || lookup(&name));
                                found.await.unwrap_or_default()
                            }
                            None => line.to_uppercase(),
                        };
                        let answer = format!("{answer}\n");
                        let _ =
                            output.lock().await.write_all(answer.as_bytes()).await;
                    });
                }
            });
        }
    })
}

fn looks_again(listener: StdListener, lookup: Lookup) -> io::Result<()> {
    serve(
        &mut current(),
        listener,
        lookup,
        |name, lookup| async move {
            let found = thread::spawn(move || lookup(&name));
            while !found.is_finished() {
                task::yield_now().await;
            }
            found
                .join()
                .map_err(|_| io::Error::other("the lookup panicked"))
        },
    )
}

fn no_lookup(listener: StdListener, lookup: Lookup) -> io::Result<()> {
    let find = |name: String, _: Lookup| async move {
        tokio::time::sleep(Duration::from_millis(1)).await;
        Ok(format!("{name} is known"))
    };
    serve(&mut current(), listener, lookup, find)
}

static LOCK: OnceLock<Mutex<()>> = OnceLock::new();

/// Threads, and one lock that every answer takes.
fn lock_across(listener: StdListener, lookup: Lookup) -> io::Result<()> {
    use std::io::{BufRead, BufReader, Write};
    loop {
        let (stream, _) = listener.accept()?;
        thread::spawn(move || -> io::Result<()> {
            for line in BufReader::new(&stream).lines() {
                let line = line?;
                let answer = {
                    let _locked = LOCK.get_or_init(Mutex::default).lock().unwrap();
                    match line.strip_prefix("lookup ") {
                        Some(name) => lookup(name),
                        None => line.to_uppercase(),
                    }
                };
                (&stream).write_all(format!("{answer}\n").as_bytes())?;
            }
            Ok(())
        });
    }
}
