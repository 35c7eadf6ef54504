//! What this machine has and lacks, and what that touches.

use std::env;
use std::fs::{self, OpenOptions};
use std::io::{self, IsTerminal, Write};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};

use crate::look::{self, Look, Pen};
use crate::project::Project;
use crate::screen;
use crate::text;

/// The oldest compiler that the course is written for.
const RUST: &str = env!("CARGO_PKG_RUST_VERSION");

/// What the course's target folder grows to, with the live book and room to spare.
const DISK_MB: u64 = 1500;

/// The terminal that everything fits into.
const ROWS: usize = 24;
const COLUMNS: usize = 80;

/// One thing that was looked at.
struct Finding {
    what: &'static str,
    /// What was found, or why it is missing.
    found: Result<String>,
    /// What it is for: what suffers without it.
    touches: &'static str,
    remedy: String,
    /// Without it nothing works.
    essential: bool,
}

/// Looks at everything and tells it; exit code 1 if something essential is missing.
pub fn doctor(project: &Project) -> Result<ExitCode> {
    let look = look::stdout();
    let mut out = io::stdout();
    let (mut missing, mut essential) = (0, 0);
    for examine in EXAMINATIONS {
        let finding = examine(project);
        out.write_all(tell(&finding, &look).as_bytes())?;
        if finding.found.is_err() {
            missing += 1;
            essential += usize::from(finding.essential);
        }
    }
    let (words, code) = match (missing, essential) {
        (0, _) => (
            "This machine has all that the course can use.",
            ExitCode::SUCCESS,
        ),
        (_, 0) => (
            "You can begin: what is missing touches only what stands beside it.",
            ExitCode::SUCCESS,
        ),
        _ => (
            "Something is missing that you cannot begin without.",
            ExitCode::FAILURE,
        ),
    };
    writeln!(out, "\n{words}")?;
    Ok(code)
}

const EXAMINATIONS: [fn(&Project) -> Finding; 15] = [
    rust, cargo, build, folder, disk, ipv4, ipv6, kernel, namespaces, terminal,
    python, netcat, strace, sshd, browser,
];

fn tell(finding: &Finding, look: &Look) -> String {
    let pen = Pen::new(look);
    let column = 24;
    let paragraph = |words: &str| {
        let lines = text::wrap(words, look.width.saturating_sub(column).max(30));
        lines.join(&format!("\n{}", " ".repeat(column)))
    };
    let (mark, words) = match &finding.found {
        Ok(found) => (pen.good(pen.passed), paragraph(found)),
        Err(why) => {
            let essential = match finding.essential {
                true => "everything",
                false => finding.touches,
            };
            let touches = paragraph(&format!("Touches {essential}."));
            let remedy = paragraph(&finding.remedy);
            let gap = format!("\n{}", " ".repeat(column));
            let why = paragraph(&format!("{why:#}"));
            (
                pen.bad(pen.failed),
                format!("{why}{gap}{touches}{gap}{remedy}"),
            )
        }
    };
    let gap = " "
        .repeat(column.saturating_sub(text::width(&mark) + 1 + finding.what.len()));
    format!("{mark} {}{gap}{words}\n", finding.what)
}

// ---- what nothing works without ----

fn rust(project: &Project) -> Finding {
    let found = said(
        Command::new("rustc")
            .arg("--version")
            .current_dir(&project.root),
    );
    let found = found.and_then(|said| match is_at_least(&said, RUST) {
        true => Ok(said),
        false => bail!("{said}, but the course needs {RUST}"),
    });
    Finding {
        what: "Rust",
        found,
        touches: "",
        remedy: "`rustup update`, or see https://rustup.rs".into(),
        essential: true,
    }
}

fn cargo(project: &Project) -> Finding {
    Finding {
        what: "cargo",
        found: said(
            Command::new("cargo")
                .arg("--version")
                .current_dir(&project.root),
        ),
        touches: "",
        remedy: "See https://rustup.rs".into(),
        essential: true,
    }
}

