//! Answers to the exercises of lesson 9.
#![expect(unsafe_code, reason = "fork, _exit and signals have no safe form")]

mod crash;
mod hazard;
mod prefork;
mod reap;
mod serve;

use std::io;

use checks::answers::Answer;
use nix::errno::Errno;
use nix::sys::signal::{SaFlags, SigAction, SigHandler, SigSet, Signal};
use nix::sys::wait::{WaitPidFlag, WaitStatus, waitpid};
use nix::unistd::{ForkResult, Pid};

pub fn answers() -> Vec<Answer> {
    let answers = [
        serve::answers(),
        reap::answers(),
        crash::answers(),
        prefork::answers(),
        hazard::answers(),
    ];
    answers.into_iter().flatten().collect()
}

fn fork() -> io::Result<ForkResult> {
    // SAFETY: where there is another thread, the answer is about that.
    Ok(unsafe { nix::unistd::fork() }?)
}

fn exit_now(code: u8) -> ! {
    // SAFETY: it takes a number and does not return.
    unsafe { libc::_exit(code.into()) }
}

/// Has the kernel collect, or a function called, when a child ends.
fn on_child(handler: SigHandler, flags: SaFlags) {
    let action = SigAction::new(handler, flags, SigSet::empty());
    // SAFETY: the handlers here call `write` and `waitpid` at most.
    unsafe { nix::sys::signal::sigaction(Signal::SIGCHLD, &action) }.unwrap();
}

/// Collects all that have ended.
fn collect() {
    while !matches!(
        waitpid(None::<Pid>, Some(WaitPidFlag::WNOHANG)),
        Ok(WaitStatus::StillAlive) | Err(Errno::ECHILD)
    ) {}
}
