//! A measurement: what the internet checksum does not notice.

use crate::checksum::{checksum, holds};

/// A way to damage a packet.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Damage {
    /// One bit is turned over.
    OneBit,
    /// Two bits are, in different places.
    TwoBits,
    /// Two words of 16 bits have changed places.
    Swapped,
    /// Everything is replaced by chance.
    Noise,
}

impl Damage {
    /// All of them.
    pub const ALL: [Damage; 4] =
        [Self::OneBit, Self::TwoBits, Self::Swapped, Self::Noise];
}

/// The words in a packet, its checksum in front.
const WORDS: usize = 32;

/// Numbers that look like chance and are the same in every run.
struct Chance(u64);

impl Chance {
    /// The next number below `limit`: the upper half of Knuth's generator for MMIX.
    fn below(&mut self, limit: usize) -> usize {
        let next = self.0.wrapping_mul(6_364_136_223_846_793_005);
        self.0 = next.wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) as usize % limit
    }

    fn fill(&mut self, bytes: &mut [u8]) {
        bytes.fill_with(|| self.below(256) as u8);
    }
}

// ANCHOR: measure
/// Damages this many packets of 64 bytes; returns how many of those that are not
/// what they were pass for undamaged, and how many there are.
pub fn measure(damage: Damage, packets: u32) -> (u32, u32) {
    let mut chance = Chance(7);
    let (mut unnoticed, mut changed) = (0, 0);
    for _ in 0..packets {
        let mut packet = [0; 2 * WORDS];
        chance.fill(&mut packet[2..]);
        let sum = checksum(&packet).to_be_bytes();
        packet[..2].copy_from_slice(&sum);
        let sent = packet;
        harm(&mut packet, damage, &mut chance);
        changed += u32::from(packet != sent);
        unnoticed += u32::from(packet != sent && holds(&packet));
    }
    (unnoticed, changed)
}
// ANCHOR_END: measure

fn harm(packet: &mut [u8; 2 * WORDS], damage: Damage, chance: &mut Chance) {
    let mut turn = |bit: usize| packet[bit / 8] ^= 1 << (bit % 8);
    let bits = 16 * WORDS;
    match damage {
        Damage::OneBit => turn(chance.below(bits)),
        Damage::TwoBits => {
            let (one, other) = (chance.below(bits), 1 + chance.below(bits - 1));
            turn(one);
            turn((one + other) % bits);
        }
        Damage::Swapped => {
            let [one, other] = [0; 2].map(|_| 2 * chance.below(WORDS));
            packet.swap(one, other);
            packet.swap(one + 1, other + 1);
        }
        Damage::Noise => chance.fill(packet),
    }
}
