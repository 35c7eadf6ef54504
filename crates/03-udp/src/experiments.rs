//! The experiments, and the lesson in one terminal.

use std::io::{self, Write};
use std::thread;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use lesson_3::ask::{ask, receive_until};
use lesson_3::transfer::{BLOCK, send};
use lesson_3::{
    LONGEST, broken, flood, groups, name_of, nobody as no, sizes as size,
};
use lesson_3::{PATIENCE, socket};
use wire::Side;
use wire::relay::{Fate, Lossy};

/// After so long without an answer, we ask again.
const AGAIN: Duration = Duration::from_millis(60);

pub fn play(out: &mut impl Write) -> Result<()> {
    writeln!(out, "SIZES: a datagram is whole, or cut, or refused\n")?;
    sizes(out)?;
    writeln!(out, "\nNOBODY: what a sender hears of it\n")?;
    nobody(out)?;
    writeln!(out, "\nGROUPS: one datagram, several receivers\n")?;
    groups(out)?;
    writeln!(out, "\nASK: again, until the answer comes\n")?;
    asking(out)?;
    writeln!(
        out,
        "\nTRANSFER: a file over a relay that loses datagrams\n"
    )?;
    transfer(out)
}

pub fn sizes(out: &mut impl Write) -> Result<()> {
    let context = "cannot send to loopback";
    for (messages, room) in [
        (&[&b"good"[..], b"morning"][..], 1000),
        (&[b"0123456789", b"next"], 4),
        (&[b"", b"next"], 4),
    ] {
        let came = size::through(messages, room).context(context)?;
        writeln!(
            out,
            "sent {:24} into {room:4} bytes: {}",
            list(messages),
            list(&came)
        )?;
    }
    let (from, to) = (socket()?, socket()?);
    from.send_to(b"0123456789", to.local_addr()?)
        .context(context)?;
    let (sent, kept) = size::take_and_tell(&to, 4).context("cannot receive")?;
    let kept = kept.escape_ascii();
    writeln!(out, "with MSG_TRUNC: \"{kept}\" of a datagram of {sent}")?;
    for length in [LONGEST, LONGEST + 1] {
        writeln!(out, "{length} bytes: {}", outcome(&size::send(length)))?;
    }
    Ok(())
}

fn list<T: AsRef<[u8]>>(messages: &[T]) -> String {
    let quoted = |message: &T| format!("\"{}\"", message.as_ref().escape_ascii());
    let all: Vec<String> = messages.iter().map(quoted).collect();
    all.join(", ")
}

fn outcome(result: &io::Result<usize>) -> String {
    match result {
        Ok(_) => "ok".into(),
        Err(error) => name_of(error),
    }
}

pub fn nobody(out: &mut impl Write) -> Result<()> {
    for (connected, name) in [(false, "not connected"), (true, "connected")] {
        let said = no::send_to_nobody(connected).context("cannot make a socket")?;
        let [first, second, answer] = said.map(|said| outcome(&said));
        writeln!(
            out,
            "{name:14} send: {first:3}  send: {second:13} recv: {answer}"
        )?;
    }
    Ok(())
}

pub fn groups(out: &mut impl Write) -> Result<()> {
    let [before, after] = groups::broadcast().context("cannot make a socket")?;
    writeln!(out, "broadcast as it is:       {}", outcome(&before))?;
    writeln!(out, "broadcast, SO_BROADCAST:  {}", outcome(&after))?;
    let heard = groups::to_group(3)
        .with_context(|| format!("cannot talk to the group {}", groups::GROUP))?;
    for (number, heard) in (1..).zip(heard) {
        writeln!(
            out,
            "member {number} hears:          {}",
            heard.escape_ascii()
        )?;
    }
    Ok(())
}

/// A client whose first request is lost.
fn asking(out: &mut impl Write) -> Result<()> {
    let (client, server) = (socket()?, socket()?);
    let lossy = Lossy::new(first_is_lost()).lose(30);
    let front = socket().context("cannot bind on 127.0.0.1")?;
    let relay = lossy.start(front, server.local_addr()?)?;
    let answering = thread::spawn(move || -> io::Result<()> {
        let mut buffer = [0; 64];
        let (_, from) = server.recv_from(&mut buffer)?;
        server.send_to(&[&buffer[..4], b"ok"].concat(), from)?;
        Ok(())
    });
    // One process plays all three: a time limit that no machine reaches, but once.
    let asked = ask(&client, relay.addr(), 7, b"hello", (AGAIN * 5, 10));
    let (answer, tries) = asked.context("cannot ask through the relay")?;
    match answering.join() {
        Ok(answered) => answered.context("cannot answer")?,
        Err(panic) => std::panic::resume_unwind(panic),
    }
    let answer = answer.escape_ascii();
    ensure!(tries > 1, "the relay has lost nothing");
    writeln!(
        out,
        "the first request is lost, the next one answered: {answer}"
    )?;
    Ok(())
}

