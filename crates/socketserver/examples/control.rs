//! The control socket of a program: commands over a Unix socket, the last of which ends
//! it.
//!
//! ```text
//! cargo run -p socketserver --example control -- /tmp/control.sock
//! printf 'status\nstop\n' | nc -U /tmp/control.sock
//! ```

use std::io::{self, Write};

use socketserver::{Conn, Handle, Next, Result, Server, Strategy};

fn command(conn: &mut Conn, server: &Handle) -> Result<Next> {
    let Some(line) = conn.line(1024)? else {
        return Ok(Next::Close);
    };
    match &line[..] {
        b"status" => {
            let stats = server.stats();
            writeln!(conn, "{} callers, {} now", stats.accepted, stats.active)?;
        }
        b"stop" => {
            // It does not wait, so it may be called from here.
            server.shutdown();
            writeln!(conn, "stopping")?;
            return Ok(Next::Close);
        }
        other => {
            let other = other.escape_ascii();
            writeln!(conn, "`{other}` is no command: status, stop")?;
        }
    }
    Ok(Next::Again)
}

fn main() -> io::Result<()> {
    let path = std::env::args().nth(1);
    let path = path.as_deref().unwrap_or("/tmp/control.sock");
    let server = Server::unix(path).bind()?;
    println!("listening on {}", server.local_addr());
    let handle = server.handle();
    server.serve(Strategy::Threads { max: 8 }, move |_peer| {
        let handle = handle.clone();
        move |conn: &mut Conn| command(conn, &handle)
    })?;
    Ok(()) // and the socket's file goes with the server
}
