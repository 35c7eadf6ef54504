//! From `http` to 80: the file /etc/services, read by us and by the C library.

use std::ffi::{CStr, CString};
use std::sync::Mutex;

/// Where the C library looks, unless nsswitch.conf(5) says otherwise.
pub const FILE: &str = "/etc/services";

// ANCHOR: parse
/// One line of services(5): `www 80/tcp http # for the web`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Service<'a> {
    /// The official name, then the aliases. Names are bytes, most of them ASCII.
    pub names: Vec<&'a [u8]>,
    /// The port, in the byte order of this machine.
    pub port: u16,
    /// `tcp`, `udp` and so on.
    pub protocol: &'a [u8],
}

/// Reads one line; `None` for a blank one, a comment, and one that is no entry.
///
/// ```
/// let line = lesson_5::services::parse(b"http 80/tcp www # the web").unwrap();
/// assert_eq!((line.names[1], line.port), (&b"www"[..], 80));
/// ```
pub fn parse(line: &[u8]) -> Option<Service<'_>> {
    let line = line.split(|byte| *byte == b'#').next()?;
    let mut fields = line
        .split(u8::is_ascii_whitespace)
        .filter(|field| !field.is_empty());
    let name = fields.next()?;
    let door = fields.next()?;
    let slash = door.iter().position(|byte| *byte == b'/')?;
    let (port, protocol) = (number(&door[..slash])?, &door[slash + 1..]);
    if protocol.is_empty() {
        return None;
    }
    let names = std::iter::once(name).chain(fields).collect();
    Some(Service {
        names,
        port,
        protocol,
    })
}

/// A port in digits, without a sign: `parse::<u16>` alone would take `+80`.
fn number(digits: &[u8]) -> Option<u16> {
    if !digits.iter().all(u8::is_ascii_digit) {
        return None;
    }
    let number = std::str::from_utf8(digits).ok()?.parse().ok()?;
    (number > 0).then_some(number)
}
// ANCHOR_END: parse

// ANCHOR: find
/// The first entry of `file` with this name or alias and this protocol, or, without
/// one, with any.
///
/// A line that cannot be read is as if it were not there: one typing error in a file
/// of six hundred lines is no reason to know no service at all.
pub fn find<'a>(
    file: &'a [u8],
    name: &[u8],
    protocol: Option<&[u8]>,
) -> Option<Service<'a>> {
    let entries = file.split(|byte| *byte == b'\n').filter_map(parse);
    entries
        .filter(|entry| protocol.is_none_or(|wanted| wanted == entry.protocol))
        .find(|entry| entry.names.contains(&name))
}
// ANCHOR_END: find

// ANCHOR: libc
/// The same question to the C library: `getservbyname`, the call under Python's.
///
/// `None` where it knows no such service.
#[expect(unsafe_code, reason = "std and nix have no getservbyname")]
pub fn ask_libc(name: &str, protocol: Option<&str>) -> Option<u16> {
    /// The answer lies in one place for the whole process, and the next call
    /// overwrites it (getservbyname(3), "MT-Unsafe"): one caller at a time.
    static ONE_AT_A_TIME: Mutex<()> = Mutex::new(());
    let name = CString::new(name).ok()?;
    let protocol = protocol.map(CString::new).transpose().ok()?;
    let protocol = protocol.as_deref().map_or(std::ptr::null(), CStr::as_ptr);
    let _turn = ONE_AT_A_TIME.lock().ok()?;
    // SAFETY: both are null or end with a NUL and outlive the call, and nobody else in
    // this program makes it meanwhile.
    let answer = unsafe { libc::getservbyname(name.as_ptr(), protocol).as_ref() };
    // The port is a u16 in network byte order, kept in an int.
    answer.map(|entry| u16::from_be(entry.s_port as u16))
}
// ANCHOR_END: libc
