//! Answers to `threads/panic`.

use std::io::{self, BufRead, BufReader, Write};
use std::net::{TcpListener, TcpStream};
use std::panic::{self, AssertUnwindSafe};
use std::process;
use std::sync::{Arc, Mutex, PoisonError, mpsc};
use std::thread;

use checks::answers::{Answer, Expected};
use checks_threads::panic as check;

type Reply = fn(&[u8], &mut u64) -> Vec<u8>;

pub fn answers() -> Vec<Answer> {
    vec![
        Answer::right("panic right: caught", check(caught)),
        Answer::right("panic right: joined", check(joined)),
        Answer::right("panic right: made anew", check(made_anew)),
        Answer::right("panic right: no poison", check(no_poison)),
        Answer::right("panic right: a channel", check(a_channel)),
        Answer::wrong("M106", "panic: not caught", check(not_caught)),
        Answer::wrong("M105", "panic: unwraps the lock", check(unwraps_the_lock)),
        Answer::wrong("M105", "panic: neither", check(neither)),
        Answer::wrong("M104", "panic: question mark", check(question_mark)),
        Answer::wrong("M14", "panic: panics in main", check(ends_all)),
        Answer::wrong("M18", "panic: one at a time", check(one_at_a_time)),
        Answer::wrong("M101", "panic: a thread for everybody", check(unbounded)),
        Answer::unnamed("panic", "panic: exits", check(exits)),
        Answer::unnamed("beside", "panic: begins anew", check(begins_anew)),
        Answer::unnamed("panic", "panic: answers an error", check(answers_an_error)),
        Answer::unnamed("panic", "panic: keeps the stream", check(keeps_the_stream)),
        Answer::unnamed("bytes", "panic: only text", check(only_text)),
        Answer::unnamed("bytes", "panic: empty lines skipped", check(no_empty)),
        Answer::unnamed("number", "panic: the number put back", check(put_back)),
        Answer::unnamed("two", "panic: a number each", check(a_number_each)),
        Answer {
            name: "panic: the stub",
            check: check(|_, _, _| todo!("the task")),
            expected: Expected::Untouched,
        },
    ]
}

/// How the number is reached.
type Reach = fn(&Mutex<u64>, &[u8], Reply) -> Vec<u8>;

fn whatever(number: &Mutex<u64>, line: &[u8], answer: Reply) -> Vec<u8> {
    let mut number = number.lock().unwrap_or_else(PoisonError::into_inner);
    answer(line, &mut number)
}

fn unwrapped(number: &Mutex<u64>, line: &[u8], answer: Reply) -> Vec<u8> {
    answer(line, &mut number.lock().unwrap())
}

fn talk(
    mut stream: &TcpStream,
    number: &Mutex<u64>,
    answer: Reply,
    reach: Reach,
) -> io::Result<()> {
    for line in BufReader::new(stream).split(b'\n') {
        let mut reply = reach(number, &line?, answer);
        reply.push(b'\n');
        stream.write_all(&reply)?;
    }
    Ok(())
}

/// Threads that accept, and do `visit` with each caller; an error ends the thread.
fn serve(
    listener: TcpListener,
    workers: usize,
    visit: impl Fn(TcpStream) -> io::Result<()> + Sync,
) -> io::Result<()> {
    thread::scope(|scope| {
        for _ in 0..workers {
            scope.spawn(|| -> io::Result<()> {
                loop {
                    visit(listener.accept()?.0)?;
                }
            });
        }
    });
    loop {
        thread::park(); // the process stays, with fewer threads
    }
}

fn caught(listener: TcpListener, workers: usize, answer: Reply) -> io::Result<()> {
    let number = Mutex::new(0);
    serve(listener, workers, |stream| {
        let visit = || talk(&stream, &number, answer, whatever);
        let _ = panic::catch_unwind(AssertUnwindSafe(visit));
        Ok(())
    })
}

/// Each visit on a thread of its own, which its worker joins.
fn joined(listener: TcpListener, workers: usize, answer: Reply) -> io::Result<()> {
    let number = Mutex::new(0);
    serve(listener, workers, |stream| {
        thread::scope(|scope| {
            let visit = scope.spawn(|| talk(&stream, &number, answer, whatever));
            let _ = visit.join();
        });
        Ok(())
    })
}

