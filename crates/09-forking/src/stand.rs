//! A server in a process of its own, to experiment with.

use std::io::{self, BufRead, BufReader, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};

use nix::errno::Errno;
use nix::sys::prctl;
use nix::sys::signal::{Signal, kill};
use nix::sys::wait::waitpid;
use nix::unistd::{Pid, getppid};

use crate::ANY_PORT;
use crate::look::{self, until};
use crate::process::{Fork, exit_now, fork};

/// A server, and the callers that this process plays.
#[derive(Debug)]
pub struct Stand {
    /// The server's process.
    pub server: Pid,
    /// Where it listens.
    pub addr: SocketAddr,
    over: bool,
}

impl Stand {
    /// Starts `serve` in a child, which ends when it returns. What this process has open
    /// the child has too: start it before you call anybody.
    ///
    /// # Errors
    ///
    /// If there is no port left, or [`fork`] fails.
    pub fn start(serve: fn(TcpListener) -> io::Result<()>) -> io::Result<Self> {
        let listener = TcpListener::bind(ANY_PORT)?;
        let addr = listener.local_addr()?;
        let parent = nix::unistd::getpid();
        match fork()? {
            Fork::Parent(server) => Ok(Self {
                server,
                addr,
                over: false,
            }),
            Fork::Child => {
                // Whatever becomes of the experiment, the server ends with it.
                let told = prctl::set_pdeathsig(Signal::SIGTERM);
                let served = match told {
                    Ok(()) if getppid() == parent => serve(listener),
                    _ => Err(Errno::ESRCH.into()),
                };
                exit_now(u8::from(served.is_err()))
            }
        }
    }

    /// Calls the server.
    ///
    /// # Errors
    ///
    /// If nobody listens, or for want of descriptors.
    pub fn call(&self) -> io::Result<Caller> {
        Caller::call(self.addr)
    }

    /// Waits until the server has this many children, those included that have ended and
    /// are not collected.
    ///
    /// # Errors
    ///
    /// If it does not come to that.
    pub fn until_children(&self, count: usize) -> io::Result<Vec<Pid>> {
        until(&format!("{count} children of the server"), || {
            Ok(look::children(self.server)?.len() == count)
        })?;
        look::children(self.server)
    }

    /// Waits until this many of the server's children are zombies.
    ///
    /// # Errors
    ///
    /// As [`Stand::until_children`].
    pub fn until_zombies(&self, count: usize) -> io::Result<()> {
        until(&format!("{count} zombies"), || Ok(self.zombies()? == count))
    }

    /// How many of the server's children are zombies.
    ///
    /// # Errors
    ///
    /// If `/proc` tells nothing.
    pub fn zombies(&self) -> io::Result<usize> {
        let children = look::children(self.server)?;
        let states = children.into_iter().map(look::state);
        // Who was collected between the two looks is no zombie any more.
        Ok(states.filter(|state| matches!(state, Ok('Z'))).count())
    }

    /// Stops the server where it is, and what it is told waits; or lets it go on.
    ///
    /// # Errors
    ///
    /// If it is not there any more.
    pub fn hold(&self, hold: bool) -> io::Result<()> {
        if !hold {
            return Ok(kill(self.server, Signal::SIGCONT)?);
        }
        kill(self.server, Signal::SIGSTOP)?;
        until(
            "the server to stop",
            || Ok(look::state(self.server)? == 'T'),
        )
    }

    /// Has the server end in good order, and waits for it.
    ///
    /// # Errors
    ///
    /// If it is not there any more.
    pub fn stop(mut self) -> io::Result<()> {
        self.over = true;
        kill(self.server, Signal::SIGTERM)?;
        waitpid(self.server, None)?;
        Ok(())
    }

    /// Kills the server, and nobody else.
    ///
    /// # Errors
    ///
    /// As [`Stand::stop`].
    pub fn kill(mut self) -> io::Result<()> {
        self.over = true;
        kill(self.server, Signal::SIGKILL)?;
        waitpid(self.server, None)?;
        Ok(())
    }
}

impl Drop for Stand {
    fn drop(&mut self) {
        if !self.over {
            // An experiment has failed half-way; nothing shall be left of it.
            let _ = kill(self.server, Signal::SIGKILL);
            let _ = waitpid(self.server, None);
        }
    }
}

/// One caller's end.
#[derive(Debug)]
pub struct Caller(BufReader<TcpStream>);

impl Caller {
    /// Calls whoever listens there.
    ///
    /// # Errors
    ///
    /// If nobody does.
    pub fn call(addr: SocketAddr) -> io::Result<Self> {
        let stream = TcpStream::connect(addr)?;
        stream.set_read_timeout(Some(look::PATIENCE))?;
        Ok(Self(BufReader::new(stream)))
    }

    /// Says a line.
    ///
    /// # Errors
    ///
    /// If the connection is broken.
    pub fn say(&mut self, line: &str) -> io::Result<()> {
        self.0.get_mut().write_all(format!("{line}\n").as_bytes())
    }

    /// Says a line and hears one, without its newline.
    ///
    /// # Errors
    ///
    /// If the connection is broken, or nothing comes.
    pub fn ask(&mut self, line: &str) -> io::Result<String> {
        self.say(line)?;
        self.hear()
    }

    /// The next line, without its newline; empty at the end.
    ///
    /// # Errors
    ///
    /// As [`Caller::ask`].
    pub fn hear(&mut self) -> io::Result<String> {
        let mut line = String::new();
        self.0.read_line(&mut line)?;
        Ok(line.trim_end().into())
    }

    /// The connection itself.
    pub fn stream(&self) -> &TcpStream {
        self.0.get_ref()
    }
}
