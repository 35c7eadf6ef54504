//! Where a probe may send whole packets: a network of its own, or, where the machine
//! allows it, the loopback as it is.

use std::fs;
use std::io;
use std::net::{Ipv4Addr, SocketAddrV4};

use rustix::fd::OwnedFd;
use rustix::net::{
    AddressFamily, RecvFlags, SendFlags, SocketType, ipproto, recv, send, sendto,
    socket,
};
use rustix::thread::UnshareFlags;

/// A socket that sends whole IPv4 packets on loopback.
///
/// # Errors
///
/// If the machine lets nobody have one; then nothing has changed.
pub(crate) fn whole_packets() -> io::Result<OwnedFd> {
    let made = enter();
    let raw = socket(AddressFamily::INET, SocketType::RAW, Some(ipproto::RAW));
    match (made, raw) {
        (_, Ok(raw)) => Ok(raw),
        (Err(error), Err(_)) => Err(error),
        (Ok(()), Err(error)) => Err(error.into()),
    }
}

/// Sends a packet on loopback.
pub(crate) fn send_packet(raw: &OwnedFd, packet: &[u8]) -> io::Result<()> {
    let to = SocketAddrV4::new(Ipv4Addr::LOCALHOST, 0);
    sendto(raw, packet, SendFlags::empty(), &to)?;
    Ok(())
}

/// Moves this process, which has one thread, into a user and a network namespace.
///
/// # Errors
///
/// If the machine lets nobody do that.
pub fn enter() -> io::Result<()> {
    let (user, group) = (rustix::process::getuid(), rustix::process::getgid());
    unshare()?;
    fs::write("/proc/self/setgroups", "deny")?; // see user_namespaces(7)
    fs::write("/proc/self/uid_map", format!("0 {} 1", user.as_raw()))?;
    fs::write("/proc/self/gid_map", format!("0 {} 1", group.as_raw()))?;
    loopback_up()
}

#[expect(unsafe_code, reason = "unshare can share out descriptors, too")]
fn unshare() -> io::Result<()> {
    let both = UnshareFlags::NEWUSER | UnshareFlags::NEWNET;
    // SAFETY: what is unsafe about unshare(2) is CLONE_FILES, which is not asked for.
    Ok(unsafe { rustix::thread::unshare_unsafe(both) }?)
}

/// Switches interface 1, the loopback, on: RTM_NEWLINK of rtnetlink(7).
fn loopback_up() -> io::Result<()> {
    let mut message = 32_u32.to_ne_bytes().to_vec();
    message.extend(16_u16.to_ne_bytes()); // RTM_NEWLINK
    message.extend(5_u16.to_ne_bytes()); // NLM_F_REQUEST, NLM_F_ACK
    message.extend([0; 12]);
    message.extend(1_i32.to_ne_bytes());
    message.extend([1_u32.to_ne_bytes(), 1_u32.to_ne_bytes()].concat()); // IFF_UP
    let kernel = socket(AddressFamily::NETLINK, SocketType::RAW, None)?;
    send(&kernel, &message, SendFlags::empty())?;
    let mut answer = [0; 64];
    let (length, _) = recv(&kernel, &mut answer, RecvFlags::empty())?;
    match answer[..length].get(16..20) {
        Some([0, 0, 0, 0]) => Ok(()),
        _ => Err(io::Error::other("the loopback cannot be switched on")),
    }
}
