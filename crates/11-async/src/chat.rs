//! A room of clients on tokio: what one says, the others hear.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::broadcast::error::RecvError;
use tokio::sync::{broadcast, mpsc};
use tokio::time::sleep;

use crate::lines::{Lines, is_of_a_client, will_pass};

/// So many lines are kept for a client that is slow to take them. Of those that it
/// misses it learns the number.
pub const MISSED: usize = 64;

/// So many lines may wait to be put in order. Who says more waits, and is not read
/// from meanwhile.
pub const WAITING: usize = 16;

/// Who said what.
#[derive(Clone, Debug)]
struct Said {
    who: SocketAddr,
    line: Arc<[u8]>,
}

// ANCHOR: serve
/// Serves clients until accepting itself fails.
///
/// # Errors
///
/// Those of accept(2).
pub async fn serve(listener: TcpListener) -> io::Result<()> {
    let (room, _) = broadcast::channel(MISSED);
    let (desk, mut lines) = mpsc::channel::<Said>(WAITING);
    let told = room.clone();
    // One task puts all lines in one order: everybody hears the same conversation.
    tokio::spawn(async move {
        while let Some(said) = lines.recv().await {
            let _ = told.send(said); // nobody is there to hear it
        }
    });
    loop {
        match listener.accept().await {
            Ok((stream, who)) => {
                tokio::spawn(visit(stream, who, desk.clone(), room.subscribe()));
            }
            Err(error) if is_of_a_client(&error) => {}
            Err(error) if will_pass(&error) => sleep(Duration::from_millis(50)).await,
            Err(error) => return Err(error),
        }
    }
}
// ANCHOR_END: serve

// ANCHOR: visit
/// One client: what it says goes to the desk, what is said in the room goes to it.
async fn visit(
    stream: TcpStream,
    who: SocketAddr,
    desk: mpsc::Sender<Said>,
    mut room: broadcast::Receiver<Said>,
) -> io::Result<()> {
    let (mut input, mut output) = stream.into_split();
    let mut lines = Lines::default(); // outlives each future of `hear`
    loop {
        tokio::select! {
            line = hear(&mut input, &mut lines) => match line? {
                Some(line) => {
                    let line = line.into();
                    // Waits while the desk has too much: and we do not read on.
                    if desk.send(Said { who, line }).await.is_err() {
                        return Ok(());
                    }
                }
                None => return Ok(()),
            },
            said = room.recv() => match said {
                Ok(said) if said.who == who => {}
                Ok(said) => tell(&mut output, &said).await?,
                Err(RecvError::Lagged(missed)) => {
                    let note = format!("* you missed {missed} lines\n");
                    output.write_all(note.as_bytes()).await?;
                }
                Err(RecvError::Closed) => return Ok(()),
            },
        }
    }
}

/// The next line. It may be dropped while it waits: what has come is in `lines`.
async fn hear(
    input: &mut OwnedReadHalf,
    lines: &mut Lines,
) -> io::Result<Option<Vec<u8>>> {
    let mut buffer = [0; 1024];
    loop {
        if let Some(line) = lines.next_line()? {
            return Ok(Some(line));
        }
        match input.read(&mut buffer).await? {
            0 => return Ok(lines.rest()),
            read => lines.push(&buffer[..read]),
        }
    }
}
// ANCHOR_END: visit

async fn tell(output: &mut OwnedWriteHalf, said: &Said) -> io::Result<()> {
    let mut message = format!("{}: ", said.who).into_bytes();
    message.extend_from_slice(&said.line);
    message.push(b'\n'); // one message, one write
    output.write_all(&message).await
}
