//! A process, seen briefly or whole.

use crate::descriptor::{Descriptor, Kind};
use crate::socket::TcpSocket;
use crate::thread::{Thread, all_blocked, all_slept, cpu_share};
use std::io;
use std::net::SocketAddr;
use std::time::Instant;

/// The threads of a process at one moment: cheap enough to be asked for every few
/// milliseconds.
///
/// # Stuck, or merely slow?
///
/// A clock cannot tell: on a busy machine a healthy program may take a second to
/// answer. Its state can. Do what should make the process act, such as sending it a
/// line. Then take glances until one is [quiet](Glance::quiet_since) since the one
/// before:
///
/// ```
/// # use std::{io, thread, time::Duration};
/// /// Waits until the process sleeps, and has slept for a while.
/// fn settle(pid: u32, pause: Duration) -> io::Result<xray::Glance> {
///     let mut earlier = xray::glance(pid)?;
///     loop {
///         thread::sleep(pause);
///         let later = xray::glance(pid)?;
///         if later.quiet_since(&earlier) {
///             return Ok(later);
///         }
///         earlier = later;
///     }
/// }
/// # #[cfg(target_os = "linux")] {
/// # let mut child = std::process::Command::new("sleep").arg("60").spawn()?;
/// # let settled = settle(child.id(), Duration::from_millis(1));
/// # child.kill()?;
/// # child.wait()?;
/// # assert!(settled?.is_blocked());
/// # }
/// # Ok::<(), io::Error>(())
/// ```
///
/// A process that is quiet waits for something. Whether that comes by itself is a
/// second question: [`Glance::waits_forever`] answers it as far as the registers do,
/// and the descriptors ([`Glance::resolve`]) tell whom it waits for. A third is who
/// else could wake it: its children, for which you would have to take glances too.
#[derive(Debug, Clone)]
pub struct Glance {
    /// The process.
    pub pid: u32,
    /// Its threads, the first one first.
    pub threads: Vec<Thread>,
    /// When this was seen.
    pub at: Instant,
}

impl Glance {
    /// The rest of the picture: what the descriptors stand for, sockets, children. It
    /// is as old as this call, not as this glance: see [`Process::settled`].
    ///
    /// # Errors
    ///
    /// As for [`look`](crate::look).
    pub fn resolve(&self) -> io::Result<Process> {
        crate::system::resolve(self)
    }

    /// Whether every thread sleeps in a system call. (One that has ended does not
    /// count, but a process of which every thread has ended is not blocked.)
    pub fn is_blocked(&self) -> bool {
        all_blocked(&self.threads)
    }

    /// Whether the process slept all the while since an earlier glance: the same
    /// threads, each asleep in the same system call with the same arguments, and none
    /// of them was given a processor in between, however briefly.
    pub fn quiet_since(&self, earlier: &Glance) -> bool {
        all_slept(&earlier.threads, &self.threads)
    }

    /// [`Call::waits_forever`](crate::Call::waits_forever) of all threads:
    /// `Some(false)` if one of them will wake by itself, `Some(true)` if none will,
    /// `None` if that is not known, or if some thread does not sleep.
    pub fn waits_forever(&self) -> Option<bool> {
        let mut all = Some(true);
        for thread in self.threads.iter().filter(|thread| !thread.has_ended()) {
            match thread.call.as_ref().and_then(|call| call.waits_forever()) {
                Some(true) => {}
                Some(false) => return Some(false),
                None => all = None,
            }
        }
        all.filter(|_| self.is_blocked())
    }

    /// See [`Process::cpu_share_since`].
    pub fn cpu_share_since(&self, earlier: &Glance) -> f64 {
        let wall = self.at.saturating_duration_since(earlier.at);
        cpu_share(&earlier.threads, &self.threads, wall)
    }
}

/// A process at one moment.
#[derive(Debug, Clone)]
pub struct Process {
    /// Its number.
    pub pid: u32,
    /// Its name, at most 15 bytes: that of its first thread.
    pub name: String,
    /// The program and its arguments; empty for a zombie and where it may not be
    /// seen.
    pub command: Vec<String>,
    /// Its threads, the first one first.
    pub threads: Vec<Thread>,
    /// Its open descriptors, in order.
    pub descriptors: Vec<Descriptor>,
    /// Its children.
    pub children: Vec<Relative>,
    /// When its threads were seen.
    pub at: Instant,
    /// Whether the process slept all the while that this picture was being put
    /// together. If not, its parts may belong to different moments (a call from
    /// before a message came, a queue from after), and it is better to look again
    /// than to conclude.
    pub settled: bool,
    /// What could not be seen and why, each as a sentence without its full stop.
    pub unseen: Vec<String>,
}

/// A child of a process.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Relative {
    /// Its number.
    pub pid: u32,
    /// Its name, at most 15 bytes.
    pub name: String,
    /// Whether it has ended and its parent has not yet collected it with wait(2).
    pub zombie: bool,
}

impl Process {
    /// Its TCP sockets, in the order of their descriptors.
    pub fn tcp(&self) -> impl Iterator<Item = (i32, &TcpSocket)> {
        self.descriptors
            .iter()
            .filter_map(|descriptor| match &descriptor.what {
                Kind::Tcp(socket) => Some((descriptor.fd, socket)),
                _ => None,
            })
    }

    /// The addresses of its TCP sockets in the state LISTEN.
    pub fn listening(&self) -> Vec<SocketAddr> {
        let listeners = self.tcp().filter(|(_, socket)| socket.is_listening());
        listeners.map(|(_, socket)| socket.local).collect()
    }

    /// What a descriptor of this process stands for.
    pub fn descriptor(&self, fd: i32) -> Option<&Descriptor> {
        self.descriptors
            .iter()
            .find(|descriptor| descriptor.fd == fd)
    }

    /// How many of its children are zombies.
    pub fn zombies(&self) -> usize {
        self.children.iter().filter(|child| child.zombie).count()
    }

    /// Whether the process itself has ended and waits to be collected by its parent.
    pub fn is_zombie(&self) -> bool {
        self.threads.iter().all(Thread::has_ended)
    }

    /// Whether every thread sleeps in a system call. See also [`Glance::is_blocked`].
    pub fn is_blocked(&self) -> bool {
        all_blocked(&self.threads)
    }

    /// The part of the time since an earlier picture that its threads ran or were
    /// ready to run: 0 for a process that slept, about 1 for a thread in an endless
    /// loop, 2 for two of them. Time spent waiting for a processor counts, so that a
    /// loop is seen for what it is on a busy machine too.
    ///
    /// A thread that began in between counts whole, one that ended not at all. The
    /// kernel adds up running time at its clock ticks and waiting time when it ends,
    /// so let some 300 ms pass between the two. Not a number (`NaN`, which no
    /// comparison holds for) on a kernel that keeps no such statistics.
    pub fn cpu_share_since(&self, earlier: &Process) -> f64 {
        let wall = self.at.saturating_duration_since(earlier.at);
        cpu_share(&earlier.threads, &self.threads, wall)
    }

    /// A page for people, in lines of at most `width` characters (but not under 40).
    pub fn to_text(&self, width: usize) -> String {
        crate::page::page(self, width.max(40))
    }
}
