//! Exercise `select/limit`: as many callers as there is room for.
//!
//! A server sends back in capitals (ASCII letters only) whatever bytes a caller
//! sends, to all callers at once, in one thread. It is meant to wait by `select`,
//! whose sets have room for the descriptors 0 to 1023 and no others: nix's `FdSet`
//! panics when it is given another, and C's `FD_SET` writes over memory that is
//! somebody else's.
//!
//! The process has many files open already, and some callers get a number from 1024
//! on:
//!
//! - such a caller is sent `busy` and a newline, and its connection is closed; or
//!   else it is served, if you wait by something that can;
//! - callers that are served go on being served, and who comes when one of them has
//!   left is served in its place.
//!
//! And then there is a limit for every program: when no descriptor is left at all,
//! `accept` fails with EMFILE. Then
//!
//! - the server goes on, and sleeps while there is nothing it can do;
//! - those who are served go on being served;
//! - those who wait are served as soon as there is a descriptor again: at the latest
//!   a second or so after one of the others has left.
//!
//! After a caller's end its connection is closed. The callers of this exercise read
//! what they get, and send little at a time.
//!
//! The book has it in chapter 10, "Descriptor 1024".

use std::io;
use std::net::TcpListener;

/// Serves all callers of `listener` for whom there is room, for ever.
///
/// Returns only when waiting itself has failed.
pub fn serve(listener: TcpListener) -> io::Result<()> {
    let _ = listener;
    todo!("serve those for whom there is room, and tell the others")
}

#[cfg(test)]
pub(crate) fn check() -> checks_select::Check {
    checks_select::limit(serve)
}

#[cfg(test)]
fn main() -> std::process::ExitCode {
    check().main()
}
