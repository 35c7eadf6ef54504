//! The experiments, each told in the order in which things happen.

use std::io::{self, Write};
use std::net::SocketAddr;
use std::time::Duration;

use anyhow::{Context, Result};
use lesson_5::dial::{Limits, connect, dial};
use lesson_5::doors::{ANY_PORT, Door, Manner};
use lesson_5::surprise::Spread;
use lesson_5::{broken, families, session, surprise};

pub fn session(out: &mut impl Write) -> Result<()> {
    let steps = session::session().context("cannot make a connection")?;
    writeln!(out, "{:10}{:20}getpeername", "after", "getsockname")?;
    for step in steps {
        let [local, peer] = [step.local, step.peer].map(|address| match address {
            Ok(address) => address.to_string(),
            Err(error) => error.to_string(),
        });
        writeln!(out, "{:10}{local:20}{peer}", step.call)?;
    }
    Ok(())
}

pub fn families(out: &mut impl Write) -> Result<()> {
    for family in families::families() {
        let answer = match family.answer {
            Ok(()) => "has a socket".to_string(),
            Err(error) => error.to_string(),
        };
        writeln!(out, "{:14}{:19}{answer}", family.name, family.what)?;
    }
    Ok(())
}

/// How long each address has in the demonstrations; loopback needs far less.
const EACH: Duration = Duration::from_millis(300);

pub fn attempts(out: &mut impl Write) -> Result<()> {
    let doors = doors(&[Manner::Refuses, Manner::Silent, Manner::Answers])?;
    for door in &doors {
        let said = match connect(*door, EACH, None) {
            Ok(_) => "connected".to_string(),
            Err(error) => error.to_string(),
        };
        writeln!(out, "{door}   {said}")?;
    }
    let limits = Limits {
        each: EACH,
        total: EACH * 10,
    };
    if let Err(error) = dial(&doors[..2], limits, None) {
        let error = error.to_string().replace("; ", ";\n  ");
        writeln!(out, "without the third, one error for all:")?;
        writeln!(out, "  {}", error.replacen(": ", ":\n  ", 1))?;
    }
    Ok(())
}

/// Doors of these manners, which stay as they are until the program ends.
fn doors(manners: &[Manner]) -> Result<Vec<SocketAddr>> {
    let open = |manner: &Manner| {
        let door = Door::open(ANY_PORT, *manner)?;
        let address = door.address();
        std::mem::forget(door); // a handful, in a program that is about to end
        Ok(address)
    };
    let doors: io::Result<Vec<SocketAddr>> = manners.iter().map(open).collect();
    doors.context("cannot open the doors")
}

pub fn surprise(out: &mut impl Write) -> Result<()> {
    const ROUNDS: usize = 300;
    let costs = surprise::measure(ROUNDS).context("cannot measure")?;
    writeln!(
        out,
        "To know where to call, {ROUNDS} times each way; time in microseconds:"
    )?;
    writeln!(out, "{:32}{:>9}   half lie between", "", "median")?;
    let mut row = |way: &str, Spread { low, median, high }: Spread| {
        let [low, median, high] = [low, median, high].map(|t| t.as_secs_f64() * 1e6);
        writeln!(out, "{way:32}{median:9.2}{low:9.2} and {high:.2}")
    };
    row("parse 127.0.0.1:80", costs.parse)?;
    row("getaddrinfo of 127.0.0.1", costs.figures)?;
    row("getaddrinfo of localhost", costs.name)?;
    row("a connection to 127.0.0.1", costs.connection)?;

    let name = costs.name.median.as_secs_f64();
    let parse = costs.parse.median.as_secs_f64();
    let connections = name / costs.connection.median.as_secs_f64();
    writeln!(
        out,
        "The name costs as much as {:.0} addresses in figures,",
        name / parse
    )?;
    writeln!(out, "and as much as {connections:.1} connections.")?;
    Ok(())
}

pub fn first_only(out: &mut impl Write) -> Result<()> {
    let [first, all] = broken::first_only().context("cannot open the doors")?;
    writeln!(
        out,
        "a server has two addresses, and nobody is at the first"
    )?;
    let said = |result: io::Result<()>| match result {
        Ok(()) => "connected".to_string(),
        Err(error) => error.to_string(),
    };
    writeln!(out, "  connect to the first:   {}", said(first))?;
    writeln!(out, "  TcpStream::connect:     {}", said(all))?;
    Ok(())
}

pub fn mapped(out: &mut impl Write) -> Result<()> {
    writeln!(out, "callers from 127.0.0.1 are let in, others are not")?;
    for visit in broken::mapped().context("cannot listen on [::]")? {
        let said = if visit.let_in {
            "let in"
        } else {
            "turned away"
        };
        writeln!(
            out,
            "  server at {:10} the caller is {}, and is {said}",
            visit.server.to_string() + ",",
            visit.peer
        )?;
    }
    Ok(())
}

pub fn v6only(out: &mut impl Write) -> Result<()> {
    writeln!(out, "a server listens on [::]")?;
    for (ip, result) in broken::v6only().context("cannot listen on [::]")? {
        let said = match result {
            Ok(()) => "connected".to_string(),
            Err(error) => error.to_string(),
        };
        writeln!(out, "  to {:10} {said}", ip.to_string())?;
    }
    Ok(())
}
