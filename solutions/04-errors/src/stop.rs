//! Exercise `errors/stop`: Ctrl-C in good order.
//!
//! A server sends back in capitals whatever a caller sends, until the caller ends its
//! side; callers come one after another. When Ctrl-C is pressed (SIGINT)
//!
//! - a caller that is being served is served to its end;
//! - no further caller is served, not even one that is in the queue already;
//! - the function returns `Ok(())`, and by then nobody listens at the port any more;
//! - a server that is started again at once, at the same port, can listen there, even
//!   where connections of the last run are still in the kernel's books.
//!
//! The crates `ctrlc` and `socket2` are there for you; you need not use both.
//!
//! The book has it in chapter 4, "Two ways that do".

use std::io;
// BEGIN SOLUTION
use std::io::{Read, Write};
// END SOLUTION
use std::net::SocketAddr;
// BEGIN SOLUTION
use std::net::{Shutdown, TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use socket2::SockRef;
// END SOLUTION

/// Listens on `at` and serves callers until SIGINT.
///
/// Calls `ready` once, with the address that it really listens on (port 0 asks the
/// kernel for any), when it listens and is prepared for the signal. A caller whose
/// connection breaks is no reason to stop. This function is called once in a process.
pub fn serve(at: SocketAddr, ready: &dyn Fn(SocketAddr)) -> io::Result<()> {
    // BEGIN SOLUTION
    let listener = Arc::new(TcpListener::bind(at)?); // with SO_REUSEADDR
    let stop = Arc::new(AtomicBool::new(false));

    let (handle, flag) = (Arc::downgrade(&listener), Arc::clone(&stop));
    ctrlc::set_handler(move || {
        flag.store(true, Ordering::SeqCst); // first: who wakes looks at it
        if let Some(listener) = handle.upgrade() {
            // Ends the `accept` that is under way, and every later one.
            let _ = SockRef::from(&*listener).shutdown(Shutdown::Both);
        }
    })
    .map_err(io::Error::other)?;

    ready(listener.local_addr()?);
    loop {
        match listener.accept() {
            _ if stop.load(Ordering::SeqCst) => return Ok(()),
            Ok((stream, peer)) => {
                if let Err(error) = talk(stream) {
                    eprintln!("{peer}: {error}");
                }
            }
            Err(error) => return Err(error),
        }
    }
    // STUB let _ = (at, ready);
    // STUB todo!("listen, serve, and stop in good order")
    // END SOLUTION
}
// BEGIN SOLUTION

/// One caller's visit, until its end.
fn talk(mut stream: TcpStream) -> io::Result<()> {
    let mut buffer = [0; 1024];
    loop {
        let read = stream.read(&mut buffer)?;
        if read == 0 {
            return Ok(());
        }
        stream.write_all(&buffer[..read].to_ascii_uppercase())?;
    }
}
// END SOLUTION

#[cfg(test)]
pub(crate) fn check() -> checks_errors::Check {
    checks_errors::stop(serve)
}
