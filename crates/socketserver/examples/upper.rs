//! A server that answers each line in capital letters, under any strategy.
//!
//! ```text
//! cargo run -p socketserver --example upper -- threads 127.0.0.1:8000
//! ```

use std::io::Write;
use std::process::ExitCode;

use socketserver::{Conn, Next, Result, Server, Strategy};

fn upper(conn: &mut Conn) -> Result<Next> {
    match conn.line(64 << 10)? {
        Some(mut line) => {
            line.make_ascii_uppercase();
            line.push(b'\n');
            conn.write_all(&line)?;
            Ok(Next::Again)
        }
        None => Ok(Next::Close),
    }
}

fn main() -> ExitCode {
    let mut args = std::env::args().skip(1);
    let strategy = match args.next().as_deref() {
        Some("inline") => Strategy::Inline,
        Some("threads") | None => Strategy::Threads { max: 10_000 },
        Some("pool") => Strategy::Pool {
            workers: 8,
            queue: 1000,
        },
        Some("fork") => Strategy::Fork { max: 1000 },
        Some("prefork") => Strategy::Prefork { workers: 8 },
        Some("parked") => Strategy::Parked {
            workers: 4,
            max: 10_000,
        },
        Some(other) => {
            eprintln!(
                "`{other}` is no strategy: inline, threads, pool, fork, prefork, parked"
            );
            return ExitCode::from(2);
        }
    };
    let addr = args.next().unwrap_or_else(|| "127.0.0.1:8000".to_owned());
    let served = Server::tcp(&addr).bind().and_then(|server| {
        println!("listening on {}", server.local_addr());
        server.serve(strategy, |_peer| upper)
    });
    match served {
        Ok(_) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("{error}");
            ExitCode::FAILURE
        }
    }
}
