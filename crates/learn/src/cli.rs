//! The command line: what can be asked, and how `--help` tells it.

use std::path::PathBuf;

use clap::{Arg, ArgAction, Command, value_parser};

/// The whole command line of `cargo learn`.
pub fn command() -> Command {
    Command::new("cargo learn")
        .bin_name("cargo learn")
        .about(
            "Watches your exercises: save one, and a verdict appears.\n\n\
             Without a command it opens the exercise where you left off, checks it at \
             every save, and serves the book beside it.",
        )
        .after_help(
            "Examples:\n  cargo learn                      begin, or go on\n  \
             cargo learn check                check everything; a table\n  \
             cargo learn check tcp/greeting   one exercise\n  \
             cargo learn hint tcp/greeting    its first hint\n\n\
             An exercise may be named by its id (tcp/greeting), the part after the \
             slash, its package (ex-tcp-greeting) or a path to its files.\n\
             Exit codes: 0 all is well, 1 something fails, 2 the question made no sense.",
        )
        .arg(
            Arg::new("root")
                .long("root")
                .value_name("FOLDER")
                .value_parser(value_parser!(PathBuf))
                .global(true)
                .help("The course's folder, if you are not in it"),
        )
        .arg(no_book())
        .subcommand(
            Command::new("watch")
                .about("Watches, beginning with the exercise that you name")
                .arg(exercise(false))
                .arg(no_book()),
        )
        .subcommands(about_exercises())
        .subcommands(about_the_rest())
}

fn about_exercises() -> Vec<Command> {
    vec![
        Command::new("list")
            .about("Lists the exercises and how far you are")
            .arg(json("As a JSON array: exercise, lesson, title, state, since, file, page")),
        Command::new("next").about("Names the next exercise that has not passed"),
        Command::new("check")
            .visible_aliases(["run", "verify"])
            .about("Checks exercises and says what is wrong with them")
            .after_help(
                "Without a name it checks all and prints a table. Exit code 1 while \
                 something fails.\n\nExamples:\n  cargo learn check greeting\n  \
                 cargo learn check 1 bytes/words        a whole lesson, and one more\n  \
                 cargo learn check --json | jq .verdict",
            )
            .arg(
                Arg::new("names")
                    .value_name("EXERCISE|LESSON")
                    .num_args(0..)
                    .help("An exercise, or all of a lesson: 1, tcp, 01-tcp, lesson-1"),
            )
            .arg(json(
                "A line of JSON for each: exercise, outcome (passed, failed, untouched, \
                 does-not-compile, cannot-build, no-verdict), message, verdict",
            )),
        Command::new("hint")
            .about("Prints a hint")
            .arg(exercise(true))
            .arg(
                Arg::new("level")
                    .long("level")
                    .value_name("N")
                    .value_parser(value_parser!(usize))
                    .default_value("1")
                    .help("1 is the gentlest"),
            ),
        Command::new("reset")
            .about("Puts an exercise back to its stub; what you wrote is kept")
            .after_help("The copy is kept below .learn/attempts; the command says where.")
            .arg(exercise(false))
            .arg(flag("all", "Puts all exercises back; asks before it does"))
            .arg(flag("yes", "Does not ask")),
        Command::new("solution").about("Prints one good answer").arg(exercise(true)),
    ]
}

fn about_the_rest() -> Vec<Command> {
    vec![
        Command::new("book")
            .about("Serves the book until Ctrl-C")
            .arg(exercise(false))
            .arg(
                Arg::new("port")
                    .long("port")
                    .value_name("PORT")
                    .value_parser(value_parser!(u16))
                    .default_value("4321")
                    .help("Another one is taken if it is not free"),
            ),
        Command::new("xray")
            .about("Tells what the kernel says of a process: its threads, calls and sockets")
            .after_help(
                "Examples:\n  cargo learn xray lesson-1            the lesson that runs \
                 in another terminal\n  cargo learn xray 4711 --watch        again and \
                 again, until Ctrl-C",
            )
            .arg(
                Arg::new("process")
                    .value_name("PID|lesson-N")
                    .required(true)
                    .help("A process number, or a running lesson"),
            )
            .arg(flag("watch", "Twice a second, until the process ends")),
        Command::new("doctor").about("Says what this machine lacks, and what that touches"),
    ]
}

fn exercise(required: bool) -> Arg {
    Arg::new("exercise")
        .value_name("EXERCISE")
        .required(required)
        .help("Such as tcp/greeting or greeting")
}

fn json(help: &'static str) -> Arg {
    flag("json", help)
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
