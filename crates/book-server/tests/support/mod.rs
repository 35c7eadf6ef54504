//! What the tests share: a small project with a book, its server, plain HTTP.

#![allow(
    dead_code,
    clippy::unwrap_used,
    reason = "each test binary uses a part of it, and it is part of the tests"
)]

use std::fs;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::{Duration, Instant};

use book_server::book::Project;
use checks::catalogue;
use checks::verdict::{Diagnosis, Failure, ProbeState, Probed, Verdict};
use nanoserde::SerJson;
use tempfile::TempDir;
use wire::{Payload, Side, Timeline, What};

/// No test waits longer for anything.
pub const LIMIT: Duration = Duration::from_secs(20);

/// A project in a folder of its own: the chapters of `tests/fixture`, in the frame
/// (`book.toml` and the theme) of the course's own book.
pub struct Course {
    folder: TempDir,
}

impl Course {
    pub fn new() -> Course {
        let here = Path::new(env!("CARGO_MANIFEST_DIR"));
        let folder = tempfile::tempdir().unwrap();
        copy(&here.join("tests/fixture"), folder.path());
        let book = here.join("../../book");
        fs::copy(book.join("book.toml"), folder.path().join("book/book.toml"))
            .unwrap();
        copy(&book.join("theme"), &folder.path().join("book/theme"));
        let course = Course { folder };
        course.complete();
        course
    }

    /// Adds what the catalogue wants of the lessons' chapters: the boxes of their
    /// exercises and the places that verdicts lead to.
    fn complete(&self) {
        for lesson in catalogue::lessons() {
            let chapter = format!("book/src/{}.md", lesson.stem);
            if !self.path(&chapter).exists() {
                continue;
            }
            let mut text = self.read(&chapter);
            for exercise in catalogue::exercises() {
                let line = format!("{{{{exercise {}}}}}", exercise.id);
                if exercise.stem == lesson.stem && !text.contains(&line) {
                    text += &format!("\n{line}\n");
                }
                let solution = self.path(exercise.solution().to_str().unwrap());
                if !solution.exists() {
                    fs::create_dir_all(solution.parent().unwrap()).unwrap();
                    fs::write(solution, "//! Do what is to be done.\n").unwrap();
                }
            }
            for mistake in catalogue::mistakes() {
                let page = format!("{}.html#", lesson.stem);
                if let Some(anchor) = mistake.page.strip_prefix(&page) {
                    let heading = format!("{{#{anchor}}}");
                    if anchor != "one-read-is-not-one-message"
                        && !text.contains(&heading)
                    {
                        text += &format!("\n## On {anchor} {heading}\n\nText.\n");
                    }
                }
            }
            self.write(&chapter, &text);
        }
    }

    pub fn project(&self) -> Project {
        Project::at(self.folder.path())
    }

    pub fn path(&self, path: &str) -> PathBuf {
        self.folder.path().join(path)
    }

    pub fn read(&self, path: &str) -> String {
        fs::read_to_string(self.path(path)).unwrap()
    }

    pub fn write(&self, path: &str, text: &str) {
        fs::write(self.path(path), text).unwrap();
    }

    /// Appends to a chapter; returns the line on which the text begins.
    pub fn append(&self, path: &str, text: &str) -> usize {
        let mut whole = self.read(path) + "\n";
        let line = whole.lines().count() + 1;
        whole += text;
        self.write(path, &whole);
        line
    }

    /// Runs the program to its end.
    pub fn run(&self, arguments: &[&str]) -> (Option<i32>, String, String) {
        let output = Command::new(env!("CARGO_BIN_EXE_book-server"))
            .current_dir(self.folder.path())
            .args(arguments)
            .output()
            .unwrap();
        let text = |bytes| String::from_utf8(bytes).unwrap();
        let code = output.status.code();
        (code, text(output.stdout), text(output.stderr))
    }
}

fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        let target = to.join(entry.file_name());
        if entry.file_type().unwrap().is_dir() {
            copy(&entry.path(), &target);
        } else {
            fs::copy(entry.path(), target).unwrap();
        }
    }
}

