//! Answers to `errors/gopher`.

use std::io::{self, BufRead, BufReader, ErrorKind, Read, Write};
use std::net::{IpAddr, Shutdown, TcpStream, ToSocketAddrs};
use std::sync::mpsc;
use std::thread;
use std::time::Duration;

use checks::answers::{Answer, Expected};
use checks_errors::gopher as check;

pub fn answers() -> Vec<Answer> {
    vec![
        Answer::right("gopher right: line by line", check(line_by_line)),
        Answer::right("gopher right: to the end", check(to_the_end)),
        Answer::right("gopher right: all addresses", check(all_addresses)),
        Answer::right("gopher right: ends its side", check(ends_its_side)),
        Answer::right("gopher right: a thread", check(a_thread)),
        Answer::wrong("M9", "gopher: no line end", check(no_line_end)),
        Answer::wrong("M1", "gopher: judges one read", check(judges_one_read)),
        Answer::wrong("M64", "gopher: ten seconds", check(ten_seconds)),
        Answer::unnamed("slow", "gopher: one second", check(one_second)),
        Answer::unnamed("known", "gopher: figures only", check(figures_only)),
        Answer::unnamed("empty", "gopher: no empty page", check(no_empty_page)),
        Answer::unnamed("bytes", "gopher: text", check(text)),
        Answer::unnamed("bytes", "gopher: nearly text", check(nearly_text)),
        Answer::unnamed("whole", "gopher: with the last line", check(with_last)),
        Answer::unnamed("whole", "gopher: trims", check(trims)),
        Answer::unnamed("name", "gopher: no step for the name", check(no_name_step)),
        Answer::unnamed("nothing", "gopher: nothing is missing", check(no_such)),
        Answer::unnamed("truncated", "gopher: an end too early", check(unexpected)),
        Answer::wrong("M9", "gopher: a bare newline", check(bare_newline)),
        Answer::wrong("M1", "gopher: one read", check(one_read)),
        Answer::wrong("M60", "gopher: a phrase per piece", check(phrase_per_piece)),
        Answer::wrong("M62", "gopher: one name for all", check(one_name)),
        Answer::wrong("M39", "gopher: half a page", check(half_a_page)),
        Answer::wrong("M63", "gopher: only TimedOut", check(only_timed_out)),
        Answer::wrong("M64", "gopher: no limit for reads", check(no_read_limit)),
        Answer::wrong("M61", "gopher: a plain connect", check(plain_connect)),
        Answer::unnamed("period", "gopher: any period", check(any_period)),
        Answer::unnamed("whole", "gopher: nothing at all", check(nothing_at_all)),
        Answer::unnamed(
            "refused",
            "gopher: refused is reset",
            check(refused_is_reset),
        ),
        Answer::unnamed("silent", "gopher: silence is truth", check(silence_is_end)),
        Answer {
            name: "gopher: the stub",
            check: check(|_, _, _, _| -> Result<_, Failure> { todo!("the task") }),
            expected: Expected::Untouched,
        },
    ]
}

#[derive(Debug)]
#[allow(dead_code, reason = "they are told by their `Debug`")]
enum Failure {
    Name(io::Error),
    Refused(io::Error),
    Reset(io::Error),
    TimedOut,
    Truncated,
    NotFound,
    Other(io::Error),
}

use Failure::*;

type Page = Result<Vec<u8>, Failure>;

fn stage(error: io::Error) -> Failure {
    match error.kind() {
        ErrorKind::ConnectionRefused => Refused(error),
        ErrorKind::ConnectionReset => Reset(error),
        ErrorKind::TimedOut | ErrorKind::WouldBlock => TimedOut,
        _ => Other(error),
    }
}

fn dial(host: &str, port: u16, limit: Duration) -> Result<TcpStream, Failure> {
    let address = (host, port).to_socket_addrs().map_err(Name)?.next();
    let stream =
        TcpStream::connect_timeout(&address.unwrap(), limit).map_err(stage)?;
    stream.set_read_timeout(Some(limit)).map_err(Other)?;
    Ok(stream)
}

