//! Those who are compared, and what the kernel says that they use.

use std::fs;
use std::io::{self, BufRead, BufReader, ErrorKind};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use nix::unistd::{SysconfVar, sysconf};

/// Whose a server is, and so how it is started.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Whose {
    /// One of this crate's strategies.
    Ours,
    /// Written by hand, in Rust.
    Rust,
    /// Python's.
    Python,
    /// The least that there can be.
    C,
}

/// A server by its name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Contender {
    /// Whose it is.
    pub whose: Whose,
    /// What it is called where it is started.
    pub kind: &'static str,
}

impl Contender {
    /// What it is called in a table.
    pub fn name(&self) -> String {
        match self.whose {
            Whose::Ours => self.kind.into(),
            Whose::Rust if self.kind == "tokio" => "tokio".into(),
            Whose::Rust => format!("by hand: {}", self.kind),
            Whose::Python => format!("Python: {}", self.kind),
            Whose::C => format!("C: {}", self.kind),
        }
    }
}

/// Where the servers are that are not in this program.
pub struct Peers {
    scripts: PathBuf,
    epoll: PathBuf,
    /// What puts a server on a processor of its own.
    apart: Option<Vec<String>>,
}

impl Peers {
    /// Compiles the server in C.
    ///
    /// # Errors
    ///
    /// Where there is no C compiler, or it fails.
    pub fn prepare() -> io::Result<Self> {
        let scripts = Path::new(env!("CARGO_MANIFEST_DIR")).join("benches/peers");
        let epoll = Path::new(env!("CARGO_TARGET_TMPDIR")).join("epoll-server");
        let done = Command::new("cc")
            .args(["-O2", "-o"])
            .arg(&epoll)
            .arg(scripts.join("epoll.c"))
            .status()
            .map_err(|error| told("cc, which compiles the peer in C", error))?;
        if !done.success() {
            return Err(io::Error::other("cc fails"));
        }
        let several =
            std::thread::available_parallelism().is_ok_and(|count| count.get() > 1);
        let apart = several
            .then(|| ["taskset", "-c", "1"].map(str::to_owned).to_vec())
            .filter(|_| Command::new("taskset").arg("-V").output().is_ok());
        Ok(Self {
            scripts,
            epoll,
            apart,
        })
    }

    /// Whether servers run on another processor than the load.
    pub fn are_apart(&self) -> bool {
        self.apart.is_some()
    }

    /// Starts a server, and waits until it says where it listens.
    ///
    /// # Errors
    ///
    /// Where it cannot be started, or ends.
    pub fn start(&self, contender: Contender) -> io::Result<Running> {
        let mut words: Vec<std::ffi::OsString> = Vec::new();
        words.extend(self.apart.iter().flatten().map(Into::into));
        match contender.whose {
            Whose::Ours | Whose::Rust => {
                words.extend([std::env::current_exe()?.into(), "serve".into()]);
            }
            Whose::Python => {
                words.extend([
                    "python3".into(),
                    self.scripts.join("servers.py").into(),
                ]);
            }
            Whose::C => words.push(self.epoll.clone().into()),
        }
        words.push(contender.kind.into());
        let (program, args) = words.split_first().ok_or(ErrorKind::InvalidInput)?;
        let mut child = Command::new(program)
            .args(args)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .map_err(|error| told(&program.to_string_lossy(), error))?;
        let mut line = String::new();
        if let Some(out) = child.stdout.take() {
            BufReader::new(out).read_line(&mut line)?;
        }
        let addr = line.trim().strip_prefix("listening on ");
        match addr.and_then(|addr| addr.parse().ok()) {
            Some(addr) => Ok(Running { child, addr }),
            None => {
                let _ = child.kill();
                let _ = child.wait();
                let why = format!("{} does not listen", contender.name());
                Err(io::Error::other(why))
            }
        }
    }
}

fn told(what: &str, error: io::Error) -> io::Error {
    io::Error::new(error.kind(), format!("cannot start {what}: {error}"))
}

/// A server that runs, and is ended when this is dropped, with its children.
pub struct Running {
    child: Child,
    /// Where it listens.
    pub addr: SocketAddr,
}

impl Running {
    /// Itself and its descendants.
    fn family(&self) -> Vec<u32> {
        let mut family = vec![self.child.id()];
        let mut at = 0;
        while let Some(pid) = family.get(at) {
            let path = format!("/proc/{pid}/task/{pid}/children");
            let children = fs::read_to_string(path).unwrap_or_default();
            family.extend(children.split_whitespace().flat_map(str::parse::<u32>));
            at += 1;
        }
        family
    }

    /// The processor time that it has used, with children that it has collected and
    /// those that live: proc_pid_stat(5).
    pub fn cpu(&self) -> Duration {
        let ticks: u64 = self.family().into_iter().map(ticks).sum();
        let a_second = sysconf(SysconfVar::CLK_TCK).ok().flatten().unwrap_or(100);
        Duration::from_secs_f64(ticks as f64 / a_second as f64)
    }

    /// Its proportional share of memory in KiB, with its children's: `Pss` of
    /// proc_pid_smaps(5).
    pub fn memory(&self) -> u64 {
        self.family().into_iter().map(pss).sum()
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        for pid in self.family().into_iter().rev() {
            let pid = nix::unistd::Pid::from_raw(pid.cast_signed());
            let _ = nix::sys::signal::kill(pid, nix::sys::signal::Signal::SIGKILL);
        }
        let _ = self.child.wait();
    }
}

/// `utime`, `stime`, `cutime` and `cstime`.
fn ticks(pid: u32) -> u64 {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
    // The name, in brackets, may hold anything.
    let after = stat.rsplit_once(')').map_or("", |(_, after)| after);
    let fields = after.split_whitespace().skip(11).take(4);
    fields.flat_map(str::parse::<u64>).sum()
}

fn pss(pid: u32) -> u64 {
    let path = format!("/proc/{pid}/smaps_rollup");
    let text = fs::read_to_string(path).unwrap_or_default();
    let line = text.lines().find_map(|line| line.strip_prefix("Pss:"));
    let number = line.and_then(|rest| rest.split_whitespace().next());
    number.and_then(|number| number.parse().ok()).unwrap_or(0)
}
