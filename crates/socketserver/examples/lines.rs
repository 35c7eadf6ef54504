//! A protocol that does no input or output, under an event loop: one thread for all.
//!
//! ```text
//! cargo run -p socketserver --example lines -- epoll 127.0.0.1:8000
//! ```

use std::process::ExitCode;
use std::time::Duration;

use socketserver::{Backend, Next, Protocol, Result, Server};

/// A line may have so many bytes.
const MOST: usize = 64 << 10;

/// Answers each line in capital letters.
struct Upper;

impl Protocol for Upper {
    fn data(&mut self, input: &mut Vec<u8>, output: &mut Vec<u8>) -> Result<Next> {
        if let Some(end) = input.iter().rposition(|byte| *byte == b'\n') {
            output.extend(input.drain(..=end).map(|byte| byte.to_ascii_uppercase()));
        }
        if input.len() > MOST {
            return Err(format!("a line of more than {MOST} bytes").into());
        }
        Ok(Next::Again)
    }
}

fn main() -> ExitCode {
    let mut args = std::env::args().skip(1);
    let backend = match args.next().as_deref() {
        Some("select") => Backend::Select,
        Some("poll") => Backend::Poll,
        Some("epoll") | None => Backend::Epoll,
        Some(other) => {
            eprintln!("`{other}` is no backend: select, poll, epoll");
            return ExitCode::from(2);
        }
    };
    let addr = args.next().unwrap_or_else(|| "127.0.0.1:8000".to_owned());
    let served = Server::tcp(&addr)
        .read_timeout(Duration::from_secs(600))
        .bind()
        .and_then(|server| {
            println!("listening on {}", server.local_addr());
            server.serve_events(backend, 10_000, |_peer| Upper)
        });
    match served {
        Ok(_) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("{error}");
            ExitCode::FAILURE
        }
    }
}
