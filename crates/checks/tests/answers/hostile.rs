//! Answers to `tcp/timestamps` that harm themselves, and could harm the check.
#![expect(unsafe_code, reason = "what these answers do has no safe form")]

use std::fs;
use std::io::{self, BufRead, BufReader, Write};
use std::net::TcpListener;
use std::os::fd::AsRawFd;
use std::process::Command;
use std::thread;

use checks::answers::Answer;
use checks_tcp::timestamps as check;

type Clock = fn() -> String;

pub fn answers() -> Vec<Answer> {
    vec![
        Answer::right(
            "hostile, right: closes its streams",
            check(closes_its_streams),
        ),
        Answer::right("hostile, right: leaves a stray", check(leaves_a_stray)),
        Answer::unnamed("whole", "hostile: forks and forks", check(forks_and_forks)),
        Answer::unnamed("whole", "hostile: kills itself", check(kills_itself)),
        Answer::unnamed("whole", "hostile: stops itself", check(stops_itself)),
        Answer::unnamed("whole", "hostile: never stops talking", check(never_stops)),
        Answer::unnamed("whole", "hostile: eats memory", check(eats_memory)),
        Answer::unnamed("whole", "hostile: overflows its stack", check(overflows)),
        Answer::unnamed(
            "whole",
            "hostile: closes every descriptor",
            check(closes_all),
        ),
        Answer::unnamed(
            "whole",
            "hostile: removes its own file",
            check(removes_its_dir),
        ),
    ]
}

fn serve(listener: &TcpListener, now: Clock) -> io::Result<()> {
    for stream in listener.incoming().flatten() {
        for line in BufReader::new(&stream).split(b'\n').map_while(Result::ok) {
            let stamp = format!("[{}] ", now());
            let line = [stamp.as_bytes(), &line, b"\n"].concat();
            if (&stream).write_all(&line).is_err() {
                break;
            }
        }
    }
    Ok(())
}

fn close(descriptor: i32) {
    // SAFETY: nothing in this process uses the descriptor afterwards; where that is
    // not so, it is what the answer is about.
    unsafe { libc::close(descriptor) };
}

fn closes_its_streams(listener: TcpListener, now: Clock) -> io::Result<()> {
    (0..3).for_each(close);
    serve(&listener, now)
}

fn leaves_a_stray(listener: TcpListener, now: Clock) -> io::Result<()> {
    // In a session of its own, and its parent is gone at once.
    Command::new("sh")
        .args(["-c", "setsid sleep 1000 &"])
        .status()?;
    serve(&listener, now)
}

fn forks_and_forks(_: TcpListener, _: Clock) -> io::Result<()> {
    for _ in 0..5 {
        // SAFETY: this process has one thread, so the child may do anything.
        unsafe { libc::fork() };
    }
    loop {
        thread::park();
    }
}

fn kills_itself(_: TcpListener, _: Clock) -> io::Result<()> {
    // SAFETY: a signal to this process itself.
    unsafe { libc::raise(libc::SIGKILL) };
    Ok(())
}

fn stops_itself(_: TcpListener, _: Clock) -> io::Result<()> {
    // SAFETY: a signal to this process itself.
    unsafe { libc::raise(libc::SIGSTOP) };
    Ok(())
}

fn never_stops(listener: TcpListener, _: Clock) -> io::Result<()> {
    let block = vec![b'x'; 1 << 20];
    for mut stream in listener.incoming().flatten() {
        while stream.write_all(&block).is_ok() {}
    }
    Ok(())
}

fn eats_memory(_: TcpListener, _: Clock) -> io::Result<()> {
    let mut eaten: Vec<Vec<u8>> = Vec::new();
    loop {
        eaten.push(vec![0; 1 << 30]); // asked for, never touched
    }
}

#[expect(unconditional_recursion, reason = "what this answer is about")]
#[expect(clippy::only_used_in_recursion, reason = "the same")]
fn overflows(listener: TcpListener, now: Clock) -> io::Result<()> {
    let room = std::hint::black_box([0_u8; 4096]);
    let result = overflows(listener, now);
    std::hint::black_box(room);
    result
}

fn closes_all(listener: TcpListener, _: Clock) -> io::Result<()> {
    let last = listener.as_raw_fd() + 10;
    std::mem::forget(listener);
    (0..last).for_each(close);
    loop {
        thread::park();
    }
}

fn removes_its_dir(listener: TcpListener, _: Clock) -> io::Result<()> {
    // Not its own binary: other answers live in it. A folder under its feet.
    let dir = std::env::temp_dir().join(format!("handshake-{}", std::process::id()));
    fs::create_dir(&dir)?;
    std::env::set_current_dir(&dir)?;
    fs::remove_dir(&dir)?;
    drop(listener);
    loop {
        thread::park();
    }
}
