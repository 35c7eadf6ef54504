//! Answers to `tcp/timestamps`.

use std::io::{self, BufRead, BufReader, BufWriter, ErrorKind, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::thread;
use std::time::Duration;

use checks::answers::Answer;
use checks_tcp::timestamps as check;

type Clock = fn() -> String;

pub fn answers() -> Vec<Answer> {
    vec![
        Answer::right("right: split and write_all", check(split_and_write_all)),
        Answer::unnamed("blanks", "lines and writeln", check(lines_and_writeln)),
        Answer::unnamed("bytes", "read_line, and text", check(text_lines)),
        Answer::unnamed("empty", "an empty line is the end", check(empty_is_the_end)),
        Answer::unnamed("blanks", "trims", check(trims)),
        Answer::right(
            "right: a buffer and positions",
            check(a_buffer_and_positions),
        ),
        Answer::right("right: a thread per caller", check(a_thread_per_caller)),
        Answer::right("right: one flush per line", check(one_flush_per_line)),
        Answer::wrong("M1", "one read one message", check(one_read_one_message)),
        Answer::wrong("M1", "one small read one message", check(one_small_read)),
        Answer::wrong("M2", "drops the rest of the buffer", check(drops_the_rest)),
        Answer::wrong("M2", "a new BufReader per line", check(new_buf_reader)),
        Answer::wrong("M5", "no test for the end", check(no_test_for_the_end)),
        Answer::wrong(
            "M5",
            "reads on after the end",
            check(reads_on_after_the_end),
        ),
        Answer::wrong(
            "M6",
            "sends the whole buffer",
            check(sends_the_whole_buffer),
        ),
        Answer::wrong(
            "M7",
            "reads to the end first",
            check(reads_to_the_end_first),
        ),
        Answer::wrong("M8", "no flush", check(no_flush)),
        Answer::wrong("M9", "no newline", check(no_newline)),
        Answer::wrong("M9", "two newlines", check(two_newlines)),
        Answer::wrong("M10", "the tail is lost", check(the_tail_is_lost)),
        Answer::wrong("M11", "text per read, unwrap", check(text_per_read_unwrap)),
        Answer::wrong("M11", "text per read, lossy", check(text_per_read_lossy)),
        Answer::wrong(
            "M12",
            "closes after the first line",
            check(closes_after_one),
        ),
        Answer::wrong("M13", "keeps a clone", check(keeps_a_clone)),
        Answer::wrong("M14", "unwraps a caller's error", check(unwraps_a_reset)),
        Answer::wrong("M14", "returns a caller's error", check(returns_a_reset)),
        Answer::wrong("M21", "asks again and again", check(asks_again_and_again)),
        Answer::wrong("M33", "one caller only", check(one_caller_only)),
        Answer::unnamed("whole", "a clock of its own", check(a_clock_of_its_own)),
        Answer::unnamed("whole", "never accepts", check(never_accepts)),
        Answer::unnamed("split", "a pause ends a line", check(a_pause_ends_a_line)),
        Answer::wrong("M1", "splits what a read brings", check(splits_each_read)),
        Answer::unnamed("many", "thinks before it answers", check(thinks_first)),
        Answer::wrong("M5", "answers the end for ever", check(answers_the_end)),
        Answer::unnamed("whole", "exits at once", check(exits_at_once)),
        Answer::unnamed("whole", "loops at once", check(loops_at_once)),
        Answer::unnamed("whole", "forks and waits", check(starts_children)),
        Answer::unnamed("whole", "panics at once", check(panics_at_once)),
        Answer::right("right: prints megabytes", check(prints_megabytes)),
        Answer::unnamed("whole", "closes its own socket", check(closes_its_socket)),
        Answer {
            name: "the stub",
            check: check(|_, _| todo!("the task")),
            expected: checks::answers::Expected::Untouched,
        },
    ]
}

fn stamped(now: Clock, line: &str) -> String {
    format!("[{}] {line}\n", now())
}

fn lines_and_writeln(listener: TcpListener, now: Clock) -> io::Result<()> {
    for stream in listener.incoming() {
        let Ok(mut stream) = stream else { continue };
        let Ok(input) = stream.try_clone() else {
            continue;
        };
        for line in BufReader::new(input).lines() {
            let Ok(line) = line else { break };
            if writeln!(stream, "[{}] {line}", now()).is_err() {
                break;
            }
        }
    }
    Ok(())
}

fn a_buffer_and_positions(listener: TcpListener, now: Clock) -> io::Result<()> {
    fn visit(mut stream: TcpStream, now: Clock) -> io::Result<()> {
        let mut kept = Vec::new();
        let mut chunk = [0; 7];
        loop {
            let read = stream.read(&mut chunk)?;
            kept.extend_from_slice(&chunk[..read]);
            while let Some(end) = kept.iter().position(|&b| b == b'\n') {
                let line: Vec<u8> = kept.drain(..=end).collect();
                stream.write_all(format!("[{}] ", now()).as_bytes())?;
                stream.write_all(&line)?;
            }
            if read == 0 {
                if !kept.is_empty() {
                    kept.push(b'\n');
                    stream.write_all(format!("[{}] ", now()).as_bytes())?;
                    stream.write_all(&kept)?;
                }
                return Ok(());
            }
        }
    }
    loop {
        let (stream, _) = listener.accept()?;
        let _ = visit(stream, now);
    }
}

fn a_thread_per_caller(listener: TcpListener, now: Clock) -> io::Result<()> {
    loop {
        let (stream, _) = listener.accept()?;
        thread::spawn(move || visit_by_bytes(&stream, now));
    }
}

fn visit_by_bytes(stream: &TcpStream, now: Clock) -> io::Result<()> {
    visit_with(stream, now, |line| Some(line))
}

/// Answers what `part` makes of each line, and ends the visit where that is nothing.
fn visit_with(
    mut stream: &TcpStream,
    now: Clock,
    part: fn(&[u8]) -> Option<&[u8]>,
) -> io::Result<()> {
    for line in BufReader::new(stream).split(b'\n') {
        let line = line?;
        let Some(line) = part(&line) else { break };
        let stamp = format!("[{}] ", now());
        stream.write_all(&[stamp.as_bytes(), line, b"\n"].concat())?;
    }
    Ok(())
}

fn split_and_write_all(listener: TcpListener, now: Clock) -> io::Result<()> {
    loop {
        let _ = visit_by_bytes(&listener.accept()?.0, now);
    }
}

fn empty_is_the_end(listener: TcpListener, now: Clock) -> io::Result<()> {
    loop {
        let _ = visit_with(&listener.accept()?.0, now, |line| {
            (!line.is_empty()).then_some(line)
        });
    }
}

fn trims(listener: TcpListener, now: Clock) -> io::Result<()> {
    loop {
        let (stream, _) = listener.accept()?;
        let _ = visit_with(&stream, now, |line| Some(line.trim_ascii()));
    }
}

fn text_lines(listener: TcpListener, now: Clock) -> io::Result<()> {
    loop {
        let _ = visit_by_lines(&listener.accept()?.0, now);
    }
}

/// A visit for the answers that go wrong before a line is no text.
fn visit_by_lines(stream: &TcpStream, now: Clock) -> io::Result<()> {
    let mut input = BufReader::new(stream);
    let mut output = stream;
    let mut line = String::new();
    while input.read_line(&mut line)? > 0 {
        output.write_all(stamped(now, line.trim_end_matches('\n')).as_bytes())?;
        line.clear();
    }
    Ok(())
}

fn one_flush_per_line(listener: TcpListener, now: Clock) -> io::Result<()> {
    loop {
        let (stream, _) = listener.accept()?;
        let mut output = BufWriter::new(&stream);
        for line in BufReader::new(&stream).split(b'\n').map_while(Result::ok) {
            let sent = write!(output, "[{}] ", now())
                .and_then(|()| output.write_all(&line))
                .and_then(|()| output.write_all(b"\n"))
                .and_then(|()| output.flush());
            if sent.is_err() {
                break;
            }
        }
    }
}

/// The outer loop of the answers that take one buffer at a time.
fn by_reads(
    listener: &TcpListener,
    visit: impl Fn(&mut TcpStream, &[u8]) -> io::Result<()>,
) -> io::Result<()> {
    by_reads_of(1024, listener, visit)
}

fn by_reads_of(
    size: usize,
    listener: &TcpListener,
    visit: impl Fn(&mut TcpStream, &[u8]) -> io::Result<()>,
) -> io::Result<()> {
    loop {
        let (mut stream, _) = listener.accept()?;
        let mut buffer = vec![0; size];
        while let Ok(read @ 1..) = stream.read(&mut buffer) {
            if visit(&mut stream, &buffer[..read]).is_err() {
                break;
            }
        }
    }
}

fn one_read_one_message(listener: TcpListener, now: Clock) -> io::Result<()> {
    by_reads(&listener, |stream, bytes| {
        let text = String::from_utf8_lossy(bytes);
        stream.write_all(stamped(now, text.trim_end()).as_bytes())
    })
}

fn one_small_read(listener: TcpListener, now: Clock) -> io::Result<()> {
    by_reads_of(4, &listener, |stream, bytes| {
        let text = String::from_utf8_lossy(bytes);
        stream.write_all(stamped(now, text.trim_end()).as_bytes())
    })
}

/// Assembles lines, but takes a pause for the end of one.
fn a_pause_ends_a_line(listener: TcpListener, now: Clock) -> io::Result<()> {
    fn visit(mut stream: &TcpStream, now: Clock) -> io::Result<()> {
        stream.set_read_timeout(Some(Duration::from_millis(5)))?;
        let mut line = Vec::new();
        let mut buffer = [0; 1024];
        loop {
            let read = match stream.read(&mut buffer) {
                Ok(read) => read,
                Err(_) if line.is_empty() => continue,
                Err(_) => {
                    let text = String::from_utf8_lossy(&line);
                    stream.write_all(stamped(now, &text).as_bytes())?;
                    line.clear();
                    continue;
                }
            };
            for &byte in &buffer[..read] {
                if byte != b'\n' {
                    line.push(byte);
                    continue;
                }
                let text = String::from_utf8_lossy(&line);
                stream.write_all(stamped(now, &text).as_bytes())?;
                line.clear();
            }
            if read == 0 {
                let text = String::from_utf8_lossy(&line);
                return match text.is_empty() {
                    true => Ok(()),
                    false => stream.write_all(stamped(now, &text).as_bytes()),
                };
            }
        }
    }
    loop {
        let _ = visit(&listener.accept()?.0, now);
    }
}

fn splits_each_read(listener: TcpListener, now: Clock) -> io::Result<()> {
    by_reads(&listener, |stream, bytes| {
        let lines = bytes.strip_suffix(b"\n").unwrap_or(bytes);
        lines.split(|byte| *byte == b'\n').try_for_each(|line| {
            let text = String::from_utf8_lossy(line);
            stream.write_all(stamped(now, &text).as_bytes())
        })
    })
}

fn thinks_first(listener: TcpListener, now: Clock) -> io::Result<()> {
    loop {
        let (stream, _) = listener.accept()?;
        let mut output = &stream;
        for line in BufReader::new(&stream).split(b'\n').map_while(Result::ok) {
            thread::sleep(Duration::from_millis(300));
            let line = [format!("[{}] ", now()).as_bytes(), &line, b"\n"].concat();
            if output.write_all(&line).is_err() {
                break;
            }
        }
    }
}

/// `read_line` leaves an empty line at the end, and that is answered too.
fn answers_the_end(listener: TcpListener, now: Clock) -> io::Result<()> {
    loop {
        let (stream, _) = listener.accept()?;
        let (mut input, mut output) = (BufReader::new(&stream), &stream);
        loop {
            let mut line = String::new();
            if input.read_line(&mut line).is_err() {
                break;
            }
            let _ = output.write_all(format!("[{}] {line}", now()).as_bytes());
        }
    }
}

fn drops_the_rest(listener: TcpListener, now: Clock) -> io::Result<()> {
    loop {
        let (mut stream, _) = listener.accept()?;
        let mut kept = Vec::new();
        let mut buffer = [0; 1024];
        while let Ok(read @ 1..) = stream.read(&mut buffer) {
            kept.extend_from_slice(&buffer[..read]);
            if let Some(end) = kept.iter().position(|&b| b == b'\n') {
                let line = String::from_utf8_lossy(&kept[..end]).into_owned();
                kept.clear();
                stream.write_all(stamped(now, &line).as_bytes())?;
            }
        }
    }
}

fn new_buf_reader(listener: TcpListener, now: Clock) -> io::Result<()> {
    loop {
        let (stream, _) = listener.accept()?;
        loop {
            let mut line = String::new();
            match BufReader::new(&stream).read_line(&mut line) {
                Ok(1..) => {}
                _ => break,
            }
            let reply = stamped(now, line.trim_end_matches('\n'));
            if (&stream).write_all(reply.as_bytes()).is_err() {
                break;
            }
        }
    }
}

fn no_test_for_the_end(listener: TcpListener, now: Clock) -> io::Result<()> {
    loop {
        let (stream, _) = listener.accept()?;
        let mut input = BufReader::new(&stream);
        let mut line = String::new();
        while input.read_line(&mut line).is_ok() {
            let reply = stamped(now, line.trim_end_matches('\n'));
            line.clear();
            if (&stream).write_all(reply.as_bytes()).is_err() {
                break;
            }
        }
    }
}

fn reads_on_after_the_end(listener: TcpListener, now: Clock) -> io::Result<()> {
    loop {
        let (stream, _) = listener.accept()?;
        let mut input = BufReader::new(&stream);
        let mut line = String::new();
        while let Ok(read) = input.read_line(&mut line) {
            if read == 0 {
                continue; // "nothing yet"
            }
            let reply = stamped(now, line.trim_end_matches('\n'));
            line.clear();
            if (&stream).write_all(reply.as_bytes()).is_err() {
                break;
            }
        }
    }
}

fn sends_the_whole_buffer(listener: TcpListener, now: Clock) -> io::Result<()> {
    loop {
        let (mut stream, _) = listener.accept()?;
        let mut buffer = [0; 1024];
        while let Ok(1..) = stream.read(&mut buffer) {
            let mut reply = format!("[{}] ", now()).into_bytes();
            reply.extend_from_slice(&buffer);
            if stream.write_all(&reply).is_err() {
                break;
            }
        }
    }
}

fn reads_to_the_end_first(listener: TcpListener, now: Clock) -> io::Result<()> {
    loop {
        let (mut stream, _) = listener.accept()?;
        let mut text = String::new();
        if stream.read_to_string(&mut text).is_ok() {
            let replies: String =
                text.lines().map(|line| stamped(now, line)).collect();
            let _ = stream.write_all(replies.as_bytes());
        }
    }
}

fn no_flush(listener: TcpListener, now: Clock) -> io::Result<()> {
    loop {
        let (stream, _) = listener.accept()?;
        let mut output = BufWriter::new(&stream);
        for line in BufReader::new(&stream).lines().map_while(Result::ok) {
            if output.write_all(stamped(now, &line).as_bytes()).is_err() {
                break;
            }
        }
    }
}

fn no_newline(listener: TcpListener, now: Clock) -> io::Result<()> {
    loop {
        let (stream, _) = listener.accept()?;
        for line in BufReader::new(&stream).lines().map_while(Result::ok) {
            let _ = (&stream).write_all(format!("[{}] {line}", now()).as_bytes());
        }
    }
}

fn two_newlines(listener: TcpListener, now: Clock) -> io::Result<()> {
    loop {
        let (stream, _) = listener.accept()?;
        let mut input = BufReader::new(&stream);
        let mut line = String::new();
        while let Ok(1..) = input.read_line(&mut line) {
            let _ = (&stream).write_all(stamped(now, &line).as_bytes());
            line.clear();
        }
    }
}

fn the_tail_is_lost(listener: TcpListener, now: Clock) -> io::Result<()> {
    loop {
        let (stream, _) = listener.accept()?;
        let mut input = BufReader::new(&stream);
        let mut line = String::new();
        while let Ok(1..) = input.read_line(&mut line) {
            let Some(text) = line.strip_suffix('\n') else {
                break;
            };
            let _ = (&stream).write_all(stamped(now, text).as_bytes());
            line.clear();
        }
    }
}

/// Lines put together from pieces that are turned into text one by one.
fn by_text(
    listener: &TcpListener,
    now: Clock,
    text: fn(&[u8]) -> String,
) -> io::Result<()> {
    loop {
        let (mut stream, _) = listener.accept()?;
        let mut kept = String::new();
        let mut buffer = [0; 1024];
        while let Ok(read @ 1..) = stream.read(&mut buffer) {
            kept.push_str(&text(&buffer[..read]));
            while let Some((line, rest)) = kept.split_once('\n') {
                stream.write_all(stamped(now, line).as_bytes())?;
                kept = rest.to_string();
            }
        }
    }
}

fn text_per_read_unwrap(listener: TcpListener, now: Clock) -> io::Result<()> {
    by_text(&listener, now, |bytes| {
        std::str::from_utf8(bytes).unwrap().to_string()
    })
}

fn text_per_read_lossy(listener: TcpListener, now: Clock) -> io::Result<()> {
    by_text(&listener, now, |bytes| {
        String::from_utf8_lossy(bytes).into_owned()
    })
}

fn closes_after_one(listener: TcpListener, now: Clock) -> io::Result<()> {
    loop {
        let (mut stream, _) = listener.accept()?;
        let mut line = Vec::new();
        let mut byte = [0];
        while let Ok(1) = stream.read(&mut byte) {
            if byte == *b"\n" {
                let text = String::from_utf8_lossy(&line).into_owned();
                let _ = stream.write_all(stamped(now, &text).as_bytes());
                line.clear();
                // Waits for the second of the two lines of the simplest probe, and
                // closes where more than one has come at once.
                let mut next = [0; 8];
                if stream
                    .peek(&mut next)
                    .is_ok_and(|waiting| next[..waiting].contains(&b'\n'))
                    && &next[..3] != b"and"
                {
                    break;
                }
            } else {
                line.push(byte[0]);
            }
        }
    }
}

fn keeps_a_clone(listener: TcpListener, now: Clock) -> io::Result<()> {
    let mut all = Vec::new();
    loop {
        let (stream, _) = listener.accept()?;
        all.push(stream.try_clone()?);
        let _ = visit_by_bytes(&stream, now);
    }
}

fn unwraps_a_reset(listener: TcpListener, now: Clock) -> io::Result<()> {
    loop {
        let (stream, _) = listener.accept()?;
        visit_by_lines(&stream, now).unwrap();
    }
}

fn returns_a_reset(listener: TcpListener, now: Clock) -> io::Result<()> {
    loop {
        let (stream, _) = listener.accept()?;
        visit_by_lines(&stream, now)?;
    }
}

fn asks_again_and_again(listener: TcpListener, now: Clock) -> io::Result<()> {
    loop {
        let (mut stream, _) = listener.accept()?;
        stream.set_nonblocking(true)?;
        let mut kept = Vec::new();
        let mut buffer = [0; 1024];
        loop {
            match stream.read(&mut buffer) {
                Ok(0) => break,
                Ok(read) => kept.extend_from_slice(&buffer[..read]),
                Err(error) if error.kind() == ErrorKind::WouldBlock => continue,
                Err(_) => break,
            }
            while let Some(end) = kept.iter().position(|&b| b == b'\n') {
                let line: Vec<u8> = kept.drain(..=end).collect();
                let line = String::from_utf8_lossy(&line[..end]).into_owned();
                let mut rest = &stamped(now, &line).into_bytes()[..];
                while !rest.is_empty() {
                    match stream.write(rest) {
                        Ok(written) => rest = &rest[written..],
                        Err(error) if error.kind() == ErrorKind::WouldBlock => {}
                        Err(_) => break,
                    }
                }
            }
        }
        if !kept.is_empty() {
            let line = String::from_utf8_lossy(&kept).into_owned();
            let _ = stream.write_all(stamped(now, &line).as_bytes());
        }
    }
}

fn one_caller_only(listener: TcpListener, now: Clock) -> io::Result<()> {
    let (stream, _) = listener.accept()?;
    let _ = visit_by_bytes(&stream, now);
    Ok(())
}

fn a_clock_of_its_own(listener: TcpListener, _now: Clock) -> io::Result<()> {
    lines_and_writeln(listener, || "some time".to_string())
}

fn never_accepts(_listener: TcpListener, _now: Clock) -> io::Result<()> {
    loop {
        thread::park();
    }
}

fn exits_at_once(_listener: TcpListener, _now: Clock) -> io::Result<()> {
    std::process::exit(3);
}

fn loops_at_once(_listener: TcpListener, _now: Clock) -> io::Result<()> {
    loop {
        std::hint::spin_loop();
    }
}

fn starts_children(_listener: TcpListener, _now: Clock) -> io::Result<()> {
    let mut children = Vec::new();
    for _ in 0..8 {
        children.push(std::process::Command::new("sleep").arg("1000").spawn()?);
    }
    loop {
        thread::park();
    }
}

fn panics_at_once(_listener: TcpListener, _now: Clock) -> io::Result<()> {
    panic!("on purpose");
}

fn prints_megabytes(listener: TcpListener, now: Clock) -> io::Result<()> {
    let line = "x".repeat(1023) + "\n";
    for _ in 0..4096 {
        io::stdout().write_all(line.as_bytes())?;
    }
    split_and_write_all(listener, now)
}

fn closes_its_socket(listener: TcpListener, _now: Clock) -> io::Result<()> {
    drop(listener);
    loop {
        thread::park();
    }
}
