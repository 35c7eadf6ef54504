"""From saving an exercise to its verdict: `cargo learn` beside rustlings.

A benchmark, not a test. Both run in watch mode, each in a terminal of its own, on the
same exercise: the function of `tcp/greeting`, saved in turn as one that passes, one
that fails and one that does not compile. A turn is timed from the moment the file is
written until the verdict is on the screen. What the check waits on purpose (for a
program to come to rest) is told apart.

    cargo install --locked rustlings
    python3 crates/learn/benches/save_to_verdict.py [ROUNDS]
"""

import json
import os
import pathlib
import pty
import re
import select
import shutil
import signal
import statistics
import struct
import subprocess
import sys
import tempfile
import termios
import time
import fcntl

ROOT = pathlib.Path(__file__).resolve().parents[3]
ROUNDS = int(sys.argv[1]) if len(sys.argv) > 1 else 15

RIGHT = """
    let mut stream = TcpStream::connect(server)?;
    let mut text = String::new();
    stream.read_to_string(&mut text)?;
    Ok(text)
"""
WRONG = """
    let mut buffer = [0; 7];
    let length = TcpStream::connect(server)?.read(&mut buffer)?;
    Ok(String::from_utf8_lossy(&buffer[..length]).into_owned())
"""
BROKEN = RIGHT.replace("let mut text", "let mut txet")

HEAD = """
use std::io::{self, Read};
use std::net::{SocketAddr, TcpStream};

pub fn greeting(server: SocketAddr) -> io::Result<String> {"""

OURS = """
#[cfg(test)]
pub(crate) fn check() -> checks::Check {
    checks::tcp::greeting(greeting)
}

#[cfg(test)]
fn main() -> std::process::ExitCode {
    check().main()
}
"""

THEIRS = """
fn main() {
    // You can optionally experiment here.
    let _ = greeting;
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Write;
    use std::net::TcpListener;

    fn greeted(words: &'static str) -> io::Result<String> {
        let listener = TcpListener::bind("127.0.0.1:0")?;
        let server = listener.local_addr()?;
        let talk = std::thread::spawn(move || {
            let (mut stream, _) = listener.accept().unwrap();
            stream.write_all(words.as_bytes()).unwrap();
        });
        let heard = greeting(server);
        talk.join().unwrap();
        heard
    }

    #[test]
    fn whole() {
        assert_eq!(greeted("Welcome to port 8088.\\n").unwrap(), "Welcome to port 8088.\\n");
    }

    #[test]
    fn nothing() {
        assert_eq!(greeted("").unwrap(), "");
    }
}
"""


class Terminal:
    """A program in a terminal of 120 columns and 40 lines."""

    def __init__(self, command, cwd, env):
        self.pid, self.fd = pty.fork()
        if self.pid == 0:
            os.chdir(cwd)
            os.execvpe(command[0], command, env)
        fcntl.ioctl(self.fd, termios.TIOCSWINSZ, struct.pack("HHHH", 40, 120, 0, 0))
        self.seen = ""

    def until(self, pattern, limit=300):
        """Reads until the output since the last `forget` matches; returns when."""
        end = time.monotonic() + limit
        while not re.search(pattern, self.seen):
            ready, _, _ = select.select([self.fd], [], [], max(0, end - time.monotonic()))
            if not ready:
                sys.exit(f"never showed {pattern!r}; showed:\n{self.seen[-3000:]}")
            self.seen += os.read(self.fd, 1 << 16).decode(errors="replace")
        return time.monotonic()

    def settle(self):
        """Reads until nothing more comes for a while."""
        while select.select([self.fd], [], [], 0.4)[0]:
            self.seen += os.read(self.fd, 1 << 16).decode(errors="replace")
        self.seen = ""

    def end(self):
        os.kill(self.pid, signal.SIGTERM)
        deadline = time.monotonic() + 5
        while time.monotonic() < deadline:
            if os.waitpid(self.pid, os.WNOHANG)[0]:
                return
            time.sleep(0.02)
        os.kill(self.pid, signal.SIGKILL)
        os.waitpid(self.pid, 0)


class Contestant:
    """A watch mode, the file it watches, and what its verdicts look like."""

    def __init__(self, name, terminal, file, tail, marks):
        self.name, self.terminal, self.file = name, terminal, file
        self.tail, self.marks = tail, marks
        self.times = {kind: [] for kind in marks}

    def save(self, kind, body, salt):
        self.terminal.settle()
        text = f"// {salt}\n{HEAD}{body}}}\n{self.tail}"
        start = time.monotonic()
        self.file.write_text(text)
        self.times[kind].append(self.terminal.until(self.marks[kind]) - start)