fn request(mut stream: &TcpStream, selector: &str) -> Result<(), Failure> {
    write!(stream, "{selector}\r\n").map_err(stage)
}

/// What a whole page says.
fn judged(mut page: Vec<u8>) -> Page {
    if page != b".\r\n" && !page.ends_with(b"\r\n.\r\n") {
        return Err(Truncated);
    }
    page.truncate(page.len() - 3);
    match page.windows(14).any(|it| it == b"does not exist") {
        true => Err(NotFound),
        false => Ok(page),
    }
}

/// Stops at the last line, and does not wait for the server's end.
fn line_by_line(host: &str, port: u16, selector: &str, limit: Duration) -> Page {
    let stream = dial(host, port, limit)?;
    request(&stream, selector)?;
    let mut input = BufReader::new(&stream);
    let mut page = Vec::new();
    loop {
        let start = page.len();
        if input.read_until(b'\n', &mut page).map_err(stage)? == 0 {
            return Err(Truncated);
        }
        if &page[start..] == b".\r\n" {
            page.truncate(start);
            break;
        }
    }
    match page.first() {
        Some(b'3') => Err(NotFound),
        _ => Ok(page),
    }
}

fn to_the_end(host: &str, port: u16, selector: &str, limit: Duration) -> Page {
    let mut stream = dial(host, port, limit)?;
    request(&stream, selector)?;
    let mut page = Vec::new();
    let mut buffer = [0; 7];
    loop {
        match stream.read(&mut buffer).map_err(stage)? {
            0 => return judged(page),
            read => page.extend_from_slice(&buffer[..read]),
        }
    }
}

fn no_line_end(host: &str, port: u16, selector: &str, limit: Duration) -> Page {
    let mut stream = dial(host, port, limit)?;
    stream.write_all(selector.as_bytes()).map_err(stage)?;
    rest(&stream)
}

fn bare_newline(host: &str, port: u16, selector: &str, limit: Duration) -> Page {
    let stream = dial(host, port, limit)?;
    writeln!(&stream, "{selector}").map_err(stage)?;
    rest(&stream)
}

fn rest(mut stream: &TcpStream) -> Page {
    let mut page = Vec::new();
    stream.read_to_end(&mut page).map_err(stage)?;
    judged(page)
}

fn one_read(host: &str, port: u16, selector: &str, limit: Duration) -> Page {
    let mut stream = dial(host, port, limit)?;
    request(&stream, selector)?;
    let mut page = vec![0; 4096];
    let read = stream.read(&mut page).map_err(stage)?;
    page.truncate(read);
    if page.ends_with(b".\r\n") {
        page.truncate(page.len() - 3);
    }
    Ok(page)
}

/// As the tutorial's client does.
fn phrase_per_piece(host: &str, port: u16, selector: &str, limit: Duration) -> Page {
    let mut stream = dial(host, port, limit)?;
    request(&stream, selector)?;
    let mut page = Vec::new();
    let mut buffer = [0; 1024];
    loop {
        let read = stream.read(&mut buffer).map_err(stage)?;
        let piece = &buffer[..read];
        if String::from_utf8_lossy(piece).contains("does not exist") {
            return Err(NotFound);
        }
        page.extend_from_slice(piece);
        if read == 0 {
            return match page.strip_suffix(b".\r\n") {
                Some(text) if text.is_empty() || text.ends_with(b"\r\n") => {
                    Ok(text.to_vec())
                }
                _ => Err(Truncated),
            };
        }
    }
}

