//! Exercise `raw/checksum`: the internet checksum.
//!
//! IPv4, ICMP, UDP and TCP all carry the same sum (RFC 1071). A packet is put
//! together from parts that lie in different places: a header here, the data there.
//! So this function takes slices, and treats them as if they stood one behind the
//! other.
//!
//! Nothing is read from any network here.
//!
//! The book has it in chapter 7, "One sum for all of them".

/// The internet checksum of all the bytes of `parts`, one part behind the other.
///
/// 1. Take the bytes in pairs, each a number of 16 bits with the more significant
///    byte first. A pair may begin in one part and end in the next. If the number of
///    bytes is odd, a zero byte follows the very last one.
/// 2. Add them up. Whatever does not fit into 16 bits is added at the lower end, as
///    often as it takes (ones' complement).
/// 3. Turn over all bits of the sum.
///
/// The bytes `00 01 f2 03 f4 f5 f6 f7` have the sum `ddf2`, and the checksum `220d`.
/// No bytes at all, or zeros alone, have the checksum `ffff`.
///
/// Parts may be empty. Together they have at most 65,536 bytes.
pub fn checksum(parts: &[&[u8]]) -> u16 {
    let _ = parts;
    todo!("add the pairs, add the carries, turn the bits over")
}

#[cfg(test)]
pub(crate) fn check() -> checks_raw::Check {
    checks_raw::checksum(checksum)
}

#[cfg(test)]
fn main() -> std::process::ExitCode {
    check().main()
}
