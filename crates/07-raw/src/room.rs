//! A network of our own: a user and a network namespace (namespaces(7)).
//!
//! A raw socket sees and forges other people's packets, so it takes the capability
//! CAP_NET_RAW. Whoever makes a new user namespace has every capability in it, and
//! none outside. A network namespace made together with it belongs to it: its only
//! interface is a loopback of its own, and nobody else's packets are there.

use std::io;

/// What to do where the kernel lets us make no namespace.
pub const REMEDY: &str = "\
as root, one of these helps:
  sysctl -w kernel.apparmor_restrict_unprivileged_userns=0   on Ubuntu
  sysctl -w kernel.unprivileged_userns_clone=1               on older Debians
  sysctl -w user.max_user_namespaces=10000                   where it is 0
in a container: start it with --security-opt seccomp=unconfined, or be root there
or run the program itself with sudo";

/// Moves this process into a network of its own, whose loopback is up.
///
/// # Errors
///
/// If the kernel does not allow it, or if this process has more than one thread:
/// unshare(2) refuses to give one thread another user namespace than the others.
#[cfg(target_os = "linux")]
pub fn enter() -> io::Result<()> {
    linux::enter()
}

/// Allows ping sockets to the group 0, which in a network of our own is ours.
///
/// # Errors
///
/// If that is not ours to tell.
pub fn allow_ping_sockets() -> io::Result<()> {
    std::fs::write("/proc/sys/net/ipv4/ping_group_range", "0 0")
}

/// There are no namespaces here.
///
/// # Errors
///
/// Always.
#[cfg(not(target_os = "linux"))]
pub fn enter() -> io::Result<()> {
    let why = "only Linux has network namespaces; run it with sudo";
    Err(io::Error::new(io::ErrorKind::Unsupported, why))
}

#[cfg(target_os = "linux")]
mod linux {
    use std::fs;
    use std::io::{self, Read};

    use nix::sched::{CloneFlags, unshare};
    use nix::unistd::{Gid, Uid};
    use socket2::{Domain, Protocol, Socket, Type};

    // ANCHOR: enter
    pub fn enter() -> io::Result<()> {
        let (user, group) = (Uid::effective(), Gid::effective());
        let both = CloneFlags::CLONE_NEWUSER | CloneFlags::CLONE_NEWNET;
        unshare(both).map_err(|error| told("unshare", error.into()))?;
        // In the new namespace we are root, and outside the same user as before. The
        // group's line is only taken once nobody can drop groups: user_namespaces(7).
        for (file, line) in [
            ("/proc/self/setgroups", "deny".to_string()),
            ("/proc/self/uid_map", format!("0 {user} 1")),
            ("/proc/self/gid_map", format!("0 {group} 1")),
        ] {
            fs::write(file, line).map_err(|error| told(file, error))?;
        }
        loopback_up().map_err(|error| told("the new loopback", error))
    }
    // ANCHOR_END: enter

    // ANCHOR: loopback
    /// Asks the kernel to switch interface 1 on: a message of rtnetlink(7), which the
    /// kernel answers with the number of an error, or 0.
    fn loopback_up() -> io::Result<()> {
        const RTM_NEWLINK: u16 = 16;
        const REQUEST_WITH_ANSWER: u16 = 1 | 4; // NLM_F_REQUEST, NLM_F_ACK
        const UP: u32 = 1; // IFF_UP
        let mut message = 32_u32.to_ne_bytes().to_vec(); // the kernel is on this
        message.extend(RTM_NEWLINK.to_ne_bytes()); //       machine: its own order
        message.extend(REQUEST_WITH_ANSWER.to_ne_bytes());
        message.extend([0; 8]); // sequence; from whom: nobody else talks here
        message.extend([0; 4]); // any family, any type
        message.extend(1_i32.to_ne_bytes()); // the loopback is always the first
        message.extend(UP.to_ne_bytes()); // the new flags
        message.extend(UP.to_ne_bytes()); // which of them to change
        let route = Some(Protocol::from(0)); // NETLINK_ROUTE
        let kernel = Socket::new(Domain::from(16), Type::RAW, route)?; // AF_NETLINK
        kernel.send(&message)?;

        let mut answer = [0; 64];
        let length = (&kernel).read(&mut answer)?;
        let error = answer[..length].get(16..20).and_then(|e| e.first_chunk());
        match error.copied().map(i32::from_ne_bytes) {
            Some(0) => Ok(()),
            Some(error) => Err(io::Error::from_raw_os_error(error.saturating_neg())),
            None => Err(io::ErrorKind::UnexpectedEof.into()),
        }
    }
    // ANCHOR_END: loopback

    fn told(what: &str, error: io::Error) -> io::Error {
        io::Error::new(error.kind(), format!("{what}: {error}"))
    }
}
