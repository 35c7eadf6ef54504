//! Packets for the probes, and the sums that wrong answers come to.

use std::net::Ipv4Addr;

/// The sum of all pairs of bytes, without the carries brought in.
pub(super) fn total(bytes: &[u8]) -> u64 {
    let pair =
        |two: &[u8]| u64::from(two[0]) << 8 | two.get(1).map_or(0, |b| (*b).into());
    bytes.chunks(2).map(pair).sum()
}

/// The carries of a sum brought in, as often as it takes.
pub(super) fn folded(mut sum: u64) -> u16 {
    while sum > 0xFFFF {
        sum = (sum & 0xFFFF) + (sum >> 16);
    }
    sum as u16
}

/// The internet checksum.
pub(super) fn checksum(bytes: &[u8]) -> u16 {
    !folded(total(bytes))
}

/// A packet whose parts can be set wrong one by one; [`Packet::bytes`] puts the
/// checksums in.
#[derive(Clone)]
pub(super) struct Packet {
    pub(super) version: u8,
    /// The header length that it tells, in words, if not the true one.
    pub(super) words: Option<u8>,
    /// The total length that it tells, if not the true one.
    pub(super) total: Option<u16>,
    /// Flags and fragment offset.
    pub(super) fragment: u16,
    pub(super) protocol: u8,
    pub(super) options: Vec<u8>,
    pub(super) message: Vec<u8>,
    /// What comes behind the packet.
    pub(super) padding: Vec<u8>,
}

pub(super) const SOURCE: Ipv4Addr = Ipv4Addr::new(192, 0, 2, 33);
pub(super) const TTL: u8 = 57;

impl Packet {
    /// A whole packet with this ICMP message.
    pub(super) fn new(message: Vec<u8>) -> Self {
        Self {
            version: 4,
            words: None,
            total: None,
            fragment: 0x4000,
            protocol: 1,
            options: Vec::new(),
            message,
            padding: Vec::new(),
        }
    }

    pub(super) fn bytes(&self) -> Vec<u8> {
        let length = 20 + self.options.len();
        let words = self.words.unwrap_or((length / 4) as u8);
        let total = (length + self.message.len()) as u16;
        let mut bytes = vec![self.version << 4 | words & 0x0F, 0];
        bytes.extend(self.total.unwrap_or(total).to_be_bytes());
        bytes.extend([0xAB, 0xCD]);
        bytes.extend(self.fragment.to_be_bytes());
        bytes.extend([TTL, self.protocol, 0, 0]);
        bytes.extend(SOURCE.octets());
        bytes.extend([198, 51, 100, 7]);
        bytes.extend(&self.options);
        // Over as much as the header says that it is.
        let covered = (usize::from(words) * 4).clamp(20, length);
        let sum = checksum(&bytes[..covered]).to_be_bytes();
        bytes[10..12].copy_from_slice(&sum);
        bytes.extend(&self.message);
        bytes.extend(&self.padding);
        bytes
    }
}

/// An ICMP message with its checksum.
pub(super) fn message(
    kind: u8,
    code: u8,
    identifier: u16,
    sequence: u16,
    data: &[u8],
) -> Vec<u8> {
    let mut bytes = vec![kind, code, 0, 0];
    bytes.extend(identifier.to_be_bytes());
    bytes.extend(sequence.to_be_bytes());
    bytes.extend(data);
    let sum = checksum(&bytes).to_be_bytes();
    bytes[2..4].copy_from_slice(&sum);
    bytes
}

/// Numbers for the probes that look like chance and are the same in every run.
pub(super) struct Chance(u64);

impl Chance {
    pub(super) fn new(seed: u64) -> Self {
        Self(seed)
    }

    /// The next number below `limit`: Knuth's generator for MMIX.
    pub(super) fn below(&mut self, limit: usize) -> usize {
        let next = self.0.wrapping_mul(6_364_136_223_846_793_005);
        self.0 = next.wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) as usize % limit.max(1)
    }

    pub(super) fn bytes(&mut self, length: usize) -> Vec<u8> {
        (0..length).map(|_| self.below(256) as u8).collect()
    }
}
