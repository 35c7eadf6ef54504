//! Answers to `tcp/peer-card`.

use std::io::{self, Write};
use std::net::{TcpListener, TcpStream};
use std::thread;
use std::time::Duration;

use checks::answers::Answer;
use checks_tcp::peer_card as check;

pub fn answers() -> Vec<Answer> {
    vec![
        Answer::right("right: writeln", check(with_writeln)),
        Answer::right("right: the address from accept", check(from_accept)),
        Answer::right("right: looks now and then", check(now_and_then)),
        Answer::wrong("M35", "swapped", check(swapped)),
        Answer::wrong("M35", "the listener's address", check(the_listeners)),
        Answer::wrong("M9", "card without newline", check(no_newline)),
        Answer::wrong("M13", "card: never closes", check(never_closes)),
        Answer::wrong("M14", "card: unwraps", check(unwraps)),
        Answer::wrong("M33", "card: one caller only", check(one_only)),
        Answer::unnamed("whole", "card: another text", check(another_text)),
    ]
}

fn card(stream: &TcpStream) -> io::Result<String> {
    Ok(format!(
        "you are {}, I am {}\n",
        stream.peer_addr()?,
        stream.local_addr()?
    ))
}

fn with_writeln(listener: TcpListener) -> io::Result<()> {
    for stream in listener.incoming().flatten() {
        if let (Ok(you), Ok(me)) = (stream.peer_addr(), stream.local_addr()) {
            let _ = writeln!(&stream, "you are {you}, I am {me}");
        }
    }
    Ok(())
}

fn from_accept(listener: TcpListener) -> io::Result<()> {
    loop {
        let (mut stream, you) = listener.accept()?;
        thread::spawn(move || {
            let me = stream.local_addr()?;
            stream.write_all(format!("you are {you}, I am {me}\n").as_bytes())
        });
    }
}

/// Sleeps, in a call that the kernel takes up again after a stop, and then looks who has
/// come.
fn now_and_then(listener: TcpListener) -> io::Result<()> {
    listener.set_nonblocking(true)?;
    loop {
        thread::sleep(Duration::from_millis(250));
        while let Ok((stream, _)) = listener.accept() {
            if let Ok(card) = card(&stream) {
                let _ = (&stream).write_all(card.as_bytes());
            }
        }
    }
}

fn swapped(listener: TcpListener) -> io::Result<()> {
    loop {
        let (mut stream, you) = listener.accept()?;
        let me = stream.local_addr()?;
        let _ = stream.write_all(format!("you are {me}, I am {you}\n").as_bytes());
    }
}

fn the_listeners(listener: TcpListener) -> io::Result<()> {
    let me = listener.local_addr()?;
    loop {
        let (mut stream, you) = listener.accept()?;
        let _ = stream.write_all(format!("you are {you}, I am {me}\n").as_bytes());
    }
}

fn no_newline(listener: TcpListener) -> io::Result<()> {
    loop {
        let (mut stream, _) = listener.accept()?;
        let card = card(&stream)?;
        let _ = stream.write_all(card.trim_end().as_bytes());
    }
}

fn never_closes(listener: TcpListener) -> io::Result<()> {
    let mut all = Vec::new();
    loop {
        let (mut stream, _) = listener.accept()?;
        let card = card(&stream)?;
        let _ = stream.write_all(card.as_bytes());
        all.push(stream);
    }
}

fn unwraps(listener: TcpListener) -> io::Result<()> {
    loop {
        let (mut stream, _) = listener.accept()?;
        let card = card(&stream).unwrap();
        stream.write_all(card.as_bytes()).unwrap();
    }
}

fn one_only(listener: TcpListener) -> io::Result<()> {
    let (mut stream, _) = listener.accept()?;
    stream.write_all(card(&stream)?.as_bytes())
}

fn another_text(listener: TcpListener) -> io::Result<()> {
    for stream in listener.incoming() {
        let _ = stream?.write_all(b"hello\n");
    }
    Ok(())
}
