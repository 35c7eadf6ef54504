//! The echo service of RFC 862, over TCP and UDP in one loop, ended by Ctrl-C.
//!
//! ```text
//! cargo run -p socketserver --example echo -- 127.0.0.1:7007
//! ```

use std::error::Error;
use std::io::{BufRead, Write};
use std::time::Duration;

use socketserver::{Conn, Next, Peer, Reply, Result, Server, Strategy, serve_all};

fn stream(conn: &mut Conn) -> Result<Next> {
    let come = conn.fill_buf()?.to_vec();
    conn.consume(come.len());
    conn.write_all(&come)?;
    Ok(Next::Again)
}

fn datagram(data: &[u8], _peer: &Peer, reply: &mut Reply<'_>) -> Result {
    if data.is_empty() {
        reply.even_if_empty(); // an empty datagram is an answer too
    }
    Ok(reply.write_all(data)?)
}

fn main() -> std::result::Result<(), Box<dyn Error>> {
    let addr = std::env::args().nth(1);
    let addr = addr.as_deref().unwrap_or("127.0.0.1:7007");
    // Who is in the middle of something has a second after Ctrl-C.
    let tcp = Server::tcp(addr).drain(Duration::from_secs(1)).bind()?;
    let udp = Server::udp(tcp.local_addr().to_string()).bind()?;
    let handles = [tcp.handle(), udp.handle()];
    ctrlc::set_handler(move || handles.iter().for_each(|one| one.shutdown()))?;
    println!("listening on {}", tcp.local_addr());
    let stats = serve_all([
        tcp.service(Strategy::Threads { max: 1000 }, |_peer| stream),
        udp.service(Strategy::Inline, |_peer| datagram),
    ])?;
    let [connections, datagrams] = [stats[0].accepted, stats[1].accepted];
    println!("served {connections} connections and {datagrams} datagrams");
    Ok(())
}
