//! Lesson 9: processes.
//!
//! `fork` makes two processes of one. Each has what the other has, and from then on its
//! own: memory, descriptors, an end. A server that gives each caller a process need not
//! fear for the others when one goes wrong; it has to know what a child inherits, and
//! what is left of one that has ended.
//!
//! Read in this order:
//!
//! 1. [`process`]: `fork` and `_exit`, the two calls without a safe form;
//! 2. [`inherit`]: what a child has from its parent, tried out;
//! 3. [`children`]: how processes end, and how their ends are collected;
//! 4. [`signals`]: SIGCHLD and its like, as something to read;
//! 5. [`talk`]: what a caller is told, which is not about processes;
//! 6. [`server`]: a process for each caller;
//! 7. [`prefork`]: workers that are there before anybody calls;
//! 8. [`launch`]: any program as a server;
//! 9. [`look`]: what `/proc` says of a family of processes;
//! 10. [`stand`]: a server in a process of its own, to experiment with;
//! 11. [`zombies`], [`memory`], [`hazard`]: three experiments.
//!
//! Then find out what is wrong with the programs in [`broken`].
//!
//! It needs Linux, for signalfd(2) and `/proc`. Everything here that forks wants to be
//! called in a process of one thread, and returns an error where it is not.

pub mod broken;
pub mod children;
pub mod hazard;
pub mod inherit;
pub mod launch;
pub mod look;
pub mod memory;
pub mod prefork;
pub mod process;
pub mod server;
pub mod signals;
pub mod stand;
pub mod talk;
pub mod zombies;

use std::net::{IpAddr, Ipv4Addr, SocketAddr};

/// Loopback, and a port of the kernel's choice.
pub const ANY_PORT: SocketAddr = SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), 0);

/// The chapter's own snippets are tests of this crate.
#[cfg(doctest)]
#[doc = include_str!("../../../book/src/09-forking.md")]
struct Chapter;
