//! Runs a program under strace, holds its terminal, and never leaves it behind.

use std::fs::{self, File};
use std::io::{BufRead, BufReader, ErrorKind, Read, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::mpsc::{self, Receiver, RecvTimeoutError};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, anyhow, bail};
use rustix::process::{Pid, Signal, kill_process};
use xray::Glance;

/// A lesson's program answers at once; after this it is stuck.
const DEADLINE: Duration = Duration::from_secs(60);

/// How often to look whether something has happened.
const GLANCE: Duration = Duration::from_millis(2);

/// The calls that are about sockets or could be.
const CALLS: &str = "trace=%net,close,read,readv,write,writev,fcntl,dup,dup2,dup3,\
                     poll,ppoll,exit_group";

/// A program that runs under strace. When this is dropped, both are gone.
pub struct Traced {
    strace: Child,
    stdin: Option<ChildStdin>,
    said: Receiver<String>,
    trace: PathBuf,
    errors: PathBuf,
    /// What it has printed since somebody has waited for something.
    heard: String,
}

impl Traced {
    /// Starts `program` with `args`; the trace and its errors go into `folder`, under
    /// this `name`. If `hold` is given, the program is stopped (`SIGSTOP`) after its
    /// first call of that name.
    pub fn start(
        program: &Path,
        args: &[&str],
        folder: &Path,
        name: &str,
        hold: Option<&str>,
    ) -> Result<Self> {
        let trace = folder.join(format!("{name}.strace"));
        let errors = folder.join(format!("{name}.stderr"));
        let stderr = File::create(&errors)
            .with_context(|| format!("cannot write {}", errors.display()))?;
        let mut command = strace(&trace, hold);
        command.arg(program).args(args);
        command
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(stderr);
        let mut strace = command.spawn().map_err(|error| match error.kind() {
            ErrorKind::NotFound => anyhow!(
                "there is no `strace` here, and without it no system call can be \
                 recorded; it is a package of that name"
            ),
            _ => anyhow::Error::new(error).context("cannot start strace"),
        })?;
        let stdin = strace.stdin.take();
        let said = strace
            .stdout
            .take()
            .map(listen)
            .context("strace has no output")?;
        let heard = String::new();
        Ok(Self {
            strace,
            stdin,
            said,
            trace,
            errors,
            heard,
        })
    }

    /// Waits until the program has printed `text`, and returns what it has printed
    /// since the last such waiting, `text` included.
    pub fn wait_for(&mut self, text: &str) -> Result<String> {
        let started = Instant::now();
        loop {
            if let Some(at) = self.heard.find(text) {
                let rest = self.heard.split_off(at + text.len());
                return Ok(std::mem::replace(&mut self.heard, rest));
            }
            let left = DEADLINE.saturating_sub(started.elapsed());
            match self.said.recv_timeout(left) {
                Ok(said) => self.heard.push_str(&said),
                Err(RecvTimeoutError::Timeout) => {
                    bail!(self.complaint("prints nothing"))
                }
                Err(RecvTimeoutError::Disconnected) => {
                    bail!(
                        self.complaint(&format!("has ended and never said {text:?}"))
                    )
                }
            }
        }
    }

    /// Types a line at its keyboard.
    pub fn type_line(&mut self, line: &str) -> Result<()> {
        let stdin = self.stdin.as_mut().context("its input has ended already")?;
        let typed = stdin.write_all(format!("{line}\n").as_bytes());
        typed.context("the program does not read what is typed")
    }

    /// Ends its input.
    pub fn end_input(&mut self) {
        self.stdin = None;
    }

    /// Waits until it has been stopped after the call that it is to be held at.
    pub fn wait_until_held(&self) -> Result<()> {
        self.until("does not stop", || {
            let trace = fs::read_to_string(&self.trace)?;
            Ok(trace.contains("--- stopped by SIGSTOP ---"))
        })
    }

