//! The time limit that a socket has of its own.
//!
//! It does not show in `/proc`. A copy of the descriptor tells: pidfd_getfd(2) takes
//! one from a process that we may trace, such as our own child, without stopping it.

use std::io;
use std::time::Duration;

use rustix::net::sockopt::{Timeout, socket_timeout};
use rustix::process::{Pid, PidfdFlags, PidfdGetfdFlags, pidfd_getfd, pidfd_open};

use crate::Call;

/// See [`time_limit`](crate::time_limit).
pub(crate) fn time_limit(pid: u32, call: &Call) -> io::Result<Option<Duration>> {
    let Some(fd) = call.fd() else {
        return Ok(None);
    };
    let limit = match call.name.as_str() {
        "accept" | "accept4" | "read" | "readv" | "recvfrom" | "recvmsg"
        | "recvmmsg" => Timeout::Recv,
        "connect" | "write" | "writev" | "sendto" | "sendmsg" | "sendmmsg"
        | "sendfile" => Timeout::Send,
        _ => return Ok(None),
    };
    let pid = i32::try_from(pid).ok().and_then(Pid::from_raw);
    let pid = pid.ok_or(io::ErrorKind::NotFound)?;
    let process = pidfd_open(pid, PidfdFlags::empty())?;
    let copy = pidfd_getfd(process, fd, PidfdGetfdFlags::empty())?;
    match socket_timeout(copy, limit) {
        Err(rustix::io::Errno::NOTSOCK) => Ok(None),
        limit => Ok(limit?),
    }
}
