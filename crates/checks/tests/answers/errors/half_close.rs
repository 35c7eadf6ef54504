//! Answers to `errors/half-close`.

use std::io::{self, BufRead, BufReader, Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::thread;
use std::time::Duration;

use checks::answers::{Answer, Expected};
use checks_errors::half_close as check;

pub fn answers() -> Vec<Answer> {
    vec![
        Answer::right("half-close right: a loop", check(a_loop)),
        Answer::right("half-close right: threads", check(threads)),
        Answer::right("half-close right: bytes", check(by_bytes)),
        Answer::right("half-close right: two halves", check(two_halves)),
        Answer::right("half-close right: shuts both down", check(shuts_both)),
        Answer::wrong("M65", "half-close: each read", check(each_read)),
        Answer::wrong("M65", "half-close: one read", check(one_read)),
        Answer::wrong("M65", "half-close: a pause is the end", check(a_pause)),
        Answer::wrong("M12", "half-close: one megabyte", check(one_megabyte)),
        Answer::wrong("M14", "half-close: breaks", check(breaks)),
        Answer::unnamed("whole", "half-close: says more", check(says_more)),
        Answer::unnamed("whole", "half-close: never answers", check(ends_first)),
        Answer::wrong("M65", "half-close: each line", check(each_line)),
        Answer::wrong("M12", "half-close: five bytes", check(five_bytes)),
        Answer::wrong("M13", "half-close: keeps a clone", check(keeps_a_clone)),
        Answer::wrong("M14", "half-close: question mark", check(question_mark)),
        Answer::wrong("M33", "half-close: one caller", check(one_caller)),
        Answer::wrong("M5", "half-close: no end", check(no_end)),
        Answer::wrong("M45", "half-close: text only", check(text_only)),
        Answer::wrong("M45", "half-close: unwraps text", check(unwraps_text)),
        Answer::unnamed("binary", "half-close: nearly text", check(nearly_text)),
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

fn by_bytes(listener: TcpListener) -> io::Result<()> {
    loop {
        let (stream, _) = listener.accept()?;
        let text: io::Result<Vec<u8>> = BufReader::new(&stream).bytes().collect();
        if let Ok(text) = text {
            let _ = (&stream).write_all(&text.to_ascii_uppercase());
        }
    }
}

fn two_halves(listener: TcpListener) -> io::Result<()> {
    for stream in listener.incoming() {
        let mut output = stream?;
        let Ok(mut input) = output.try_clone() else {
            continue;
        };
        let mut text = Vec::new();
        if io::copy(&mut input, &mut text).is_ok() {
            text.make_ascii_uppercase();
            let _ = output.write_all(&text).and_then(|()| output.flush());
        }
    }
    Ok(())
}

fn shuts_both(listener: TcpListener) -> io::Result<()> {
    loop {
        let (stream, _) = listener.accept()?;
        if visit(&stream).is_ok() {
            let _ = stream.shutdown(Shutdown::Both);
        }
    }
}

fn one_read(listener: TcpListener) -> io::Result<()> {
    loop {
        let (mut stream, _) = listener.accept()?;
        let mut buffer = vec![0; 1 << 16];
        if let Ok(read) = stream.read(&mut buffer) {
            let _ = stream.write_all(&buffer[..read].to_ascii_uppercase());
        }
    }
}

fn a_pause(listener: TcpListener) -> io::Result<()> {
    loop {
        let (mut stream, _) = listener.accept()?;
        stream.set_read_timeout(Some(Duration::from_millis(400)))?;
        let mut text = Vec::new();
        let _ = stream.read_to_end(&mut text);
        let _ = stream.write_all(&text.to_ascii_uppercase());
    }
}

/// A buffer that is full takes no more: read then says 0.
fn one_megabyte(listener: TcpListener) -> io::Result<()> {
    loop {
        let (mut stream, _) = listener.accept()?;
        let (mut text, mut filled) = (vec![0; 1 << 20], 0);
        while let Ok(read @ 1..) = stream.read(&mut text[filled..]) {
            filled += read;
        }
        let _ = stream.write_all(&text[..filled].to_ascii_uppercase());
    }
}

fn breaks(listener: TcpListener) -> io::Result<()> {
    loop {
        let (stream, _) = listener.accept()?;
        if let Err(error) = visit(&stream) {
            eprintln!("{error}");
            break;
        }
    }
    Ok(())
}

fn says_more(listener: TcpListener) -> io::Result<()> {
    loop {
        let (mut stream, _) = listener.accept()?;
        let mut text = Vec::new();
        if stream.read_to_end(&mut text).is_ok() {
            text.push(b'\n');
            let _ = stream.write_all(&text.to_ascii_uppercase());
        }
    }
}

fn ends_first(listener: TcpListener) -> io::Result<()> {
    loop {
        let (mut stream, _) = listener.accept()?;
        let mut text = Vec::new();
        let _ = stream.read_to_end(&mut text);
        let _ = stream.shutdown(Shutdown::Write);
        let _ = stream.write_all(&text.to_ascii_uppercase());
    }
}

fn unwraps_text(listener: TcpListener) -> io::Result<()> {
    loop {
        let (mut stream, _) = listener.accept()?;
        let mut text = Vec::new();
        if stream.read_to_end(&mut text).is_ok() {
            let text = String::from_utf8(text).unwrap();
            let _ = stream.write_all(text.to_ascii_uppercase().as_bytes());
        }
    }
}

fn nearly_text(listener: TcpListener) -> io::Result<()> {
    loop {
        let (mut stream, _) = listener.accept()?;
        let mut text = Vec::new();
        if stream.read_to_end(&mut text).is_ok() {
            let text = String::from_utf8_lossy(&text).to_ascii_uppercase();
            let _ = stream.write_all(text.as_bytes());
        }
    }
}
