//! Ending a server that waits in `accept`.

use std::io::{self, Read, Write};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use socket2::SockRef;

/// Sends back in capitals what one caller says, until its end.
fn talk(mut stream: TcpStream) -> io::Result<()> {
    let mut buffer = [0; 1024];
    loop {
        let length = stream.read(&mut buffer)?;
        if length == 0 {
            return Ok(());
        }
        stream.write_all(&buffer[..length].to_ascii_uppercase())?;
    }
}

// ANCHOR: serve
/// Serves one caller after another until `stop` is set. The flag is looked at after
/// each `accept`: whoever sets it has to see to it that `accept` returns.
///
/// # Errors
///
/// If accepting fails while it should not.
pub fn serve(listener: &TcpListener, stop: &AtomicBool) -> io::Result<u32> {
    let mut served = 0;
    loop {
        let accepted = listener.accept();
        if stop.load(Ordering::SeqCst) {
            return Ok(served); // a caller that came this late is not served
        }
        let _ = talk(accepted?.0); // an error of one caller ends its visit only
        served += 1;
    }
}
// ANCHOR_END: serve

/// How the waiting `accept` is ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Way {
    /// It is not.
    Flag,
    /// By a call from the server itself.
    SelfConnect,
    /// By shutdown(2) of the listening socket.
    Shutdown,
}

// ANCHOR: stopper
/// What the handler does. `ctrlc` runs it in a thread, so it may do anything; the
/// signal handler proper only wakes that thread (signal-safety(7)).
pub fn stopper(
    way: Way,
    listener: &Arc<TcpListener>,
    addr: SocketAddr,
    stop: &Arc<AtomicBool>,
) -> impl FnMut() + Send + 'static {
    let stop = Arc::clone(stop);
    let listener = Arc::downgrade(listener); // the handler does not keep it open
    move || {
        stop.store(true, Ordering::SeqCst); // first: whoever wakes looks at it
        match way {
            Way::Flag => {}
            Way::SelfConnect => drop(TcpStream::connect(addr)),
            Way::Shutdown => {
                if let Some(listener) = listener.upgrade() {
                    let _ = SockRef::from(&*listener).shutdown(Shutdown::Both);
                }
            }
        }
    }
}
// ANCHOR_END: stopper
