//! A server that answers each line in capital letters, over TLS and under any strategy.
//!
//! ```text
//! cargo run -p socketserver-tls -- threads cert.pem key.pem 127.0.0.1:8443
//! ```

use std::error::Error;
use std::io::Write;
use std::process::ExitCode;
use std::sync::Arc;

use rustls::ServerConfig;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use socketserver::{Conn, Next, Result, Server, Strategy};

const USAGE: &str = "\
usage: socketserver-tls STRATEGY CERTIFICATES KEY [ADDR]

  STRATEGY      inline, threads, pool, fork, prefork or parked
  CERTIFICATES  a file with the server's certificate and those that vouch for it (PEM)
  KEY           a file with its private key (PEM)
  ADDR          where it listens; without it, 127.0.0.1:8443";

fn upper(conn: &mut Conn) -> Result<Next> {
    let Some(mut line) = conn.line(64 << 10)? else {
        return Ok(Next::Close);
    };
    line.make_ascii_uppercase();
    line.push(b'\n');
    conn.write_all(&line)?;
    Ok(Next::Again)
}

fn strategy(name: &str) -> Option<Strategy> {
    Some(match name {
        "inline" => Strategy::Inline,
        "threads" => Strategy::Threads { max: 1000 },
        "pool" => Strategy::Pool {
            workers: 4,
            queue: 1000,
        },
        "fork" => Strategy::Fork { max: 200 },
        "prefork" => Strategy::Prefork { workers: 4 },
        "parked" => Strategy::Parked {
            workers: 4,
            max: 1000,
        },
        _ => return None,
    })
}

/// What the server shows its peers, from two files.
fn config(
    certificates: &str,
    key: &str,
) -> std::result::Result<ServerConfig, Box<dyn Error>> {
    let wrong = |file: &str, error: rustls::pki_types::pem::Error| {
        format!("cannot read {file}: {error}")
    };
    let chain = CertificateDer::pem_file_iter(certificates)
        .and_then(Iterator::collect::<std::result::Result<Vec<_>, _>>)
        .map_err(|error| wrong(certificates, error))?;
    let secret =
        PrivateKeyDer::from_pem_file(key).map_err(|error| wrong(key, error))?;
    ServerConfig::builder()
        .with_no_client_auth()
        .with_single_cert(chain, secret)
        .map_err(|error| {
            format!("cannot use {certificates} with {key}: {error}").into()
        })
}

fn serve(
    strategy: Strategy,
    config: ServerConfig,
    addr: &str,
) -> std::result::Result<(), Box<dyn Error>> {
    let server = Server::tcp(addr).tls(Arc::new(config)).bind()?;
    println!("listening on {}", server.local_addr());
    server.serve(strategy, |_peer| upper)?;
    Ok(())
}

fn main() -> ExitCode {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let args: Vec<&str> = args.iter().map(String::as_str).collect();
    let (word, certificates, key, addr) = match args[..] {
        ["help" | "--help" | "-h"] => {
            println!("{USAGE}");
            return ExitCode::SUCCESS;
        }
        [word, certificates, key] => (word, certificates, key, "127.0.0.1:8443"),
        [word, certificates, key, addr] => (word, certificates, key, addr),
        _ => {
            eprintln!("{USAGE}");
            return ExitCode::from(2);
        }
    };
    let Some(strategy) = strategy(word) else {
        eprintln!("socketserver-tls: `{word}` is no strategy\n\n{USAGE}");
        return ExitCode::from(2);
    };
    let served =
        config(certificates, key).and_then(|config| serve(strategy, config, addr));
    match served {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("socketserver-tls: {error}");
            ExitCode::FAILURE
        }
    }
}
