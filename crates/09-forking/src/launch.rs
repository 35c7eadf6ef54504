//! Any program as a server: its standard input and outputs are the connection.

use std::env;
use std::ffi::CString;
use std::io;
use std::net::TcpStream;
use std::os::fd::AsRawFd;
use std::os::unix::ffi::OsStrExt;

use nix::spawn::{
    PosixSpawnAttr, PosixSpawnFileActions, PosixSpawnFlags, posix_spawnp,
};
use nix::sys::signal::{SigSet, Signal};
use nix::unistd::Pid;

/// A program and its arguments.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Program {
    /// Its name, which is looked for as a shell does, or its path.
    pub name: String,
    /// What it is told. No shell looks at it.
    pub args: Vec<String>,
}

impl Program {
    // ANCHOR: start
    /// Starts it for one caller, with these signals blocked; its number.
    ///
    /// The descriptors 0, 1 and 2 become copies of the connection. All others that we
    /// have are close-on-exec: `execve` closes them, the listener among them. What is
    /// blocked or ignored would stay so, unlike handlers (execve(2)): both are set anew.
    ///
    /// # Errors
    ///
    /// If there is no such program, or no room for one more process.
    pub fn start(&self, stream: &TcpStream, blocked: &SigSet) -> io::Result<Pid> {
        stream.set_nonblocking(false)?; // `cat` would take EAGAIN for a failure
        let mut files = PosixSpawnFileActions::init()?;
        for number in 0..=2 {
            files.add_dup2(stream.as_raw_fd(), number)?;
        }
        let mut how = PosixSpawnAttr::init()?;
        how.set_sigmask(blocked)?;
        // Rust's runtime ignores SIGPIPE; programs in other languages count on it.
        how.set_sigdefault(&SigSet::from(Signal::SIGPIPE))?;
        how.set_flags(
            PosixSpawnFlags::POSIX_SPAWN_SETSIGMASK
                | PosixSpawnFlags::POSIX_SPAWN_SETSIGDEF,
        )?;
        let (name, args) = (c_text(self.name.as_bytes())?, self.words()?);
        posix_spawnp(&name, &files, &how, &args, &environment()?).map_err(|error| {
            let error = io::Error::from(error);
            let why = format!("cannot start {}: {error}", self.name);
            io::Error::new(error.kind(), why)
        })
    }
    // ANCHOR_END: start

    /// What the program finds as its arguments: its name, and what it is told.
    fn words(&self) -> io::Result<Vec<CString>> {
        let all = [&self.name].into_iter().chain(&self.args);
        all.map(|word| c_text(word.as_bytes())).collect()
    }
}

/// Our own environment, for the program.
fn environment() -> io::Result<Vec<CString>> {
    env::vars_os()
        .map(|(name, value)| {
            c_text(&[name.as_bytes(), b"=", value.as_bytes()].concat())
        })
        .collect()
}

/// Text as C has it, which ends with the first zero.
fn c_text(bytes: &[u8]) -> io::Result<CString> {
    CString::new(bytes).map_err(io::Error::from)
}
