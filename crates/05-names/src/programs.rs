//! The programs of the lesson: `lookup`, `port`, `whoami`, `dial`.

use std::fs;
use std::io::Write;
use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

use anyhow::{Context, Result, bail};
use lesson_5::dial::Limits;
use lesson_5::resolve::{Hints, kind_name, protocol_name};
use lesson_5::services::{FILE, ask_libc, find};
use lesson_5::{dial, resolve, reverse};

pub fn lookup(
    name: Option<&str>,
    service: Option<&str>,
    hints: Hints,
    out: &mut impl Write,
) -> Result<()> {
    let found = resolve::lookup(name, service, hints)?;
    for line in found {
        let (kind, protocol) = (kind_name(line.kind), protocol_name(line.protocol));
        let text = format!("{:28}{kind:13}{protocol}", line.address.to_string());
        writeln!(out, "{}", text.trim_end())?;
        if let Some(name) = line.canonical {
            writeln!(out, "  its official name is {name:?}")?;
        }
    }
    Ok(())
}

/// What our parser says, what the C library says, and whether they agree.
pub fn port(name: &str, protocol: Option<&str>, out: &mut impl Write) -> Result<()> {
    let asked = match protocol {
        Some(protocol) => format!("{name}/{protocol}"),
        None => name.to_string(),
    };
    let theirs = ask_libc(name, protocol);
    let said = |port: Option<u16>| port.map_or("unknown".into(), |p| p.to_string());
    writeln!(out, "getservbyname: {asked} is {}", said(theirs))?;
    let file = fs::read(FILE).with_context(|| format!("cannot read {FILE}"))?;
    let ours = find(&file, name.as_bytes(), protocol.map(str::as_bytes));
    writeln!(
        out,
        "{FILE}: {asked} is {}",
        said(ours.as_ref().map(|s| s.port))
    )?;
    if let Some(service) = ours.filter(|service| service.names.len() > 1) {
        let names: Vec<_> = service.names.iter().map(|n| n.escape_ascii()).collect();
        let names: Vec<String> = names.iter().map(ToString::to_string).collect();
        writeln!(out, "  its names: {}", names.join(", "))?;
    } else if theirs.is_none() {
        bail!("there is no service {asked} here");
    }
    Ok(())
}

pub fn whoami(name: Option<&str>, out: &mut impl Write) -> Result<()> {
    let own = reverse::host_name().context("cannot ask for the host's name")?;
    let name = match name {
        Some(name) => name,
        None => {
            writeln!(out, "gethostname: {own:?}")?;
            &own
        }
    };
    let found = reverse::fqdn(name)?;
    for (address, called) in &found.addresses {
        match called {
            Ok(called) => writeln!(out, "  {address} is called {called:?}")?,
            Err(why) => writeln!(out, "  {address} has no name: {why}")?,
        }
    }
    writeln!(out, "getfqdn: {:?}", found.name)?;
    if found.name == found.asked {
        writeln!(out, "  which is what went in")?;
    }
    Ok(())
}

// ANCHOR: dial
pub fn dial(
    host: &str,
    port: &str,
    timeout: Duration,
    source: Option<IpAddr>,
    out: &mut impl Write,
) -> Result<()> {
    /// For one address; Linux itself would try for some two minutes.
    const EACH: Duration = Duration::from_secs(5);
    let hints = Hints {
        kind: libc::SOCK_STREAM,
        ..Hints::default()
    };
    let found = resolve::lookup(Some(host), Some(port), hints)?;
    let addresses: Vec<SocketAddr> = found.iter().map(|line| line.address).collect();
    for address in &addresses {
        writeln!(out, "{host} is {address}")?;
    }
    let limits = Limits {
        each: EACH,
        total: timeout,
    };
    let stream = dial::dial(&addresses, limits, source)
        .with_context(|| format!("cannot connect to {host} at the port {port}"))?;
    let (here, there) = (stream.local_addr(), stream.peer_addr());
    let here = here.context("cannot ask for our address")?;
    let there = there.context("cannot ask for the other address")?;
    Ok(writeln!(out, "connected: {here} -> {there}")?)
}
// ANCHOR_END: dial
