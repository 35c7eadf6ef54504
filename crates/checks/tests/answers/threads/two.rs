//! Answers to `threads/two`.

use std::io::{self, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::mpsc;
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::Duration;

use super::talk;
use checks::answers::{Answer, Expected};
use checks_threads::two as check;

pub fn answers() -> Vec<Answer> {
    vec![
        Answer::right("two right: spawn", check(spawns)),
        Answer::right("two right: scope", check(scope)),
        Answer::right("two right: sweeps its handles", check(sweeps)),
        Answer::right("two right: two threads a caller", check(two_threads)),
        Answer::right("two right: several accept", check(several_accept)),
        Answer::right("two right: joins elsewhere", check(joins_elsewhere)),
        Answer::right("two right: a thread that joins", check(joiner)),
        Answer::wrong("M18", "two: one at a time", check(one_at_a_time)),
        Answer::wrong("M18", "two: joins at once", check(joins_at_once)),
        Answer::wrong("M102", "two: a lock around the visit", check(locked)),
        Answer::wrong("M100", "two: keeps the handles", check(keeps_handles)),
        Answer::wrong("M13", "two: keeps the streams", check(keeps_streams)),
        Answer::wrong("M5", "two: no test for the end", check(no_end)),
        Answer::wrong("M6", "two: the whole buffer", check(whole_buffer)),
        Answer::wrong("M21", "two: asks and asks", check(asks)),
        Answer::wrong("M14", "two: an error ends all", check(error_ends_all)),
        Answer::wrong(
            "M14",
            "two: an error ends all, once its thread is joined",
            check(error_ends_all_later),
        ),
        Answer::unnamed("many", "two: ten threads", check(ten_threads)),
        Answer::unnamed("whole", "two: reads to the end", check(reads_to_the_end)),
        Answer::unnamed("whole", "two: only two", check(only_two)),
        Answer::unnamed("leaks", "two: keeps its threads", check(keeps_threads)),
        Answer::unnamed("bytes", "two: only text", check(only_text)),
        Answer {
            name: "two: the stub",
            check: check(|_| todo!("the task")),
            expected: Expected::Untouched,
        },
    ]
}

fn spawns(listener: TcpListener) -> io::Result<()> {
    for stream in listener.incoming() {
        let stream = stream?;
        thread::spawn(move || talk(&stream));
    }
    Ok(())
}

fn scope(listener: TcpListener) -> io::Result<()> {
    thread::scope(|scope| {
        loop {
            let (stream, _) = listener.accept()?;
            scope.spawn(move || {
                let _ = talk(&stream);
            });
        }
    })
}

fn sweeps(listener: TcpListener) -> io::Result<()> {
    let mut handles = Vec::new();
    loop {
        let (stream, _) = listener.accept()?;
        handles.retain(|handle: &thread::JoinHandle<_>| !handle.is_finished());
        handles.push(thread::spawn(move || talk(&stream)));
    }
}

fn two_threads(listener: TcpListener) -> io::Result<()> {
    loop {
        let (stream, _) = listener.accept()?;
        let mut writer = stream.try_clone()?;
        let (sender, pieces) = mpsc::channel::<Vec<u8>>();
        thread::spawn(move || {
            pieces.iter().try_for_each(|piece| writer.write_all(&piece))
        });
        thread::spawn(move || {
            let mut buffer = [0; 100];
            while let Ok(read @ 1..) = (&stream).read(&mut buffer) {
                let _ = sender.send(buffer[..read].to_ascii_uppercase());
            }
        });
    }
}

fn several_accept(listener: TcpListener) -> io::Result<()> {
    thread::scope(|scope| {
        let loops: Vec<_> = (0..3)
            .map(|_| {
                scope.spawn(|| -> io::Result<()> {
                    loop {
                        let (stream, _) = listener.accept()?;
                        thread::spawn(move || talk(&stream));
                    }
                })
            })
            .collect();
        loops.into_iter().try_for_each(|one| one.join().unwrap())
    })
}

fn joins_elsewhere(listener: TcpListener) -> io::Result<()> {
    loop {
        let (stream, _) = listener.accept()?;
        let visit = thread::spawn(move || talk(&stream));
        thread::spawn(move || visit.join().unwrap().unwrap_or_default());
    }
}

fn one_at_a_time(listener: TcpListener) -> io::Result<()> {
    loop {
        let (stream, _) = listener.accept()?;
        let _ = talk(&stream);
    }
}

fn joins_at_once(listener: TcpListener) -> io::Result<()> {
    loop {
        let (stream, _) = listener.accept()?;
        let _ = thread::spawn(move || talk(&stream)).join();
    }
}

fn locked(listener: TcpListener) -> io::Result<()> {
    let count = Arc::new(Mutex::new(0));
    loop {
        let (stream, _) = listener.accept()?;
        let count = Arc::clone(&count);
        thread::spawn(move || {
            let mut count = count.lock().unwrap();
            *count += 1;
            talk(&stream)
        });
    }
}

fn keeps_handles(listener: TcpListener) -> io::Result<()> {
    let mut handles = Vec::new();
    loop {
        let (stream, _) = listener.accept()?;
        handles.push(thread::spawn(move || talk(&stream)));
    }
}

fn keeps_streams(listener: TcpListener) -> io::Result<()> {
    let mut streams = Vec::new();
    loop {
        let (stream, _) = listener.accept()?;
        streams.push(stream.try_clone()?);
        thread::spawn(move || talk(&stream));
    }
}

fn no_end(listener: TcpListener) -> io::Result<()> {
    loop {
        let (mut stream, _) = listener.accept()?;
        thread::spawn(move || -> io::Result<()> {
            let mut buffer = [0; 1024];
            loop {
                let read = stream.read(&mut buffer)?;
                stream.write_all(&buffer[..read].to_ascii_uppercase())?;
            }
        });
    }
}

fn whole_buffer(listener: TcpListener) -> io::Result<()> {
    loop {
        let (mut stream, _) = listener.accept()?;
        thread::spawn(move || -> io::Result<()> {
            let mut buffer = [0; 1024];
            while stream.read(&mut buffer)? > 0 {
                stream.write_all(&buffer.to_ascii_uppercase())?;
                buffer.fill(0);
            }
            Ok(())
        });
    }
}

fn asks(listener: TcpListener) -> io::Result<()> {
    loop {
        let (mut stream, _) = listener.accept()?;
        stream.set_nonblocking(true)?;
        thread::spawn(move || {
            let mut buffer = [0; 1024];
            loop {
                match stream.read(&mut buffer) {
                    Ok(0) => break,
                    Ok(read) => {
                        let mut rest = &buffer[..read].to_ascii_uppercase()[..];
                        while !rest.is_empty() {
                            match stream.write(rest) {
                                Ok(written) => rest = &rest[written..],
                                Err(error)
                                    if error.kind() == io::ErrorKind::WouldBlock =>
                                {
                                    thread::sleep(Duration::from_millis(1));
                                }
                                Err(_) => return,
                            }
                        }
                    }
                    Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
                    Err(_) => break,
                }
            }
        });
    }
}

fn error_ends_all(listener: TcpListener) -> io::Result<()> {
    let (sender, errors) = mpsc::channel();
    thread::spawn(move || {
        for stream in listener.incoming().map_while(Result::ok) {
            let sender = sender.clone();
            thread::spawn(move || {
                if let Err(error) = talk(&stream) {
                    let _ = sender.send(error);
                }
            });
        }
    });
    Err(errors.recv().unwrap())
}

fn error_ends_all_later(listener: TcpListener) -> io::Result<()> {
    let mut threads: Vec<thread::JoinHandle<io::Result<()>>> = Vec::new();
    for stream in listener.incoming() {
        let stream = stream?;
        threads.push(thread::spawn(move || talk(&stream)));
        while threads.first().is_some_and(thread::JoinHandle::is_finished) {
            threads.remove(0).join().unwrap()?;
        }
    }
    Ok(())
}

fn ten_threads(listener: TcpListener) -> io::Result<()> {
    thread::scope(|scope| {
        for _ in 0..10 {
            scope.spawn(|| {
                for stream in listener.incoming().map_while(Result::ok) {
                    let _ = talk(&stream);
                }
            });
        }
    });
    Ok(())
}

fn reads_to_the_end(listener: TcpListener) -> io::Result<()> {
    loop {
        let (mut stream, _) = listener.accept()?;
        thread::spawn(move || {
            let mut all = Vec::new();
            let _ = stream.read_to_end(&mut all);
            stream.write_all(&all.to_ascii_uppercase())
        });
    }
}

/// Serves callers two by two.
fn only_two(listener: TcpListener) -> io::Result<()> {
    loop {
        let (one, _) = listener.accept()?;
        let (two, _) = listener.accept()?;
        let both = [one, two].map(|stream| thread::spawn(move || talk(&stream)));
        for visit in both {
            let _ = visit.join();
        }
    }
}

fn keeps_threads(listener: TcpListener) -> io::Result<()> {
    loop {
        let (stream, _) = listener.accept()?;
        thread::spawn(move || {
            let _ = talk(&stream);
            drop(stream);
            thread::park();
        });
    }
}

fn only_text(listener: TcpListener) -> io::Result<()> {
    fn talk(mut stream: TcpStream) -> io::Result<()> {
        let mut buffer = [0; 1024];
        loop {
            let read = stream.read(&mut buffer)?;
            if read == 0 {
                return Ok(());
            }
            let text = String::from_utf8_lossy(&buffer[..read]).to_ascii_uppercase();
            stream.write_all(text.as_bytes())?;
        }
    }
    loop {
        let (stream, _) = listener.accept()?;
        thread::spawn(move || talk(stream));
    }
}

/// Handles go through a channel to a thread that joins those that have ended.
fn joiner(listener: TcpListener) -> io::Result<()> {
    let (sender, ended) = mpsc::channel::<thread::JoinHandle<()>>();
    thread::spawn(move || ended.iter().for_each(|visit| drop(visit.join())));
    loop {
        let (stream, _) = listener.accept()?;
        let sender = sender.clone();
        thread::spawn(move || {
            let visit = thread::spawn(move || drop(talk(&stream)));
            while !visit.is_finished() {
                thread::sleep(Duration::from_millis(100));
            }
            let _ = sender.send(visit);
        });
    }
}