/// A thread that panics starts another on its way out.
fn made_anew(listener: TcpListener, workers: usize, answer: Reply) -> io::Result<()> {
    struct Anew(Arc<(TcpListener, Mutex<u64>)>, Reply);
    impl Drop for Anew {
        fn drop(&mut self) {
            if thread::panicking() {
                start(&self.0, self.1);
            }
        }
    }
    fn start(shared: &Arc<(TcpListener, Mutex<u64>)>, answer: Reply) {
        let anew = Anew(Arc::clone(shared), answer);
        thread::spawn(move || {
            let anew = anew;
            while let Ok((stream, _)) = anew.0.0.accept() {
                let _ = talk(&stream, &anew.0.1, anew.1, whatever);
            }
        });
    }
    let shared = Arc::new((listener, Mutex::new(0)));
    for _ in 0..workers {
        start(&shared, answer);
    }
    loop {
        thread::park();
    }
}

/// The panic is caught before it reaches the lock.
fn no_poison(listener: TcpListener, workers: usize, answer: Reply) -> io::Result<()> {
    let number = Mutex::new(0);
    serve(listener, workers, |stream| {
        let mut output = &stream;
        for line in BufReader::new(&stream).split(b'\n').map_while(Result::ok) {
            let mut number = number.lock().unwrap();
            let reply =
                panic::catch_unwind(AssertUnwindSafe(|| answer(&line, &mut number)));
            drop(number);
            let Ok(mut reply) = reply else { break };
            reply.push(b'\n');
            if output.write_all(&reply).is_err() {
                break;
            }
        }
        Ok(())
    })
}

fn a_channel(listener: TcpListener, workers: usize, answer: Reply) -> io::Result<()> {
    let (sender, receiver) = mpsc::channel::<TcpStream>();
    let receiver = Arc::new(Mutex::new(receiver));
    let number = Arc::new(Mutex::new(0));
    for _ in 0..workers {
        let (receiver, number) = (Arc::clone(&receiver), Arc::clone(&number));
        thread::spawn(move || {
            loop {
                let next = receiver.lock().unwrap().recv();
                let Ok(stream) = next else { break };
                let visit = AssertUnwindSafe(|| {
                    talk(&stream, &number, answer, |number, line, answer| {
                        let mut value = match number.lock() {
                            Ok(value) => value,
                            Err(poisoned) => {
                                number.clear_poison();
                                poisoned.into_inner()
                            }
                        };
                        answer(line, &mut value)
                    })
                });
                let _ = panic::catch_unwind(visit);
            }
        });
    }
    loop {
        let _ = sender.send(listener.accept()?.0);
    }
}

fn not_caught(
    listener: TcpListener,
    workers: usize,
    answer: Reply,
) -> io::Result<()> {
    let number = Mutex::new(0);
    thread::scope(|scope| {
        for _ in 0..workers {
            scope.spawn(|| {
                for stream in listener.incoming().map_while(Result::ok) {
                    let _ = talk(&stream, &number, answer, whatever);
                }
            });
        }
    });
    Ok(())
}

fn unwraps_the_lock(
    listener: TcpListener,
    workers: usize,
    answer: Reply,
) -> io::Result<()> {
    let number = Mutex::new(0);
    serve(listener, workers, |stream| {
        let visit = || talk(&stream, &number, answer, unwrapped);
        let _ = panic::catch_unwind(AssertUnwindSafe(visit));
        Ok(())
    })
}

fn neither(listener: TcpListener, workers: usize, answer: Reply) -> io::Result<()> {
    let number = Mutex::new(0);
    serve(listener, workers, |stream| {
        let _ = talk(&stream, &number, answer, unwrapped);
        Ok(())
    })
}

fn question_mark(
    listener: TcpListener,
    workers: usize,
    answer: Reply,
) -> io::Result<()> {
    let number = Mutex::new(0);
    serve(listener, workers, |stream| {
        let visit = || talk(&stream, &number, answer, whatever);
        panic::catch_unwind(AssertUnwindSafe(visit)).unwrap_or(Ok(()))
    })
}

/// Whoever joins the threads passes the panic on.
fn ends_all(listener: TcpListener, workers: usize, answer: Reply) -> io::Result<()> {
    let (sender, ended) = mpsc::channel();
    let shared = Arc::new((listener, Mutex::new(0)));
    for _ in 0..workers {
        let (sender, shared) = (sender.clone(), Arc::clone(&shared));
        let worker = thread::spawn(move || {
            for stream in shared.0.incoming().map_while(Result::ok) {
                let _ = talk(&stream, &shared.1, answer, whatever);
            }
        });
        thread::spawn(move || sender.send(worker.join()));
    }
    ended.recv().unwrap().unwrap();
    Ok(())
}

fn one_at_a_time(listener: TcpListener, _: usize, answer: Reply) -> io::Result<()> {
    let number = Mutex::new(0);
    loop {
        let (stream, _) = listener.accept()?;
        let visit = || talk(&stream, &number, answer, whatever);
        let _ = panic::catch_unwind(AssertUnwindSafe(visit));
    }
}

