//! For the tests of the lessons: their programs, run from outside.
//!
//! [`prints`] compares a demonstration with the transcript of it that the book shows,
//! [`run`] is for any program that ends by itself, [`Server`] for one that does not,
//! and [`python`] for the other end in another language. Every wait has a limit, and
//! no process outlives its test.

use std::collections::HashMap;
use std::io::{self, BufRead, BufReader, ErrorKind, Read, Write};
use std::path::Path;
use std::process::{Child, Command, ExitStatus, Output, Stdio};
use std::sync::mpsc::{self, Receiver};
use std::thread;
use std::time::{Duration, Instant};
use std::{env, fs};

/// What these programs do, they do in a few seconds; after this they are stuck.
const DEADLINE: Duration = Duration::from_secs(60);

/// The moment that every date in a transcript shows.
const MOMENT: &str = "[Sat Nov 21 09:49:47 2026]";

/// Asserts that `command` succeeds and prints the text of the file `expected`, but
/// for ports and dates, which [`normalised`] replaces; `servers` is meant for it.
///
/// The command gets no input. With `UPDATE_DEMO=1` in the environment the file is
/// written anew instead of compared.
///
/// # Panics
///
/// If the command cannot be run, fails, does not end within a minute, or prints
/// something else; or if the file cannot be read or written.
pub fn prints(command: &mut Command, expected: &Path, servers: &[u16]) {
    let output = run(command, b"").expect("the demonstration runs and ends");
    let text = String::from_utf8_lossy(&output.stdout);
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(
        output.status.success(),
        "{command:?} failed after\n{text}\n{errors}"
    );
    let got = normalised(&text, servers);
    let name = expected.display();
    if env::var_os("UPDATE_DEMO").is_some_and(|value| value == "1") {
        return fs::write(expected, got).expect("the transcript can be written");
    }
    let wanted = fs::read_to_string(expected)
        .unwrap_or_else(|error| panic!("{name}: {error}; UPDATE_DEMO=1 writes it"));
    if let Some((number, wanted, got)) = first_difference(&wanted, &got) {
        panic!(
            "line {number} of {name} is not what the demonstration prints\n  \
             file:   {wanted:?}\n  prints: {got:?}\n\
             UPDATE_DEMO=1 writes the file anew; everything it prints now:\n\n{text}"
        );
    }
}

/// Gives `text` the ports and dates of the tutorial.
///
/// The ports that a server announces with the words `listening on 127.0.0.1:` become
/// `servers`, in that order; every other port of 127.0.0.1 becomes 50001, 50002 and
/// so on, in the order of first appearance; and every date as C's `ctime` writes it,
/// in square brackets, becomes one and the same. Lines keep their columns if a port
/// that has text in a column behind it keeps its number of digits.
///
/// ```
/// let text = "listening on 127.0.0.1:41234\n127.0.0.1:39990 left";
/// let told = "listening on 127.0.0.1:8009\n127.0.0.1:50001 left";
/// assert_eq!(wire::demo::normalised(text, &[8009]), told);
/// ```
pub fn normalised(text: &str, servers: &[u16]) -> String {
    const HOST: &str = "127.0.0.1:";
    let mut servers = servers.iter();
    let mut clients = 50_001_u16..;
    let mut names = HashMap::new();
    let mut told = String::new();
    let mut rest = text;
    while let Some((before, after)) = rest.split_once(HOST) {
        told.push_str(before);
        told.push_str(HOST);
        let end = after
            .find(|c: char| !c.is_ascii_digit())
            .unwrap_or(after.len());
        let (port, behind) = after.split_at(end);
        rest = behind;
        if port.is_empty() {
            continue; // `127.0.0.1:PORT`, in a text on how to use a program
        }
        let announced = before.ends_with("listening on ").then(|| servers.next());
        if let Some(server) = announced.flatten() {
            names.insert(port, server.to_string());
        }
        let next = || clients.next().unwrap_or(u16::MAX).to_string();
        told.push_str(names.entry(port).or_insert_with(next));
    }
    told.push_str(rest);
    same_moment(told)
}

/// Replaces every text of the shape of [`MOMENT`] by it.
fn same_moment(mut text: String) -> String {
    let starts: Vec<usize> = text.match_indices('[').map(|(at, _)| at).collect();
    for at in starts {
        let date = at..at + MOMENT.len();
        if text.get(date.clone()).is_some_and(is_like_moment) {
            text.replace_range(date, MOMENT);
        }
    }
    text
}

