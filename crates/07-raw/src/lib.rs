//! Lesson 7: raw sockets.
//!
//! A stream socket hides everything below the bytes. A raw socket hides less: it
//! brings whole IP packets, and sends what we put together ourselves. So this lesson
//! takes packets apart, layer by layer, and makes some by hand.
//!
//! Read in this order:
//!
//! 1. [`checksum`]: the sum that every layer here carries;
//! 2. [`ipv4`], [`icmp`], [`udp`]: what the headers say, and what is wrong with them;
//! 3. [`room`]: a network of our own, in which nobody asks for rights;
//! 4. [`sockets`]: the four kinds of sockets that the lesson opens;
//! 5. [`ping`]: the conversation, and its statistics;
//! 6. [`by_hand`]: a datagram that no UDP socket has sent;
//! 7. [`layers`]: one packet, byte by byte, each with its layer;
//! 8. [`igmp`]: what the kernel tells the routers on its own.
//!
//! Then measure in [`surprise`] what a checksum does not notice, and find out what is
//! wrong with the programs in [`broken`]. There is no `unsafe` in any of it.

pub mod broken;
pub mod by_hand;
pub mod checksum;
pub mod icmp;
pub mod igmp;
pub mod ipv4;
pub mod layers;
pub mod malformed;
pub mod ping;
pub mod room;
pub mod sockets;
pub mod surprise;
pub mod udp;

/// The chapter's own snippets are tests of this crate.
#[cfg(doctest)]
#[doc = include_str!("../../../book/src/07-raw.md")]
struct Chapter;
