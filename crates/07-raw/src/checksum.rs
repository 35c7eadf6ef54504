//! The internet checksum (RFC 1071), which IPv4, ICMP, UDP and TCP all carry.

// ANCHOR: checksum
/// The checksum of `bytes`: the ones' complement of the ones' complement sum of its
/// 16-bit words.
///
/// A carry out of the upper end comes in again at the lower one; that is what ones'
/// complement means. It makes the sum the same on machines of either byte order.
///
/// ```
/// // The example of RFC 1071, section 3, whose sum is ddf2.
/// let words = [0x00, 0x01, 0xf2, 0x03, 0xf4, 0xf5, 0xf6, 0xf7];
/// assert_eq!(lesson_7::checksum::checksum(&words), !0xddf2);
/// ```
pub fn checksum(bytes: &[u8]) -> u16 {
    let mut sum = 0_u64; // room for the carries of any slice
    for word in bytes.chunks(2) {
        let [high, low] = [word[0], word.get(1).copied().unwrap_or(0)];
        sum += u64::from(u16::from_be_bytes([high, low])); // an odd end is padded
    }
    while sum > 0xFFFF {
        sum = (sum & 0xFFFF) + (sum >> 16); // folding may carry again
    }
    !(sum as u16)
}
// ANCHOR_END: checksum

// ANCHOR: holds
/// Whether `bytes`, which contain their own checksum, have arrived as they were sent,
/// as far as the checksum can tell.
pub fn holds(bytes: &[u8]) -> bool {
    checksum(bytes) == 0
}
// ANCHOR_END: holds
