//! Children that have ended, before and after somebody asks.

use std::io;

use nix::sys::signal::{Signal, kill};
use nix::unistd::{Pid, getpid, pause};

use crate::children::{End, collect};
use crate::look::{self, until};
use crate::process::{Fork, exit_now, fork, ignore_the_ends_of_children};

/// One child's story.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Row {
    /// What it did.
    pub did: &'static str,
    /// Its state in `/proc` after that.
    pub state: char,
    /// What it had open then.
    pub open: usize,
    /// What wait(2) said.
    pub end: Option<End>,
}

/// A child that ends with this code, or waits for a signal.
fn child(code: Option<u8>) -> io::Result<Pid> {
    match fork()? {
        Fork::Parent(child) => Ok(child),
        Fork::Child => match code {
            Some(code) => exit_now(code),
            None => loop {
                pause();
            },
        },
    }
}

// ANCHOR: table
/// Three children end, and nobody asks. Then somebody does.
///
/// # Errors
///
/// If [`fork`] fails, or there is no `/proc`.
pub fn table() -> io::Result<Vec<Row>> {
    let family = [
        ("exits with 0", child(Some(0))?),
        ("exits with 3", child(Some(3))?),
        ("is killed", child(None)?),
    ];
    kill(family[2].1, Signal::SIGKILL)?;
    let mut rows = Vec::new();
    for (did, child) in family {
        until("the child to end", || Ok(look::state(child)? == 'Z'))?;
        let open = look::descriptors(child).map_or(0, |all| all.len());
        let state = look::state(child)?;
        rows.push(Row {
            did,
            state,
            open,
            end: None,
        });
    }
    collect(|pid, end| {
        for (row, (_, child)) in rows.iter_mut().zip(&family) {
            if *child == pid {
                row.end = Some(end);
            }
        }
    })?;
    Ok(rows)
}
// ANCHOR_END: table

/// The same for a parent that ignores SIGCHLD: how many zombies three children leave,
/// and what wait(2) says.
///
/// It is done in a child, so that nobody else ignores it afterwards; its exit code tells.
///
/// # Errors
///
/// As [`table`].
pub fn ignored() -> io::Result<(usize, usize)> {
    let Fork::Parent(parent) = fork()? else {
        let told = || {
            ignore_the_ends_of_children()?;
            for _ in 0..3 {
                child(Some(7))?;
            }
            until("the children to be gone", || {
                Ok(look::children(getpid())?.is_empty())
            })?;
            let mut told = 0;
            collect(|_, _| told += 1)?;
            Ok::<u8, io::Error>(told)
        };
        exit_now(told().unwrap_or(u8::MAX))
    };
    match nix::sys::wait::waitpid(parent, None)? {
        nix::sys::wait::WaitStatus::Exited(_, told @ 0..=3) => {
            Ok((0, usize::try_from(told).unwrap_or_default()))
        }
        other => Err(io::Error::other(format!("the parent: {other:?}"))),
    }
}
