//! Answers to `tcp/repair`.

use std::io::{self, BufRead, BufReader, Read, Write};
use std::net::TcpListener;

use checks::answers::Answer;
use checks_tcp::repair as check;
use socket2::Socket;

pub fn answers() -> Vec<Answer> {
    vec![
        Answer::right("right: repaired with std", check(with_std)),
        Answer::wrong("M34", "as it was found", check(as_found)),
        Answer::wrong("M34", "as it was found, unwrap", check(as_found_unwrap)),
        Answer::wrong("M14", "half repaired", check(half_repaired)),
        Answer::wrong("M5", "repaired without the end", check(without_the_end)),
        Answer::wrong("M6", "repaired with the whole buffer", check(whole_buffer)),
        Answer::wrong("M7", "repaired: waits for the end", check(to_the_end)),
        Answer::wrong("M7", "repaired: waits for the text", check(to_string)),
        Answer::unnamed("whole", "repaired: a line", check(a_line)),
        Answer::unnamed("whole", "repaired: a full buffer", check(full_buffer)),
        Answer::wrong("M12", "as it was found, quiet", check(as_found_quiet)),
        Answer::wrong(
            "M12",
            "as it was found, read to its end",
            check(as_found_end),
        ),
        Answer::unnamed("whole", "repaired: says nothing", check(says_nothing)),
        Answer::wrong("M12", "repaired: hangs up", check(hangs_up)),
        Answer::unnamed(
            "whole",
            "repaired: reads and leaves",
            check(reads_and_leaves),
        ),
        Answer::wrong("M33", "repaired without the loop", check(without_the_loop)),
    ]
}

fn with_std(listener: TcpListener) -> io::Result<()> {
    for stream in listener.incoming() {
        let mut stream = stream?;
        let mut buffer = [0; 100];
        while let Ok(read @ 1..) = stream.read(&mut buffer) {
            if stream
                .write_all(&buffer[..read].to_ascii_uppercase())
                .is_err()
            {
                break;
            }
        }
    }
    Ok(())
}

fn as_found(listener: TcpListener) -> io::Result<()> {
    let listener = Socket::from(listener);
    loop {
        let (mut connection, _) = listener.accept()?;
        let mut buffer = [0; 1024];
        let read = (&listener).read(&mut buffer)?;
        connection.write_all(&buffer[..read].to_ascii_uppercase())?;
    }
}

fn as_found_unwrap(listener: TcpListener) -> io::Result<()> {
    let listener = Socket::from(listener);
    loop {
        let _connection = listener.accept()?;
        let _ = (&listener).read(&mut [0; 1024]).unwrap();
    }
}

fn half_repaired(listener: TcpListener) -> io::Result<()> {
    loop {
        let (mut connection, _) = listener.accept()?;
        let mut buffer = [0; 1024];
        loop {
            let read = connection.read(&mut buffer)?;
            if read == 0 {
                break;
            }
            connection.write_all(&buffer[..read].to_ascii_uppercase())?;
        }
    }
}

fn without_the_end(listener: TcpListener) -> io::Result<()> {
    loop {
        let (mut connection, _) = listener.accept()?;
        let mut buffer = [0; 1024];
        while let Ok(read) = connection.read(&mut buffer) {
            if connection
                .write_all(&buffer[..read].to_ascii_uppercase())
                .is_err()
            {
                break;
            }
        }
    }
}

fn whole_buffer(listener: TcpListener) -> io::Result<()> {
    loop {
        let (mut connection, _) = listener.accept()?;
        let mut buffer = [0; 1024];
        while let Ok(1..) = connection.read(&mut buffer) {
            if connection.write_all(&buffer.to_ascii_uppercase()).is_err() {
                break;
            }
        }
    }
}

fn without_the_loop(listener: TcpListener) -> io::Result<()> {
    let (mut connection, _) = listener.accept()?;
    let mut buffer = [0; 1024];
    while let Ok(read @ 1..) = connection.read(&mut buffer) {
        connection.write_all(&buffer[..read].to_ascii_uppercase())?;
    }
    Ok(())
}

fn to_the_end(listener: TcpListener) -> io::Result<()> {
    loop {
        let (mut connection, _) = listener.accept()?;
        let mut text = Vec::new();
        if connection.read_to_end(&mut text).is_ok() {
            let _ = connection.write_all(&text.to_ascii_uppercase());
        }
    }
}

fn to_string(listener: TcpListener) -> io::Result<()> {
    for stream in listener.incoming() {
        let mut stream = stream?;
        let mut text = String::new();
        match stream.read_to_string(&mut text) {
            Ok(_) => drop(stream.write_all(text.to_uppercase().as_bytes())),
            Err(error) => eprintln!("{error}"),
        }
    }
    Ok(())
}

fn a_line(listener: TcpListener) -> io::Result<()> {
    loop {
        let (connection, _) = listener.accept()?;
        let mut input = BufReader::new(&connection);
        let mut line = Vec::new();
        while let Ok(1..) = input.read_until(b'\n', &mut line) {
            let _ = (&connection).write_all(&line.to_ascii_uppercase());
            line.clear();
        }
    }
}

fn full_buffer(listener: TcpListener) -> io::Result<()> {
    loop {
        let (mut connection, _) = listener.accept()?;
        let mut buffer = [0; 1024];
        while connection.read_exact(&mut buffer).is_ok() {
            let _ = connection.write_all(&buffer.to_ascii_uppercase());
        }
    }
}

/// It hides what the kernel says.
fn as_found_quiet(listener: TcpListener) -> io::Result<()> {
    let listener = Socket::from(listener);
    loop {
        let (mut connection, _) = listener.accept()?;
        let mut buffer = [0; 1024];
        while let Ok(read @ 1..) = (&listener).read(&mut buffer) {
            let _ = connection.write_all(&buffer[..read].to_ascii_uppercase());
        }
    }
}

fn as_found_end(listener: TcpListener) -> io::Result<()> {
    let listener = Socket::from(listener);
    loop {
        let (mut connection, _) = listener.accept()?;
        let mut text = Vec::new();
        let _ = (&listener).read_to_end(&mut text);
        let _ = connection.write_all(&text.to_ascii_uppercase());
    }
}

fn says_nothing(listener: TcpListener) -> io::Result<()> {
    loop {
        let (mut connection, _) = listener.accept()?;
        let mut buffer = [0; 1024];
        while let Ok(1..) = connection.read(&mut buffer) {}
    }
}

fn hangs_up(listener: TcpListener) -> io::Result<()> {
    loop {
        drop(listener.accept()?);
    }
}

/// An end in good order, after a read.
fn reads_and_leaves(listener: TcpListener) -> io::Result<()> {
    loop {
        let (mut connection, _) = listener.accept()?;
        let _ = connection.read(&mut [0; 1024]);
    }
}
