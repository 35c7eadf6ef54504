//! The strategies beside Python's servers of the same kind, asyncio, tokio, servers
//! written by hand and a loop on epoll in C: `just bench-server`.
//!
//! The load runs on one processor and the server on another. Everybody is measured once
//! in each round, in turn, and what is compared is compared within a round.

#[cfg(target_os = "linux")]
mod contender;
#[cfg(target_os = "linux")]
mod load;
#[cfg(target_os = "linux")]
mod report;
#[cfg(target_os = "linux")]
mod run;
#[cfg(target_os = "linux")]
mod serve;

use std::process::ExitCode;

#[cfg(target_os = "linux")]
fn main() -> ExitCode {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let args: Vec<&str> = args.iter().map(String::as_str).collect();
    let done = match args[..] {
        ["serve", kind] => serve::serve(kind),
        _ => run::run(&args),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("bench-server: {error}");
            ExitCode::from(if error.is::<run::Usage>() { 2 } else { 1 })
        }
    }
}

/// Allows as many descriptors as the system does.
#[cfg(target_os = "linux")]
fn raise_descriptors() -> std::io::Result<()> {
    use nix::sys::resource::{Resource, getrlimit, setrlimit};
    let (_, most) = getrlimit(Resource::RLIMIT_NOFILE)?;
    Ok(setrlimit(Resource::RLIMIT_NOFILE, most, most)?)
}

#[cfg(not(target_os = "linux"))]
fn main() -> ExitCode {
    eprintln!("bench-server: this needs epoll and /proc, which only Linux has");
    ExitCode::FAILURE
}