/// A running server; it ends with the value.
pub struct Server {
    child: Child,
    stdin: Option<ChildStdin>,
    errors: Arc<Mutex<String>>,
    pub port: u16,
}

impl Server {
    pub fn start(course: &Course) -> Server {
        Server::start_at(course, 0)
    }

    pub fn start_at(course: &Course, port: u16) -> Server {
        let mut child = Command::new(env!("CARGO_BIN_EXE_book-server"))
            .args(["serve", "--port", &port.to_string(), "--root"])
            .arg(course.folder.path())
            .env("TMPDIR", course.folder.path())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let errors = Arc::new(Mutex::new(String::new()));
        let heard = Arc::clone(&errors);
        let stderr = BufReader::new(child.stderr.take().unwrap());
        thread::spawn(move || {
            for line in stderr.lines().map_while(Result::ok) {
                *heard.lock().unwrap() += &(line + "\n");
            }
        });
        let mut first = String::new();
        let mut stdout = BufReader::new(child.stdout.take().unwrap());
        stdout.read_line(&mut first).unwrap();
        let port = first
            .strip_prefix("listening on http://127.0.0.1:")
            .and_then(|rest| rest.trim_end().strip_suffix('/')?.parse().ok())
            .unwrap_or_else(|| panic!("an unexpected first line: {first:?}"));
        Server {
            stdin: child.stdin.take(),
            child,
            errors,
            port,
        }
    }

    /// Writes a line to the server's standard input.
    pub fn tell(&mut self, line: &str) {
        let stdin = self.stdin.as_mut().unwrap();
        writeln!(stdin, "{line}").unwrap();
    }

    pub fn tell_bytes(&mut self, bytes: &[u8]) {
        self.stdin.as_mut().unwrap().write_all(bytes).unwrap();
    }

    /// Waits until it has said this on standard error, which comes on a way of its own.
    pub fn complains(&self, wanted: &str) {
        let start = Instant::now();
        while !self.errors.lock().unwrap().contains(wanted) {
            let errors = self.errors.lock().unwrap();
            assert!(start.elapsed() < LIMIT, "no {wanted:?} in {errors}");
            drop(errors);
            thread::sleep(Duration::from_millis(5)); // between two looks
        }
    }

    pub fn id(&self) -> u32 {
        self.child.id()
    }

    /// Ends the server's standard input and waits for it to end.
    pub fn end(mut self) -> Option<i32> {
        drop(self.stdin.take());
        let start = Instant::now();
        loop {
            if let Some(status) = self.child.try_wait().unwrap() {
                return status.code();
            }
            assert!(start.elapsed() < LIMIT, "it goes on without its input");
            thread::sleep(Duration::from_millis(5)); // between two looks
        }
    }

    pub fn connect(&self) -> TcpStream {
        let stream = TcpStream::connect(("127.0.0.1", self.port)).unwrap();
        stream.set_read_timeout(Some(LIMIT)).unwrap();
        stream.set_write_timeout(Some(LIMIT)).unwrap();
        stream
    }

    /// Sends these bytes; returns all that comes back until the server hangs up.
    pub fn exchange(&self, request: &str) -> String {
        let mut stream = self.connect();
        stream.write_all(request.as_bytes()).unwrap();
        let mut reply = Vec::new();
        stream.read_to_end(&mut reply).unwrap();
        String::from_utf8_lossy(&reply).into_owned()
    }

    pub fn request(&self, method: &str, path: &str, host: &str) -> Reply {
        Reply::of(&self.exchange(&format!(
            "{method} {path} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n"
        )))
    }

    pub fn get(&self, path: &str) -> Reply {
        self.request("GET", path, &format!("127.0.0.1:{}", self.port))
    }