fn build(_: &Project) -> Finding {
    Finding {
        what: "compile and link",
        found: tiny_build(),
        touches: "",
        remedy: format!("rustc needs a linker. {}", install("gcc", &GCC)),
        essential: true,
    }
}

/// Compiles, links and runs the smallest program.
fn tiny_build() -> Result<String> {
    let program =
        env::temp_dir().join(format!("learn-doctor-{}", std::process::id()));
    let began = Instant::now();
    let mut rustc = Command::new("rustc")
        .args(["-", "--crate-name", "tiny", "-o"])
        .arg(&program)
        .stdin(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .context("cannot start rustc")?;
    if let Some(mut source) = rustc.stdin.take() {
        source
            .write_all(b"fn main() {}")
            .context("cannot write to rustc")?;
    }
    let output = rustc.wait_with_output().context("cannot wait for rustc")?;
    if !output.status.success() {
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        bail!("rustc failed: {}", said.lines().next().unwrap_or_default());
    }
    let ran = Command::new(&program).status();
    let took = began.elapsed();
    let _ = fs::remove_file(&program);
    ran.context("cannot run what was compiled")?;
    Ok(format!("an empty program in {:.1} s", took.as_secs_f64()))
}

fn folder(project: &Project) -> Finding {
    Finding {
        what: "the course's folder",
        found: writable(project),
        touches: "",
        remedy: "Clone the course to a folder of your own.".into(),
        essential: true,
    }
}

fn writable(project: &Project) -> Result<String> {
    let Some(exercise) = project.present().into_iter().next() else {
        bail!("there are no exercises in {}", project.root.display());
    };
    let stub = project.path(exercise.stub());
    OpenOptions::new()
        .append(true)
        .open(&stub)
        .with_context(|| format!("cannot write to {}", stub.display()))?;
    let probe = project.path(format!(".learn-doctor-{}", std::process::id()));
    fs::write(&probe, "")
        .and_then(|()| fs::remove_file(&probe))
        .with_context(|| format!("cannot write to {}", project.root.display()))?;
    Ok(format!("{} can be written", project.root.display()))
}

fn ipv4(_: &Project) -> Finding {
    Finding {
        what: "IPv4 on loopback",
        found: talk_to_oneself(Ipv4Addr::LOCALHOST.into()),
        touches: "",
        remedy: "`ip link set lo up`, or allow it in the sandbox you are in.".into(),
        essential: true,
    }
}

/// Connects to a listener of our own.
fn talk_to_oneself(address: IpAddr) -> Result<String> {
    let listener = TcpListener::bind((address, 0))
        .with_context(|| format!("cannot listen on {address}"))?;
    let server = listener.local_addr().context("cannot tell the port")?;
    TcpStream::connect_timeout(&server, Duration::from_secs(2))
        .with_context(|| format!("cannot connect to {server}"))?;
    Ok(format!("{address} listens and answers"))
}

// ---- what something beside it needs ----

fn disk(project: &Project) -> Finding {
    Finding {
        what: "disk space",
        found: free_mb(&project.root).and_then(|free| match free {
            free if free < DISK_MB => bail!("only {free} MB are free"),
            free => Ok(format!("{free} MB are free")),
        }),
        touches: "the build of the live book, which needs most of it",
        remedy: format!("Make room for {DISK_MB} MB, or `cargo learn --no-book`."),
        essential: false,
    }
}

/// From `df`, whose format POSIX prescribes: the available 1024-byte blocks are the
/// fourth word of the second line.
fn free_mb(folder: &Path) -> Result<u64> {
    let said = said(Command::new("df").arg("-Pk").arg(folder))?;
    let words = said.lines().nth(1).map(|line| line.split_whitespace());
    let free = words.and_then(|mut words| words.nth(3)?.parse::<u64>().ok());
    free.map(|kb| kb / 1024)
        .context("df says something unexpected")
}

fn ipv6(_: &Project) -> Finding {
    Finding {
        what: "IPv6 on loopback",
        found: talk_to_oneself(Ipv6Addr::LOCALHOST.into()),
        touches: "the probes that call over IPv6 (they are skipped)",
        remedy: "`sysctl net.ipv6.conf.lo.disable_ipv6=0`; in Docker, `--sysctl`."
            .into(),
        essential: false,
    }
}

fn kernel(_: &Project) -> Finding {
    Finding {
        what: "a look into /proc",
        found: look_at_child(),
        touches: "the x-ray, and verdicts, which then cannot say what your program \
                  waits for",
        remedy: "It is Linux's own. In a container, a profile may forbid it: try \
                 `--cap-add SYS_PTRACE`."
            .into(),
        essential: false,
    }
}

/// Whether the kernel says what a child of ours is blocked in.
fn look_at_child() -> Result<String> {
    let mut child = Command::new("cat")
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .spawn()
        .context("cannot start cat")?;
    let seen = until_blocked(child.id());
    let _ = child.kill();
    child.wait().context("cannot wait for cat")?;
    seen
}

fn until_blocked(pid: u32) -> Result<String> {
    let deadline = Instant::now() + Duration::from_secs(2);
    loop {
        let process = xray::look(pid).context("cannot look at a child process")?;
        let thread = process.threads.first();
        let call = thread.and_then(|thread| thread.call.as_ref());
        match call {
            Some(call) if call.name == "read" => {
                return Ok("the kernel says what a program waits for".into());
            }
            _ if Instant::now() > deadline => {
                bail!("the kernel does not say which call a process is blocked in");
            }
            _ => thread::sleep(Duration::from_millis(1)),
        }
    }
}

fn namespaces(_: &Project) -> Finding {
    let unshare = ["--user", "--map-root-user", "--net", "true"];
    Finding {
        what: "user namespaces",
        found: said(Command::new("unshare").args(unshare))
            .map(|_| "a network of one's own, without root".into()),
        touches: "lesson 7, where you send raw packets without being root",
        remedy: "`sysctl kernel.unprivileged_userns_clone=1` or \
                 `kernel.apparmor_restrict_unprivileged_userns=0`; or root."
            .into(),
        essential: false,
    }
}

fn terminal(_: &Project) -> Finding {
    let (rows, columns) = screen::size();
    let found = match io::stdout().is_terminal() {
        false => Ok("this output goes to none".into()),
        true if rows >= ROWS && columns >= COLUMNS => {
            Ok(format!("{columns} by {rows}"))
        }
        true => Err(anyhow::anyhow!("it is {columns} by {rows}")),
    };
    Finding {
        what: "terminal",
        found,
        touches: "how much you see at once",
        remedy: format!("{COLUMNS} by {ROWS} is comfortable."),
        essential: false,
    }
}

fn python(_: &Project) -> Finding {
    program(
        "python3",
        "the chapters' \"coming from Python\" programs",
        &PYTHON,
    )
}

fn netcat(_: &Project) -> Finding {
    program(
        "nc",
        "talking to a server by hand, as the chapters propose",
        &NETCAT,
    )
}

fn strace(_: &Project) -> Finding {
    program("strace", "seeing system calls with your own eyes", &STRACE)
}

fn sshd(_: &Project) -> Finding {
    program(
        "sshd",
        "lesson 16, which runs commands on hosts over SSH",
        &SSHD,
    )
}

fn browser(_: &Project) -> Finding {
    let found = match crate::book::browser() {
        Some(program) => Ok(program.to_string_lossy().into_owned()),
        None => Err(anyhow::anyhow!("there is no display")),
    };
    Finding {
        what: "a browser",
        found,
        touches: "the key `b`, which then shows the address alone",
        remedy: "Open http://127.0.0.1:4321/ from where you have one; over SSH with \
                 `-L 4321:127.0.0.1:4321`."
            .into(),
        essential: false,
    }
}

// ---- programs and packages ----

/// A package's name with each package manager that has it.
type Package = [(&'static str, &'static str)];

const GCC: [(&str, &str); 4] = [
    ("apt-get", "gcc"),
    ("dnf", "gcc"),
    ("pacman", "gcc"),
    ("apk", "gcc musl-dev"),
];
const PYTHON: [(&str, &str); 5] = [
    ("apt-get", "python3"),
    ("dnf", "python3"),
    ("pacman", "python"),
    ("apk", "python3"),
    ("brew", "python3"),
];
const NETCAT: [(&str, &str); 4] = [
    ("apt-get", "netcat-openbsd"),
    ("dnf", "nmap-ncat"),
    ("pacman", "openbsd-netcat"),
    ("apk", "netcat-openbsd"),
];
const STRACE: [(&str, &str); 4] = [
    ("apt-get", "strace"),
    ("dnf", "strace"),
    ("pacman", "strace"),
    ("apk", "strace"),
];
const SSHD: [(&str, &str); 4] = [
    ("apt-get", "openssh-server"),
    ("dnf", "openssh-server"),
    ("pacman", "openssh"),
    ("apk", "openssh-server"),
];

fn program(name: &'static str, touches: &'static str, package: &Package) -> Finding {
    let found = on_path(name).map(|path| path.display().to_string());
    Finding {
        what: name,
        found: found.context("it is not installed"),
        touches,
        remedy: install(name, package),
        essential: false,
    }
}

/// Where a program is; servers such as sshd are outside a user's PATH.
fn on_path(name: &str) -> Option<PathBuf> {
    let path = env::var_os("PATH").unwrap_or_default();
    let beside = ["/usr/sbin", "/usr/local/sbin"].map(PathBuf::from);
    let mut folders = env::split_paths(&path).chain(beside);
    folders.find_map(|folder| Some(folder.join(name)).filter(|file| file.is_file()))
}

/// How to get a package with the package manager that is here.
fn install(name: &str, package: &Package) -> String {
    let here = package
        .iter()
        .find(|(manager, _)| on_path(manager).is_some());
    match here {
        Some((manager @ ("apt-get" | "dnf"), package)) => {
            format!("`sudo {manager} install {package}`")
        }
        Some(("pacman", package)) => format!("`sudo pacman -S {package}`"),
        Some(("apk", package)) => format!("`apk add {package}`"),
        Some((manager, package)) => format!("`{manager} install {package}`"),
        None => format!("Install {name} the way this system installs programs."),
    }
}

/// What a command says, if it succeeds.
fn said(command: &mut Command) -> Result<String> {
    let name = command.get_program().to_string_lossy().into_owned();
    let output = command
        .stdin(Stdio::null())
        .output()
        .with_context(|| format!("cannot start {name}"))?;
    if !output.status.success() {
        let why = String::from_utf8_lossy(&output.stderr).into_owned();
        bail!(
            "{name}: {}",
            why.lines().next().unwrap_or("it failed").trim()
        );
    }
    Ok(String::from_utf8_lossy(&output.stdout).trim().to_owned())
}

/// Whether a version like `rustc 1.95.0-nightly (…)` is at least `1.88`.
fn is_at_least(said: &str, wanted: &str) -> bool {
    let numbers = |version: &str| -> Vec<u64> {
        let parts = version
            .split(['.', '-'])
            .map_while(|part| part.parse().ok());
        parts.collect()
    };
    let version = said.split_whitespace().nth(1).unwrap_or_default();
    numbers(version) >= numbers(wanted)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_are_compared_as_numbers() {
        assert!(is_at_least("rustc 1.88.0 (6b00bc388 2025-06-23)", "1.88"));
        assert!(is_at_least("rustc 1.100.0-nightly (x)", "1.88"));
        assert!(is_at_least("rustc 2.0.0", "1.88"));
        assert!(!is_at_least("rustc 1.87.9", "1.88"));
        assert!(!is_at_least("rustc 1.9.0", "1.88"));
        assert!(!is_at_least("something else", "1.88"));
    }
}
