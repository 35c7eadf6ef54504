//! How a socket gets its address.

use std::fs::{self, Metadata};
use std::io;
use std::net::SocketAddr;
use std::os::unix::fs::{FileTypeExt, MetadataExt};
use std::path::{Path, PathBuf};

use socket2::{Domain, SockAddr, Socket, Type};

use crate::addr::Addr;
use crate::builder::{Options, Place};

/// A socket that listens, and the file that it has in the file system.
pub(crate) fn listener(
    place: &Place,
    options: &Options,
) -> io::Result<(Socket, Option<SocketFile>)> {
    bound(place, options, Type::STREAM, |socket| {
        socket.listen(options.backlog)
    })
}

/// A socket that receives datagrams, and the file that it has in the file system.
pub(crate) fn receiver(
    place: &Place,
    options: &Options,
) -> io::Result<(Socket, Option<SocketFile>)> {
    bound(place, options, Type::DGRAM, |_| Ok(()))
}

fn bound(
    place: &Place,
    options: &Options,
    kind: Type,
    then: impl Fn(&Socket) -> io::Result<()>,
) -> io::Result<(Socket, Option<SocketFile>)> {
    match place {
        Place::Given(socket) => {
            let socket = socket.try_clone()?;
            if socket.r#type()? != kind {
                let why = format!("the socket that was given is no {kind:?}");
                return Err(io::Error::new(io::ErrorKind::InvalidInput, why));
            }
            then(&socket)?;
            Ok((socket, None))
        }
        Place::Unix(addr) => {
            let wrap = |error| explained(error, addr);
            let (socket, file) = unix(addr, kind).map_err(wrap)?;
            then(&socket).map_err(wrap)?;
            Ok((socket, file))
        }
        Place::Inet(addrs) => {
            let mut last = None;
            for addr in addrs {
                let made = inet(*addr, options, kind)
                    .and_then(|socket| then(&socket).map(|()| socket));
                match made {
                    Ok(socket) => return Ok((socket, None)),
                    Err(error) => last = Some(explained(error, &Addr::Inet(*addr))),
                }
            }
            Err(last.unwrap_or_else(|| {
                let why = "the name has no address to bind to";
                io::Error::new(io::ErrorKind::AddrNotAvailable, why)
            }))
        }
    }
}

fn explained(error: io::Error, addr: &Addr) -> io::Error {
    io::Error::new(error.kind(), format!("cannot bind to {addr}: {error}"))
}

fn inet(addr: SocketAddr, options: &Options, kind: Type) -> io::Result<Socket> {
    let socket = Socket::new(Domain::for_address(addr), kind, None)?;
    if kind == Type::STREAM && options.reuse_address {
        socket.set_reuse_address(true)?;
    }
    if options.reuse_port {
        socket.set_reuse_port(true)?;
    }
    if let (true, Some(only)) = (addr.is_ipv6(), options.only_v6) {
        socket.set_only_v6(only)?;
    }
    socket.bind(&addr.into())?;
    Ok(socket)
}

fn unix(addr: &Addr, kind: Type) -> io::Result<(Socket, Option<SocketFile>)> {
    let socket = Socket::new(Domain::UNIX, kind, None)?;
    let sock_addr = addr.to_sock_addr()?;
    let Some(path) = addr.as_path() else {
        socket.bind(&sock_addr)?;
        return Ok((socket, None));
    };
    match socket.bind(&sock_addr) {
        Err(error)
            if error.kind() == io::ErrorKind::AddrInUse && is_stale(path, kind)? =>
        {
            fs::remove_file(path)?;
            socket.bind(&sock_addr)?;
        }
        bound => bound?,
    }
    Ok((socket, Some(SocketFile::at(path)?)))
}

/// Whether the file is a socket at which nobody is any more. A regular file, or one of a
/// server that runs, is left alone.
fn is_stale(path: &Path, kind: Type) -> io::Result<bool> {
    if !fs::symlink_metadata(path)?.file_type().is_socket() {
        return Ok(false);
    }
    let knock = Socket::new(Domain::UNIX, kind, None)?;
    knock.set_nonblocking(true)?;
    let answer = knock.connect(&SockAddr::unix(path)?);
    Ok(answer.is_err_and(|error| error.kind() == io::ErrorKind::ConnectionRefused))
}

/// The file of a Unix socket, which is removed when its server is dropped, if it is
/// still the same one.
#[derive(Debug)]
pub(crate) struct SocketFile {
    path: PathBuf,
    identity: (u64, u64),
}

impl SocketFile {
    fn at(path: &Path) -> io::Result<Self> {
        let identity = identity(&fs::symlink_metadata(path)?);
        let path = path.to_path_buf();
        Ok(Self { path, identity })
    }
}

fn identity(metadata: &Metadata) -> (u64, u64) {
    (metadata.dev(), metadata.ino())
}

impl Drop for SocketFile {
    fn drop(&mut self) {
        let now = fs::symlink_metadata(&self.path);
        if now.is_ok_and(|now| identity(&now) == self.identity) {
            let _ = fs::remove_file(&self.path);
        }
    }
}
