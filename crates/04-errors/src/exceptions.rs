//! Python's exceptions, and what became of each in Rust.

use std::collections::HashMap;
use std::fs::File;
use std::panic;

/// One of the exceptions that Python tutorials list, and Rust's answer.
#[derive(Debug)]
pub struct Row {
    /// The exception's name in Python.
    pub python: &'static str,
    /// What it is in Rust: an error of the compiler, a value, a panic, a signal.
    pub rust: &'static str,
    /// What it looks like: what the compiler says, or what came out here and now.
    pub seen: String,
}

// ANCHOR: table
/// The twelve exceptions of the tutorial. What can fail while a program runs has been
/// tried while this table was made.
pub fn table() -> Vec<Row> {
    let numbers = [1, 2, 3];
    let ports = HashMap::from([("gopher", 70)]);
    let row = |python, rust, seen: String| Row { python, rust, seen };
    let compile = |python, code: &str| row(python, "compile error", code.into());
    vec![
        compile(
            "AttributeError",
            "E0609, no field on type; E0599, no method",
        ),
        row("IOError", "Result", told(File::open("no such file"))),
        compile("ImportError", "E0432, unresolved import"),
        compile(
            "IndentationError",
            "none: braces, not columns, make a block",
        ),
        row("IndexError", "Option", format!("{:?}", numbers.get(9))),
        row("", "or a panic", caught(move || numbers[index(9)])),
        row("KeyError", "Option", format!("{:?}", ports.get("ftp"))),
        row("KeyboardInterrupt", "signal", "SIGINT; see `stop`".into()),
        compile("NameError", "E0425, cannot find value in this scope"),
        compile("SyntaxError", "expected one of ..., found ..."),
        compile("TypeError", "E0308, mismatched types"),
        compile("UnboundLocalError", "E0381, used binding isn't initialized"),
        row("ValueError", "Result", told("seventy".parse::<u16>())),
    ]
}
// ANCHOR_END: table

fn told<T, E: std::fmt::Display>(result: Result<T, E>) -> String {
    match result {
        Ok(_) => "Ok".into(),
        Err(error) => format!("Err: {error}"),
    }
}

/// A number that the compiler does not know, or it would refuse the program.
fn index(number: usize) -> usize {
    std::hint::black_box(number)
}

// ANCHOR: caught
/// What a panic of `work` says. It unwinds the stack up to here and no further: every
/// destructor on the way runs.
///
/// This is for a boundary that has to stand, as between a server and one caller's
/// handler; it is no `except`. A program built with `panic = "abort"` ends instead.
pub fn caught<T>(work: impl FnOnce() -> T + panic::UnwindSafe) -> String {
    match panic::catch_unwind(work) {
        Ok(_) => "no panic".into(),
        Err(words) => match words.downcast_ref::<String>() {
            Some(words) => format!("panic: {words}"),
            None => match words.downcast_ref::<&str>() {
                Some(words) => format!("panic: {words}"),
                None => "a panic without words".into(),
            },
        },
    }
}
// ANCHOR_END: caught

// ANCHOR: finally
/// Writes down when it is dropped, as Python's `finally` would.
pub struct Finally<'a> {
    /// Where.
    pub log: &'a mut Vec<&'static str>,
}

impl Drop for Finally<'_> {
    fn drop(&mut self) {
        self.log.push("finally");
    }
}

/// Parses a port; `log` tells in which order things happened.
///
/// # Errors
///
/// If `text` is no number from 0 to 65535: then `?` leaves the function, and what
/// was to be cleaned up is.
pub fn port(
    text: &str,
    log: &mut Vec<&'static str>,
) -> Result<u16, std::num::ParseIntError> {
    log.push("try");
    let cleanup = Finally { log };
    let port = text.parse()?; // raise, if it must
    cleanup.log.push("else");
    Ok(port)
}
// ANCHOR_END: finally
