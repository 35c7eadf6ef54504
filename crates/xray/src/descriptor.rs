//! What a descriptor stands for.

use crate::socket::{TcpSocket, UdpSocket, UnixSocket};
use crate::words::{count, printable};
use std::fmt;
use std::path::{Path, PathBuf};

/// An open descriptor of a process.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Descriptor {
    /// Its number.
    pub fd: i32,
    /// What it stands for.
    pub what: Kind,
    /// Of a socket or a pipe, the number it is known by on this machine. Two
    /// descriptors with the same one, be they of two processes, stand for the same
    /// socket; the two ends of a pipe share one.
    pub inode: Option<u64>,
}

/// What a descriptor stands for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Kind {
    /// A TCP socket.
    Tcp(TcpSocket),
    /// A UDP socket.
    Udp(UdpSocket),
    /// A Unix socket.
    Unix(UnixSocket),
    /// One end of a pipe (pipe(7)).
    Pipe {
        /// Which end.
        end: PipeEnd,
    },
    /// Something with a name in the file system: a file, a directory, a device, a
    /// FIFO.
    File(PathBuf),
    /// An epoll set (epoll(7)).
    Epoll(Vec<Watch>),
    /// Anything else, as a noun: `an eventfd`, `a NETLINK socket`.
    Other(String),
}

/// Which end of a pipe.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PipeEnd {
    /// Where bytes come out.
    Read,
    /// Where bytes go in.
    Write,
}

/// An entry in an epoll set's list of interest.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Watch {
    /// The descriptor as it was numbered when it was added. The set watches the open
    /// file behind it: the number may since have been closed or given to something
    /// else.
    pub fd: i32,
    /// The events asked for: `EPOLLIN`, `EPOLLET` and so on (epoll_ctl(2)).
    pub events: u32,
    /// The inode of what is watched, where the kernel tells it.
    pub inode: Option<u64>,
}

impl fmt::Display for Descriptor {
    /// `fd 4, the connection from 127.0.0.1:58974`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "fd {}, {}", self.fd, self.what)
    }
}

impl fmt::Display for Kind {
    /// A noun: `the connection from 127.0.0.1:58974`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Kind::Tcp(socket) => socket.fmt(f),
            Kind::Udp(socket) => socket.fmt(f),
            Kind::Unix(socket) => socket.fmt(f),
            Kind::Pipe { end: PipeEnd::Read } => {
                f.write_str("the read end of a pipe")
            }
            Kind::Pipe {
                end: PipeEnd::Write,
            } => f.write_str("the write end of a pipe"),
            Kind::File(path) => file(f, path),
            Kind::Epoll(watches) => {
                let number = count(watches.len() as u64, "descriptor");
                write!(f, "an epoll set of {number}")
            }
            Kind::Other(noun) => f.write_str(&printable(noun)),
        }
    }
}

fn file(f: &mut fmt::Formatter<'_>, path: &Path) -> fmt::Result {
    let name = printable(&path.to_string_lossy());
    let noun = if path.starts_with("/dev/pts") || path.starts_with("/dev/tty") {
        "the terminal"
    } else if path.starts_with("/dev") {
        "the device"
    } else {
        "the file"
    };
    write!(f, "{noun} {name}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_descriptor_is_told_by_number_and_noun() {
        let told = |fd, what| {
            Descriptor {
                fd,
                what,
                inode: None,
            }
            .to_string()
        };
        let file = |path: &str| Kind::File(PathBuf::from(path));
        assert_eq!(told(0, file("/dev/pts/3")), "fd 0, the terminal /dev/pts/3");
        assert_eq!(told(1, file("/dev/null")), "fd 1, the device /dev/null");
        assert_eq!(told(2, file("/tmp/a\tb")), "fd 2, the file /tmp/a\\tb");
        let pipe = Kind::Pipe {
            end: PipeEnd::Write,
        };
        assert_eq!(told(3, pipe), "fd 3, the write end of a pipe");
        let watch = Watch {
            fd: 4,
            events: 1,
            inode: None,
        };
        assert_eq!(
            told(5, Kind::Epoll(vec![watch])),
            "fd 5, an epoll set of 1 descriptor"
        );
        assert_eq!(
            told(6, Kind::Epoll(vec![])),
            "fd 6, an epoll set of 0 descriptors"
        );
    }
}
