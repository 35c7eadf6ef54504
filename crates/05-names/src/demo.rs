//! The whole lesson in one terminal.

use std::io::Write;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, TcpStream};
use std::time::Duration;

use anyhow::{Context, Result};
use lesson_5::dual::{caller, listen};
use lesson_5::resolve::Hints;
use lesson_5::services::find;

use crate::{experiments, programs};

/// A piece of a services file: ours, so that every machine prints the same.
const SERVICES: &[u8] = b"\
# name  port/protocol  aliases
domain  53/tcp
domain  53/udp
http    80/tcp         www     # WorldWideWeb HTTP
";

pub fn play(out: &mut impl Write) -> Result<()> {
    writeln!(out, "SERVICES: a name becomes a port\n")?;
    for (name, protocol) in [("domain", "udp"), ("www", "tcp"), ("www", "udp")] {
        let found = find(SERVICES, name.as_bytes(), Some(protocol.as_bytes()));
        let port = found.map_or("unknown".into(), |service| service.port.to_string());
        writeln!(out, "{name}/{protocol} is {port}")?;
    }

    writeln!(out, "\nLOOKUP: a name becomes addresses\n")?;
    let hints = Hints {
        kind: libc::SOCK_STREAM,
        flags: libc::AI_NUMERICHOST | libc::AI_NUMERICSERV, // no file, no network
        ..Hints::default()
    };
    for name in ["192.0.2.7", "2001:db8::7", "fe80::1%1"] {
        programs::lookup(Some(name), Some("9006"), hints, out)?;
    }

    writeln!(out, "\nDIAL: the addresses are tried, one after another\n")?;
    experiments::attempts(out)?;

    writeln!(out, "\nSESSION: a socket gets its addresses\n")?;
    experiments::session(out)?;

    writeln!(out, "\nDUAL: one listener, callers of both families\n")?;
    dual(out)
}

/// Both callers are ours, one after the other, so the story is always the same.
fn dual(out: &mut impl Write) -> Result<()> {
    const PATIENCE: Duration = Duration::from_secs(10);
    let all = SocketAddr::from((Ipv6Addr::UNSPECIFIED, 0));
    let listener = match listen(all) {
        Ok(listener) => listener,
        Err(error) => return Ok(writeln!(out, "there is no IPv6 here: {error}")?),
    };
    let port = listener.local_addr().context("no address")?.port();
    let ips = [
        IpAddr::V6(Ipv6Addr::LOCALHOST),
        IpAddr::V4(Ipv4Addr::LOCALHOST),
    ];
    for ip in ips {
        let to = SocketAddr::new(ip, port);
        let client = TcpStream::connect_timeout(&to, PATIENCE)
            .with_context(|| format!("cannot connect to {to}"))?;
        let (_, peer) = listener.accept().context("cannot accept")?;
        writeln!(out, "a client connects to {ip}")?;
        writeln!(out, "  accept says  {}", peer.ip())?;
        writeln!(out, "  which is     {}", caller(peer).ip())?;
        drop(client);
    }
    Ok(())
}
