//! `cargo learn`: the learner's command.
//!
//! Read in this order:
//!
//! 1. [`project`]: the course's folder, its exercises, and which one a name means;
//! 2. [`keeper`]: how a program is run so that nothing of it is left behind;
//! 3. [`compile`], [`replay`], [`check`] and [`check_all`]: from an exercise to what
//!    its check came to, over [`checks::json`]; [`tell`], what one reads of it;
//! 4. [`progress`] and [`reset`]: what the learner owns, and how it is kept;
//! 5. [`watch`]: the state, the keys and the frames of watch mode, over [`saves`],
//!    [`screen`] and [`text`];
//! 6. [`commands`]: the same for scripts; [`doctor`], [`book`], [`xrays`].

mod book;
mod check;
mod check_all;
mod cli;
mod clock;
mod commands;
mod compile;
mod doctor;
mod hints;
mod keeper;
mod list;
mod look;
mod progress;
mod project;
mod replay;
mod reset;
mod saves;
mod screen;
mod solution;
mod tell;
mod text;
mod watch;
mod xrays;

use std::env;
use std::io;
use std::process::ExitCode;

use project::Misuse;

fn main() -> ExitCode {
    let mut args = env::args_os().skip(1).peekable();
    if args.next_if(|word| word == keeper::WORD).is_some() {
        return keeper::keep(args);
    }
    // Prints help and misuse itself, and ends with exit code 0 or 2.
    let matches = cli::command().get_matches();
    match commands::run(&matches) {
        Ok(code) => code,
        // `cargo learn list | head -1`: whoever has read enough is content.
        Err(error) if is_broken_pipe(&error) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error:#}");
            match error.is::<Misuse>() {
                true => ExitCode::from(2),
                false => ExitCode::FAILURE,
            }
        }
    }
}

fn is_broken_pipe(error: &anyhow::Error) -> bool {
    let mut causes = error
        .chain()
        .filter_map(|cause| cause.downcast_ref::<io::Error>());
    causes.any(|cause| cause.kind() == io::ErrorKind::BrokenPipe)
}
