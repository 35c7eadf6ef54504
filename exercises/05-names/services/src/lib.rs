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
    let _ = (file, name, protocol);
    todo!("the first line with this name and this protocol")
}

/// The name (the first word of the line, not an alias) of the service at this port of
/// this protocol.
///
/// If several lines fit, it is the first. `None` if there is none.
pub fn name(file: &[u8], port: u16, protocol: &str) -> Option<Vec<u8>> {
    let _ = (file, port, protocol);
    todo!("the first line with this port and this protocol")
}

#[cfg(test)]
pub(crate) fn check() -> checks_names::Check {
    checks_names::services(port, name)
}

#[cfg(test)]
fn main() -> std::process::ExitCode {
    check().main()
}
