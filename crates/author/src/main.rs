//! `cargo author`: what only those who write the course run.
//!
//! Learners never need it. It cuts the stubs from the solutions, writes the pieces
//! of the book that are generated, and says where the four rooms of a lesson (crate,
//! exercises, solutions, chapter) do not agree.

mod count;
mod pieces;
mod rooms;
mod stubs;

use std::env;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::{Context, Result};
use clap::builder::PossibleValuesParser;
use clap::{Arg, ArgAction, ArgMatches, Command};

/// A place where something does not agree: the file, and what is wrong with it.
#[derive(Debug, PartialEq, Eq)]
pub struct Finding {
    /// The file, below the project's root.
    pub file: PathBuf,
    /// What is wrong.
    pub what: String,
}

impl Finding {
    fn new(file: impl Into<PathBuf>, what: impl Into<String>) -> Self {
        Self {
            file: file.into(),
            what: what.into(),
        }
    }
}

fn command() -> Command {
    let check = Arg::new("check")
        .long("check")
        .action(ArgAction::SetTrue)
        .help("Change nothing; say what differs, and exit with 1 if anything does");
    Command::new("cargo author")
        .about("What only those who write the course run")
        .subcommand_required(true)
        .arg_required_else_help(true)
        .subcommand(
            Command::new("stubs")
                .about("Cut every exercise's stub from its solution")
                .arg(&check),
        )
        .subcommand(
            Command::new("pieces")
                .about("Make the generated pieces of the book anew")
                .arg(check)
                .arg(
                    Arg::new("screenshots")
                        .long("screenshots")
                        .action(ArgAction::SetTrue)
                        .conflicts_with_all(["check", "NAME"])
                        .help(
                            "Take the README's picture of the live book, and no more",
                        ),
                )
                .arg(
                    Arg::new("NAME")
                        .num_args(0..)
                        .value_parser(PossibleValuesParser::new(pieces::names()))
                        .hide_possible_values(true)
                        .help("Make these alone"),
                ),
        )
        .subcommand(
            Command::new("count").about(
                "Say how many exercises, probes, answers and mistakes there are",
            ),
        )
        .subcommand(Command::new(pieces::std_calls::PLAY).hide(true))
        .subcommand(
            Command::new("check").about(
                "Say where crates, exercises, solutions and book do not agree",
            ),
        )
}

fn main() -> ExitCode {
    let matches = match command().try_get_matches() {
        Ok(matches) => matches,
        Err(error) => {
            let _ = error.print();
            return ExitCode::from(u8::try_from(error.exit_code()).unwrap_or(2));
        }
    };
    let done = root().and_then(|root| match matches.subcommand() {
        Some(("stubs", args)) if args.get_flag("check") => stubs::differing(&root),
        Some(("stubs", _)) => stubs::write(&root).map(|()| Vec::new()),
        Some(("count", _)) => count::print(&root).map(|()| Vec::new()),
        Some(("pieces", args)) => make_pieces(&root, args),
        Some((pieces::std_calls::PLAY, _)) => {
            pieces::std_calls::play().map(|()| Vec::new())
        }
        _ => rooms::check(&root),
    });
    match done {
        Ok(findings) if findings.is_empty() => ExitCode::SUCCESS,
        Ok(findings) => {
            for Finding { file, what } in &findings {
                eprintln!("{}: {what}", file.display());
            }
            ExitCode::FAILURE
        }
        Err(error) => {
            eprintln!("{error:#}");
            ExitCode::FAILURE
        }
    }
}

fn make_pieces(root: &Path, args: &ArgMatches) -> Result<Vec<Finding>> {
    if args.get_flag("screenshots") {
        return pieces::take_screenshots(root).map(|()| Vec::new());
    }
    let names = args.get_many::<String>("NAME").unwrap_or_default();
    let names: Vec<&str> = names.map(String::as_str).collect();
    if args.get_flag("check") {
        return pieces::differing(root, &names);
    }
    pieces::write(root, &names).map(|()| Vec::new())
}

/// The project's root: the nearest folder above that holds the exercises.
fn root() -> Result<PathBuf> {
    let here = env::current_dir().context("cannot tell the current folder")?;
    let found = here.ancestors().find(|dir| is_root(dir));
    found.map(Path::to_path_buf).with_context(|| {
        format!("{} is not inside a checkout of the course", here.display())
    })
}

fn is_root(dir: &Path) -> bool {
    dir.join("Cargo.toml").is_file()
        && dir.join("exercises").is_dir()
        && dir.join("solutions").is_dir()
}
