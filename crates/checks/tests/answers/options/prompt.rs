//! Answers to `options/prompt`.

use std::io::{self, BufRead, BufReader, BufWriter, ErrorKind, IoSlice, Read, Write};
use std::net::TcpStream;

use checks::Check;
use checks::answers::{Answer, Expected};
use wire::script::Script;

type Pieces<'a> = &'a mut dyn Iterator<Item = Vec<u8>>;
type Whole = fn(&mut Script, &[u8], &[u8]) -> io::Result<Vec<u8>>;

pub fn answers() -> Vec<Answer> {
    let whole = |ask: Whole| -> Check { checks::options::prompt(ask, right_pieces) };
    let pieces = |ask: fn(&TcpStream, Pieces<'_>) -> io::Result<Vec<u8>>| -> Check {
        checks::options::prompt(right_whole, ask)
    };
    vec![
        Answer {
            name: "prompt: untouched",
            check: checks::options::prompt(|_, _, _| todo!(), |_, _| todo!()),
            expected: Expected::Untouched,
        },
        Answer::right("prompt right: byte by byte", whole(right_whole)),
        Answer::right("prompt right: a BufWriter", whole(a_buf_writer)),
        Answer::right("prompt right: flushes each", pieces(flushes_each)),
        Answer::wrong("M43", "prompt: two writes", whole(two_writes)),
        Answer::wrong("M43", "prompt: writes of slices", whole(writes_of_slices)),
        Answer::wrong("M4", "prompt: a short write", whole(a_short_write)),
        Answer::wrong("M1", "prompt: one read", whole(one_read)),
        Answer::wrong("M39", "prompt: cut short", whole(cut_short)),
        Answer::wrong("M86", "prompt: no option", pieces(no_option)),
        Answer::wrong("M86", "prompt: too late", pieces(too_late)),
        Answer::unnamed("pieces", "prompt: collects", pieces(collects)),
        Answer::unnamed("pieces", "prompt: no flush", pieces(no_flush)),
        Answer::unnamed("asks", "prompt: with the newline", whole(with_newline)),
        Answer::unnamed("asks", "prompt: the body alone", whole(the_body_alone)),
    ]
}

/// A line, byte by byte.
fn line(mut server: impl Read) -> io::Result<Vec<u8>> {
    let (mut line, mut byte) = (Vec::new(), [0]);
    loop {
        server.read_exact(&mut byte)?;
        match byte {
            [b'\n'] => return Ok(line),
            [byte] => line.push(byte),
        }
    }
}

fn right_whole(server: &mut Script, head: &[u8], body: &[u8]) -> io::Result<Vec<u8>> {
    let mut request = head.to_vec();
    request.extend_from_slice(body);
    server.write_all(&request)?;
    line(server)
}

fn right_pieces(mut server: &TcpStream, pieces: Pieces<'_>) -> io::Result<Vec<u8>> {
    server.set_nodelay(true)?;
    for piece in &mut *pieces {
        server.write_all(&piece)?;
    }
    line(server)
}

fn a_buf_writer(
    server: &mut Script,
    head: &[u8],
    body: &[u8],
) -> io::Result<Vec<u8>> {
    let mut output = BufWriter::new(&mut *server);
    output.write_all(head)?;
    output.write_all(body)?;
    output.flush()?;
    drop(output);
    line(server)
}

fn flushes_each(server: &TcpStream, pieces: Pieces<'_>) -> io::Result<Vec<u8>> {
    socket2::SockRef::from(server).set_tcp_nodelay(true)?;
    let mut output = BufWriter::new(server);
    for piece in pieces {
        output.write_all(&piece)?;
        output.flush()?;
    }
    line(server)
}

fn two_writes(server: &mut Script, head: &[u8], body: &[u8]) -> io::Result<Vec<u8>> {
    server.write_all(head)?;
    server.write_all(body)?;
    line(server)
}

/// Right over a socket, where `writev` is one call; but over any other `Write` it
/// writes the first slice alone.
fn writes_of_slices(
    server: &mut Script,
    head: &[u8],
    body: &[u8],
) -> io::Result<Vec<u8>> {
    let written = server.write_vectored(&[IoSlice::new(head), IoSlice::new(body)])?;
    let request = [head, body].concat();
    server.write_all(&request[written..])?;
    line(server)
}

fn a_short_write(
    server: &mut Script,
    head: &[u8],
    body: &[u8],
) -> io::Result<Vec<u8>> {
    let _ = server.write(&[head, body].concat())?;
    line(server)
}

fn one_read(server: &mut Script, head: &[u8], body: &[u8]) -> io::Result<Vec<u8>> {
    server.write_all(&[head, body].concat())?;
    let mut buffer = [0; 100];
    let read = server.read(&mut buffer)?;
    Ok(buffer[..read].trim_ascii_end().to_vec())
}

fn cut_short(server: &mut Script, head: &[u8], body: &[u8]) -> io::Result<Vec<u8>> {
    server.write_all(&[head, body].concat())?;
    let mut line = Vec::new();
    BufReader::new(server).read_until(b'\n', &mut line)?;
    Ok(line.trim_ascii_end().to_vec())
}

fn with_newline(
    server: &mut Script,
    head: &[u8],
    body: &[u8],
) -> io::Result<Vec<u8>> {
    let mut line = right_whole(server, head, body)?;
    line.push(b'\n');
    Ok(line)
}

fn the_body_alone(server: &mut Script, _: &[u8], body: &[u8]) -> io::Result<Vec<u8>> {
    right_whole(server, b"", body)
}

fn no_option(server: &TcpStream, pieces: Pieces<'_>) -> io::Result<Vec<u8>> {
    for piece in pieces {
        (&*server).write_all(&piece)?;
    }
    line(server)
}

fn too_late(server: &TcpStream, pieces: Pieces<'_>) -> io::Result<Vec<u8>> {
    for piece in pieces {
        (&*server).write_all(&piece)?;
    }
    server.set_nodelay(true)?;
    line(server)
}

fn collects(server: &TcpStream, pieces: Pieces<'_>) -> io::Result<Vec<u8>> {
    let request: Vec<u8> = pieces.flatten().collect();
    (&*server).write_all(&request)?;
    line(server)
}

fn no_flush(server: &TcpStream, pieces: Pieces<'_>) -> io::Result<Vec<u8>> {
    server.set_nodelay(true)?;
    let mut output = BufWriter::new(server);
    for piece in pieces {
        output.write_all(&piece)?;
    }
    output.into_inner().map_err(|_| ErrorKind::WriteZero)?;
    line(server)
}
