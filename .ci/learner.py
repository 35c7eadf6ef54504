"""Drives `cargo learn` in a terminal as a learner would.

In a clone of its own: begins, is told that it is the task, answers wrongly, reads a
hint, answers rightly, sees the next exercise, saves while a check runs, breaks the
build, resets, is killed and goes on. Every wait ends when the screen shows what is
waited for.
"""

import os
import pathlib
import shutil
import subprocess
import sys
import tempfile
import time

ROOT = pathlib.Path(__file__).resolve().parent.parent
PATIENCE = 300  # seconds; a bound, for a build on a slow machine
SOCKET = f"handshake-ci-{os.getpid()}"  # another run may be on this machine

WRONG = '''
    use std::io::Read;
    let mut buffer = [0; 1024];
    let length = std::net::TcpStream::connect(server)?.read(&mut buffer)?;
    Ok(String::from_utf8_lossy(&buffer[..length]).into_owned())
'''


def tmux(*args):
    command = ["tmux", "-L", SOCKET, *args]
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout


def screen():
    return tmux("capture-pane", "-p", "-t", "learner")


def until(*texts, without=()):
    """Waits until the screen shows all of `texts` and none of `without`."""
    end = time.monotonic() + PATIENCE
    while time.monotonic() < end:
        shown = screen()
        if all(t in shown for t in texts) and not any(t in shown for t in without):
            print(f"  shows {', '.join(map(repr, texts))}", flush=True)
            return shown
        time.sleep(0.05)
    sys.exit(f"never showed {texts} without {without}; shows:\n{screen()}")


def press(*keys):
    tmux("send-keys", "-t", "learner", *keys)


def start(course, width=80, height=24):
    command = "cargo learn --no-book; echo ended with $?; exec sleep 600"
    size = ["-x", str(width), "-y", str(height)]
    tmux("new-session", "-d", "-s", "learner", "-c", str(course), *size, command)


def edit(path, old, new):
    text = path.read_text()
    assert old in text, f"{path} has changed; it lacks {old!r}"
    path.write_text(text.replace(old, new))


def main():
    with tempfile.TemporaryDirectory() as folder:
        course = pathlib.Path(folder) / "course"
        subprocess.run(["git", "clone", "-q", str(ROOT), str(course)], check=True)
        stub = course / "exercises/01-tcp/greeting/src/lib.rs"
        pristine = stub.read_text()
        task = pristine[pristine.index("    let _ = server;") : pristine.index("\n}\n")]
        exercises = len(list(course.glob("exercises/*/*/Cargo.toml")))
        right = (ROOT / "solutions/01-tcp/src/greeting.rs").read_text()
        start(course)
        try:
            until("tcp/greeting is your task")

            edit(stub, task, WRONG)
            until("tcp/greeting fails", "One read is not one message")

            press("h")
            until("Hint 1 of 3")
            press("h")
            until("Hint 2 of 3")

            edit(stub, "let length", "let lenght")
            until("does not compile", "lenght")

            # Two saves, the second while the first is being checked.
            edit(stub, "let lenght", "let length")
            stub.write_text(answer(right))
            until("Next: tcp/timestamps", f"1/{exercises}")

            press("l")
            until("tcp/greeting", "bytes/upload")
            press("q")
            until("tcp/timestamps", "h hint")

            press("p")
            until("tcp/greeting passes")
            press("r")
            until("Put tcp/greeting back to its stub?")
            press("y")
            until(".learn/attempts", "tcp/greeting is your task", f"0/{exercises}")
            assert stub.read_text() == pristine, "reset did not bring the stub back"
            kept = list((course / ".learn/attempts").rglob("*.rs"))
            assert any(k.read_text() == answer(right) for k in kept), "no copy was kept"

            stub.write_text(answer(right))
            until("Next: tcp/timestamps", f"1/{exercises}")
            tmux("resize-window", "-t", "learner", "-x", "60", "-y", "20")
            pid = tmux("list-panes", "-t", "learner", "-F", "#{pane_pid}").strip()
            kill_learner(pid)
            until("ended with")
            tmux("kill-session", "-t", "learner")

            start(course, 120, 40)
            until("tcp/timestamps is your task", f"1/{exercises}")
            press("q")
            until("ended with 0")
        finally:
            subprocess.run(
                ["tmux", "-L", SOCKET, "kill-server"], stderr=subprocess.DEVNULL
            )


def answer(solution):
    """The solution as a learner would have written it into the stub."""
    marks = ("// BEGIN SOLUTION", "// END SOLUTION", "// STUB")
    lines = [line for line in solution.splitlines() if line.strip()[:8] != "// STUB " and not line.strip().startswith(marks)]
    main = "\n#[cfg(test)]\nfn main() -> std::process::ExitCode {\n    check().main()\n}\n"
    return "\n".join(lines) + "\n" + main


def kill_learner(shell):
    """Kills the learner's command, as a crash would, by its number."""
    children = pathlib.Path(f"/proc/{shell}/task/{shell}/children").read_text().split()
    for child in children:
        subprocess.run(["kill", "-9", child], check=True)


if __name__ == "__main__":
    if shutil.which("tmux") is None:
        sys.exit("tmux is missing")
    main()
    print("the learner's command behaves in a terminal")
