//! A chat: what one says, all others hear. The handlers share a table of who is there.
//!
//! ```text
//! cargo run -p socketserver --example chat -- 127.0.0.1:8000
//! ```

use std::collections::HashMap;
use std::io::{self, Write};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use socket2::Socket;
use socketserver::{Conn, Error, Handler, Next, Result, Server, Strategy};

/// Who is there: the second handle of each socket, to write to.
#[derive(Clone, Default)]
struct Room(Arc<Mutex<HashMap<u64, Socket>>>);

impl Room {
    fn guests(&self) -> MutexGuard<'_, HashMap<u64, Socket>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Tells all but one. Who does not take it within the write timeout misses it.
    fn tell(&self, but: u64, line: &str) {
        for (_, mut guest) in self.guests().iter().filter(|(id, _)| **id != but) {
            let _ = guest.write_all(line.as_bytes());
        }
    }
}

struct Guest(Room);

impl Handler for Guest {
    fn setup(&mut self, conn: &mut Conn) -> Result<Next> {
        let (id, socket) = (conn.peer().id, conn.socket().try_clone()?);
        let mut guests = self.0.guests();
        writeln!(conn, "You are guest {id}. Others here: {}.", guests.len())?;
        conn.flush()?; // before anybody else writes to it
        guests.insert(id, socket);
        drop(guests);
        self.0.tell(id, &format!("guest {id} has come\n"));
        Ok(Next::Again)
    }

    fn handle(&mut self, conn: &mut Conn) -> Result<Next> {
        let Some(line) = conn.line(1024)? else {
            return Ok(Next::Close);
        };
        let (id, line) = (conn.peer().id, String::from_utf8_lossy(&line));
        self.0.tell(id, &format!("guest {id}: {line}\n"));
        Ok(Next::Again)
    }

    fn finish(
        &mut self,
        conn: &mut Conn,
        _outcome: std::result::Result<(), &Error>,
    ) -> Result {
        let id = conn.peer().id;
        self.0.guests().remove(&id);
        self.0.tell(id, &format!("guest {id} has left\n"));
        Ok(())
    }
}

fn main() -> io::Result<()> {
    let addr = std::env::args().nth(1);
    let addr = addr.as_deref().unwrap_or("127.0.0.1:8000");
    let server = Server::tcp(addr)
        .write_timeout(Duration::from_secs(1))
        .busy("The room is full.\n")
        .bind()?;
    println!("listening on {}", server.local_addr());
    let room = Room::default();
    server.serve(Strategy::Threads { max: 100 }, move |_peer| {
        Guest(room.clone())
    })?;
    Ok(())
}