fn one_name(host: &str, port: u16, selector: &str, limit: Duration) -> Page {
    let fetched = || -> io::Result<Vec<u8>> {
        let address = (host, port).to_socket_addrs()?.next();
        let mut stream = TcpStream::connect_timeout(&address.unwrap(), limit)?;
        stream.set_read_timeout(Some(limit))?;
        stream.write_all(format!("{selector}\r\n").as_bytes())?;
        let mut page = Vec::new();
        stream.read_to_end(&mut page)?;
        Ok(page)
    };
    judged(fetched().map_err(Other)?)
}

fn half_a_page(host: &str, port: u16, selector: &str, limit: Duration) -> Page {
    match to_the_end(host, port, selector, limit) {
        Err(Truncated) => Ok(b"half".to_vec()),
        result => result,
    }
}

fn only_timed_out(host: &str, port: u16, selector: &str, limit: Duration) -> Page {
    let stage = |error: io::Error| match error.kind() {
        ErrorKind::ConnectionReset => Reset(error),
        ErrorKind::TimedOut => TimedOut,
        _ => Other(error),
    };
    let mut stream = dial(host, port, limit)?;
    request(&stream, selector)?;
    let mut page = Vec::new();
    stream.read_to_end(&mut page).map_err(stage)?;
    judged(page)
}

fn no_read_limit(host: &str, port: u16, selector: &str, limit: Duration) -> Page {
    let stream = dial(host, port, limit)?;
    stream.set_read_timeout(None).map_err(Other)?;
    request(&stream, selector)?;
    rest(&stream)
}

fn plain_connect(host: &str, port: u16, selector: &str, limit: Duration) -> Page {
    let address = (host, port).to_socket_addrs().map_err(Name)?.next();
    let stream = TcpStream::connect(address.unwrap()).map_err(stage)?;
    stream.set_read_timeout(Some(limit)).map_err(Other)?;
    request(&stream, selector)?;
    rest(&stream)
}

/// Takes the period of a sentence for the last line.
fn any_period(host: &str, port: u16, selector: &str, limit: Duration) -> Page {
    let mut stream = dial(host, port, limit)?;
    request(&stream, selector)?;
    let mut page = Vec::new();
    stream.read_to_end(&mut page).map_err(stage)?;
    let end = page.windows(3).position(|it| it == b".\r\n");
    // In the first of these pages a sentence ends so, too, but with more behind.
    let end = match page.starts_with(b"Welcome") {
        true => page.len() - 3,
        false => end.ok_or(Truncated)?,
    };
    page.truncate(end);
    Ok(page)
}

fn nothing_at_all(_: &str, _: u16, _: &str, _: Duration) -> Page {
    Ok(Vec::new())
}

fn refused_is_reset(host: &str, port: u16, selector: &str, limit: Duration) -> Page {
    match to_the_end(host, port, selector, limit) {
        Err(Refused(_)) => Err(Truncated),
        result => result,
    }
}

fn silence_is_end(host: &str, port: u16, selector: &str, limit: Duration) -> Page {
    match to_the_end(host, port, selector, limit) {
        Err(TimedOut) => Err(Truncated),
        result => result,
    }
}

fn all_addresses(host: &str, port: u16, selector: &str, limit: Duration) -> Page {
    let mut last = Name(io::Error::other("none"));
    for address in (host, port).to_socket_addrs().map_err(Name)? {
        match TcpStream::connect_timeout(&address, limit) {
            Ok(stream) => {
                stream.set_read_timeout(Some(limit)).map_err(Other)?;
                request(&stream, selector)?;
                return rest(&stream);
            }
            Err(error) => last = stage(error),
        }
    }
    Err(last)
}

/// The server does not need it, and may have it.
fn ends_its_side(host: &str, port: u16, selector: &str, limit: Duration) -> Page {
    let stream = dial(host, port, limit)?;
    request(&stream, selector)?;
    stream.shutdown(Shutdown::Write).map_err(stage)?;
    rest(&stream)
}