/// A seed for which the first request is lost and the second arrives, and the first
/// answer too.
fn first_is_lost() -> u64 {
    let fits = |seed: &u64| {
        let lossy = Lossy::new(*seed).lose(30);
        let there: Vec<Fate> = lossy.fates(Side::Left).take(2).collect();
        there == [Fate::Lost, Fate::Arrives]
            && lossy.fates(Side::Right).next() == Some(Fate::Arrives)
    };
    (0..).find(fits).unwrap_or_default()
}

pub fn transfer(out: &mut impl Write) -> Result<()> {
    let file: Vec<u8> = (0..251_u8).cycle().take(8 * BLOCK).collect();
    let (sender, receiver) = (socket()?, socket()?);
    let relay = Lossy::new(3)
        .lose(25)
        .double(10)
        .hold(10)
        .start(socket()?, receiver.local_addr()?)
        .context("cannot start the relay")?;
    let receiving = thread::spawn(move || receive(&receiver));
    let sent = send(&sender, relay.addr(), &file, AGAIN);
    let sent = sent.context("cannot send over the relay")?;
    let got = match receiving.join() {
        Ok(got) => got.context("cannot receive over the relay")?,
        Err(panic) => std::panic::resume_unwind(panic),
    };
    ensure!(got == file, "the file has not arrived as it was sent");
    ensure!(sent > 9, "the relay has lost nothing");
    writeln!(
        out,
        "{} bytes in 9 blocks, the last one empty: arrived intact",
        file.len()
    )?;
    writeln!(out, "more than 9 datagrams were needed: some were lost")?;
    Ok(())
}

/// The other end of the transfer. The exercise wants more of it than this: here,
/// whoever sends is the sender.
fn receive(socket: &std::net::UdpSocket) -> io::Result<Vec<u8>> {
    let mut file = Vec::new();
    let mut got = 0_u16;
    let mut over = false;
    loop {
        let patience = if over { AGAIN * 10 } else { PATIENCE };
        let until = std::time::Instant::now() + patience;
        let came = receive_until(socket, until, |came, from| {
            let (number, data) = came.split_first_chunk()?;
            Some((u16::from_be_bytes(*number), data.to_vec(), from))
        })?;
        let Some((number, data, from)) = came else {
            return match over {
                true => Ok(file),
                false => Err(io::ErrorKind::TimedOut.into()),
            };
        };
        let is_next = Some(number) == got.checked_add(1) && !over;
        if number > got && !is_next {
            continue;
        }
        socket.send_to(&number.to_be_bytes(), from)?;
        if is_next {
            got = number;
            over = data.len() < BLOCK;
            file.extend(data);
        }
    }
}

pub fn surprise(out: &mut impl Write) -> Result<()> {
    const MANY: usize = 10_000;
    writeln!(out, "{MANY} datagrams to a socket that nobody reads\n")?;
    for length in [1, 100, 1000] {
        let there = flood::flood(MANY, length).context("cannot send to loopback")?;
        writeln!(
            out,
            "{length:5} bytes each: {MANY} sent without an error, {there} there"
        )?;
    }
    Ok(())
}

pub fn stale(out: &mut impl Write) -> Result<()> {
    for (question, answer) in broken::stale().context("cannot ask on loopback")? {
        writeln!(out, "{question:8} {answer}")?;
    }
    Ok(())
}

pub fn apprentice(out: &mut impl Write) -> Result<()> {
    for blocks in [10, 100, 1000] {
        let sent = one_late(blocks)?;
        writeln!(out, "{blocks:5} blocks, one delay: {sent:5} datagrams")?;
    }
    Ok(())
}

/// Plays the apprentice over a relay that holds the first acknowledgement up, and
/// nothing else.
fn one_late(blocks: u16) -> Result<u32> {
    const HASTY: Duration = Duration::from_millis(5);
    loop {
        let (sender, receiver) = (socket()?, socket()?);
        let relay = Lossy::new(first_back_is_held())
            .hold(50)
            .only_first(1)
            .start(socket()?, receiver.local_addr()?)
            .context("cannot start the relay")?;
        let other = thread::spawn(move || broken::acknowledge(&receiver, blocks));
        let sent = broken::apprentice(&sender, relay.addr(), blocks, HASTY);
        let sent = sent.context("cannot send over the relay")?;
        match other.join() {
            Ok(ended) => ended.context("cannot acknowledge over the relay")?,
            Err(panic) => std::panic::resume_unwind(panic),
        }
        if sent > u32::from(blocks) {
            return Ok(sent);
        }
        // A busy machine: the acknowledgement was late, and our patience was, too.
    }
}

/// A seed for which the first acknowledgement is held up, and the first block is not.
fn first_back_is_held() -> u64 {
    let first = |seed: u64, side| Lossy::new(seed).hold(50).fates(side).next();
    let fits = |seed: &u64| {
        first(*seed, Side::Left) == Some(Fate::Arrives)
            && first(*seed, Side::Right) == Some(Fate::Held)
    };
    (0..).find(fits).unwrap_or_default()
}
