//! Answers to `options/prompt`.

use std::io::{self, BufRead, BufReader, BufWriter, ErrorKind, IoSlice, Read, Write};
use std::net::TcpStream;

use checks::Check;
use checks::answers::{Answer, Expected};
use wire::script::Script;

type Pieces<'a> = &'a mut dyn Iterator<Item = Vec<u8>>;
type Whole = fn(&mut Script, &[u8], &[u8]) -> io::Result<Vec<u8>>;

pub fn answers() -> Vec<Answer> {
    let whole = |ask: Whole| -> Check { checks_options::prompt(ask, right_pieces) };
    let pieces = |ask: fn(&TcpStream, Pieces<'_>) -> io::Result<Vec<u8>>| -> Check {
        checks_options::prompt(right_whole, ask)
    };
    vec![
        Answer {
            name: "prompt: untouched",
            check: checks_options::prompt(|_, _, _| todo!(), |_, _| todo!()),
            expected: Expected::Untouched,
        },
        Answer::right("prompt right: byte by byte", whole(right_whole)),
        Answer::right("prompt right: a BufWriter", whole(a_buf_writer)),
        Answer::right("prompt right: flushes each", pieces(flushes_each)),
        Answer::right("prompt right: short writes in a loop", whole(write_loop)),
        Answer::right("prompt right: lines of bytes", whole(split)),
        Answer::right("prompt right: ends its side", pieces(ends_its_side)),
        Answer::right("prompt right: by hand", pieces(by_hand)),
        Answer::wrong("M43", "prompt: two writes", whole(two_writes)),
        Answer::wrong("M43", "prompt: write!", whole(formatted)),
        Answer::wrong("M39", "prompt: nothing came", whole(nothing_came)),
        Answer::wrong("M39", "prompt: cut short, in pieces", pieces(cut_pieces)),
        Answer::wrong("M86", "prompt: after the first", pieces(after_the_first)),
        Answer::unnamed("any", "prompt: trims", whole(trims)),
        Answer::unnamed("any", "prompt: text", whole(text)),
        Answer::unnamed("open", "prompt: to the end", whole(to_the_end)),
        Answer::unnamed(
            "pieces",
            "prompt: to the end, in pieces",
            pieces(to_its_end),
        ),
        Answer::unnamed("pieces", "prompt: the first alone", pieces(first_alone)),
        Answer::unnamed("asks", "prompt: a newline more", whole(a_newline_more)),
        Answer::unnamed("asks", "prompt: reads first", whole(reads_first)),
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

fn write_loop(server: &mut Script, head: &[u8], body: &[u8]) -> io::Result<Vec<u8>> {
    let request = [head, body].concat();
    let mut sent = 0;
    while sent < request.len() {
        sent += server.write(&request[sent..])?;
    }
    line(server)
}

fn split(server: &mut Script, head: &[u8], body: &[u8]) -> io::Result<Vec<u8>> {
    server.write_all(&[head, body].concat())?;
    let mut reply = Vec::new();
    let mut input = BufReader::new(server);
    loop {
        let came = input.fill_buf()?;
        if came.is_empty() {
            return Err(ErrorKind::UnexpectedEof.into());
        }
        if let Some(end) = came.iter().position(|byte| *byte == b'\n') {
            reply.extend_from_slice(&came[..end]);
            return Ok(reply);
        }
        let length = came.len();
        reply.extend_from_slice(came);
        input.consume(length);
    }
}

fn ends_its_side(server: &TcpStream, pieces: Pieces<'_>) -> io::Result<Vec<u8>> {
    let mut output = server.try_clone()?;
    output.set_nodelay(true)?;
    for piece in pieces {
        output.write_all(&piece)?;
    }
    output.shutdown(std::net::Shutdown::Write)?;
    line(server)
}

fn by_hand(mut server: &TcpStream, pieces: Pieces<'_>) -> io::Result<Vec<u8>> {
    if !server.nodelay()? {
        server.set_nodelay(true)?;
    }
    for piece in &mut *pieces {
        server.write_all(&piece)?;
        server.flush()?;
    }
    let (mut reply, mut buffer) = (Vec::new(), [0; 64]);
    while !reply.ends_with(b"\n") {
        match server.read(&mut buffer)? {
            0 => return Err(ErrorKind::UnexpectedEof.into()),
            read => reply.extend_from_slice(&buffer[..read]),
        }
    }
    reply.truncate(reply.len() - 1);
    Ok(reply)
}

fn formatted(server: &mut Script, head: &[u8], body: &[u8]) -> io::Result<Vec<u8>> {
    let [head, body] = [head, body].map(String::from_utf8_lossy);
    write!(server, "{head}{body}")?;
    line(server)
}

fn nothing_came(
    server: &mut Script,
    head: &[u8],
    body: &[u8],
) -> io::Result<Vec<u8>> {
    server.write_all(&[head, body].concat())?;
    let mut reply = Vec::new();
    BufReader::new(server).read_until(b'\n', &mut reply)?;
    match reply.pop() {
        None | Some(b'\n') => Ok(reply),
        Some(_) => Err(ErrorKind::UnexpectedEof.into()),
    }
}

fn cut_pieces(server: &TcpStream, pieces: Pieces<'_>) -> io::Result<Vec<u8>> {
    server.set_nodelay(true)?;
    for piece in pieces {
        (&*server).write_all(&piece)?;
    }
    let mut reply = String::new();
    BufReader::new(server).read_line(&mut reply)?;
    Ok(reply.trim_end().into())
}

fn after_the_first(server: &TcpStream, pieces: Pieces<'_>) -> io::Result<Vec<u8>> {
    for (number, piece) in pieces.enumerate() {
        if number == 1 {
            server.set_nodelay(true)?;
        }
        (&*server).write_all(&piece)?;
    }
    line(server)
}

fn trims(server: &mut Script, head: &[u8], body: &[u8]) -> io::Result<Vec<u8>> {
    Ok(right_whole(server, head, body)?.trim_ascii().to_vec())
}

fn text(server: &mut Script, head: &[u8], body: &[u8]) -> io::Result<Vec<u8>> {
    server.write_all(&[head, body].concat())?;
    let mut reply = String::new();
    BufReader::new(server).read_line(&mut reply)?;
    match reply.strip_suffix('\n') {
        Some(reply) => Ok(reply.into()),
        None => Err(ErrorKind::UnexpectedEof.into()),
    }
}

fn to_the_end(server: &mut Script, head: &[u8], body: &[u8]) -> io::Result<Vec<u8>> {
    server.write_all(&[head, body].concat())?;
    let mut reply = Vec::new();
    server.read_to_end(&mut reply)?;
    match reply.pop() {
        Some(b'\n') => Ok(reply),
        _ => Err(ErrorKind::UnexpectedEof.into()),
    }
}

fn to_its_end(mut server: &TcpStream, pieces: Pieces<'_>) -> io::Result<Vec<u8>> {
    server.set_nodelay(true)?;
    for piece in pieces {
        server.write_all(&piece)?;
    }
    let mut reply = Vec::new();
    server.read_to_end(&mut reply)?;
    Ok(reply.trim_ascii_end().to_vec())
}

fn first_alone(mut server: &TcpStream, pieces: Pieces<'_>) -> io::Result<Vec<u8>> {
    server.set_nodelay(true)?;
    server.write_all(&pieces.next().unwrap_or_default())?;
    server.set_read_timeout(Some(std::time::Duration::from_millis(200)))?;
    line(server)
}

fn a_newline_more(
    server: &mut Script,
    head: &[u8],
    body: &[u8],
) -> io::Result<Vec<u8>> {
    right_whole(server, head, &[body, b"\n"].concat())
}

fn reads_first(server: &mut Script, head: &[u8], body: &[u8]) -> io::Result<Vec<u8>> {
    let reply = line(&mut *server)?;
    server.write_all(&[head, b" ", body].concat())?;
    Ok(reply)
}
