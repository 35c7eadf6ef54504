//! Answers to `tcp/greeting`.

use std::io::{self, BufRead, BufReader, Read};
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

use checks::answers::Answer;
use checks_tcp::greeting as check;

pub fn answers() -> Vec<Answer> {
    vec![
        Answer::right("right: a loop over reads", check(a_loop_over_reads)),
        Answer::right("right: io::copy", check(io_copy)),
        Answer::wrong("M1", "one read", check(one_read)),
        Answer::wrong("M1", "one short read", check(one_small_read)),
        Answer::wrong("M40", "the first of the lines", check(the_first_of_lines)),
        Answer::wrong(
            "M5",
            "client: no test for the end",
            check(no_test_for_the_end),
        ),
        Answer::wrong("M6", "client: the whole buffer", check(the_whole_buffer)),
        Answer::wrong("M11", "client: text per read", check(text_per_read)),
        Answer::wrong(
            "M11",
            "client: text per read, lossy",
            check(text_per_read_lossy),
        ),
        Answer::wrong("M40", "the first line", check(the_first_line)),
        Answer::unnamed("reset", "hides a reset", check(hides_a_reset)),
        Answer::unnamed("whole", "never connects", check(|_| Ok(String::new()))),
        Answer::unnamed("whole", "another text", check(another_text)),
        Answer::unnamed("pieces", "client: a pause", check(a_pause)),
        Answer::unnamed("whole", "client: one read, trimmed", check(one_trimmed)),
        Answer::unnamed("whole", "client: a short read", check(a_short_read)),
    ]
}

fn a_loop_over_reads(server: SocketAddr) -> io::Result<String> {
    let mut stream = TcpStream::connect(server)?;
    let mut all = Vec::new();
    let mut buffer = [0; 10];
    loop {
        let read = stream.read(&mut buffer)?;
        if read == 0 {
            break;
        }
        all.extend_from_slice(&buffer[..read]);
    }
    String::from_utf8(all).map_err(|e| io::Error::new(io::ErrorKind::InvalidData, e))
}

fn io_copy(server: SocketAddr) -> io::Result<String> {
    let mut all = Vec::new();
    io::copy(&mut TcpStream::connect(server)?, &mut all)?;
    String::from_utf8(all).map_err(io::Error::other)
}

fn one_read(server: SocketAddr) -> io::Result<String> {
    let mut buffer = [0; 1024];
    let read = TcpStream::connect(server)?.read(&mut buffer)?;
    String::from_utf8(buffer[..read].to_vec()).map_err(io::Error::other)
}

fn one_small_read(server: SocketAddr) -> io::Result<String> {
    let mut buffer = [0; 7];
    let read = TcpStream::connect(server)?.read(&mut buffer)?;
    String::from_utf8(buffer[..read].to_vec()).map_err(io::Error::other)
}

fn the_first_of_lines(server: SocketAddr) -> io::Result<String> {
    let mut lines = BufReader::new(TcpStream::connect(server)?).lines();
    lines.next().unwrap_or(Ok(String::new()))
}

fn no_test_for_the_end(server: SocketAddr) -> io::Result<String> {
    let mut stream = TcpStream::connect(server)?;
    let mut all = Vec::new();
    let mut buffer = [0; 1024];
    while let Ok(read) = stream.read(&mut buffer) {
        all.extend_from_slice(&buffer[..read]);
    }
    String::from_utf8(all).map_err(io::Error::other)
}

fn the_whole_buffer(server: SocketAddr) -> io::Result<String> {
    let mut buffer = [0; 1024];
    let _ = TcpStream::connect(server)?.read(&mut buffer)?;
    String::from_utf8(buffer.to_vec()).map_err(io::Error::other)
}

fn by_text(server: SocketAddr, text: fn(&[u8]) -> String) -> io::Result<String> {
    let mut stream = TcpStream::connect(server)?;
    let mut all = String::new();
    let mut buffer = [0; 1024];
    loop {
        match stream.read(&mut buffer)? {
            0 => return Ok(all),
            read => all.push_str(&text(&buffer[..read])),
        }
    }
}

fn text_per_read(server: SocketAddr) -> io::Result<String> {
    by_text(server, |bytes| {
        std::str::from_utf8(bytes).unwrap().to_string()
    })
}

fn text_per_read_lossy(server: SocketAddr) -> io::Result<String> {
    by_text(server, |bytes| String::from_utf8_lossy(bytes).into_owned())
}

/// Takes a pause for the end.
fn a_pause(server: SocketAddr) -> io::Result<String> {
    let mut stream = TcpStream::connect(server)?;
    // Longer than a busy machine keeps what comes without a pause.
    stream.set_read_timeout(Some(Duration::from_millis(15)))?;
    let mut all = Vec::new();
    let mut buffer = [0; 1024];
    // The first word may take its time.
    loop {
        match stream.read(&mut buffer) {
            Err(_) if all.is_empty() => {}
            Err(_) | Ok(0) => break,
            Ok(read) => all.extend_from_slice(&buffer[..read]),
        }
    }
    String::from_utf8(all).map_err(io::Error::other)
}

fn one_trimmed(server: SocketAddr) -> io::Result<String> {
    one_read(server).map(|text| text.trim().to_string())
}

/// Takes a read that brings less than it could for the last one.
fn a_short_read(server: SocketAddr) -> io::Result<String> {
    let mut stream = TcpStream::connect(server)?;
    let mut all = String::new();
    let mut buffer = [0; 1024];
    loop {
        let read = stream.read(&mut buffer)?;
        all += &String::from_utf8_lossy(&buffer[..read]);
        if read < buffer.len() {
            return Ok(all.trim().to_string());
        }
    }
}

fn the_first_line(server: SocketAddr) -> io::Result<String> {
    let mut line = String::new();
    BufReader::new(TcpStream::connect(server)?).read_line(&mut line)?;
    Ok(line)
}

fn hides_a_reset(server: SocketAddr) -> io::Result<String> {
    let mut all = Vec::new();
    let _ = TcpStream::connect(server)?.read_to_end(&mut all);
    String::from_utf8(all).map_err(io::Error::other)
}

fn another_text(server: SocketAddr) -> io::Result<String> {
    Ok(a_loop_over_reads(server)?.to_uppercase())
}
