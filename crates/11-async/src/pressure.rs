//! What becomes of a producer that is faster than its consumer.

use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use tokio::runtime::Builder;
use tokio::sync::mpsc;
use tokio::task::yield_now;

/// How many messages stood in a queue, at most.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Longest {
    /// In one with room for so many.
    pub bounded: usize,
    /// In one without a limit.
    pub unbounded: usize,
}

// ANCHOR: measure
/// Sends `messages` through a queue with `room`, and through one without a limit. The
/// consumer has ten turns of other work to do for each message.
///
/// # Errors
///
/// If the runtime cannot be made.
pub fn measure(messages: usize, room: usize) -> io::Result<Longest> {
    let runtime = Builder::new_current_thread().build()?;
    runtime.block_on(async {
        let (sender, mut queue) = mpsc::channel(room.max(1));
        let bounded = watch(async move |longest| {
            tokio::spawn(async move {
                for message in 0..messages {
                    // Waits while the queue is full: the consumer sets the pace.
                    let _ = sender.send(message).await;
                }
            });
            while queue.recv().await.is_some() {
                longest.fetch_max(queue.len() + 1, Ordering::Relaxed);
                work().await;
            }
        });
        let bounded = bounded.await;
        let (sender, mut queue) = mpsc::unbounded_channel();
        let unbounded = watch(async move |longest| {
            tokio::spawn(async move {
                for message in 0..messages {
                    let _ = sender.send(message); // never waits
                }
            });
            while queue.recv().await.is_some() {
                longest.fetch_max(queue.len() + 1, Ordering::Relaxed);
                work().await;
            }
        });
        let unbounded = unbounded.await;
        Ok(Longest { bounded, unbounded })
    })
}
// ANCHOR_END: measure

async fn watch(run: impl AsyncFnOnce(Arc<AtomicUsize>)) -> usize {
    let longest = Arc::new(AtomicUsize::new(0));
    run(Arc::clone(&longest)).await;
    longest.load(Ordering::Relaxed)
}

async fn work() {
    for _ in 0..10 {
        yield_now().await;
    }
}
