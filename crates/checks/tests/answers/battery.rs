//! Servers for the battery of probes that no exercise of the first lessons asks for:
//! many callers at once, no descriptors left, a restart.

use std::io::{self, BufRead, BufReader, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::os::fd::OwnedFd;
use std::process::Command;
use std::sync::{Arc, mpsc};
use std::thread;
use std::time::Duration;

use checks::answers::Answer;
use checks::{Check, battery};
use socket2::{Domain, Socket, Type};

pub fn answers() -> Vec<Answer> {
    vec![
        Answer::right(
            "many right: a thread per caller",
            check(a_thread_per_caller),
        ),
        Answer::right("many right: keeps its answers", check(keeps_its_answers)),
        Answer::wrong("M18", "many: one after another", check(one_after_another)),
        Answer::unnamed("two", "many: accepts two, hears one", check(hears_one)),
        Answer::wrong("M25", "many: unwraps accept", check(unwraps_accept)),
        Answer::wrong("M25", "many: asks again at once", check(asks_again_at_once)),
        Answer::unnamed(
            "half",
            "many: peeks for a line",
            check(waits_for_whole_lines),
        ),
        Answer::right(
            "restart right: std",
            restart(TcpListener::bind, a_thread_per_caller),
        ),
        Answer::right(
            "restart right: a slow process each",
            restart(TcpListener::bind, a_process_each),
        ),
        Answer::wrong(
            "M16",
            "restart: without SO_REUSEADDR",
            restart(without_reuse, a_thread_per_caller),
        ),
        Answer::right(
            "throng right: a thread each, the whole battery",
            battery::whole(a_scrupulous_thread_per_caller, reply, 1000),
        ),
        Answer::right("throng right: poll", throng(waits_for_whole_lines, 1000)),
        Answer::unnamed("throng", "throng: threads stay", throng(threads_stay, 100)),
        Answer::unnamed("throng", "throng: no wait for a child", {
            throng(leaves_zombies, 20)
        }),
        Answer::unnamed("throng", "throng: looks every now and then", {
            throng(looks_now_and_then, 20)
        }),
    ]
}

fn reply(line: &[u8]) -> Vec<u8> {
    line.to_ascii_uppercase()
}

/// The exercise is not asked for here; a check needs one to be named after.
fn check(serve: fn(TcpListener) -> io::Result<()>) -> Check {
    let probes = battery::probes(serve, reply);
    Check::new("tcp/repair", probes, |seen| battery::diagnose(seen, reply))
}

fn restart(
    listen: fn(SocketAddr) -> io::Result<TcpListener>,
    serve: fn(TcpListener) -> io::Result<()>,
) -> Check {
    let probes = vec![battery::restart(listen, serve, reply)];
    Check::new("tcp/repair", probes, |seen| battery::diagnose(seen, reply))
}

fn throng(serve: fn(TcpListener) -> io::Result<()>, callers: usize) -> Check {
    let probes = vec![battery::throng(serve, reply, callers)];
    Check::new("tcp/repair", probes, |seen| battery::diagnose(seen, reply))
}

fn talk(stream: &TcpStream) -> io::Result<()> {
    let mut input = BufReader::new(stream);
    let mut output = stream;
    let mut line = Vec::new();
    while input.read_until(b'\n', &mut line)? > 0 {
        output.write_all(&reply(&line))?;
        line.clear();
    }
    Ok(())
}

fn a_thread_per_caller(listener: TcpListener) -> io::Result<()> {
    loop {
        match listener.accept() {
            Ok((stream, _)) => {
                thread::spawn(move || talk(&stream));
            }
            // EMFILE, most likely: somebody has to leave first.
            Err(_) => thread::sleep(Duration::from_millis(20)),
        }
    }
}

/// As the one before, but the last line has its newline in the answer in any case.
fn a_scrupulous_thread_per_caller(listener: TcpListener) -> io::Result<()> {
    fn visit(stream: &TcpStream) -> io::Result<()> {
        let mut output = stream;
        for line in BufReader::new(stream).split(b'\n') {
            output.write_all(&[&reply(&line?)[..], b"\n"].concat())?;
        }
        Ok(())
    }
    loop {
        match listener.accept() {
            Ok((stream, _)) => drop(thread::spawn(move || visit(&stream))),
            Err(_) => thread::sleep(Duration::from_millis(20)),
        }
    }
}

/// The descriptors go with the callers, the threads do not.
fn threads_stay(listener: TcpListener) -> io::Result<()> {
    loop {
        let (stream, _) = listener.accept()?;
        thread::spawn(move || {
            let _ = talk(&stream);
            drop(stream);
            loop {
                thread::park();
            }
        });
    }
}

fn leaves_zombies(listener: TcpListener) -> io::Result<()> {
    loop {
        let (stream, _) = listener.accept()?;
        let (input, output) = (stream.try_clone()?, stream);
        Command::new("sed")
            .args(["--unbuffered", "s/.*/\\U&/"])
            .stdin(OwnedFd::from(input))
            .stdout(OwnedFd::from(output))
            .spawn()?;
    }
}

/// Serves many, but wakes a thousand times a second to look whether somebody spoke.
fn looks_now_and_then(listener: TcpListener) -> io::Result<()> {
    listener.set_nonblocking(true)?;
    let mut callers: Vec<BufReader<TcpStream>> = Vec::new();
    loop {
        if let Ok((stream, _)) = listener.accept() {
            callers.push(BufReader::new(stream));
        }
        callers.retain_mut(|caller| {
            caller.get_ref().set_nonblocking(true).is_ok()
                && match caller.fill_buf() {
                    Ok([]) => false,
                    Ok(_) => answers_a_line(caller),
                    Err(error) => error.kind() == io::ErrorKind::WouldBlock,
                }
        });
        thread::sleep(Duration::from_micros(200));
    }
}

/// However many answers the caller does not read: they wait in a queue without a bound.
fn keeps_its_answers(listener: TcpListener) -> io::Result<()> {
    fn visit(stream: TcpStream) {
        let stream = Arc::new(stream);
        let (answers, queue) = mpsc::channel::<Vec<u8>>();
        let output = Arc::clone(&stream);
        thread::spawn(move || {
            let mut answers = queue.into_iter();
            answers.try_for_each(|answer| (&*output).write_all(&answer))
        });
        let lines = BufReader::with_capacity(64 << 10, &*stream).split(b'\n');
        for line in lines.map_while(Result::ok) {
            let _ = answers.send([&reply(&line)[..], b"\n"].concat());
        }
    }
    loop {
        match listener.accept() {
            Ok((stream, _)) => drop(thread::spawn(move || visit(stream))),
            Err(_) => thread::sleep(Duration::from_millis(20)),
        }
    }
}

/// A process for each caller, which takes its time over the first line.
fn a_process_each(listener: TcpListener) -> io::Result<()> {
    const TALK: &str =
        "sleep 0.3; while read -r line; do echo \"$line\" | tr a-z A-Z; done";
    loop {
        let (stream, _) = listener.accept()?;
        let (input, output) = (stream.try_clone()?, stream);
        Command::new("sh")
            .args(["-c", TALK])
            .stdin(OwnedFd::from(input))
            .stdout(OwnedFd::from(output))
            .spawn()?;
    }
}

fn one_after_another(listener: TcpListener) -> io::Result<()> {
    loop {
        let (stream, _) = listener.accept()?;
        let _ = talk(&stream);
    }
}

/// Takes its callers in pairs, and talks to the second when the first has left.
fn hears_one(listener: TcpListener) -> io::Result<()> {
    loop {
        let (first, _) = listener.accept()?;
        let (second, _) = listener.accept()?;
        let _ = talk(&first).and_then(|()| talk(&second));
    }
}

fn unwraps_accept(listener: TcpListener) -> io::Result<()> {
    loop {
        let (stream, _) = listener.accept().unwrap();
        thread::spawn(move || talk(&stream));
    }
}

fn asks_again_at_once(listener: TcpListener) -> io::Result<()> {
    for stream in listener.incoming().flatten() {
        thread::spawn(move || talk(&stream));
    }
    Ok(())
}

/// Serves many with poll(2), but where a part of a line is, waits for the rest of it.
fn waits_for_whole_lines(listener: TcpListener) -> io::Result<()> {
    use rustix::event::{PollFd, PollFlags, poll};

    let mut callers: Vec<BufReader<TcpStream>> = Vec::new();
    loop {
        let mut ready = vec![PollFd::new(&listener, PollFlags::IN)];
        ready.extend(
            callers
                .iter()
                .map(|caller| PollFd::new(caller.get_ref(), PollFlags::IN)),
        );
        poll(&mut ready, None)?;
        let ready: Vec<bool> =
            ready.iter().map(|fd| !fd.revents().is_empty()).collect();
        let mut there = ready[1..].iter();
        callers.retain_mut(|caller| {
            there.next() == Some(&false) || answers_a_line(caller)
        });
        if ready[0] {
            callers.push(BufReader::new(listener.accept()?.0));
        }
    }
}

/// Answers the lines that have come; `false` where the caller has left.
fn answers_a_line(caller: &mut BufReader<TcpStream>) -> bool {
    loop {
        let mut line = Vec::new();
        let read = caller.read_until(b'\n', &mut line);
        let mut output = caller.get_ref();
        if !matches!(read, Ok(1..)) || output.write_all(&reply(&line)).is_err() {
            return false;
        }
        if caller.buffer().is_empty() {
            return true;
        }
    }
}

fn without_reuse(address: SocketAddr) -> io::Result<TcpListener> {
    let socket = Socket::new(Domain::IPV4, Type::STREAM, None)?;
    socket.bind(&address.into())?;
    socket.listen(128)?;
    Ok(socket.into())
}