def environment(**more):
    env = {k: v for k, v in os.environ.items() if not k.startswith(("CARGO_", "RUST"))}
    # Where the machine keeps its toolchain, and where the bench is to build.
    for kept in ("CARGO_HOME", "RUSTUP_HOME", "RUSTUP_TOOLCHAIN"):
        if kept in os.environ:
            env[kept] = os.environ[kept]
    return env | {"TERM": "xterm-256color"} | more


def learner(folder):
    course = folder / "course"
    subprocess.run(["git", "clone", "-q", str(ROOT), str(course)], check=True)
    file = course / "exercises/01-tcp/greeting/src/lib.rs"
    terminal = Terminal(["cargo", "learn", "--no-book"], course, environment())
    terminal.until("is your task")
    marks = {
        "pass": r"tcp/greeting\S* pass|✓\S* tcp/greeting",
        "fail": "One read is not one message",
        "error": r"cannot find value|error\[E0425\]",
    }
    return Contestant("cargo learn", terminal, file, OURS, marks), course


def rustlings(folder):
    work = folder / "rustlings"
    (work / "exercises").mkdir(parents=True)
    (work / "solutions").mkdir()
    (work / "info.toml").write_text(
        'format_version = 1\n[[exercises]]\nname = "greeting"\ntest = true\n'
        'hint = "Read to the end."\n'
    )
    (work / "Cargo.toml").write_text(
        'bin = [{ name = "greeting", path = "exercises/greeting.rs" },\n'
        '       { name = "greeting_sol", path = "solutions/greeting.rs" }]\n'
        '[package]\nname = "exercises"\nedition = "2024"\npublish = false\n'
    )
    file = work / "exercises/greeting.rs"
    for path in (file, work / "solutions/greeting.rs"):
        path.write_text(f"{HEAD}{BROKEN}}}\n{THEIRS}")
    program = shutil.which("rustlings") or sys.exit("rustlings is not installed")
    terminal = Terminal([program], work, environment())
    terminal.until(r"E0425|error")
    marks = {
        "pass": "Exercise done",
        "fail": "test result: FAILED|FAILED",
        "error": r"E0425",
    }
    return Contestant("rustlings", terminal, file, THEIRS, marks)


def waited(course, file):
    """How long a check waited on purpose, in seconds, by kind of answer."""
    told = {}
    for kind, body in (("pass", RIGHT), ("fail", WRONG)):
        file.write_text(f"{HEAD}{body}}}\n{OURS}")
        command = ["cargo", "learn", "check", "tcp/greeting", "--json"]
        done = subprocess.run(
            command, cwd=course, env=environment(), capture_output=True, text=True
        )
        line = next(line for line in done.stdout.splitlines() if line.strip())
        told[kind] = json.loads(line)["verdict"]["waited_micros"] / 1e6
    return told | {"error": 0.0}


def row(name, times):
    low, median, high = statistics.quantiles(times, n=4)
    print(f"  {name:12} {median * 1e3:6.0f} ms   half between {low * 1e3:.0f} and {high * 1e3:.0f}")
    return median


def main():
    with tempfile.TemporaryDirectory() as folder:
        folder = pathlib.Path(folder)
        ours, course = learner(folder)
        theirs = rustlings(folder)
        bodies = {"fail": WRONG, "error": BROKEN, "pass": RIGHT}
        try:
            for turn in range(ROUNDS + 1):
                for kind, body in bodies.items():
                    for one in (ours, theirs):
                        one.save(kind, body, f"turn {turn}")
        finally:
            ours.terminal.end()
            theirs.terminal.end()
        purpose = waited(course, ours.file)
        for kind in bodies:
            print(f"{kind}, {ROUNDS} turns after one to warm up:")
            # The first turn warms both up.
            our = row(ours.name, ours.times[kind][1:])
            their = row(theirs.name, theirs.times[kind][1:])
            print(f"  ratio        {our / their:6.2f}", end="")
            if purpose[kind] > 0.0005:
                rest = (our - purpose[kind]) / their
                print(f"   ({purpose[kind] * 1e3:.0f} ms waited on purpose; without, {rest:.2f})", end="")
            print()


if __name__ == "__main__":
    main()
