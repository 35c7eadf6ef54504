//! The one handler: a conversation with any program, over a stream or by datagrams.

use std::io::Write;
use std::time::SystemTime;

use socketserver::{Conn, DatagramHandler, Handler, Next, Peer, Reply, Result};

use crate::programs::{Answer, Program};

/// The longest line that is kept, in bytes. No peer can make us store more.
pub const MAX_LINE: usize = 64 << 10;

// ANCHOR: talk
/// A conversation with a program: made for each peer, by the factory of a server.
#[derive(Clone, Copy, Debug)]
pub struct Talk {
    /// What is said.
    pub program: Program,
}

impl Handler for Talk {
    fn setup(&mut self, conn: &mut Conn) -> Result<Next> {
        conn.write_all(self.program.welcome)?;
        Ok(Next::Again)
    }

    fn handle(&mut self, conn: &mut Conn) -> Result<Next> {
        let Some(line) = conn.line(MAX_LINE)? else {
            return Ok(Next::Close);
        };
        let (answer, next) = self.reply(&line);
        conn.write_all(&answer)?; // into the buffer, and out in one piece
        Ok(next)
    }
}

impl DatagramHandler for Talk {
    fn datagram(
        &mut self,
        data: &[u8],
        _peer: &Peer,
        reply: &mut Reply<'_>,
    ) -> Result {
        let line = data.strip_suffix(b"\n").unwrap_or(data);
        let line = line.strip_suffix(b"\r").unwrap_or(line);
        let (answer, _) = self.reply(line); // there is no conversation to end
        Ok(reply.write_all(&answer)?)
    }
}
// ANCHOR_END: talk

impl Talk {
    /// The answer with its newline, and whether there may be another.
    fn reply(self, line: &[u8]) -> (Vec<u8>, Next) {
        let (mut answer, next) = match (self.program.answer)(line, SystemTime::now())
        {
            Answer::Say(answer) => (answer, Next::Again),
            Answer::Bye(answer) => (answer, Next::Close),
        };
        answer.push(b'\n');
        (answer, next)
    }
}
