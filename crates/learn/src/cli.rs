//! The command line: what can be asked, and how `--help` tells it.

use std::path::PathBuf;

use clap::{Arg, ArgAction, Command, value_parser};

const ABOUT: &str = "\
Watches your exercises: save one, and a verdict appears.

Without a command it opens the exercise where you left off, checks it at every
save, and serves the book beside it.";

const EXAMPLES: &str = "\
Examples:
  cargo learn                      begin, or go on
  cargo learn check                check everything; a table
  cargo learn check tcp/greeting   one exercise
  cargo learn hint tcp/greeting    its first hint

An exercise may be named by its id (tcp/greeting), the part after the slash, its
package (ex-tcp-greeting) or a path to its files.
Exit codes: 0 all is well, 1 something fails, 2 the question made no sense.";

const CHECK_EXAMPLES: &str = "\
Without a name it checks all and prints a table. Exit code 1 while something fails.

Examples:
  cargo learn check greeting
  cargo learn check 1 bytes/words          a whole lesson, and one more
  cargo learn check --json | jq .verdict";

const XRAY_EXAMPLES: &str = "\
Examples:
  cargo learn xray lesson-1                the lesson that runs in another terminal
  cargo learn xray 4711 --watch            again and again, until Ctrl-C";

/// The whole command line of `cargo learn`.
pub fn command() -> Command {
    let root = Arg::new("root")
        .long("root")
        .value_name("FOLDER")
        .value_parser(value_parser!(PathBuf))
        .global(true)
        .help("The course's folder, if you are not in it");
    Command::new("cargo learn")
        .bin_name("cargo learn")
        .about(ABOUT)
        .after_help(EXAMPLES)
        .arg(root)
        .arg(no_book())
        .subcommands([
            watch(),
            list(),
            next(),
            check(),
            hint(),
            reset(),
            solution(),
        ])
        .subcommands([book(), xray(), doctor()])
}

fn watch() -> Command {
    Command::new("watch")
        .about("Watches, beginning with the exercise that you name")
        .arg(exercise())
        .arg(no_book())
}

fn list() -> Command {
    let json = "As a JSON array: exercise, lesson, title, state, since, file, page";
    Command::new("list")
        .about("Lists the exercises and how far you are")
        .arg(flag("json", json))
}

fn next() -> Command {
    Command::new("next").about("Names the next exercise that has not passed")
}

fn check() -> Command {
    let names = Arg::new("names")
        .value_name("EXERCISE|LESSON")
        .num_args(0..)
        .help("An exercise, or all of a lesson: 1, tcp, 01-tcp, lesson-1");
    let json = "A line of JSON each: exercise, outcome (passed, failed, untouched, \
                does-not-compile, cannot-build, no-verdict), message, verdict";
    Command::new("check")
        .visible_aliases(["run", "verify"])
        .about("Checks exercises and says what is wrong with them")
        .after_help(CHECK_EXAMPLES)
        .arg(names)
        .arg(flag("json", json))
}

fn hint() -> Command {
    let level = Arg::new("level")
        .long("level")
        .value_name("N")
        .value_parser(value_parser!(usize))
        .default_value("1")
        .help("1 is the gentlest");
    let about = "Prints a hint";
    Command::new("hint")
        .about(about)
        .arg(exercise().required(true))
        .arg(level)
}

fn reset() -> Command {
    Command::new("reset")
        .about("Puts an exercise back to its stub; what you wrote is kept")
        .after_help("The copy goes to .learn/attempts; the command says where.")
        .arg(exercise())
        .arg(flag("all", "Puts all exercises back; asks before it does"))
        .arg(flag("yes", "Does not ask"))
}

fn solution() -> Command {
    let about = "Prints one good answer";
    Command::new("solution")
        .about(about)
        .arg(exercise().required(true))
}

fn book() -> Command {
    let port = Arg::new("port")
        .long("port")
        .value_name("PORT")
        .value_parser(value_parser!(u16))
        .default_value("4321")
        .help("Another one is taken if it is not free");
    Command::new("book")
        .about("Serves the book until Ctrl-C")
        .arg(exercise())
        .arg(port)
}

fn xray() -> Command {
    let process = Arg::new("process")
        .value_name("PID|lesson-N")
        .required(true)
        .help("A process number, or a running lesson");
    Command::new("xray")
        .about("Tells what the kernel says of a process: threads, calls, sockets")
        .after_help(XRAY_EXAMPLES)
        .arg(process)
        .arg(flag("watch", "Twice a second, until the process ends"))
}

fn doctor() -> Command {
    Command::new("doctor")
        .about("Says what this machine lacks, and what that touches")
}

fn exercise() -> Arg {
    Arg::new("exercise")
        .value_name("EXERCISE")
        .help("Such as tcp/greeting or greeting")
}

fn no_book() -> Arg {
    flag("no-book", "Does not serve the book")
}

fn flag(name: &'static str, help: &'static str) -> Arg {
    Arg::new(name)
        .long(name)
        .action(ArgAction::SetTrue)
        .help(help)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_command_line_is_sound() {
        command().debug_assert();
    }
}