fn unbounded(listener: TcpListener, _: usize, answer: Reply) -> io::Result<()> {
    let number = Arc::new(Mutex::new(0));
    loop {
        let (stream, _) = listener.accept()?;
        let number = Arc::clone(&number);
        thread::spawn(move || talk(&stream, &number, answer, whatever));
    }
}

fn exits(listener: TcpListener, workers: usize, answer: Reply) -> io::Result<()> {
    let number = Mutex::new(0);
    serve(listener, workers, |stream| {
        let visit = || talk(&stream, &number, answer, whatever);
        match panic::catch_unwind(AssertUnwindSafe(visit)) {
            Ok(_) => Ok(()),
            Err(_) => process::exit(3),
        }
    })
}

fn begins_anew(
    listener: TcpListener,
    workers: usize,
    answer: Reply,
) -> io::Result<()> {
    let number = Mutex::new(0);
    serve(listener, workers, |stream| {
        let visit = || {
            talk(&stream, &number, answer, |number, line, answer| {
                let mut value = number.lock().unwrap_or_else(|poisoned| {
                    let mut value = poisoned.into_inner();
                    number.clear_poison();
                    *value = 0;
                    value
                });
                answer(line, &mut value)
            })
        };
        let _ = panic::catch_unwind(AssertUnwindSafe(visit));
        Ok(())
    })
}

fn answers_an_error(
    listener: TcpListener,
    workers: usize,
    answer: Reply,
) -> io::Result<()> {
    let number = Mutex::new(0);
    serve(listener, workers, |stream| {
        let visit = || talk(&stream, &number, answer, whatever);
        if panic::catch_unwind(AssertUnwindSafe(visit)).is_err() {
            let _ = (&stream).write_all(b"internal error\n");
        }
        Ok(())
    })
}

fn keeps_the_stream(
    listener: TcpListener,
    workers: usize,
    answer: Reply,
) -> io::Result<()> {
    let number = Mutex::new(0);
    serve(listener, workers, |stream| {
        let kept = stream.try_clone()?;
        let visit = || talk(&stream, &number, answer, whatever);
        if panic::catch_unwind(AssertUnwindSafe(visit)).is_err() {
            std::mem::forget(kept);
        }
        Ok(())
    })
}

fn a_number_each(
    listener: TcpListener,
    workers: usize,
    answer: Reply,
) -> io::Result<()> {
    serve(listener, workers, |stream| {
        let number = Mutex::new(0);
        let visit = || talk(&stream, &number, answer, whatever);
        let _ = panic::catch_unwind(AssertUnwindSafe(visit));
        Ok(())
    })
}

fn only_text(listener: TcpListener, workers: usize, answer: Reply) -> io::Result<()> {
    let number = Mutex::new(0);
    serve(listener, workers, |stream| {
        let mut output = &stream;
        let visit = || -> io::Result<()> {
            for line in BufReader::new(&stream).lines() {
                let mut reply = whatever(&number, line?.as_bytes(), answer);
                reply.push(b'\n');
                output.write_all(&reply)?;
            }
            Ok(())
        };
        let _ = panic::catch_unwind(AssertUnwindSafe(visit));
        Ok(())
    })
}

fn no_empty(listener: TcpListener, workers: usize, answer: Reply) -> io::Result<()> {
    let number = Mutex::new(0);
    serve(listener, workers, |stream| {
        let mut output = &stream;
        let visit = || -> io::Result<()> {
            for line in BufReader::new(&stream).split(b'\n') {
                let line = line?;
                if line.is_empty() {
                    continue;
                }
                let mut reply = whatever(&number, &line, answer);
                reply.push(b'\n');
                output.write_all(&reply)?;
            }
            Ok(())
        };
        let _ = panic::catch_unwind(AssertUnwindSafe(visit));
        Ok(())
    })
}

/// Works on a copy, and keeps it only where nothing went wrong.
fn put_back(listener: TcpListener, workers: usize, answer: Reply) -> io::Result<()> {
    let number = Mutex::new(0);
    serve(listener, workers, |stream| {
        let visit = || {
            talk(&stream, &number, answer, |number, line, answer| {
                let mut number =
                    number.lock().unwrap_or_else(PoisonError::into_inner);
                let mut copy = *number;
                let reply = answer(line, &mut copy);
                *number = copy;
                reply
            })
        };
        let _ = panic::catch_unwind(AssertUnwindSafe(visit));
        Ok(())
    })
}
