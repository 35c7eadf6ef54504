//! The experiments, each told in the order in which things happen.

use std::io::Write;
use std::ops::RangeInclusive;
use std::time::Duration;

use anyhow::{Context, Result};
use lesson_1::surprise::Spread;
use lesson_1::{broken, queue, surprise};

pub fn order(out: &mut impl Write) -> Result<()> {
    let order = queue::connect_then_accept(b"is anybody there?")
        .context("cannot talk to ourselves")?;
    writeln!(out, "listen   descriptor {}", order.listener)?;
    writeln!(out, "connect  {}", order.client)?;
    writeln!(
        out,
        "write    {} bytes, and nobody has accepted yet",
        order.sent
    )?;
    writeln!(out, "accept   {}", order.server)?;
    writeln!(out, "read     \"{}\"", order.read.escape_ascii())?;
    Ok(())
}

pub fn backlog(length: i32, out: &mut impl Write) -> Result<()> {
    const PATIENCE: Duration = Duration::from_millis(500); // loopback needs far less
    let admitted = queue::fill(length, PATIENCE).context("cannot fill the queue")?;

    let clients = |out: &mut dyn Write, connected: RangeInclusive<usize>| {
        let next = connected.end() + 1;
        for client in connected {
            writeln!(out, "  client {client} is connected")?;
        }
        writeln!(
            out,
            "  client {next} hears nothing for {PATIENCE:?}, not even no"
        )
    };
    let first = admitted.at_first;
    let then = first + 1 + admitted.after_one_accept;
    writeln!(
        out,
        "A server listens with a backlog of {length}, and does not accept:"
    )?;
    clients(out, 1..=first)?;
    writeln!(out, "It accepts one client, once:")?;
    clients(out, first + 2..=then)?;
    Ok(())
}

pub fn surprise(out: &mut impl Write) -> Result<()> {
    const ROUNDS: usize = 500;
    let costs = surprise::measure(ROUNDS).context("cannot measure")?;

    writeln!(
        out,
        "The same answer, {ROUNDS} times each way; time in microseconds:"
    )?;
    writeln!(out, "{:32}{:>9}   half lie between", "", "median")?;
    let mut row = |way: &str, Spread { low, median, high }: Spread| {
        let [low, median, high] = [low, median, high].map(|t| t.as_secs_f64() * 1e6);
        writeln!(out, "{way:32}{median:9.2}{low:9.2} and {high:.2}")
    };
    row("a call of the function", costs.call)?;
    row("a message, connection open", costs.message)?;
    row("a message, new connection", costs.connection)?;

    let message = costs.message.median.as_secs_f64();
    let calls = message / costs.call.median.as_secs_f64();
    let messages = costs.connection.median.as_secs_f64() / message;
    writeln!(out, "A message costs as much as {calls:.0} calls,")?;
    writeln!(out, "a new connection as much as {messages:.1} messages.")?;
    Ok(())
}

pub fn spin(out: &mut impl Write) -> Result<()> {
    const TIME: Duration = Duration::from_millis(500);
    let turns = broken::spin(TIME).context("cannot run the server")?;
    writeln!(
        out,
        "The turns of a server's loop, counted for {TIME:?} each:"
    )?;
    writeln!(out, "  while its client is silent  {:8}", turns.silent)?;
    writeln!(out, "  when its client has left    {:8}", turns.gone)?;
    Ok(())
}

pub fn one_client_kills(out: &mut impl Write) -> Result<()> {
    let fall = broken::one_client_kills().context("cannot run the server")?;
    writeln!(out, "client 1 connects, and breaks off")?;
    writeln!(out, "the server ends: {}", fall.ended_by)?;
    writeln!(out, "client 2 cannot connect: {}", fall.next_client)?;
    Ok(())
}
