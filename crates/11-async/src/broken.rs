//! Programs that are wrong in a way that is worth seeing once.

use std::cell::Cell;
use std::future::poll_fn;
use std::io::{self, ErrorKind, Read, Write};
use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::rc::Rc;
use std::sync::mpsc;
use std::task::Poll;
use std::thread;
use std::time::{Duration, Instant};

use tokio::io::{AsyncRead, AsyncReadExt, AsyncWriteExt, duplex};
use tokio::runtime::Builder;
use tokio::sync::mpsc as async_mpsc;
use tokio::task::spawn_blocking;

use crate::executor::run;

// ANCHOR: forgotten
/// Waits for bytes on our executor, and tells nobody that it waits.
async fn read_forgetful(mut stream: TcpStream) -> io::Result<usize> {
    let mut buffer = [0; 64];
    poll_fn(move |_| match stream.read(&mut buffer) {
        Err(error) if error.kind() == ErrorKind::WouldBlock => Poll::Pending,
        result => Poll::Ready(result),
    })
    .await
}
// ANCHOR_END: forgotten

/// Sends bytes to a future that forgets its waker; whether it has heard of them after
/// so long.
///
/// # Errors
///
/// If the sockets fail.
pub fn forgotten_waker(patience: Duration) -> io::Result<bool> {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
    let mut peer = TcpStream::connect(listener.local_addr()?)?;
    let (stream, _) = listener.accept()?;
    stream.set_nonblocking(true)?;
    let (heard, news) = mpsc::channel();
    // It is left asleep when we go.
    thread::spawn(move || heard.send(run(read_forgetful(stream))));
    thread::sleep(patience / 2); // it has fallen asleep by now, or reads at once
    peer.write_all(b"news")?;
    Ok(news.recv_timeout(patience / 2).is_ok())
}

// ANCHOR: spin
/// Waits until `span` has passed, and wakes itself at each poll to look at the clock.
async fn sleep_restless(span: Duration, polls: Rc<Cell<u64>>) {
    let due = Instant::now() + span;
    poll_fn(|cx| {
        polls.set(polls.get() + 1);
        if Instant::now() >= due {
            return Poll::Ready(());
        }
        cx.waker().wake_by_ref();
        Poll::Pending
    })
    .await;
}
// ANCHOR_END: spin

/// How often a future that wakes itself is polled in this time, and how often ours.
///
/// # Errors
///
/// If the reactor fails.
pub fn spin(span: Duration) -> io::Result<(u64, u64)> {
    let restless = Rc::new(Cell::new(0));
    run(sleep_restless(span, Rc::clone(&restless)))?;
    let asleep = Cell::new(0_u64);
    run(async {
        let mut sleep = std::pin::pin!(crate::socket::sleep(span));
        poll_fn(|cx| {
            asleep.set(asleep.get() + 1);
            sleep.as_mut().poll(cx)
        })
        .await;
    })?;
    Ok((restless.get(), asleep.get()))
}

// ANCHOR: cancel
/// Reads a frame, its length in front. All that it has read lies in this future.
async fn read_frame(input: &mut (impl AsyncRead + Unpin)) -> io::Result<String> {
    let length = input.read_u8().await?;
    let mut frame = vec![0; length.into()];
    input.read_exact(&mut frame).await?;
    Ok(String::from_utf8_lossy(&frame).into_owned())
}
// ANCHOR_END: cancel

/// Two frames, one with a tick in the middle of it: what a reader in `select!` gets.
///
/// # Errors
///
/// If the runtime cannot be made.
pub fn lost_bytes() -> io::Result<Vec<String>> {
    let runtime = Builder::new_current_thread().build()?;
    runtime.block_on(async {
        let (mut peer, mut input) = duplex(64);
        let (clock, mut ticks) = async_mpsc::channel(1);
        let script = tokio::spawn(async move {
            peer.write_all(b"\x03one\x05th").await?;
            for _ in 0..20 {
                tokio::task::yield_now().await; // the reader has taken that
            }
            let _ = clock.send(()).await;
            for _ in 0..20 {
                tokio::task::yield_now().await;
            }
            peer.write_all(b"ree").await
        });
        let mut told = Vec::new();
        loop {
            tokio::select! {
                biased;
                frame = read_frame(&mut input) => match frame {
                    Ok(frame) => told.push(format!("frame {frame:?}")),
                    Err(error) => {
                        told.push(format!("error: {error}"));
                        break;
                    }
                },
                Some(()) = ticks.recv() => told.push("tick".into()),
            }
        }
        script.await.map_err(io::Error::other)??;
        Ok(told)
    })
}

// ANCHOR: blocking
/// Two tasks on one thread: a slow lookup that blocks, and a quick answer. Who is
/// done first?
async fn answers(
    lookup: impl Future<Output = ()> + Send + 'static,
) -> Vec<&'static str> {
    let (told, mut order) = async_mpsc::unbounded_channel();
    let slow = told.clone();
    tokio::spawn(async move {
        lookup.await;
        let _ = slow.send("the slow lookup");
    });
    tokio::spawn(async move {
        let _ = told.send("the quick answer");
    });
    let mut answers = Vec::new();
    while let Some(answer) = order.recv().await {
        answers.push(answer);
    }
    answers
}
// ANCHOR_END: blocking

/// The order of the answers with a lookup that blocks the thread, and with one that
/// is handed to a thread for such things.
///
/// # Errors
///
/// If the runtime cannot be made.
pub fn blocking(span: Duration) -> io::Result<[Vec<&'static str>; 2]> {
    let runtime = Builder::new_current_thread().build()?;
    let blocked = runtime.block_on(answers(async move { thread::sleep(span) }));
    let handed = runtime.block_on(answers(async move {
        let lookup = spawn_blocking(move || thread::sleep(span));
        let _ = lookup.await; // it cannot have panicked
    }));
    Ok([blocked, handed])
}
