//! What the crate says of real processes.
//!
//! The processes are this same program, started again with a part to play
//! ([`subject`]); so it has a harness of its own: under the usual one each would have
//! a second thread. Nothing here is decided by a clock. Every wait is for a state,
//! and its limit is there for the day when the state never comes.
//!
//! `cargo test -p xray --test live -- NAME` runs the tests whose name contains NAME.

#[cfg(not(target_os = "linux"))]
fn main() {
    println!(
        "skipped: there is no /proc here; src/elsewhere.rs has the tests for that"
    );
}

#[cfg(target_os = "linux")]
mod calls;
#[cfg(target_os = "linux")]
mod processes;
#[cfg(target_os = "linux")]
mod sockets;
#[cfg(target_os = "linux")]
mod subject;

#[cfg(target_os = "linux")]
fn main() -> std::process::ExitCode {
    match subject::part() {
        Some(part) => subject::play(&part),
        None => {
            harness::run(&[calls::TESTS, sockets::TESTS, processes::TESTS].concat())
        }
    }
}

/// Makes a list of tests from the names of functions.
#[cfg(target_os = "linux")]
macro_rules! tests {
    ($($name:ident),* $(,)?) => {
        pub const TESTS: &[(&str, fn())] = &[$((stringify!($name), $name)),*];
    };
}
#[cfg(target_os = "linux")]
pub(crate) use tests;

#[cfg(target_os = "linux")]
mod harness {
    use std::panic;
    use std::process::ExitCode;

    struct Skip(String);

    /// Ends the test here, visibly.
    pub fn skip(reason: &str) -> ! {
        panic::resume_unwind(Box::new(Skip(reason.to_string())))
    }

    pub fn run(tests: &[(&str, fn())]) -> ExitCode {
        let arguments: Vec<String> = std::env::args().skip(1).collect();
        let wanted = |name: &str| {
            let mut names = arguments
                .iter()
                .filter(|text| !text.starts_with('-'))
                .peekable();
            names.peek().is_none() || names.any(|part| name.contains(part))
        };
        let mut failed = Vec::new();
        for (name, test) in tests.iter().filter(|(name, _)| wanted(name)) {
            if arguments.iter().any(|argument| argument == "--list") {
                println!("{name}: test");
                continue;
            }
            match panic::catch_unwind(test) {
                Ok(()) => println!("test {name} ... ok"),
                Err(cause) => match cause.downcast::<Skip>() {
                    Ok(skip) => println!("test {name} ... skipped: {}", skip.0),
                    Err(_) => {
                        println!("test {name} ... FAILED");
                        failed.push(*name);
                    }
                },
            }
        }
        match failed.is_empty() {
            true => ExitCode::SUCCESS,
            false => {
                println!("failed: {}", failed.join(", "));
                ExitCode::FAILURE
            }
        }
    }
}
