//! From an address back to a name, and the answer to an open question.

use std::ffi::CStr;
use std::io;
use std::net::{IpAddr, SocketAddr};

use socket2::SockAddr;

use crate::resolve::{Hints, LookupError, lookup, words};

/// What was found out about a name, in the manner of Python's `getfqdn`.
#[derive(Debug)]
pub struct Fqdn {
    /// What was asked for.
    pub asked: String,
    /// Its addresses, and what each is called; an address need not have a name.
    pub addresses: Vec<(IpAddr, Result<String, String>)>,
    /// The first of those names that has a dot in it; if none has, what was asked.
    pub name: String,
}

// ANCHOR: fqdn
/// Looks for the full name of `host`: its addresses, and back to their names.
///
/// An address has a name only where somebody has entered one: a PTR record in DNS, or
/// a line in /etc/hosts. Where nobody has, what comes back is what went in.
///
/// # Errors
///
/// If the name has no address.
pub fn fqdn(host: &str) -> Result<Fqdn, LookupError> {
    let hints = Hints {
        kind: libc::SOCK_STREAM, // once per address is enough
        ..Hints::default()
    };
    let mut found = lookup(Some(host), None, hints)?;
    found.dedup_by_key(|found| found.address);
    let addresses: Vec<_> = found
        .iter()
        .map(|found| (found.address.ip(), name_of(found.address)))
        .collect();
    let names = addresses.iter().filter_map(|(_, name)| name.as_ref().ok());
    let full = names.into_iter().find(|name| name.contains('.'));
    let name = full.cloned().unwrap_or_else(|| host.to_string());
    Ok(Fqdn {
        asked: host.to_string(),
        addresses,
        name,
    })
}
// ANCHOR_END: fqdn

// ANCHOR: name_of
/// The name of an address: `getnameinfo`, with the demand for a real name. Without
/// `NI_NAMEREQD` it would hand us the address again, in figures, as if that were one.
///
/// # Errors
///
/// The library's words where the address has no name.
#[expect(unsafe_code, reason = "std and nix have no getnameinfo")]
pub fn name_of(address: SocketAddr) -> Result<String, String> {
    const LONGEST: usize = 1025; // NI_MAXHOST of getnameinfo(3)
    let address = SockAddr::from(address);
    let mut host = [0 as libc::c_char; LONGEST];
    // SAFETY: `address` is as long as it says, `host` has room for LONGEST bytes, and
    // the service, which we do not ask for, may be null with a length of 0.
    let code = unsafe {
        libc::getnameinfo(
            address.as_ptr().cast(),
            address.len(),
            host.as_mut_ptr(),
            LONGEST as libc::socklen_t,
            std::ptr::null_mut(),
            0,
            libc::NI_NAMEREQD,
        )
    };
    if code != 0 {
        return Err(words(code));
    }
    Ok(until_nul(&host))
}
// ANCHOR_END: name_of

/// This machine's own name for itself: `gethostname`. It need not be known to anybody.
///
/// # Errors
///
/// If the kernel does not tell.
#[expect(unsafe_code, reason = "std has no gethostname")]
pub fn host_name() -> io::Result<String> {
    const LONGEST: usize = 256; // HOST_NAME_MAX is 64 on Linux, 255 elsewhere
    let mut name = [0 as libc::c_char; LONGEST];
    // SAFETY: `name` has room for as many bytes as we say; the last stays 0.
    let code = unsafe { libc::gethostname(name.as_mut_ptr(), LONGEST - 1) };
    if code != 0 {
        return Err(io::Error::last_os_error());
    }
    Ok(until_nul(&name))
}

fn until_nul(text: &[libc::c_char]) -> String {
    let bytes: Vec<u8> = text.iter().map(|c| c.to_ne_bytes()[0]).collect();
    let text = CStr::from_bytes_until_nul(&bytes).unwrap_or_default();
    text.to_string_lossy().into_owned()
}