fn is_like_moment(text: &str) -> bool {
    text.bytes()
        .zip(MOMENT.bytes())
        .all(|(byte, model)| match model {
            b'0'..=b'9' => byte.is_ascii_digit() || byte == b' ',
            b'a'..=b'z' | b'A'..=b'Z' => byte.is_ascii_alphabetic(),
            _ => byte == model,
        })
}

/// The number of the first line that differs, from 1, and both forms of it.
fn first_difference<'a>(
    wanted: &'a str,
    got: &'a str,
) -> Option<(usize, Option<&'a str>, Option<&'a str>)> {
    let wanted: Vec<&str> = wanted.split('\n').collect();
    let got: Vec<&str> = got.split('\n').collect();
    (0..wanted.len().max(got.len()))
        .find(|&at| wanted.get(at) != got.get(at))
        .map(|at| (at + 1, wanted.get(at).copied(), got.get(at).copied()))
}

/// Runs `command` with `input` to its end, and returns all that it prints.
///
/// # Errors
///
/// If it cannot be started; `TimedOut` if it has not ended after a minute, or if what it
/// has started holds its output open for longer than that. It is killed then, so that
/// no test leaves it behind.
pub fn run(command: &mut Command, input: &[u8]) -> io::Result<Output> {
    run_within(command, input, DEADLINE)
}

fn run_within(
    command: &mut Command,
    input: &[u8],
    limit: Duration,
) -> io::Result<Output> {
    let mut child = command
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()?;
    let (stdin, input) = (child.stdin.take(), input.to_vec());
    // Three threads: a child whose pipe nobody empties, or fills, would never end. A
    // child may end without having read all that it was given.
    thread::spawn(move || stdin.map(|mut pipe| pipe.write_all(&input)));
    let (stdout, stderr) = (all_of(child.stdout.take()), all_of(child.stderr.take()));
    let status = end_of(&mut child, limit)?;
    let read = |pipe: Receiver<io::Result<Vec<u8>>>| {
        pipe.recv_timeout(limit)
            .unwrap_or_else(|_| Err(too_long("closed its output", limit)))
    };
    Ok(Output {
        status,
        stdout: read(stdout)?,
        stderr: read(stderr)?,
    })
}

/// All that comes out of `pipe`, once it is closed. That may be later than the end of
/// the child, which is not the only one that can hold it.
fn all_of(pipe: Option<impl Read + Send + 'static>) -> Receiver<io::Result<Vec<u8>>> {
    let (sender, all) = mpsc::channel();
    thread::spawn(move || {
        let mut bytes = Vec::new();
        let read = pipe.map_or(Ok(0), |mut pipe| pipe.read_to_end(&mut bytes));
        sender.send(read.map(|_| bytes))
    });
    all
}

fn end_of(child: &mut Child, limit: Duration) -> io::Result<ExitStatus> {
    let started = Instant::now();
    while started.elapsed() < limit {
        if let Some(status) = child.try_wait()? {
            return Ok(status);
        }
        thread::sleep(Duration::from_millis(5));
    }
    child.kill()?;
    child.wait()?;
    Err(too_long("ended", limit))
}

fn too_long(what: &str, limit: Duration) -> io::Error {
    let why = format!("it had not {what} after {} s", limit.as_secs());
    io::Error::new(ErrorKind::TimedOut, why)
}

/// A server program. It is killed when this is dropped.
#[derive(Debug)]
pub struct Server {
    child: Child,
    lines: Receiver<String>,
}

impl Server {
    /// Starts `command`, without input.
    ///
    /// # Errors
    ///
    /// If it cannot be started.
    pub fn start(command: &mut Command) -> io::Result<Self> {
        let mut child = command
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .spawn()?;
        let output = child.stdout.take().expect("standard output is piped");
        let (sender, lines) = mpsc::channel();
        // A thread, because a pipe knows no timeout; it ends when the child has.
        thread::spawn(move || {
            let mut lines = BufReader::new(output).lines().map_while(Result::ok);
            lines.try_for_each(|line| sender.send(line))
        });
        Ok(Self { child, lines })
    }

    /// Its process number.
    pub fn id(&self) -> u32 {
        self.child.id()
    }

