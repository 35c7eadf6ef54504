//! Exercise `async/waker`: an executor that sleeps, and loses no wake-up.
//!
//! An executor polls tasks. One that has nothing to do says pending and has seen to
//! it that its waker is called some day: by another task, by another thread, or by
//! itself before its poll has returned. Between two wake-ups the executor sleeps.
//!
//! The book has it in chapter 11, "An executor in two hundred lines".

// BEGIN SOLUTION
use std::collections::VecDeque;
// END SOLUTION
use std::pin::Pin;
// BEGIN SOLUTION
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Wake, Waker};
// END SOLUTION

/// A future that an executor drives to its end.
pub type Task = Pin<Box<dyn Future<Output = ()> + Send>>;

/// Polls `tasks` in this thread until each is ready, then returns.
///
/// Each is polled once to begin with, and after that for its own wake-ups: at least
/// once after each, and never more often than it has been woken. Several wake-ups
/// before the same poll may be one. A task that is woken goes to the end of the row,
/// also if it wakes itself in its poll: others that wait for their turn come first.
///
/// While nobody is woken the thread sleeps, in a call without a time limit. A waker
/// may be called from any thread, at any time, also while its task is being polled,
/// after the task is over and after `run` has returned; it never waits for a poll. A
/// task that is over is not polled again.
pub fn run(tasks: Vec<Task>) {
    // BEGIN SOLUTION
    let row = Arc::new(Row::default());
    let numbered = tasks.into_iter().enumerate();
    let mut tasks: Vec<Option<(Task, Waker)>> = numbered
        .map(|(number, task)| {
            let row = Arc::clone(&row);
            row.join(number);
            Some((task, Waker::from(Arc::new(Ticket { number, row }))))
        })
        .collect();
    let mut left = tasks.len();
    while left > 0 {
        let number = row.next();
        let Some((task, waker)) = &mut tasks[number] else {
            continue; // it was over when it was woken
        };
        if task
            .as_mut()
            .poll(&mut Context::from_waker(waker))
            .is_ready()
        {
            tasks[number] = None;
            left -= 1;
        }
    }
    // STUB let _ = tasks;
    // STUB todo!("a row of woken tasks, and sleep while it is empty")
    // END SOLUTION
}
// BEGIN SOLUTION

/// The tasks that have been woken, by number, in the order of their wake-ups.
#[derive(Default)]
struct Row {
    woken: Mutex<VecDeque<usize>>,
    more: Condvar,
}

impl Row {
    fn lock(&self) -> MutexGuard<'_, VecDeque<usize>> {
        // Whoever panicked with the lock held has left a row all the same.
        self.woken.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn join(&self, number: usize) {
        self.lock().push_back(number);
        self.more.notify_one();
    }

    /// The next in the row. To look and to fall asleep are one step under the lock: a
    /// wake-up comes before it, and is seen, or after it, and wakes us.
    fn next(&self) -> usize {
        let mut woken = self.lock();
        loop {
            if let Some(number) = woken.pop_front() {
                return number; // the lock is let go before the poll
            }
            let slept = self.more.wait(woken);
            woken = slept.unwrap_or_else(PoisonError::into_inner);
        }
    }
}

/// What a waker holds: whose turn it is to be.
struct Ticket {
    number: usize,
    row: Arc<Row>,
}

impl Wake for Ticket {
    fn wake(self: Arc<Self>) {
        self.row.join(self.number);
    }
}
// END SOLUTION

#[cfg(test)]
pub(crate) fn check() -> checks_async::Check {
    checks_async::waker(run)
}