    /// Waits until its first thread is in this system call, and blocked there.
    pub fn wait_until_blocked(&self, call: &str) -> Result<()> {
        self.until(&format!("does not come to wait in {call}"), || {
            let seen = self.tracee().and_then(|pid| Ok(xray::glance(pid)?));
            Ok(seen.is_ok_and(|glance| is_blocked_in(&glance, call)))
        })
    }

    /// Lets it go on after it has been stopped.
    pub fn resume(&self) -> Result<()> {
        self.signal(Signal::CONT)
    }

    /// Ends it with `SIGTERM`.
    pub fn terminate(&self) -> Result<()> {
        self.signal(Signal::TERM)
    }

    /// Waits until it has ended, and returns its trace.
    pub fn finish(mut self) -> Result<String> {
        self.end_input();
        let started = Instant::now();
        while self.strace.try_wait()?.is_none() {
            if started.elapsed() > DEADLINE {
                bail!(self.complaint("does not end"));
            }
            thread::sleep(GLANCE);
        }
        fs::read_to_string(&self.trace)
            .with_context(|| format!("cannot read {}", self.trace.display()))
    }

    fn until(&self, what: &str, seen: impl Fn() -> Result<bool>) -> Result<()> {
        let started = Instant::now();
        while !seen()? {
            if started.elapsed() > DEADLINE {
                bail!(self.complaint(what));
            }
            thread::sleep(GLANCE);
        }
        Ok(())
    }

    /// The program itself: strace's only child.
    fn tracee(&self) -> Result<u32> {
        let strace = xray::look(self.strace.id())?;
        let child = strace.children.first();
        Ok(child.context("strace has not started it")?.pid)
    }

    fn signal(&self, signal: Signal) -> Result<()> {
        let pid = i32::try_from(self.tracee()?)?;
        let pid = Pid::from_raw(pid).context("0 is no process")?;
        kill_process(pid, signal).context("cannot send it a signal")
    }

    fn complaint(&self, what: &str) -> String {
        let errors = fs::read_to_string(&self.errors).unwrap_or_default();
        format!("the program under strace {what} {}", errors.trim())
            .trim_end()
            .to_string()
    }
}

impl Drop for Traced {
    fn drop(&mut self) {
        // To kill strace alone would set the program free; strace ends with it.
        let started = Instant::now();
        while let Ok(None) = self.strace.try_wait() {
            if self.signal(Signal::KILL).is_err() || started.elapsed() > DEADLINE {
                let _ = self.strace.kill();
                let _ = self.strace.wait();
            }
            thread::sleep(GLANCE);
        }
    }
}

fn strace(trace: &Path, hold: Option<&str>) -> Command {
    let mut command = Command::new("strace");
    command.args(["-f", "-qq", "-ttt", "-xx", "-s", "65536", "-e", CALLS]);
    if let Some(call) = hold {
        let signal = format!("inject={call}:signal=SIGSTOP:when=1");
        command.arg("-e").arg(signal);
    }
    command.arg("-o").arg(trace);
    command
}

fn is_blocked_in(glance: &Glance, call: &str) -> bool {
    glance.threads.iter().any(|thread| {
        thread.tid == glance.pid
            && thread.is_blocked()
            && thread.call.as_ref().is_some_and(|it| it.name == call)
    })
}

/// Hands on what comes out of a pipe, so that one can wait for it with a deadline.
fn listen(pipe: impl Read + Send + 'static) -> Receiver<String> {
    let (sender, receiver) = mpsc::channel();
    thread::spawn(move || {
        let mut pipe = BufReader::new(pipe);
        while let Ok(bytes) = pipe.fill_buf() {
            let length = bytes.len();
            let text = String::from_utf8_lossy(bytes).into_owned();
            if length == 0 || sender.send(text).is_err() {
                break;
            }
            pipe.consume(length);
        }
    });
    receiver
}
