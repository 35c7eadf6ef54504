//! Answers to `errors/survivor`.
#![expect(unsafe_code, reason = "a signal's action has no safe form")]

use std::fs::File;
use std::io::{self, BufRead, BufReader, BufWriter, ErrorKind, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::os::fd::OwnedFd;
use std::thread;
use std::time::{Duration, Instant};

use checks::answers::{Answer, Expected};
use checks_errors::survivor as check;

pub fn answers() -> Vec<Answer> {
    vec![
        Answer::right("survivor right: while let", check(while_let)),
        Answer::right("survivor right: threads", check(threads)),
        Answer::right("survivor right: what is buffered", check(buffered)),
        Answer::right("survivor right: two halves", check(two_halves)),
        Answer::right("survivor right: now and then", check(now_and_then)),
        Answer::wrong("M15", "survivor: SIGPIPE again", check(sigpipe)),
        Answer::wrong("M14", "survivor: knows resets alone", check(resets_alone)),
        Answer::wrong("M14", "survivor: a silent one ends it", check(silent_ends)),
        Answer::wrong("M14", "survivor: breaks", check(breaks)),
        Answer::wrong("M64", "survivor: ten seconds", check(ten_seconds)),
        Answer::wrong("M5", "survivor: no end", check(no_end)),
        Answer::wrong("M6", "survivor: the whole buffer", check(whole_buffer)),
        Answer::wrong(
            "M7",
            "survivor: waits for the end",
            check(waits_for_the_end),
        ),
        Answer::unnamed("whole", "survivor: waits for a newline", check(a_line)),
        Answer::unnamed("whole", "survivor: the end in time", check(end_in_time)),
        Answer::unnamed("slow", "survivor: one second", check(one_second)),
        Answer::unnamed("pauses", "survivor: a visit in all", check(in_all)),
        Answer::unnamed("unread", "survivor: tries again", check(tries_again)),
        Answer::wrong("M14", "survivor: question mark", check(question_mark)),
        Answer::wrong("M14", "survivor: unwraps a write", check(unwraps_a_write)),
        Answer::wrong("M64", "survivor: no limit at all", check(no_limit)),
        Answer::wrong("M64", "survivor: reads only", check(reads_only)),
        Answer::wrong("M64", "survivor: writes only", check(writes_only)),
        Answer::wrong("M13", "survivor: keeps them", check(keeps_them)),
        Answer::wrong("M33", "survivor: one caller", check(one_caller)),
        Answer::unnamed("whole", "survivor: as it came", check(as_it_came)),
        Answer::unnamed("whole", "survivor: a lower case", check(lower)),
        Answer {
            name: "survivor: the stub",
            check: check(|_, _| todo!("the task")),
            expected: Expected::Untouched,
        },
    ]
}

/// Says in capitals what comes, with limits or without.
fn talk(
    mut stream: &TcpStream,
    reads: Option<Duration>,
    writes: Option<Duration>,
) -> io::Result<()> {
    stream.set_read_timeout(reads)?;
    stream.set_write_timeout(writes)?;
    let mut buffer = [0; 1024];
    loop {
        let read = stream.read(&mut buffer)?;
        if read == 0 {
            return Ok(());
        }
        stream.write_all(&buffer[..read].to_ascii_uppercase())?;
    }
}

fn while_let(listener: TcpListener, patience: Duration) -> io::Result<()> {
    for stream in listener.incoming() {
        let mut stream = stream?;
        let _ = stream.set_read_timeout(Some(patience));
        let _ = stream.set_write_timeout(Some(patience));
        let mut buffer = vec![0; 100_000];
        while let Ok(read @ 1..) = stream.read(&mut buffer) {
            buffer[..read].make_ascii_uppercase();
            if stream.write_all(&buffer[..read]).is_err() {
                break;
            }
        }
    }
    Ok(())
}

fn threads(listener: TcpListener, patience: Duration) -> io::Result<()> {
    loop {
        let (stream, _) = listener.accept()?;
        thread::spawn(move || talk(&stream, Some(patience), Some(patience)));
    }
}

fn sigpipe(listener: TcpListener, patience: Duration) -> io::Result<()> {
    // SAFETY: the default action is no function of ours.
    unsafe { libc::signal(libc::SIGPIPE, libc::SIG_DFL) };
    loop {
        let (stream, _) = listener.accept()?;
        stream.set_read_timeout(Some(patience))?;
        stream.set_write_timeout(Some(patience))?;
        // As a file, it is written to by write(2), without MSG_NOSIGNAL.
        let mut stream = File::from(OwnedFd::from(stream));
        let mut buffer = [0; 1024];
        while let Ok(read @ 1..) = stream.read(&mut buffer) {
            let answer = buffer[..read].to_ascii_uppercase();
            if stream.write_all(&answer).is_err() {
                break;
            }
        }
    }
}

fn question_mark(listener: TcpListener, patience: Duration) -> io::Result<()> {
    loop {
        let (stream, _) = listener.accept()?;
        talk(&stream, Some(patience), Some(patience))?;
    }
}

fn unwraps_a_write(listener: TcpListener, patience: Duration) -> io::Result<()> {
    loop {
        let (mut stream, _) = listener.accept()?;
        stream.set_read_timeout(Some(patience))?;
        stream.set_write_timeout(Some(patience))?;
        let mut buffer = [0; 1024];
        while let Ok(read @ 1..) = stream.read(&mut buffer) {
            let answer = buffer[..read].to_ascii_uppercase();
            stream.write_all(&answer).unwrap();
        }
    }
}

fn no_limit(listener: TcpListener, _: Duration) -> io::Result<()> {
    loop {
        let (stream, _) = listener.accept()?;
        let _ = talk(&stream, None, None);
    }
}

fn reads_only(listener: TcpListener, patience: Duration) -> io::Result<()> {
    loop {
        let (stream, _) = listener.accept()?;
        let _ = talk(&stream, Some(patience), None);
    }
}

fn writes_only(listener: TcpListener, patience: Duration) -> io::Result<()> {
    loop {
        let (stream, _) = listener.accept()?;
        let _ = talk(&stream, None, Some(patience));
    }
}

fn keeps_them(listener: TcpListener, patience: Duration) -> io::Result<()> {
    let mut all = Vec::new();
    loop {
        let (stream, _) = listener.accept()?;
        let _ = talk(&stream, Some(patience), Some(patience));
        all.push(stream);
    }
}

fn one_caller(listener: TcpListener, patience: Duration) -> io::Result<()> {
    let (stream, _) = listener.accept()?;
    let _ = talk(&stream, Some(patience), Some(patience));
    Ok(())
}

fn as_it_came(listener: TcpListener, _: Duration) -> io::Result<()> {
    loop {
        let (stream, _) = listener.accept()?;
        let _ = io::copy(&mut &stream, &mut &stream);
    }
}

fn lower(listener: TcpListener, _: Duration) -> io::Result<()> {
    loop {
        let (mut stream, _) = listener.accept()?;
        let mut buffer = [0; 1024];
        while let Ok(read @ 1..) = stream.read(&mut buffer) {
            let _ = stream.write_all(&buffer[..read].to_ascii_lowercase());
        }
    }
}

fn buffered(listener: TcpListener, patience: Duration) -> io::Result<()> {
    for stream in listener.incoming() {
        let stream = stream?;
        let _ = stream.set_read_timeout(Some(patience));
        let _ = stream.set_write_timeout(Some(patience));
        let mut input = BufReader::new(&stream);
        loop {
            let piece = match input.fill_buf() {
                Ok([]) | Err(_) => break,
                Ok(piece) => piece.to_ascii_uppercase(),
            };
            input.consume(piece.len());
            if (&stream).write_all(&piece).is_err() {
                break;
            }
        }
    }
    Ok(())
}

fn two_halves(listener: TcpListener, patience: Duration) -> io::Result<()> {
    let visit = |mut input: TcpStream| -> io::Result<()> {
        let mut output = BufWriter::new(input.try_clone()?);
        input.set_read_timeout(Some(patience))?;
        output.get_ref().set_write_timeout(Some(patience))?;
        let mut buffer = [0; 10];
        while let read @ 1.. = input.read(&mut buffer)? {
            output.write_all(&buffer[..read].to_ascii_uppercase())?;
            output.flush()?;
        }
        Ok(())
    };
    loop {
        match visit(listener.accept()?.0) {
            Ok(()) => {}
            Err(error) => eprintln!("{error}"),
        }
    }
}

/// A stream that does not block, looked at now and then.
fn now_and_then(listener: TcpListener, patience: Duration) -> io::Result<()> {
    let visit = |mut stream: TcpStream| -> io::Result<()> {
        stream.set_nonblocking(true)?;
        let (mut held, mut buffer) = (Vec::new(), [0; 1024]);
        let mut since = Instant::now();
        while since.elapsed() < patience {
            let moved = match held.is_empty() {
                true => stream.read(&mut buffer),
                false => stream.write(&held),
            };
            match moved {
                Ok(0) => return Ok(()),
                Ok(read) if held.is_empty() => {
                    held = buffer[..read].to_ascii_uppercase();
                }
                Ok(written) => drop(held.drain(..written)),
                Err(error) if error.kind() == ErrorKind::WouldBlock => {
                    thread::sleep(Duration::from_millis(3));
                    continue;
                }
                Err(error) => return Err(error),
            }
            since = Instant::now();
        }
        Ok(())
    };
    loop {
        let _ = visit(listener.accept()?.0);
    }
}

/// As one catches `ConnectionResetError` and `BrokenPipeError` in Python.
fn resets_alone(listener: TcpListener, patience: Duration) -> io::Result<()> {
    loop {
        let (stream, _) = listener.accept()?;
        match talk(&stream, Some(patience), Some(patience)) {
            Err(error)
                if !matches!(
                    error.kind(),
                    ErrorKind::ConnectionReset | ErrorKind::BrokenPipe
                ) =>
            {
                return Err(error);
            }
            _ => {}
        }
    }
}

fn silent_ends(listener: TcpListener, patience: Duration) -> io::Result<()> {
    loop {
        let (mut stream, _) = listener.accept()?;
        stream.set_read_timeout(Some(patience))?;
        stream.set_write_timeout(Some(patience))?;
        let mut buffer = [0; 1024];
        loop {
            let read = match stream.read(&mut buffer) {
                Ok(0) => break,
                Ok(read) => read,
                Err(error) if error.kind() == ErrorKind::WouldBlock => panic!("late"),
                Err(_) => break,
            };
            let answer = buffer[..read].to_ascii_uppercase();
            if stream.write_all(&answer).is_err() {
                break;
            }
        }
    }
}

fn breaks(listener: TcpListener, patience: Duration) -> io::Result<()> {
    loop {
        let (stream, _) = listener.accept()?;
        if talk(&stream, Some(patience), Some(patience)).is_err() {
            break Ok(());
        }
    }
}

fn ten_seconds(listener: TcpListener, _: Duration) -> io::Result<()> {
    while_let(listener, Duration::from_secs(10))
}

fn one_second(listener: TcpListener, _: Duration) -> io::Result<()> {
    while_let(listener, Duration::from_secs(1))
}

fn no_end(listener: TcpListener, patience: Duration) -> io::Result<()> {
    loop {
        let (mut stream, _) = listener.accept()?;
        stream.set_read_timeout(Some(patience))?;
        stream.set_write_timeout(Some(patience))?;
        let mut buffer = [0; 1024];
        while let Ok(read) = stream.read(&mut buffer) {
            let answer = buffer[..read].to_ascii_uppercase();
            if stream.write_all(&answer).is_err() {
                break;
            }
        }
    }
}

fn whole_buffer(listener: TcpListener, patience: Duration) -> io::Result<()> {
    loop {
        let (mut stream, _) = listener.accept()?;
        stream.set_read_timeout(Some(patience))?;
        stream.set_write_timeout(Some(patience))?;
        let mut buffer = [0; 1024];
        while let Ok(1..) = stream.read(&mut buffer) {
            if stream.write_all(&buffer.to_ascii_uppercase()).is_err() {
                break;
            }
        }
    }
}

fn waits_for_the_end(listener: TcpListener, _: Duration) -> io::Result<()> {
    loop {
        let (mut stream, _) = listener.accept()?;
        let mut text = Vec::new();
        if stream.read_to_end(&mut text).is_ok() {
            let _ = stream.write_all(&text.to_ascii_uppercase());
        }
    }
}

fn a_line(listener: TcpListener, _: Duration) -> io::Result<()> {
    loop {
        let (stream, _) = listener.accept()?;
        let mut input = BufReader::new(&stream);
        let mut line = Vec::new();
        while let Ok(1..) = input.read_until(b'\n', &mut line) {
            let _ = (&stream).write_all(&line.to_ascii_uppercase());
            line.clear();
        }
    }
}

fn end_in_time(listener: TcpListener, patience: Duration) -> io::Result<()> {
    loop {
        let (mut stream, _) = listener.accept()?;
        stream.set_read_timeout(Some(patience))?;
        let mut text = Vec::new();
        if stream.read_to_end(&mut text).is_ok() {
            let _ = stream.write_all(&text.to_ascii_uppercase());
        }
    }
}

/// One limit for the visit, as for a reply.
fn in_all(listener: TcpListener, patience: Duration) -> io::Result<()> {
    let visit = |mut stream: TcpStream| -> io::Result<()> {
        let end = Instant::now() + patience;
        stream.set_write_timeout(Some(patience))?;
        let mut buffer = [0; 1024];
        loop {
            let left = end.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return Ok(());
            }
            stream.set_read_timeout(Some(left))?;
            let read = stream.read(&mut buffer)?;
            if read == 0 {
                return Ok(());
            }
            stream.write_all(&buffer[..read].to_ascii_uppercase())?;
        }
    };
    loop {
        let _ = visit(listener.accept()?.0);
    }
}

/// Takes the end of a time limit for an invitation to wait on.
fn tries_again(listener: TcpListener, patience: Duration) -> io::Result<()> {
    let again = |error: &io::Error| error.kind() == ErrorKind::WouldBlock;
    loop {
        let (mut stream, _) = listener.accept()?;
        stream.set_read_timeout(Some(patience))?;
        stream.set_write_timeout(Some(patience))?;
        let mut buffer = [0; 1024];
        'visit: loop {
            let read = match stream.read(&mut buffer) {
                Ok(0) => break,
                Ok(read) => read,
                Err(error) if again(&error) => continue,
                Err(_) => break,
            };
            let answer = buffer[..read].to_ascii_uppercase();
            let mut rest = &answer[..];
            while !rest.is_empty() {
                match stream.write(rest) {
                    Ok(written) => rest = &rest[written..],
                    Err(error) if again(&error) => {}
                    Err(_) => break 'visit,
                }
            }
        }
    }
}
