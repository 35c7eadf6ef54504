//! Answers to `async/drain`.

use std::io;
use std::net::TcpListener as StdListener;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use checks::answers::{Answer, Expected};
use checks_async::drain as check;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::runtime::Builder;
use tokio::sync::{oneshot, watch};
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep, timeout};

pub fn answers() -> Vec<Answer> {
    vec![
        Answer::right(
            "drain right: a sleep in select",
            check(|l, s, t| run(l, s, t, select)),
        ),
        Answer::right(
            "drain right: counters",
            check(|l, s, t| run(l, s, t, counters)),
        ),
        Answer::right("drain right: many workers", check(many_workers)),
        Answer::wrong(
            "M137",
            "drain: cut off at once",
            check(|l, s, t| run(l, s, t, at_once)),
        ),
        Answer::wrong(
            "M137",
            "drain: aborts all",
            check(|l, s, t| run(l, s, t, aborts)),
        ),
        Answer::wrong(
            "M138",
            "drain: no deadline",
            check(|l, s, t| run(l, s, t, no_deadline)),
        ),
        Answer::wrong(
            "M138",
            "drain: a limit for each",
            check(|l, s, t| run(l, s, t, each)),
        ),
        Answer::wrong(
            "M139",
            "drain: keeps the door open",
            check(|l, s, t| run(l, s, t, open)),
        ),
        Answer::wrong(
            "M132",
            "drain: joins an empty set",
            check(|l, s, t| run(l, s, t, spins)),
        ),
        Answer::wrong(
            "M18",
            "drain: one at a time",
            check(|l, s, t| run(l, s, t, one_by_one)),
        ),
        Answer::unnamed(
            "left",
            "drain: counts who had left",
            check(|l, s, t| run(l, s, t, never_reaps)),
        ),
        Answer::unnamed(
            "cut",
            "drain: forgets to count",
            check(|l, s, t| run(l, s, t, no_count)),
        ),
        Answer::unnamed(
            "finish",
            "drain: waits all the time",
            check(|l, s, t| run(l, s, t, waits)),
        ),
        Answer::unnamed(
            "idle",
            "drain: does not hear it",
            check(|l, s, t| run(l, s, t, deaf)),
        ),
        Answer::unnamed(
            "broken",
            "drain: counts a reset as cut",
            check(|l, s, t| run(l, s, t, strict)),
        ),
        Answer::unnamed("cut", "drain: leaves them behind", check(leaves_them)),
        Answer {
            name: "drain: the stub",
            check: check(|_, _, _| todo!("the task")),
            expected: Expected::Untouched,
        },
    ]
}

type Stopped = Box<dyn FnOnce() + Send>;
type Numbers = io::Result<(usize, usize)>;

async fn talk(mut stream: TcpStream) -> io::Result<()> {
    let mut buffer = [0; 1024];
    loop {
        match stream.read(&mut buffer).await? {
            0 => return Ok(()),
            read => {
                stream
                    .write_all(&buffer[..read].to_ascii_uppercase())
                    .await?
            }
        }
    }
}

/// As it is given.
fn run<F>(
    listener: StdListener,
    stopped: Stopped,
    limit: Duration,
    serve: impl FnOnce(TcpListener, oneshot::Receiver<()>, Duration) -> F,
) -> Numbers
where
    F: Future<Output = Numbers>,
{
    run_on(
        Builder::new_current_thread(),
        listener,
        stopped,
        limit,
        serve,
    )
}

fn run_on<F>(
    mut runtime: Builder,
    listener: StdListener,
    stopped: Stopped,
    limit: Duration,
    serve: impl FnOnce(TcpListener, oneshot::Receiver<()>, Duration) -> F,
) -> Numbers
where
    F: Future<Output = Numbers>,
{
    let (stop, is_stopped) = oneshot::channel();
    std::thread::spawn(move || {
        stopped();
        let _ = stop.send(());
    });
    listener.set_nonblocking(true)?;
    runtime.enable_all().build()?.block_on(async {
        let listener = TcpListener::from_std(listener)?;
        serve(listener, is_stopped, limit).await
    })
}

fn many_workers(listener: StdListener, stopped: Stopped, limit: Duration) -> Numbers {
    run_on(
        Builder::new_multi_thread(),
        listener,
        stopped,
        limit,
        select,
    )
}

