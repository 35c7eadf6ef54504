//! A measurement: what it costs to pass the turn on, between threads and between
//! tasks.

use std::io;
use std::sync::mpsc;
use std::thread;
use std::time::{Duration, Instant};

use tokio::runtime::Builder;
use tokio::sync::mpsc as async_mpsc;

/// How long a turn took, there and back: the median of several measurements.
#[derive(Clone, Copy, Debug)]
pub struct Turns {
    /// Between two threads.
    pub threads: Duration,
    /// Between two tasks of one thread.
    pub tasks: Duration,
}

/// Plays `rounds` turns in both ways, `times` times, one way after the other so that
/// whatever else the machine does disturbs both.
///
/// # Errors
///
/// If a thread or the runtime cannot be made.
pub fn measure(rounds: u32, times: usize) -> io::Result<Turns> {
    let (mut threads, mut tasks) = (Vec::new(), Vec::new());
    for _ in 0..times {
        threads.push(by_threads(rounds)? / rounds.max(1));
        tasks.push(by_tasks(rounds)? / rounds.max(1));
    }
    Ok(Turns {
        threads: median(threads),
        tasks: median(tasks),
    })
}

fn median(mut times: Vec<Duration>) -> Duration {
    times.sort();
    times.get(times.len() / 2).copied().unwrap_or_default()
}

// ANCHOR: threads
fn by_threads(rounds: u32) -> io::Result<Duration> {
    let (there, questions) = mpsc::sync_channel::<u32>(1);
    let (back, answers) = mpsc::sync_channel(1);
    thread::Builder::new().spawn(move || {
        for ball in questions {
            let _ = back.send(ball + 1); // the other has had enough
        }
    })?;
    let started = Instant::now();
    for ball in 0..rounds {
        there.send(ball).map_err(io::Error::other)?;
        answers.recv().map_err(io::Error::other)?;
    }
    Ok(started.elapsed())
}
// ANCHOR_END: threads

// ANCHOR: tasks
fn by_tasks(rounds: u32) -> io::Result<Duration> {
    let runtime = Builder::new_current_thread().build()?;
    runtime.block_on(async {
        let (there, mut questions) = async_mpsc::channel::<u32>(1);
        let (back, mut answers) = async_mpsc::channel(1);
        tokio::spawn(async move {
            while let Some(ball) = questions.recv().await {
                let _ = back.send(ball + 1).await;
            }
        });
        let started = Instant::now();
        for ball in 0..rounds {
            there.send(ball).await.map_err(io::Error::other)?;
            answers.recv().await;
        }
        Ok(started.elapsed())
    })
}
// ANCHOR_END: tasks
