//! Exercise `names/services`: from a service to its port, and back.
//!
//! The file /etc/services has a service in each line: its name, its port and protocol
//! with a slash between them, and perhaps aliases. White space separates them
//! (`u8::is_ascii_whitespace`: a carriage return, too), and `#` begins a comment, which
//! goes to the end of the line:
//!
//! ```text
//! # Network services
//! domain    53/tcp                # Domain Name Server
//! domain    53/udp
//! http      80/tcp    www         # WorldWideWeb HTTP
//! ```
//!
//! You are given such a file as bytes. People edit it, so any bytes may be in it. A
//! line that is no entry is skipped, and the others still count. An entry has a name, a
//! port in decimal digits and nothing else, from 1 to 65535, and a protocol that is not
//! empty. A name may hold any bytes but white space and `#`; it need not be text.
//!
//! The book has it in chapter 5, "A service is a name and a protocol".

/// The port of the service that has this name or alias, and this protocol.
///
/// Names and protocols are equal if their bytes are: `HTTP` is not `http`. If several
/// lines fit, it is the first. `None` if there is none.
pub fn port(file: &[u8], name: &str, protocol: &str) -> Option<u16> {
    // BEGIN SOLUTION
    let mut entries = entries(file);
    let found = entries.find(|entry| {
        entry.protocol == protocol.as_bytes()
            && entry.names.contains(&name.as_bytes())
    });
    found.map(|entry| entry.port)
    // STUB let _ = (file, name, protocol);
    // STUB todo!("the first line with this name and this protocol")
    // END SOLUTION
}

/// The name (the first word of the line, not an alias) of the service at this port of
/// this protocol.
///
/// If several lines fit, it is the first. `None` if there is none.
pub fn name(file: &[u8], port: u16, protocol: &str) -> Option<Vec<u8>> {
    // BEGIN SOLUTION
    let mut entries = entries(file);
    let found = entries
        .find(|entry| entry.protocol == protocol.as_bytes() && entry.port == port);
    found.map(|entry| entry.names[0].to_vec())
    // STUB let _ = (file, port, protocol);
    // STUB todo!("the first line with this port and this protocol")
    // END SOLUTION
}
// BEGIN SOLUTION

/// What a line says.
struct Entry<'a> {
    /// The name, then the aliases.
    names: Vec<&'a [u8]>,
    port: u16,
    protocol: &'a [u8],
}

fn entries(file: &[u8]) -> impl Iterator<Item = Entry<'_>> {
    file.split(|byte| *byte == b'\n').filter_map(entry)
}

fn entry(line: &[u8]) -> Option<Entry<'_>> {
    let line = line.split(|byte| *byte == b'#').next()?;
    let words = line.split(u8::is_ascii_whitespace);
    let mut words = words.filter(|word| !word.is_empty());
    let (name, door) = (words.next()?, words.next()?);
    let slash = door.iter().position(|byte| *byte == b'/')?;
    let (digits, protocol) = (&door[..slash], &door[slash + 1..]);
    // `parse` alone would take a sign.
    if protocol.is_empty() || !digits.iter().all(u8::is_ascii_digit) {
        return None;
    }
    let port = std::str::from_utf8(digits).ok()?.parse().ok()?;
    let names = std::iter::once(name).chain(words).collect();
    (port > 0).then_some(Entry {
        names,
        port,
        protocol,
    })
}
// END SOLUTION

#[cfg(test)]
pub(crate) fn check() -> checks_names::Check {
    checks_names::services(port, name)
}