    /// Follows the events from now on.
    pub fn events(&self) -> Events {
        let mut stream = self.connect();
        let port = self.port;
        let request =
            format!("GET /events HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\n\r\n");
        stream.write_all(request.as_bytes()).unwrap();
        Events(BufReader::new(stream))
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

pub struct Events(BufReader<TcpStream>);

impl Events {
    /// Reads events until one satisfies, and returns its JSON.
    pub fn until(&mut self, wanted: impl Fn(&str) -> bool) -> String {
        let start = Instant::now();
        let mut line = String::new();
        while start.elapsed() < LIMIT {
            line.clear();
            let read = self.0.read_line(&mut line).expect("no such event came");
            assert_ne!(read, 0, "the stream of events ended");
            if let Some(event) = line.strip_prefix("data: ")
                && wanted(event)
            {
                return event.trim_end().into();
            }
        }
        panic!("no such event came");
    }
}

pub struct Reply {
    pub status: u16,
    pub head: String,
    pub body: String,
}

impl Reply {
    pub fn of(text: &str) -> Reply {
        let (head, body) = text.split_once("\r\n\r\n").unwrap_or((text, ""));
        let status = head.split(' ').nth(1).and_then(|code| code.parse().ok());
        Reply {
            status: status.unwrap_or_else(|| panic!("no reply: {text:?}")),
            head: head.to_lowercase(),
            body: body.into(),
        }
    }

    pub fn header(&self, name: &str) -> Option<&str> {
        let mut lines = self.head.lines();
        lines.find_map(|line| line.strip_prefix(name)?.strip_prefix(": "))
    }
}

/// A verdict on tcp/timestamps with all the parts that a verdict can have.
pub fn failing() -> Verdict {
    let ms = Duration::from_millis;
    let mut timeline = Timeline::new("peer", "your program");
    let sent = |bytes: &[u8]| What::Sent(Payload::of(bytes));
    timeline.push(ms(0), 1, Side::Left, What::Connect(String::new()));
    timeline.push(ms(1), 1, Side::Left, sent(b"hel"));
    timeline.push(ms(1), 0, Side::Left, What::Note("100 ms pass".into()));
    timeline.push(ms(101), 1, Side::Left, sent(b"lo\n"));
    timeline.push(
        ms(102),
        1,
        Side::Right,
        sent(b"[21 Nov] hel\n[21 Nov] lo\n"),
    );
    let probed = |name: &str, title: &str, state| Probed {
        name: name.into(),
        title: title.into(),
        state,
    };
    let skipped = ProbeState::Skipped("an earlier probe failed".into());
    Verdict {
        exercise: "tcp/timestamps".into(),
        passed: false,
        probes: vec![
            probed("line", "one line and its answer", ProbeState::Passed),
            probed(
                "split",
                "a line that arrives in two pieces",
                ProbeState::Failed,
            ),
            probed("second", "a second client", skipped),
        ],
        failure: Some(Failure {
            probe: "split".into(),
            title: "a line that arrives in two pieces".into(),
            untouched: false,
            summary: "two answers came to one line".into(),
            expected: "\"[21 Nov] hello\\n\"".into(),
            got: "\"[21 Nov] hel\\n[21 Nov] lo\\n\"".into(),
            kernel: vec!["blocked in recvfrom on fd 4 (0 bytes unread)".into()],
            mistake: Some(Diagnosis {
                id: "M1".into(),
                name: "One read is not one message".into(),
                why: "What one `read` brought was answered as if it were a line."
                    .into(),
                page: "02-bytes.html#one-read-is-not-one-message".into(),
            }),
            panic: Some("src/lib.rs:12:5: index out of bounds".into()),
            output: "got <3> bytes & more\n<script>window.hacked = 1</script>\n"
                .into(),
            timeline,
        }),
        micros: 152_000,
        waited_micros: 100_000,
    }
}

pub fn passing() -> Verdict {
    let mut verdict = failing();
    verdict.passed = true;
    verdict.failure = None;
    for probed in &mut verdict.probes {
        probed.state = ProbeState::Passed;
    }
    verdict
}

/// The line by which the parent tells of a verdict.
pub fn line(verdict: &Verdict) -> String {
    let verdict = verdict.serialize_json();
    format!("{{\"kind\":\"verdict\",\"verdict\":{verdict}}}")
}
