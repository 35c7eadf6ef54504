//! Answers to `bytes/upload`.

use std::io::{self, ErrorKind, Read, Write};
use std::net::{Shutdown, SocketAddr, TcpStream};
use std::thread;
use std::time::Duration;

use checks::answers::Answer;
use checks_bytes::upload as check;

pub fn answers() -> Vec<Answer> {
    vec![
        Answer::right("upload right: a clone", check(a_clone)),
        Answer::right("upload right: in turns", check(in_turns)),
        Answer::wrong("M28", "upload: writes first", check(writes_first)),
        Answer::wrong("M36", "upload: no end", check(no_end)),
        Answer::wrong("M40", "upload: one read", check(one_read)),
        Answer::wrong("M40", "upload: one read a chunk", check(one_read_a_chunk)),
        Answer::wrong("M40", "upload: a short read", check(a_short_read)),
        Answer::unnamed("small", "upload: as many bytes", check(as_many_bytes)),
        Answer::unnamed("small", "upload: a silence", check(a_silence)),
        Answer::unnamed("large", "upload: reads a part", check(reads_a_part)),
        Answer::unnamed("broken", "upload: hides an error", check(hides_an_error)),
        Answer::unnamed("small", "upload: sends nothing", check(sends_nothing)),
    ]
}

fn a_clone(server: SocketAddr, data: &[u8]) -> io::Result<Vec<u8>> {
    let mut input = TcpStream::connect(server)?;
    let mut output = input.try_clone()?;
    let data = data.to_vec();
    let sending = thread::spawn(move || {
        output.write_all(&data)?;
        output.shutdown(Shutdown::Write)
    });
    let mut back = Vec::new();
    input.read_to_end(&mut back)?;
    sending.join().unwrap()?;
    Ok(back)
}

/// One thread: no more is on its way than the buffers hold.
fn in_turns(server: SocketAddr, data: &[u8]) -> io::Result<Vec<u8>> {
    let mut stream = TcpStream::connect(server)?;
    let mut back = Vec::new();
    for piece in data.chunks(16 << 10) {
        stream.write_all(piece)?;
        let begin = back.len();
        back.resize(begin + piece.len(), 0);
        stream.read_exact(&mut back[begin..])?;
    }
    stream.shutdown(Shutdown::Write)?;
    stream.read_to_end(&mut back)?;
    Ok(back)
}

fn writes_first(server: SocketAddr, data: &[u8]) -> io::Result<Vec<u8>> {
    let mut stream = TcpStream::connect(server)?;
    stream.write_all(data)?;
    stream.shutdown(Shutdown::Write)?;
    let mut back = Vec::new();
    stream.read_to_end(&mut back)?;
    Ok(back)
}

fn no_end(server: SocketAddr, data: &[u8]) -> io::Result<Vec<u8>> {
    let stream = TcpStream::connect(server)?;
    thread::scope(|scope| {
        scope.spawn(|| (&stream).write_all(data));
        let mut back = Vec::new();
        (&stream).read_to_end(&mut back)?;
        Ok(back)
    })
}

fn one_read(server: SocketAddr, data: &[u8]) -> io::Result<Vec<u8>> {
    let mut stream = TcpStream::connect(server)?;
    stream.write_all(&data[..data.len().min(1000)])?;
    stream.shutdown(Shutdown::Write)?;
    let mut back = vec![0; 100];
    let read = stream.read(&mut back)?;
    back.truncate(read);
    Ok(back)
}

fn one_read_a_chunk(server: SocketAddr, data: &[u8]) -> io::Result<Vec<u8>> {
    let mut stream = TcpStream::connect(server)?;
    let mut back = Vec::new();
    let mut buffer = vec![0; 64 << 10];
    for chunk in data.chunks(64 << 10) {
        stream.write_all(chunk)?;
        let read = stream.read(&mut buffer)?;
        back.extend_from_slice(&buffer[..read]);
    }
    Ok(back)
}

/// Takes a read that brings less than it could for the last one.
fn a_short_read(server: SocketAddr, data: &[u8]) -> io::Result<Vec<u8>> {
    let stream = TcpStream::connect(server)?;
    thread::scope(|scope| {
        scope.spawn(|| {
            (&stream).write_all(data).unwrap();
            stream.shutdown(Shutdown::Write).unwrap();
        });
        let mut back = Vec::new();
        let mut buffer = vec![0; 64 << 10];
        loop {
            let read = (&stream).read(&mut buffer)?;
            back.extend_from_slice(&buffer[..read]);
            if read < buffer.len() {
                return Ok(back);
            }
        }
    })
}

/// Waits for no end.
fn as_many_bytes(server: SocketAddr, data: &[u8]) -> io::Result<Vec<u8>> {
    let stream = TcpStream::connect(server)?;
    let mut back = vec![0; data.len()];
    thread::scope(|scope| {
        scope.spawn(|| (&stream).write_all(data).unwrap());
        (&stream).read_exact(&mut back)
    })?;
    Ok(back)
}

/// Takes a silence for the end.
fn a_silence(server: SocketAddr, data: &[u8]) -> io::Result<Vec<u8>> {
    let stream = TcpStream::connect(server)?;
    stream.set_read_timeout(Some(Duration::from_millis(300)))?;
    thread::scope(|scope| {
        scope.spawn(|| (&stream).write_all(data));
        let mut back = Vec::new();
        match (&stream).read_to_end(&mut back) {
            Err(error) if error.kind() != ErrorKind::WouldBlock => Err(error),
            _ => Ok(back),
        }
    })
}

/// Of much it reads the first megabyte, and waits for its writer.
fn reads_a_part(server: SocketAddr, data: &[u8]) -> io::Result<Vec<u8>> {
    let stream = TcpStream::connect(server)?;
    thread::scope(|scope| {
        scope.spawn(|| {
            (&stream).write_all(data).unwrap();
            stream.shutdown(Shutdown::Write).unwrap();
        });
        let mut back = Vec::new();
        (&stream).take(1 << 20).read_to_end(&mut back)?;
        Ok(back)
    })
}

fn hides_an_error(server: SocketAddr, data: &[u8]) -> io::Result<Vec<u8>> {
    Ok(a_clone(server, data).unwrap_or_default())
}

fn sends_nothing(server: SocketAddr, _: &[u8]) -> io::Result<Vec<u8>> {
    let mut stream = TcpStream::connect(server)?;
    let mut back = Vec::new();
    stream.read_to_end(&mut back)?;
    Ok(back)
}
