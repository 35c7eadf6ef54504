//! A fixed number of threads, and a queue before them.

use std::collections::VecDeque;
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::{io, thread};

use super::threads::Place;
use super::{Crew, Gate};
use crate::handle::lock;
use crate::session::House;

/// Hands requests to threads that are there already.
pub(crate) struct Pool<R> {
    house: House,
    most: usize,
    gate: Arc<Gate>,
    queue: Arc<Queue<R>>,
}

/// The requests that no thread has taken yet.
struct Queue<R> {
    state: Mutex<State<R>>,
    changed: Condvar,
}

struct State<R> {
    waiting: VecDeque<(R, Place)>,
    closed: bool,
}

impl<R: Send + 'static> Pool<R> {
    /// # Errors
    ///
    /// Where the machine does not allow so many threads.
    pub(crate) fn new<W>(
        house: &House,
        workers: usize,
        queue: usize,
        work: W,
    ) -> io::Result<Self>
    where
        W: Fn(&House, R) -> bool + Send + Sync + 'static,
    {
        let workers = workers.max(1);
        let pool = Self {
            house: house.clone(),
            most: workers + queue,
            gate: Arc::default(),
            queue: Arc::new(Queue {
                state: Mutex::new(State {
                    waiting: VecDeque::new(),
                    closed: false,
                }),
                changed: Condvar::new(),
            }),
        };
        let work = Arc::new(work);
        for number in 1..=workers {
            let (house, work) = (house.clone(), Arc::clone(&work));
            let queue = Arc::clone(&pool.queue);
            thread::Builder::new()
                .name(format!("worker {number}"))
                .spawn(move || {
                    // What panics in a request is caught there: no worker is lost.
                    while let Some((request, place)) = queue.next() {
                        work(&house, request);
                        drop(place);
                    }
                })?; // then the pool is dropped, and with it those that were started
        }
        Ok(pool)
    }
}

impl<R> Queue<R> {
    /// The next request, once there is one; none when there will be none any more.
    fn next(&self) -> Option<(R, Place)> {
        let mut state = lock(&self.state);
        loop {
            if let Some(next) = state.waiting.pop_front() {
                return Some(next);
            }
            if state.closed {
                return None;
            }
            state =
                (self.changed.wait(state)).unwrap_or_else(PoisonError::into_inner);
        }
    }
}

impl<R: Send + 'static> Crew<R> for Pool<R> {
    fn has_room(&self) -> bool {
        self.gate.inside() < self.most
    }

    fn has_room_or_will_say(&self) -> bool {
        self.gate.below_or_await(self.most)
    }

    fn take(&mut self, request: R) {
        let place = Place::take(&self.house, &self.gate);
        lock(&self.queue.state).waiting.push_back((request, place));
        self.queue.changed.notify_one();
    }

    fn has_finished(&mut self) -> bool {
        self.gate.below_or_await(1)
    }

    /// Who still waits in the queue is dropped, and so closed.
    fn force(&mut self) -> Vec<crate::Peer> {
        lock(&self.queue.state).waiting.clear();
        Vec::new()
    }
}

impl<R> Drop for Pool<R> {
    fn drop(&mut self) {
        lock(&self.queue.state).closed = true;
        self.queue.changed.notify_all();
    }
}
