//! The time protocol of RFC 868 over UDP, with a line about what was served now and then.
//!
//! ```text
//! cargo run -p socketserver --example time -- 127.0.0.1:3737
//! ```

use std::io::{self, Write};
use std::time::{Duration, SystemTime};

use socketserver::{Peer, Reply, Result, Server, Strategy};

/// Seconds from 1900, where RFC 868 begins to count, to 1970, where Unix does.
const TO_1970: u64 = 2_208_988_800;

/// Whatever was sent, an empty datagram as a rule, is answered with 4 bytes.
fn tell(_data: &[u8], _peer: &Peer, reply: &mut Reply<'_>) -> Result {
    let since_1970 = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH)?;
    // 32 bits, which begin anew in 2036: the lower half is what is asked for.
    let seconds = (since_1970.as_secs() + TO_1970) as u32;
    Ok(reply.write_all(&seconds.to_be_bytes())?)
}

fn main() -> io::Result<()> {
    let addr = std::env::args().nth(1);
    let addr = addr.as_deref().unwrap_or("127.0.0.1:3737");
    let mut told = 0;
    let server = Server::udp(addr)
        .max_packet(512)
        .on_tick(Duration::from_secs(1), move |stats| {
            if stats.accepted > told {
                told = stats.accepted;
                println!("{} asked, {} errors", stats.accepted, stats.errors);
            }
        })
        .bind()?;
    println!("listening on {}", server.local_addr());
    server.serve(Strategy::Inline, |_peer| tell)?;
    Ok(())
}
