//! Answers to `errors/survivor`.
#![expect(unsafe_code, reason = "a signal's action has no safe form")]

use std::fs::File;
use std::io::{self, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::os::fd::OwnedFd;
use std::thread;
use std::time::Duration;

use checks::answers::{Answer, Expected};
use checks::errors::survivor as check;

pub fn answers() -> Vec<Answer> {
    vec![
        Answer::right("survivor right: while let", check(while_let)),
        Answer::right("survivor right: threads", check(threads)),
        Answer::wrong("M15", "survivor: SIGPIPE again", check(sigpipe)),
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