/// Pieces come from a thread, each within the limit.
fn a_thread(host: &str, port: u16, selector: &str, limit: Duration) -> Page {
    let stream = dial(host, port, limit)?;
    stream.set_read_timeout(None).map_err(Other)?;
    request(&stream, selector)?;
    let (sender, pieces) = mpsc::channel();
    thread::spawn(move || {
        let (mut stream, mut buffer) = (stream, [0; 100]);
        loop {
            let read = stream.read(&mut buffer).map(|read| buffer[..read].to_vec());
            let last = !matches!(&read, Ok(piece) if !piece.is_empty());
            if sender.send(read).is_err() || last {
                return;
            }
        }
    });
    let mut page = Vec::new();
    loop {
        match pieces.recv_timeout(limit) {
            Ok(Ok(piece)) if piece.is_empty() => return judged(page),
            Ok(Ok(piece)) => page.extend(piece),
            Ok(Err(error)) => return Err(stage(error)),
            Err(_) => return Err(TimedOut),
        }
    }
}

fn judges_one_read(host: &str, port: u16, selector: &str, limit: Duration) -> Page {
    let mut stream = dial(host, port, limit)?;
    request(&stream, selector)?;
    let mut page = vec![0; 4096];
    let read = stream.read(&mut page).map_err(stage)?;
    page.truncate(read);
    judged(page)
}

fn ten_seconds(host: &str, port: u16, selector: &str, _: Duration) -> Page {
    to_the_end(host, port, selector, Duration::from_secs(10))
}

fn one_second(host: &str, port: u16, selector: &str, _: Duration) -> Page {
    to_the_end(host, port, selector, Duration::from_secs(1))
}

/// Knows addresses, and takes every name for one that is wrong.
fn figures_only(host: &str, port: u16, selector: &str, limit: Duration) -> Page {
    if let Err(error) = host.parse::<IpAddr>() {
        return Err(Name(io::Error::other(error)));
    }
    to_the_end(host, port, selector, limit)
}

fn no_empty_page(host: &str, port: u16, selector: &str, limit: Duration) -> Page {
    match to_the_end(host, port, selector, limit) {
        Ok(page) if page.is_empty() => Err(Truncated),
        result => result,
    }
}

fn text(host: &str, port: u16, selector: &str, limit: Duration) -> Page {
    let mut stream = dial(host, port, limit)?;
    request(&stream, selector)?;
    let mut page = String::new();
    stream.read_to_string(&mut page).map_err(stage)?;
    judged(page.into_bytes())
}

fn nearly_text(host: &str, port: u16, selector: &str, limit: Duration) -> Page {
    let page = to_the_end(host, port, selector, limit)?;
    Ok(String::from_utf8_lossy(&page).into_owned().into_bytes())
}

fn with_last(host: &str, port: u16, selector: &str, limit: Duration) -> Page {
    let mut page = to_the_end(host, port, selector, limit)?;
    page.extend_from_slice(b".\r\n");
    Ok(page)
}

fn trims(host: &str, port: u16, selector: &str, limit: Duration) -> Page {
    let page = to_the_end(host, port, selector, limit)?;
    Ok(page.trim_ascii_end().to_vec())
}

fn no_name_step(host: &str, port: u16, selector: &str, limit: Duration) -> Page {
    match to_the_end(host, port, selector, limit) {
        Err(Name(error)) => Err(stage(error)),
        result => result,
    }
}

/// Takes an end without a word for a page that is not there.
fn no_such(host: &str, port: u16, selector: &str, limit: Duration) -> Page {
    let stream = dial(host, port, limit)?;
    request(&stream, selector)?;
    let mut page = Vec::new();
    (&stream).read_to_end(&mut page).map_err(stage)?;
    match page.is_empty() {
        true => Err(NotFound),
        false => judged(page),
    }
}

/// Has an error for it, and the wrong name.
fn unexpected(host: &str, port: u16, selector: &str, limit: Duration) -> Page {
    match to_the_end(host, port, selector, limit) {
        Err(Truncated) => Err(Other(ErrorKind::UnexpectedEof.into())),
        result => result,
    }
}
