//! Lesson 10: readiness. One thread, many sockets.
//!
//! A blocking call waits for one socket. `select`, `poll` and `epoll` wait for all of
//! them at once, and say which call would not block now. So one thread serves as many
//! clients as you like, as long as it never waits anywhere else.
//!
//! Read in this order:
//!
//! 1. [`nonblocking`]: what the calls say when they may not wait;
//! 2. [`terminal`]: `select` on the keyboard, with a time limit, and with a socket;
//! 3. [`echo`]: the first server, with `select` and no memory;
//! 4. [`conn`]: one client as a state machine: half a line in, a queue out;
//! 5. [`queues`]: the server with a queue for each client;
//! 6. [`polling`], [`levels`], [`edges`]: the same by `poll`, and by `epoll` twice;
//! 7. [`timers`] and [`reactor`]: what is left when the server is taken away;
//! 8. [`reacting`]: a server on it, which also throws out the idle and stops in
//!    order.
//!
//! Then [`limit`] goes where `select` cannot follow, [`triggers`] shows level and
//! edge side by side, [`surprise`] and [`memory`] measure, and the servers in
//! [`broken`] are wrong on purpose.

pub mod accept;
pub mod broken;
pub mod conn;
pub mod echo;
#[cfg(target_os = "linux")]
pub mod edges;
#[cfg(target_os = "linux")]
pub mod levels;
pub mod limit;
#[cfg(target_os = "linux")]
pub mod memory;
pub mod nonblocking;
pub mod polling;
pub mod queues;
#[cfg(target_os = "linux")]
pub mod reacting;
#[cfg(target_os = "linux")]
pub mod reactor;
#[cfg(target_os = "linux")]
pub mod surprise;
pub mod terminal;
pub mod timers;
#[cfg(target_os = "linux")]
pub mod triggers;

use std::net::{IpAddr, Ipv4Addr, SocketAddr};

/// Loopback, and a port of the kernel's choice.
pub const ANY_PORT: SocketAddr = SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), 0);

/// The chapter's own snippets are tests of this crate.
#[cfg(all(doctest, target_os = "linux"))]
#[doc = include_str!("../../../book/src/10-select.md")]
struct Chapter;
