//! select, poll and epoll behind one face.

use std::io;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd};
use std::time::Duration;

use nix::errno::Errno;
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
#[cfg(any(target_os = "linux", target_os = "android"))]
use nix::sys::epoll::{
    Epoll, EpollCreateFlags, EpollEvent, EpollFlags, EpollTimeout,
};
use nix::sys::select::{FdSet, select};
use nix::sys::time::{TimeVal, TimeValLike};

/// How an event loop asks the kernel which connections it can go on with.
///
/// ```
/// use socketserver::Backend;
///
/// let backend = match cfg!(target_os = "linux") {
///     true => Backend::Epoll,
///     false => Backend::Poll,
/// };
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Backend {
    /// select(2): a bit for each descriptor, of which there are 1024. Connections with a
    /// higher one are refused.
    Select,
    /// poll(2): a list of all descriptors for each wait, which the kernel walks through.
    Poll,
    /// epoll(7): the kernel keeps the list and tells what is ready. Only on Linux.
    Epoll,
}

/// What is waited for on one descriptor.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Interest {
    pub(crate) read: bool,
    pub(crate) write: bool,
}

/// What can be done on one descriptor without waiting.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Ready {
    pub(crate) token: u64,
    pub(crate) read: bool,
    pub(crate) write: bool,
}

/// A descriptor that is waited for, its token, and what is waited for.
pub(crate) type Waited<'a> = (BorrowedFd<'a>, u64, Interest);

/// Waits for many descriptors.
///
/// Of those that the kernel has to be told of each time it asks `all` at each wait;
/// those that it keeps are told with [`add`](Selector::add) and its like.
pub(crate) enum Selector {
    Select,
    Poll,
    #[cfg(any(target_os = "linux", target_os = "android"))]
    Epoll {
        epoll: Epoll,
        events: Vec<EpollEvent>,
    },
}

impl Selector {
    /// # Errors
    ///
    /// Those of epoll_create(2), and [`io::ErrorKind::Unsupported`] for epoll elsewhere.
    pub(crate) fn new(backend: Backend) -> io::Result<Self> {
        match backend {
            Backend::Select => Ok(Selector::Select),
            Backend::Poll => Ok(Selector::Poll),
            #[cfg(any(target_os = "linux", target_os = "android"))]
            Backend::Epoll => Ok(Selector::Epoll {
                epoll: Epoll::new(EpollCreateFlags::EPOLL_CLOEXEC)?,
                events: vec![EpollEvent::empty(); 256],
            }),
            #[cfg(not(any(target_os = "linux", target_os = "android")))]
            Backend::Epoll => {
                let why = "only Linux has epoll";
                Err(io::Error::new(io::ErrorKind::Unsupported, why))
            }
        }
    }

    /// Whether it can wait for this descriptor at all.
    pub(crate) fn can_hold(&self, fd: BorrowedFd<'_>) -> bool {
        !matches!(self, Selector::Select) || fd.as_raw_fd() < FD_SETSIZE
    }

    pub(crate) fn add(
        &self,
        fd: impl AsFd,
        token: u64,
        interest: Interest,
    ) -> io::Result<()> {
        match self {
            #[cfg(any(target_os = "linux", target_os = "android"))]
            Selector::Epoll { epoll, .. } => {
                Ok(epoll.add(fd, EpollEvent::new(flags(interest), token))?)
            }
            _ => Ok(()),
        }
    }

    pub(crate) fn change(
        &self,
        fd: impl AsFd,
        token: u64,
        interest: Interest,
    ) -> io::Result<()> {
        match self {
            #[cfg(any(target_os = "linux", target_os = "android"))]
            Selector::Epoll { epoll, .. } => {
                Ok(epoll.modify(fd, &mut EpollEvent::new(flags(interest), token))?)
            }
            _ => Ok(()),
        }
    }

    /// The descriptor is closed next, and nobody else has it: epoll(7) forgets it then,
    /// but one that was copied, as by fork(2), it would keep.
    pub(crate) fn remove(&self, fd: impl AsFd) {
        match self {
            #[cfg(any(target_os = "linux", target_os = "android"))]
            Selector::Epoll { epoll, .. } => drop(epoll.delete(fd)),
            _ => drop(fd),
        }
    }

