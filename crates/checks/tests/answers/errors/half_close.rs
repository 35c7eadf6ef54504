//! Answers to `errors/half-close`.

use std::io::{self, BufRead, BufReader, Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::thread;

use checks::answers::{Answer, Expected};
use checks::errors::half_close as check;

pub fn answers() -> Vec<Answer> {
    vec![
        Answer::right("half-close right: a loop", check(a_loop)),
        Answer::right("half-close right: threads", check(threads)),
        Answer::wrong("M65", "half-close: each read", check(each_read)),
        Answer::wrong("M65", "half-close: each line", check(each_line)),
        Answer::wrong("M12", "half-close: five bytes", check(five_bytes)),
        Answer::wrong("M13", "half-close: keeps a clone", check(keeps_a_clone)),
        Answer::wrong("M14", "half-close: question mark", check(question_mark)),
        Answer::wrong("M33", "half-close: one caller", check(one_caller)),
        Answer::wrong("M5", "half-close: no end", check(no_end)),
        Answer::unnamed("binary", "half-close: text only", check(text_only)),
        Answer::unnamed("whole", "half-close: as it came", check(as_it_came)),
        Answer {
            name: "half-close: the stub",
            check: check(|_| todo!("the task")),
            expected: Expected::Untouched,
        },
    ]
}

fn visit(mut stream: &TcpStream) -> io::Result<()> {
    let mut text = Vec::new();
    stream.read_to_end(&mut text)?;
    stream.write_all(&text.to_ascii_uppercase())
}

fn a_loop(listener: TcpListener) -> io::Result<()> {
    for stream in listener.incoming() {
        let mut stream = stream?;
        let mut text = Vec::new();
        let mut buffer = [0; 3000];
        let whole = loop {
            match stream.read(&mut buffer) {
                Ok(0) => break true,
                Ok(read) => text.extend(buffer[..read].to_ascii_uppercase()),
                Err(_) => break false,
            }
        };
        if whole && stream.write_all(&text).is_ok() {
            let _ = stream.shutdown(Shutdown::Write);
        }
    }
    Ok(())
}

fn threads(listener: TcpListener) -> io::Result<()> {
    loop {
        let (stream, _) = listener.accept()?;
        thread::spawn(move || visit(&stream));
    }
}

fn each_read(listener: TcpListener) -> io::Result<()> {
    loop {
        let (mut stream, _) = listener.accept()?;
        let mut buffer = [0; 1024];
        while let Ok(read @ 1..) = stream.read(&mut buffer) {
            let _ = stream.write_all(&buffer[..read].to_ascii_uppercase());
        }
    }
}

fn each_line(listener: TcpListener) -> io::Result<()> {
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

/// Waits for the end with a look, and takes only a part.
fn five_bytes(listener: TcpListener) -> io::Result<()> {
    loop {
        let (stream, _) = listener.accept()?;
        let mut text = Vec::new();
        let mut input = BufReader::with_capacity(1, &stream);
        while text.len() < 5 {
            if !matches!(input.read_until(b'\n', &mut text), Ok(1..)) {
                break;
            }
            if text == b"hello\n" {
                let _ = input.read_until(0, &mut text);
            }
        }
        let _ = (&stream).write_all(&text.to_ascii_uppercase());
    }
}

fn keeps_a_clone(listener: TcpListener) -> io::Result<()> {
    let mut all = Vec::new();
    loop {
        let (stream, _) = listener.accept()?;
        all.push(stream.try_clone()?);
        let _ = visit(&stream);
    }
}

fn question_mark(listener: TcpListener) -> io::Result<()> {
    loop {
        let (stream, _) = listener.accept()?;
        visit(&stream)?;
    }
}

fn one_caller(listener: TcpListener) -> io::Result<()> {
    let (stream, _) = listener.accept()?;
    let _ = visit(&stream);
    Ok(())
}

fn no_end(listener: TcpListener) -> io::Result<()> {
    loop {
        let (mut stream, _) = listener.accept()?;
        let mut text = Vec::new();
        let mut buffer = [0; 1024];
        while let Ok(read) = stream.read(&mut buffer) {
            text.extend_from_slice(&buffer[..read]);
        }
        let _ = stream.write_all(&text.to_ascii_uppercase());
    }
}

fn text_only(listener: TcpListener) -> io::Result<()> {
    loop {
        let (mut stream, _) = listener.accept()?;
        let mut text = String::new();
        match stream.read_to_string(&mut text) {
            Ok(_) => {
                let _ = stream.write_all(text.to_ascii_uppercase().as_bytes());
            }
            Err(error) => eprintln!("{error}"),
        }
    }
}

fn as_it_came(listener: TcpListener) -> io::Result<()> {
    loop {
        let (mut stream, _) = listener.accept()?;
        let mut text = Vec::new();
        if stream.read_to_end(&mut text).is_ok() {
            let _ = stream.write_all(&text);
        }
    }
}