/// Accepts until the stop, and forgets who has left.
async fn accept_until(
    listener: &TcpListener,
    stop: &mut oneshot::Receiver<()>,
    visits: &mut JoinSet<io::Result<()>>,
) -> io::Result<()> {
    loop {
        tokio::select! {
            _ = &mut *stop => return Ok(()),
            accepted = listener.accept() => {
                visits.spawn(talk(accepted?.0));
            }
            Some(_) = visits.join_next() => {}
        }
    }
}

async fn select(
    listener: TcpListener,
    mut stop: oneshot::Receiver<()>,
    limit: Duration,
) -> Numbers {
    let mut visits = JoinSet::new();
    accept_until(&listener, &mut stop, &mut visits).await?;
    drop(listener);
    let late = sleep(limit);
    tokio::pin!(late);
    let mut finished = 0;
    loop {
        tokio::select! {
            biased;
            visit = visits.join_next() => match visit {
                Some(_) => finished += 1,
                None => return Ok((finished, 0)),
            },
            () = &mut late => break,
        }
    }
    let aborted = visits.len();
    visits.abort_all();
    while visits.join_next().await.is_some() {}
    Ok((finished, aborted))
}

/// No set of tasks: each visit hears of the deadline itself.
async fn counters(
    listener: TcpListener,
    mut stop: oneshot::Receiver<()>,
    limit: Duration,
) -> Numbers {
    let (deadline, _) = watch::channel(None::<Instant>);
    let deadline = Arc::new(deadline);
    let counts: Arc<[AtomicUsize; 2]> = Arc::default();
    loop {
        let accepted = tokio::select! {
            _ = &mut stop => break,
            accepted = listener.accept() => accepted?,
        };
        let (counts, mut told) = (Arc::clone(&counts), deadline.subscribe());
        tokio::spawn(async move {
            let late = async {
                let due = told.wait_for(Option::is_some).await.map(|due| *due);
                if let Ok(Some(due)) = due {
                    tokio::time::sleep_until(due).await;
                }
            };
            tokio::select! {
                biased;
                _ = talk(accepted.0) => counts[0].fetch_add(1, Ordering::SeqCst),
                () = late => counts[1].fetch_add(1, Ordering::SeqCst),
            }
        });
    }
    drop(listener);
    let before = counts[0].load(Ordering::SeqCst);
    deadline.send_replace(Some(Instant::now() + limit));
    deadline.closed().await;
    let count = |nr: usize| counts[nr].load(Ordering::SeqCst);
    Ok((count(0) - before, count(1)))
}

async fn at_once(
    listener: TcpListener,
    mut stop: oneshot::Receiver<()>,
    _: Duration,
) -> Numbers {
    let mut visits = JoinSet::new();
    accept_until(&listener, &mut stop, &mut visits).await?;
    Ok((0, visits.len()))
}

async fn aborts(
    listener: TcpListener,
    mut stop: oneshot::Receiver<()>,
    limit: Duration,
) -> Numbers {
    let mut visits = JoinSet::new();
    accept_until(&listener, &mut stop, &mut visits).await?;
    drop(listener);
    visits.abort_all();
    let aborted = visits.len();
    let _ =
        timeout(limit, async { while visits.join_next().await.is_some() {} }).await;
    Ok((0, aborted))
}

async fn no_deadline(
    listener: TcpListener,
    mut stop: oneshot::Receiver<()>,
    _: Duration,
) -> Numbers {
    let mut visits = JoinSet::new();
    accept_until(&listener, &mut stop, &mut visits).await?;
    drop(listener);
    let finished = visits.len();
    while visits.join_next().await.is_some() {}
    Ok((finished, 0))
}

async fn each(
    listener: TcpListener,
    mut stop: oneshot::Receiver<()>,
    limit: Duration,
) -> Numbers {
    let mut visits = JoinSet::new();
    accept_until(&listener, &mut stop, &mut visits).await?;
    drop(listener);
    let mut finished = 0;
    while let Ok(Some(_)) = timeout(limit, visits.join_next()).await {
        finished += 1;
    }
    Ok((finished, visits.len()))
}

async fn open(
    listener: TcpListener,
    mut stop: oneshot::Receiver<()>,
    limit: Duration,
) -> Numbers {
    let mut visits = JoinSet::new();
    accept_until(&listener, &mut stop, &mut visits).await?;
    let due = Instant::now() + limit;
    let mut finished = 0;
    while let Ok(Some(_)) = tokio::time::timeout_at(due, visits.join_next()).await {
        finished += 1;
    }
    Ok((finished, visits.len()))
}