    /// Waits, for ever without a limit, and puts what is ready into `ready`.
    ///
    /// # Errors
    ///
    /// Those of the call.
    pub(crate) fn wait<'a>(
        &mut self,
        limit: Option<Duration>,
        ready: &mut Vec<Ready>,
        all: impl Iterator<Item = Waited<'a>>,
    ) -> io::Result<()> {
        ready.clear();
        let waited = match self {
            Selector::Select => by_select(limit, ready, all),
            Selector::Poll => by_poll(limit, ready, all),
            #[cfg(any(target_os = "linux", target_os = "android"))]
            Selector::Epoll { epoll, events } => {
                by_epoll(epoll, events, limit, ready)
            }
        };
        match waited {
            Err(Errno::EINTR) => Ok(()),
            waited => Ok(waited?),
        }
    }
}

/// How many descriptors select(2) knows.
const FD_SETSIZE: i32 = 1024;

fn by_select<'a>(
    limit: Option<Duration>,
    ready: &mut Vec<Ready>,
    all: impl Iterator<Item = Waited<'a>>,
) -> nix::Result<()> {
    let mut waited: Vec<(BorrowedFd<'a>, u64)> = Vec::new();
    let (mut reading, mut writing) = (FdSet::new(), FdSet::new());
    for (fd, token, interest) in all {
        if interest.read {
            reading.insert(fd);
        }
        if interest.write {
            writing.insert(fd);
        }
        waited.push((fd, token));
    }
    let mut limit = limit.map(|limit| {
        TimeVal::microseconds(i64::try_from(limit.as_micros()).unwrap_or(i64::MAX))
    });
    select(None, &mut reading, &mut writing, None, &mut limit)?;
    ready.extend(waited.into_iter().filter_map(|(fd, token)| {
        let (read, write) = (reading.contains(fd), writing.contains(fd));
        (read || write).then_some(Ready { token, read, write })
    }));
    Ok(())
}

fn by_poll<'a>(
    limit: Option<Duration>,
    ready: &mut Vec<Ready>,
    all: impl Iterator<Item = Waited<'a>>,
) -> nix::Result<()> {
    let (mut fds, mut tokens) = (Vec::new(), Vec::new());
    for (fd, token, interest) in all {
        let mut wanted = PollFlags::empty();
        wanted.set(PollFlags::POLLIN, interest.read);
        wanted.set(PollFlags::POLLOUT, interest.write);
        fds.push(PollFd::new(fd, wanted));
        tokens.push(token);
    }
    poll(&mut fds, millis(limit, PollTimeout::NONE, PollTimeout::MAX))?;
    let gone = PollFlags::POLLHUP | PollFlags::POLLERR;
    ready.extend(fds.iter().zip(tokens).filter_map(|(fd, token)| {
        let seen = fd.revents().unwrap_or(PollFlags::empty());
        let gone = seen.intersects(gone);
        let (read, write) = (
            gone || seen.contains(PollFlags::POLLIN),
            gone || seen.contains(PollFlags::POLLOUT),
        );
        (read || write).then_some(Ready { token, read, write })
    }));
    Ok(())
}

#[cfg(any(target_os = "linux", target_os = "android"))]
fn by_epoll(
    epoll: &Epoll,
    events: &mut [EpollEvent],
    limit: Option<Duration>,
    ready: &mut Vec<Ready>,
) -> nix::Result<()> {
    let limit = millis(limit, EpollTimeout::NONE, EpollTimeout::MAX);
    let count = epoll.wait(events, limit)?;
    let gone = EpollFlags::EPOLLHUP | EpollFlags::EPOLLERR;
    ready.extend(events[..count].iter().map(|event| {
        let seen = event.events();
        let gone = seen.intersects(gone);
        Ready {
            token: event.data(),
            read: gone || seen.contains(EpollFlags::EPOLLIN),
            write: gone || seen.contains(EpollFlags::EPOLLOUT),
        }
    }));
    Ok(())
}

#[cfg(any(target_os = "linux", target_os = "android"))]
fn flags(interest: Interest) -> EpollFlags {
    let mut flags = EpollFlags::empty();
    flags.set(EpollFlags::EPOLLIN, interest.read);
    flags.set(EpollFlags::EPOLLOUT, interest.write);
    flags
}

/// Whole milliseconds, rounded up: one too few would have a loop turn until then.
fn millis<T: TryFrom<u128>>(limit: Option<Duration>, none: T, most: T) -> T {
    let Some(limit) = limit else { return none };
    T::try_from(limit.as_nanos().div_ceil(1_000_000)).unwrap_or(most)
}
