//! What `cargo run -p lesson-13 -- NAME` shows.

use std::io::{self, BufRead, BufReader, Write};
use std::process::{Child, ChildStdout, Command, Stdio};
use std::time::Duration;

use anyhow::{Context, Result, bail};
use lesson_13::client::Client;
use lesson_13::objects::{self, Attributes, HangUp, Named, Visit, class_of};
use lesson_13::place::Place;
use lesson_13::{broken, surprise, trace};
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

/// For what is to come.
pub const PATIENCE: Duration = Duration::from_secs(30);

/// A server in a process of its own, which may fork: it has a single thread.
pub struct Served {
    child: Child,
    lines: BufReader<ChildStdout>,
    pub place: Place,
}

impl Served {
    /// Starts this program anew with these arguments.
    pub fn start(args: &[&str]) -> Result<Self> {
        let program = std::env::current_exe().context("cannot find this program")?;
        let mut child = Command::new(program)
            .args(args)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .spawn()
            .context("cannot start a server")?;
        let out = child.stdout.take().context("the server has no output")?;
        let any = Place::Tcp(([127, 0, 0, 1], 0).into());
        let mut served = Self {
            child,
            lines: BufReader::new(out),
            place: any,
        };
        let first = served.line()?;
        let Some(place) = first.strip_prefix("listening on ") else {
            bail!("the server says {first:?} and no address");
        };
        served.place = place.parse().map_err(anyhow::Error::msg)?;
        Ok(served)
    }

    /// The next line that it prints; empty at the end.
    pub fn line(&mut self) -> Result<String> {
        let mut line = String::new();
        let read = self.lines.read_line(&mut line);
        read.context("cannot read what the server prints")?;
        Ok(line.trim_end().to_owned())
    }

    /// Stops it as Ctrl-C would, and returns what it has still printed.
    pub fn stop(mut self) -> Result<Vec<String>> {
        let pid = i32::try_from(self.child.id()).context("a pid is no i32")?;
        kill(Pid::from_raw(pid), Signal::SIGINT).context("cannot stop the server")?;
        let mut said = Vec::new();
        loop {
            match self.line()? {
                line if line.is_empty() => break,
                line => said.push(line),
            }
        }
        let status = self.child.wait().context("cannot wait for the server")?;
        if !status.success() {
            bail!("the server ended with {status}");
        }
        Ok(said)
    }
}

impl Drop for Served {
    fn drop(&mut self) {
        let _ = self.child.kill(); // it has ended already, unless something failed
        let _ = self.child.wait();
    }
}

/// What is heard, or what there is instead of an answer.
pub fn ask(client: &mut Client, line: &str) -> io::Result<String> {
    client.say(line.as_bytes())?;
    Ok(match client.hear()? {
        Some(answer) => printable(&answer),
        None => "(the end)".to_owned(),
    })
}

/// Bytes that are no text, or that would move the cursor, escaped.
pub fn printable(bytes: &[u8]) -> String {
    let text = String::from_utf8_lossy(bytes);
    let safe = |c: char| match c.is_control() {
        true => c.escape_default().to_string(),
        false => c.to_string(),
    };
    text.chars().map(safe).collect()
}

pub fn trace(word: &str, out: &mut impl Write) -> Result<()> {
    let mut served = Served::start(&["traced", word])?;
    let mut client =
        Client::call(&served.place, PATIENCE).context("cannot connect")?;
    let answer = ask(&mut client, "hello").context("no answer")?;
    drop(client);
    let mut steps: Vec<String> = Vec::new();
    // The last step of the request; a server may be stopped before it has told of it.
    while !matches!(steps.last(), Some(step) if step.ends_with("Close")) {
        match served.line()? {
            line if line.is_empty() => bail!("the server ended after {steps:?}"),
            line => steps.push(line),
        }
    }
    served.stop()?;
    writeln!(out, "{word}: \"hello\" is answered \"{answer}\"\n")?;
    let before = [
        ("bind", "TCPServer.__init__, BaseServer.__init__"),
        ("serve", "serve_forever"),
    ];
    for (step, python) in before {
        writeln!(out, "  {:9}{step:10}{python}", "server")?;
    }
    for step in &steps {
        let (who, step) = step.split_once(' ').unwrap_or((step, ""));
        let python = match (word, step) {
            // The mix-in of threads has a method of its own for what its thread does.
            ("threads", "Setup") => {
                "process_request_thread, finish_request, __init__, setup"
            }
            _ => trace::in_python(step),
        };
        writeln!(out, "  {who:9}{:10}{python}", step.to_lowercase())?;
    }
    Ok(())
}

pub fn objects(out: &mut impl Write) -> Result<()> {
    let mut visit = Visit::imagined(([127, 0, 0, 1], 8009).into());
    visit.lines.push("hello".into());
    writeln!(out, "__class__       {}", class_of(&visit))?;
    writeln!(out, "__str__         {visit}")?;
    writeln!(out, "__dict__        {visit:?}")?;
    visit[0] = "goodbye".into();
    writeln!(out, "visit[0]        {}", visit[0])?;
    writeln!(out, "__del__         {}", objects::lifetimes().join(", "))?;
    let mut counter = objects::counter();
    writeln!(out, "__call__        {}, then {}", counter(), counter())?;
    let mut attributes = Attributes::default();
    attributes.set("limit", "1000");
    let got = attributes.get("limit");
    writeln!(out, "setattr         limit is {got:?}")?;
    attributes.delete("limit");
    writeln!(
        out,
        "delattr         limit is {:?}",
        attributes.get("limit")
    )?;
    let found = ["list", "quit", "__class__"].map(objects::Command::find);
    writeln!(out, "getattr         {found:?}")?;
    for name in ["upper", "reversed", "os"] {
        let said = match objects::registry().get(name) {
            Some(make) => make().run("socket"),
            None => "is not in the registry".to_owned(),
        };
        writeln!(out, "import_module   {name}: {said}")?;
    }
    writeln!(out, "type(…)         {HangUp:?}")?;
    writeln!(out, "metaclass       {}", HangUp::name())?;
    Ok(())
}

pub fn surprise(out: &mut impl Write) -> Result<()> {
    let stops = surprise::measure(7).context("cannot measure")?;
    let ratio = stops.looking.as_secs_f64() / stops.woken.as_secs_f64().max(1e-9);
    writeln!(
        out,
        "From `shutdown` to the end of the loop, in the middle of 7:\n"
    )?;
    writeln!(out, "  looks every half second   {:.1?}", stops.looking)?;
    writeln!(out, "  is woken                  {:.1?}", stops.woken)?;
    writeln!(out, "\nTo be woken is {ratio:.0} times as fast.")?;
    Ok(())
}

pub fn seats(out: &mut impl Write) -> Result<()> {
    for (when, free) in broken::leaking_seats().context("cannot play")? {
        writeln!(out, "{when:34}{free:2} seats are free")?;
    }
    Ok(())
}

pub fn shutdown(out: &mut impl Write) -> Result<()> {
    let words = |ended| match ended {
        true => "the loop has ended",
        false => "gave up waiting: the loop is still in this request",
    };
    let (another, own) = broken::shutdown_twice();
    writeln!(
        out,
        "shutdown, asked by another thread:  {}",
        words(another)
    )?;
    writeln!(out, "shutdown, asked by a request:       {}", words(own))?;
    Ok(())
}