async fn spins(
    listener: TcpListener,
    mut stop: oneshot::Receiver<()>,
    limit: Duration,
) -> Numbers {
    let mut visits = JoinSet::new();
    loop {
        tokio::select! {
            _ = &mut stop => break,
            accepted = listener.accept() => {
                visits.spawn(talk(accepted?.0));
            }
            _ = visits.join_next() => tokio::task::yield_now().await,
        }
    }
    drop(listener);
    let due = Instant::now() + limit;
    let mut finished = 0;
    while let Ok(Some(_)) = tokio::time::timeout_at(due, visits.join_next()).await {
        finished += 1;
    }
    Ok((finished, visits.len()))
}

async fn one_by_one(
    listener: TcpListener,
    mut stop: oneshot::Receiver<()>,
    limit: Duration,
) -> Numbers {
    loop {
        tokio::select! {
            _ = &mut stop => return Ok((0, 0)),
            accepted = listener.accept() => {
                let visit = talk(accepted?.0);
                tokio::pin!(visit);
                tokio::select! {
                    _ = &mut visit => continue,
                    _ = &mut stop => {}
                }
                return Ok(match timeout(limit, visit).await {
                    Ok(_) => (1, 0),
                    Err(_) => (0, 1),
                });
            }
        }
    }
}

async fn never_reaps(
    listener: TcpListener,
    mut stop: oneshot::Receiver<()>,
    limit: Duration,
) -> Numbers {
    let mut visits = JoinSet::new();
    loop {
        tokio::select! {
            _ = &mut stop => break,
            accepted = listener.accept() => {
                visits.spawn(talk(accepted?.0));
            }
        }
    }
    drop(listener);
    let due = Instant::now() + limit;
    let mut finished = 0;
    while let Ok(Some(_)) = tokio::time::timeout_at(due, visits.join_next()).await {
        finished += 1;
    }
    Ok((finished, visits.len()))
}

async fn no_count(
    listener: TcpListener,
    stop: oneshot::Receiver<()>,
    limit: Duration,
) -> Numbers {
    let (finished, _) = select(listener, stop, limit).await?;
    Ok((finished, 0))
}

async fn waits(
    listener: TcpListener,
    mut stop: oneshot::Receiver<()>,
    limit: Duration,
) -> Numbers {
    let mut visits = JoinSet::new();
    accept_until(&listener, &mut stop, &mut visits).await?;
    drop(listener);
    let there = visits.len();
    if there > 0 {
        sleep(limit).await;
    }
    let mut finished = 0;
    while visits.try_join_next().is_some() {
        finished += 1;
    }
    Ok((finished, there - finished))
}

async fn deaf(
    listener: TcpListener,
    _: oneshot::Receiver<()>,
    _: Duration,
) -> Numbers {
    loop {
        tokio::spawn(talk(listener.accept().await?.0));
    }
}

async fn strict(
    listener: TcpListener,
    mut stop: oneshot::Receiver<()>,
    limit: Duration,
) -> Numbers {
    let mut visits = JoinSet::new();
    accept_until(&listener, &mut stop, &mut visits).await?;
    drop(listener);
    let due = Instant::now() + limit;
    let (mut finished, mut aborted) = (0, 0);
    while let Ok(Some(visit)) = tokio::time::timeout_at(due, visits.join_next()).await
    {
        match visit {
            Ok(Ok(())) => finished += 1,
            _ => aborted += 1,
        }
    }
    Ok((finished, aborted + visits.len()))
}

/// The runtime lives on, and with it the visits.
fn leaves_them(listener: StdListener, stopped: Stopped, limit: Duration) -> Numbers {
    let runtime = Builder::new_multi_thread()
        .worker_threads(1)
        .enable_all()
        .build()?;
    let (stop, is_stopped) = oneshot::channel();
    std::thread::spawn(move || {
        stopped();
        let _ = stop.send(());
    });
    listener.set_nonblocking(true)?;
    let numbers = runtime.block_on(async {
        let listener = TcpListener::from_std(listener)?;
        let mut stop = is_stopped;
        let mut visits = JoinSet::new();
        accept_until(&listener, &mut stop, &mut visits).await?;
        drop(listener);
        let due = Instant::now() + limit;
        let mut finished = 0;
        while let Ok(Some(_)) = tokio::time::timeout_at(due, visits.join_next()).await
        {
            finished += 1;
        }
        let aborted = visits.len();
        visits.detach_all();
        Ok((finished, aborted))
    });
    std::mem::forget(runtime);
    numbers
}