    /// The next line that it prints.
    ///
    /// # Panics
    ///
    /// If none comes within a minute.
    pub fn line(&self) -> String {
        self.lines
            .recv_timeout(DEADLINE)
            .expect("the server prints a line in time")
    }

    /// The address in its next line, behind the words `listening on`.
    ///
    /// # Panics
    ///
    /// If it prints something else, or nothing within a minute.
    pub fn addr(&self) -> String {
        let line = self.line();
        line.strip_prefix("listening on ").expect(&line).to_string()
    }

    /// Waits until it has ended by itself.
    ///
    /// # Errors
    ///
    /// `TimedOut` if it has not after a minute.
    pub fn end(mut self) -> io::Result<ExitStatus> {
        end_of(&mut self.child, DEADLINE)
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // It may have ended by itself; then there is nothing to do.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Python with `script` and its arguments; `None` if this machine has no Python,
/// which is said on standard error.
///
/// # Panics
///
/// If there is no Python although the environment has `CI`: there, nothing is
/// skipped.
pub fn python(script: &str, args: &[&str]) -> Option<Command> {
    let mut command = Command::new("python3");
    command.args(["-u", "-c", script]).args(args);
    match Command::new("python3").arg("--version").output() {
        Err(error) if error.kind() == ErrorKind::NotFound => {
            assert!(env::var_os("CI").is_none(), "python3 is missing");
            // Not `eprintln!`, which the test harness would hide.
            let _ = writeln!(io::stderr(), "skipped: python3 is missing here");
            None
        }
        _ => Some(command),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn servers_get_the_tutorials_ports_and_clients_the_next_free_ones() {
        let text = "listening on 127.0.0.1:33333\n127.0.0.1:60001, 127.0.0.1:60000\n\
                    127.0.0.1:60001 -> 127.0.0.1:33333\nlistening on 127.0.0.1:44444";
        let told = "listening on 127.0.0.1:8088\n127.0.0.1:50001, 127.0.0.1:50002\n\
                    127.0.0.1:50001 -> 127.0.0.1:8088\nlistening on 127.0.0.1:8009";
        assert_eq!(normalised(text, &[8088, 8009]), told);
    }

    #[cfg(unix)]
    #[test]
    fn an_output_that_somebody_else_holds_open_is_not_waited_for_without_a_limit() {
        let limit = Duration::from_secs(1);
        let shell = |script: &str| {
            let mut command = Command::new("sh");
            run_within(command.args(["-c", script]), b"in\n", limit)
        };
        let error = shell("sleep 9 &").expect_err("nobody has closed it yet");
        assert_eq!(error.kind(), ErrorKind::TimedOut);
        assert!(error.to_string().contains("closed its output"), "{error}");
        let error = shell("exec sleep 9").expect_err("it sleeps");
        assert_eq!(error.to_string(), "it had not ended after 1 s");
    }

    #[cfg(unix)]
    #[test]
    fn a_command_gets_its_input_and_all_its_output_comes_back() {
        let mut command = Command::new("sh");
        let command = command.args(["-c", "cat; echo end >&2; exit 3"]);
        let output = run(command, &[b'x'; 200_000]).expect("there is a shell");
        assert_eq!(output.stdout, [b'x'; 200_000]);
        assert_eq!(output.stderr, b"end\n");
        assert_eq!(output.status.code(), Some(3));
    }

    #[test]
    fn a_word_in_place_of_a_port_stays() {
        let text = "client 127.0.0.1:PORT\n127.0.0.1:60000";
        assert_eq!(
            normalised(text, &[]),
            "client 127.0.0.1:PORT\n127.0.0.1:50001"
        );
    }

    #[test]
    fn a_date_becomes_the_moment_and_other_brackets_stay() {
        let text =
            "[Thu Jan  1 00:00:00 1970] [] [é [Mon Feb 31 23:59:60 2199]] [Sat";
        let told = format!("{MOMENT} [] [é {MOMENT}] [Sat");
        assert_eq!(normalised(text, &[]), told);
    }

    #[test]
    fn the_first_line_that_differs_is_found() {
        assert_eq!(first_difference("a\nb\n", "a\nb\n"), None);
        assert_eq!(
            first_difference("a\nb\n", "a\nc\n"),
            Some((2, Some("b"), Some("c")))
        );
        assert_eq!(first_difference("a\n", "a"), Some((2, Some(""), None)));
    }
}
