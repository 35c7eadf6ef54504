//! Which system calls the standard library's functions make, by having them made.

use std::env;
use std::io::{self, Read, Write};
use std::net::{Ipv4Addr, Shutdown, SocketAddr, TcpListener, TcpStream};
use std::time::Duration;

use anyhow::{Context, Result};

use crate::pieces::File;
use crate::pieces::shop::Workshop;
use crate::pieces::steps::{option, time};
use crate::pieces::story::with_tutorial_ports;
use crate::pieces::strace::{Call, Entry, address, bytes, parse};
use crate::pieces::tracer::Traced;

/// The argument with which this program makes the calls instead of recording them.
pub const PLAY: &str = "play-std-calls";

/// The port that the server is shown to have: that of the time stamps.
const PORT: u16 = 8009;

/// What stands before the name of a function in what [`play`] prints.
const MARK: &str = "next: ";

/// Makes one call after another, and says before each which.
pub fn play() -> Result<()> {
    let next =
        |what: &str| io::stdout().write_all(format!("{MARK}{what}\n").as_bytes());
    next("TcpListener::bind(addr)")?;
    let listener = TcpListener::bind(SocketAddr::from((Ipv4Addr::LOCALHOST, 0)))?;
    next("listener.local_addr()")?;
    let addr = listener.local_addr()?;
    next("TcpStream::connect(addr)")?;
    let mut client = TcpStream::connect(addr)?;
    next("listener.accept()")?;
    let (mut server, _) = listener.accept()?;
    next("stream.peer_addr()")?;
    server.peer_addr()?;
    next("stream.set_read_timeout(Some(time))")?;
    server.set_read_timeout(Some(Duration::from_secs(300)))?;
    next("stream.set_nodelay(true)")?;
    client.set_nodelay(true)?;
    next("stream.write_all(b\"hello\\n\")")?;
    client.write_all(b"hello\n")?;
    let mut buffer = [0; 512];
    next("stream.peek(&mut buffer)")?;
    server.peek(&mut buffer)?;
    next("stream.read(&mut buffer)")?;
    let _length = server.read(&mut buffer)?;
    next("stream.try_clone()")?;
    let other = server.try_clone()?;
    next("stream.shutdown(Shutdown::Write)")?;
    server.shutdown(Shutdown::Write)?;
    next("drop(stream)")?;
    drop(server);
    next("the end")?;
    drop((client, other, listener));
    Ok(())
}

/// Traces [`play`]; a table of the whole, and the calls of `bind` alone.
pub fn make(name: &str, shop: &Workshop) -> Result<Vec<File>> {
    let program = env::current_exe().context("cannot tell where this program is")?;
    let trace =
        Traced::start(&program, &[PLAY], shop.folder(), name, None)?.finish()?;
    let mut rows = rows(&parse(&trace)?);
    let texts = rows.iter_mut().flat_map(|(_, calls)| calls);
    with_tutorial_ports(texts.collect(), PORT)?;
    let bind = rows
        .first()
        .context("the program has not called anything")?;
    let mut table = String::from("| Rust | System calls |\n|---|---|\n");
    for (function, calls) in &rows {
        let calls: Vec<String> = calls.iter().map(|call| code(call)).collect();
        table += &format!("| {} | {} |\n", code(function), calls.join("<br>"));
    }
    Ok(vec![
        File::generated(&format!("{name}.md"), table),
        File::generated("01-tcp-bind.txt", bind.1.join("\n") + "\n"),
    ])
}

/// Code in a cell of a Markdown table.
fn code(text: &str) -> String {
    format!("`{}`", text.replace('|', "\\|"))
}

/// The functions with the calls that each has made.
fn rows(entries: &[Entry]) -> Vec<(String, Vec<String>)> {
    let mut rows: Vec<(String, Vec<String>)> = Vec::new();
    for entry in entries {
        let Entry::Call(call) = entry else { continue };
        if let Some(function) = announced(call) {
            rows.push((function, Vec::new()));
        } else if let Some((_, calls)) = rows.last_mut()
            // A debug build of std looks at every descriptor before it closes it.
            && !(call.name == "fcntl" && call.arg(1) == "F_GETFD")
        {
            calls.push(told(call));
        }
    }
    rows.pop(); // the end of the program
    rows
}

/// The function whose calls follow, if the call announces one.
fn announced(call: &Call) -> Option<String> {
    if call.name != "write" || call.arg(0) != "1" {
        return None;
    }
    let text = String::from_utf8(bytes(call.arg(1))?).ok()?;
    Some(text.strip_prefix(MARK)?.trim_end().to_string())
}

/// The call as strace writes it, but for addresses, which are short, and bytes, which
/// can be read.
fn told(call: &Call) -> String {
    let mut args: Vec<String> = call.args.iter().map(|arg| plain(arg)).collect();
    if let Some(time) = time(call.arg(3)) {
        let (seconds, micros) = (time.as_secs(), time.subsec_micros());
        args[2] = option(call.arg(2));
        args[3] = format!("{{tv_sec={seconds}, tv_usec={micros}}}");
    }
    let result = call.result.as_deref().unwrap_or("?");
    format!("{}({}) = {result}", call.name, args.join(", "))
}

fn plain(arg: &str) -> String {
    let place = address(arg).map(|addr| addr.to_string());
    let text = bytes(arg).map(|bytes| wire::view::escaped(&bytes));
    place.or(text).unwrap_or_else(|| arg.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn calls_stand_beside_the_function_that_made_them() {
        let mark = |text: &str| -> String {
            let bytes = format!("{MARK}{text}\n").into_bytes();
            bytes.iter().map(|byte| format!("\\x{byte:02x}")).collect()
        };
        let trace = format!(
            "1 1.0 close(9) = 0\n\
             1 1.0 write(1, \"{}\", 9) = 9\n\
             1 1.0 fcntl(3, F_GETFD) = 0x1 (flags FD_CLOEXEC)\n\
             1 1.0 close(3) = 0\n\
             1 1.0 write(1, \"{}\", 9) = 9\n\
             1 1.0 close(4) = 0\n",
            mark("drop(stream)"),
            mark("the end")
        );
        let expected =
            [("drop(stream)".to_string(), vec!["close(3) = 0".to_string()])];
        assert_eq!(rows(&parse(&trace).unwrap()), expected);
    }
}
