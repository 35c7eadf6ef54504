//! Answers to `threads/pool`.

use std::collections::VecDeque;
use std::io::{self, Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::{self, Receiver, SyncSender, TrySendError};
use std::sync::{Arc, Condvar, Mutex};
use std::thread;
use std::time::Duration;

use super::talk;
use checks::answers::{Answer, Expected};
use checks_threads::pool as check;

const BUSY: &[u8] = b"busy, try again later\n";

pub fn answers() -> Vec<Answer> {
    vec![
        Answer::right("pool right: sync_channel", check(channel)),
        Answer::right("pool right: a condvar", check(condvar)),
        Answer::right("pool right: lingers for a moment", check(lingers_briefly)),
        Answer::right("pool right: a thread that refuses", check(refuser)),
        Answer::right("pool right: starts threads when needed", check(grows)),
        Answer::wrong("M18", "pool: one at a time", check(one_at_a_time)),
        Answer::wrong("M101", "pool: a thread for everybody", check(unbounded)),
        Answer::wrong("M101", "pool: a thread that waits", check(waiting_threads)),
        Answer::wrong("M103", "pool: no end of the queue", check(no_end)),
        Answer::wrong("M103", "pool: waits for room", check(waits_for_room)),
        Answer::wrong("M103", "pool: each accepts for itself", check(own_accept)),
        Answer::wrong("M104", "pool: question mark", check(question_mark)),
        Answer::wrong("M106", "pool: unwrap", check(unwraps)),
        Answer::wrong("M64", "pool: waits for the refused", check(lingers)),
        Answer::wrong("M102", "pool: recv in the while", check(recv_in_the_while)),
        Answer::wrong("M13", "pool: keeps the refused", check(keeps_refused)),
        Answer::unnamed("waits", "pool: all of them work", check(all_work)),
        Answer::unnamed("refused", "pool: hangs up without a word", check(no_word)),
        Answer::unnamed("refused", "pool: one place more", check(one_more)),
        Answer::unnamed("sizes", "pool: sizes swapped", check(swapped)),
        Answer::unnamed("order", "pool: the last first", check(last_first)),
        Answer::unnamed("again", "pool: a place is lost", check(place_lost)),
        Answer::unnamed("refused", "pool: without its newline", check(no_newline)),
        Answer {
            name: "pool: the stub",
            check: check(|_, _, _| todo!("the task")),
            expected: Expected::Untouched,
        },
    ]
}

/// Starts the threads; each calls `visit` with a stream after the other, and ends when
/// that says so.
fn start(
    workers: usize,
    queue: usize,
    visit: fn(&TcpStream) -> io::Result<()>,
) -> SyncSender<TcpStream> {
    let (sender, receiver) = mpsc::sync_channel(queue);
    share(workers, receiver, visit);
    sender
}

fn share(
    workers: usize,
    receiver: Receiver<TcpStream>,
    visit: fn(&TcpStream) -> io::Result<()>,
) {
    let receiver = Arc::new(Mutex::new(receiver));
    for _ in 0..workers {
        let receiver = Arc::clone(&receiver);
        thread::spawn(move || -> io::Result<()> {
            loop {
                let next = receiver.lock().unwrap().recv();
                let Ok(stream) = next else { return Ok(()) };
                visit(&stream)?;
            }
        });
    }
}

fn kind(stream: &TcpStream) -> io::Result<()> {
    let _ = talk(stream);
    Ok(())
}

/// The loop over callers.
fn serve(
    listener: &TcpListener,
    sender: &SyncSender<TcpStream>,
    refuse: fn(TcpStream),
) -> io::Result<()> {
    loop {
        let (stream, _) = listener.accept()?;
        match sender.try_send(stream) {
            Ok(()) => {}
            Err(TrySendError::Full(stream)) => refuse(stream),
            Err(TrySendError::Disconnected(_)) => {
                return Err(io::Error::other("nobody is left"));
            }
        }
    }
}

fn no(mut stream: TcpStream) {
    let _ = stream.write_all(BUSY);
}

fn channel(listener: TcpListener, workers: usize, queue: usize) -> io::Result<()> {
    serve(&listener, &start(workers, queue, kind), no)
}

fn condvar(listener: TcpListener, workers: usize, queue: usize) -> io::Result<()> {
    let shared = (Mutex::new((VecDeque::new(), 0)), Condvar::new());
    thread::scope(|scope| {
        for _ in 0..workers {
            scope.spawn(|| {
                loop {
                    let mut callers = shared.0.lock().unwrap();
                    while callers.0.is_empty() {
                        callers = shared.1.wait(callers).unwrap();
                    }
                    let stream: TcpStream = callers.0.pop_front().unwrap();
                    callers.1 += 1;
                    drop(callers);
                    let _ = talk(&stream);
                    drop(stream);
                    shared.0.lock().unwrap().1 -= 1;
                }
            });
        }
        loop {
            let (stream, _) = listener.accept()?;
            let mut callers = shared.0.lock().unwrap();
            if callers.0.len() + callers.1 < workers + queue {
                callers.0.push_back(stream);
                shared.1.notify_one();
            } else {
                no(stream);
            }
        }
    })
}

fn lingers_briefly(
    listener: TcpListener,
    workers: usize,
    queue: usize,
) -> io::Result<()> {
    fn refuse(mut stream: TcpStream) {
        let _ = stream.write_all(BUSY);
        let _ = stream.shutdown(Shutdown::Write);
        let _ = stream.set_read_timeout(Some(Duration::from_millis(50)));
        let _ = stream.read(&mut [0; 100]);
    }
    serve(&listener, &start(workers, queue, kind), refuse)
}

fn refuser(listener: TcpListener, workers: usize, queue: usize) -> io::Result<()> {
    let refused = start(1, 100, |mut stream| {
        let _ = stream.write_all(BUSY);
        Ok(())
    });
    let sender = start(workers, queue, kind);
    loop {
        let (stream, _) = listener.accept()?;
        if let Err(TrySendError::Full(stream)) = sender.try_send(stream) {
            let _ = refused.send(stream);
        }
    }
}

/// Starts a thread only where none is free, up to so many.
fn grows(listener: TcpListener, workers: usize, queue: usize) -> io::Result<()> {
    type Shared = Arc<(Mutex<(VecDeque<TcpStream>, usize)>, Condvar)>;
    fn work(shared: &Shared) {
        loop {
            let mut callers = shared.0.lock().unwrap();
            let stream = loop {
                if let Some(stream) = callers.0.pop_front() {
                    break stream;
                }
                callers = shared.1.wait(callers).unwrap();
            };
            callers.1 += 1;
            drop(callers);
            let _ = talk(&stream);
            drop(stream);
            shared.0.lock().unwrap().1 -= 1;
        }
    }
    let shared = Shared::default();
    let mut started = 0;
    loop {
        let (stream, _) = listener.accept()?;
        let mut callers = shared.0.lock().unwrap();
        if callers.0.len() + callers.1 >= workers + queue {
            no(stream);
            continue;
        }
        callers.0.push_back(stream);
        if started < workers {
            let shared = Arc::clone(&shared);
            thread::spawn(move || work(&shared));
            started += 1;
        }
        shared.1.notify_one();
    }
}

fn one_at_a_time(listener: TcpListener, _: usize, _: usize) -> io::Result<()> {
    loop {
        let _ = talk(&listener.accept()?.0);
    }
}

fn unbounded(listener: TcpListener, _: usize, _: usize) -> io::Result<()> {
    loop {
        let (stream, _) = listener.accept()?;
        thread::spawn(move || talk(&stream));
    }
}

/// A thread for each caller; those who have to wait do so on theirs, without an end.
fn waiting_threads(
    listener: TcpListener,
    workers: usize,
    queue: usize,
) -> io::Result<()> {
    let served = Arc::new((Mutex::new(0), Condvar::new()));
    let there = Arc::new(AtomicUsize::new(0));
    loop {
        let (mut stream, _) = listener.accept()?;
        let (served, there) = (Arc::clone(&served), Arc::clone(&there));
        let before = there.fetch_add(1, Ordering::SeqCst);
        thread::spawn(move || {
            if before >= workers + queue {
                let _ = stream.write_all(BUSY);
                let _ = stream.shutdown(Shutdown::Write);
                there.fetch_sub(1, Ordering::SeqCst);
                let _ = stream.read(&mut [0]); // until it leaves
                return;
            }
            let full = |served: &mut usize| *served >= workers;
            let mut count =
                served.1.wait_while(served.0.lock().unwrap(), full).unwrap();
            *count += 1;
            drop(count);
            let _ = talk(&stream);
            drop(stream);
            *served.0.lock().unwrap() -= 1;
            there.fetch_sub(1, Ordering::SeqCst);
            served.1.notify_one();
        });
    }
}

fn no_end(listener: TcpListener, workers: usize, _: usize) -> io::Result<()> {
    let (sender, receiver) = mpsc::channel();
    share(workers, receiver, kind);
    loop {
        let _ = sender.send(listener.accept()?.0);
    }
}

fn waits_for_room(
    listener: TcpListener,
    workers: usize,
    queue: usize,
) -> io::Result<()> {
    let sender = start(workers, queue, kind);
    loop {
        let _ = sender.send(listener.accept()?.0);
    }
}

fn own_accept(listener: TcpListener, workers: usize, _: usize) -> io::Result<()> {
    thread::scope(|scope| {
        for _ in 0..workers {
            scope.spawn(|| {
                for stream in listener.incoming().map_while(Result::ok) {
                    let _ = talk(&stream);
                }
            });
        }
    });
    Ok(())
}

fn question_mark(
    listener: TcpListener,
    workers: usize,
    queue: usize,
) -> io::Result<()> {
    serve(&listener, &start(workers, queue, talk), no)
}

fn unwraps(listener: TcpListener, workers: usize, queue: usize) -> io::Result<()> {
    let visit = |stream: &TcpStream| {
        talk(stream).unwrap();
        Ok(())
    };
    serve(&listener, &start(workers, queue, visit), no)
}

fn lingers(listener: TcpListener, workers: usize, queue: usize) -> io::Result<()> {
    fn refuse(mut stream: TcpStream) {
        let _ = stream.write_all(BUSY);
        let _ = stream.shutdown(Shutdown::Write);
        let _ = stream.read(&mut [0; 100]);
    }
    serve(&listener, &start(workers, queue, kind), refuse)
}

fn all_work(listener: TcpListener, workers: usize, queue: usize) -> io::Result<()> {
    serve(&listener, &start(workers + queue, queue, kind), no)
}

fn no_word(listener: TcpListener, workers: usize, queue: usize) -> io::Result<()> {
    serve(&listener, &start(workers, queue, kind), drop)
}

fn one_more(listener: TcpListener, workers: usize, queue: usize) -> io::Result<()> {
    serve(&listener, &start(workers, queue + 1, kind), no)
}

fn swapped(listener: TcpListener, workers: usize, queue: usize) -> io::Result<()> {
    channel(listener, queue, workers)
}

fn last_first(listener: TcpListener, workers: usize, queue: usize) -> io::Result<()> {
    let shared = Arc::new((Mutex::new((Vec::new(), 0)), Condvar::new()));
    for _ in 0..workers {
        let shared = Arc::clone(&shared);
        thread::spawn(move || {
            loop {
                let none =
                    |callers: &mut (Vec<TcpStream>, usize)| callers.0.is_empty();
                let callers = shared.0.lock().unwrap();
                let mut callers = shared.1.wait_while(callers, none).unwrap();
                let stream = callers.0.pop().unwrap();
                callers.1 += 1;
                drop(callers);
                let _ = talk(&stream);
                drop(stream);
                shared.0.lock().unwrap().1 -= 1;
            }
        });
    }
    loop {
        let (stream, _) = listener.accept()?;
        let mut callers = shared.0.lock().unwrap();
        if callers.0.len() + callers.1 < workers + queue {
            callers.0.push(stream);
            shared.1.notify_one();
        } else {
            no(stream);
        }
    }
}

/// Whoever is refused is counted, and never comes off the count.
fn place_lost(listener: TcpListener, workers: usize, queue: usize) -> io::Result<()> {
    static THERE: AtomicUsize = AtomicUsize::new(0);
    let visit = |stream: &TcpStream| {
        let _ = talk(stream);
        THERE.fetch_sub(1, Ordering::SeqCst);
        Ok(())
    };
    let sender = start(workers, workers + queue, visit);
    loop {
        let (stream, _) = listener.accept()?;
        if THERE.fetch_add(1, Ordering::SeqCst) >= workers + queue {
            no(stream);
        } else {
            let _ = sender.send(stream);
        }
    }
}

fn no_newline(listener: TcpListener, workers: usize, queue: usize) -> io::Result<()> {
    let refuse = |mut stream: TcpStream| {
        let _ = stream.write_all(&BUSY[..BUSY.len() - 1]);
    };
    serve(&listener, &start(workers, queue, kind), refuse)
}

/// The guard lives as long as the body of the loop.
fn recv_in_the_while(
    listener: TcpListener,
    workers: usize,
    queue: usize,
) -> io::Result<()> {
    let (sender, receiver) = mpsc::sync_channel::<TcpStream>(queue);
    let receiver = Arc::new(Mutex::new(receiver));
    for _ in 0..workers {
        let receiver = Arc::clone(&receiver);
        thread::spawn(move || {
            while let Ok(stream) = receiver.lock().unwrap().recv() {
                let _ = talk(&stream);
            }
        });
    }
    serve(&listener, &sender, no)
}

/// Who is refused sees the end; the descriptor stays.
fn keeps_refused(
    listener: TcpListener,
    workers: usize,
    queue: usize,
) -> io::Result<()> {
    fn refuse(mut stream: TcpStream) {
        let _ = stream.write_all(BUSY);
        let _ = stream.shutdown(std::net::Shutdown::Write);
        std::mem::forget(stream);
    }
    serve(&listener, &start(workers, queue, kind), refuse)
}
