//! Ctrl-C for a server that may fork: a signal handler, and no thread that waits for
//! one.

use std::io;
use std::sync::OnceLock;

use nix::errno::Errno;
use nix::sys::signal::{SaFlags, SigAction, SigHandler, SigSet, Signal, sigaction};
use socketserver::Handle;

/// What a signal stops.
static STOPS: OnceLock<Handle> = OnceLock::new();

extern "C" fn stop(_: nix::libc::c_int) {
    // What the interrupted code is about to look at must be as it was.
    let errno = Errno::last_raw();
    if let Some(handle) = STOPS.get() {
        handle.shutdown(); // a flag and write(2): signal-safety(7) allows both
    }
    Errno::set_raw(errno);
}

// ANCHOR: on_signal
/// Has SIGINT, which Ctrl-C sends, and SIGTERM stop this server.
///
/// A crate that waits for signals in a thread would not do: fork(2) needs a process
/// with a single thread.
///
/// # Errors
///
/// Those of sigaction(2), and where it is called a second time.
#[expect(unsafe_code, reason = "sigaction(2)")]
pub fn on_signal(handle: Handle) -> io::Result<()> {
    if STOPS.set(handle).is_err() {
        let why = "the signals stop another server of this process";
        return Err(io::Error::new(io::ErrorKind::ResourceBusy, why));
    }
    let handler = SigHandler::Handler(stop);
    let action = SigAction::new(handler, SaFlags::SA_RESTART, SigSet::empty());
    for signal in [Signal::SIGINT, Signal::SIGTERM] {
        // SAFETY: `stop` does what a signal handler may do, and nothing else.
        unsafe { sigaction(signal, &action) }?;
    }
    Ok(())
}
// ANCHOR_END: on_signal
