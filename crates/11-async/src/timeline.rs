//! The same work by threads, by tasks, and by tasks of which one call blocks.
//!
//! Three clients, each of which has to wait for something that takes its time. They
//! are let go in the order C, B, A; where that is possible.

use std::io;
use std::sync::{Arc, Mutex, PoisonError, mpsc};
use std::thread;

use tokio::runtime::Builder;
use tokio::sync::{mpsc as async_mpsc, oneshot};

/// How many clients there are: A, B and C.
pub const CLIENTS: usize = 3;

/// A client begins to wait, or has waited.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Moment {
    /// It begins.
    Begins(usize),
    /// It is done.
    Ends(usize),
}

/// What happened, in this order.
pub type Story = Vec<Moment>;

// ANCHOR: threads
/// A thread for each: each waits in its own call.
///
/// # Errors
///
/// If a thread cannot be started.
pub fn by_threads() -> io::Result<Story> {
    let (told, story) = mpsc::channel();
    let mut moments = Vec::new();
    let mut gates = Vec::new();
    for client in 0..CLIENTS {
        let (gate, opened) = mpsc::channel::<()>();
        let told = told.clone();
        gates.push(gate);
        thread::Builder::new().spawn(move || {
            let _ = told.send(Moment::Begins(client)); // somebody listens to the end
            let _ = opened.recv(); // the thread waits, and nobody else
            let _ = told.send(Moment::Ends(client));
        })?;
        moments.extend(story.recv());
    }
    while let Some(gate) = gates.pop() {
        let _ = gate.send(());
        moments.extend(story.recv());
    }
    Ok(moments)
}
// ANCHOR_END: threads

// ANCHOR: tasks
/// A task for each, on one thread: while one waits, the others are polled.
///
/// # Errors
///
/// If the runtime cannot be made.
pub fn by_tasks() -> io::Result<Story> {
    let runtime = Builder::new_current_thread().build()?;
    runtime.block_on(async {
        let (told, mut story) = async_mpsc::unbounded_channel();
        let mut moments = Vec::new();
        let mut gates = Vec::new();
        for client in 0..CLIENTS {
            let (gate, opened) = oneshot::channel::<()>();
            let told = told.clone();
            gates.push(gate);
            tokio::spawn(async move {
                let _ = told.send(Moment::Begins(client));
                let _ = opened.await; // the task waits; its thread does not
                let _ = told.send(Moment::Ends(client));
            });
            moments.extend(story.recv().await);
        }
        while let Some(gate) = gates.pop() {
            let _ = gate.send(());
            moments.extend(story.recv().await);
        }
        Ok(moments)
    })
}
// ANCHOR_END: tasks

// ANCHOR: blocked
/// A task for each, on one thread, and the call in which they wait is one for
/// threads.
///
/// # Errors
///
/// If the runtime cannot be made.
pub fn by_blocked_tasks() -> io::Result<Story> {
    let runtime = Builder::new_current_thread().build()?;
    let story: Arc<Mutex<Story>> = Arc::default();
    let (begun, who) = mpsc::channel::<mpsc::Sender<()>>();
    // Somebody outside who opens each gate once its client waits there.
    thread::spawn(move || who.iter().try_for_each(|gate| gate.send(())));
    runtime.block_on(async {
        let mut tasks = Vec::new();
        for client in 0..CLIENTS {
            let (story, begun) = (Arc::clone(&story), begun.clone());
            tasks.push(tokio::spawn(async move {
                let (gate, opened) = mpsc::channel();
                tell(&story, Moment::Begins(client));
                let _ = begun.send(gate);
                let _ = opened.recv(); // the thread waits, and with it everybody
                tell(&story, Moment::Ends(client));
            }));
        }
        for task in tasks {
            task.await.map_err(io::Error::other)?;
        }
        Ok::<_, io::Error>(())
    })?;
    let story = story.lock().unwrap_or_else(PoisonError::into_inner);
    Ok(story.clone())
}
// ANCHOR_END: blocked

fn tell(story: &Mutex<Story>, moment: Moment) {
    let mut story = story.lock().unwrap_or_else(PoisonError::into_inner);
    story.push(moment);
}

/// A row for each client: where it waits, from left to right as things happened.
///
/// ```
/// use lesson_11::timeline::{Moment::*, picture};
///
/// let rows = picture(&[Begins(0), Begins(1), Ends(1), Ends(0)]);
/// assert_eq!(rows[0], "|===========|");
/// assert_eq!(rows[1], "    |===|");
/// ```
pub fn picture(story: &[Moment]) -> Vec<String> {
    const STEP: usize = 4;
    (0..CLIENTS)
        .filter_map(|client| {
            let at = |moment| story.iter().position(|told| *told == moment);
            let begin = at(Moment::Begins(client))? * STEP;
            let end = at(Moment::Ends(client))? * STEP;
            let waits = "=".repeat(end.saturating_sub(begin + 1));
            Some(format!("{}|{waits}|", " ".repeat(begin)))
        })
        .collect()
}
