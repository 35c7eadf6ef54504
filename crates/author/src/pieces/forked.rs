//! One caller of a server that forks, as strace(1) saw it: both processes.

use std::fs;
use std::process::Command;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use wire::demo::run;
use wire::{Look, Side, Timeline, What};

use crate::pieces::File;
use crate::pieces::shop::Workshop;
use crate::pieces::strace::{Call, Entry, parse};

/// The calls of which it tells.
const CALLS: &str = "trace=accept4,clone,close,recvfrom,sendto,read,signalfd4,wait4,\
                     exit_group";

/// Traces `lesson-9 tree`, and tells what became of its first caller.
pub fn make(name: &str, shop: &Workshop) -> Result<Vec<File>> {
    let program = shop.program("lesson-9")?;
    let trace = shop.folder().join(format!("{name}.strace"));
    let mut strace = Command::new("strace");
    strace.args(["-f", "-qq", "-ttt", "-xx", "-s", "64", "-e", CALLS, "-o"]);
    strace.arg(&trace).arg(program).arg("tree");
    let output = run(&mut strace, b"").context("cannot run strace(1)")?;
    ensure!(output.status.success(), "{strace:?} fails");
    let trace = fs::read_to_string(&trace)
        .with_context(|| format!("cannot read {}", trace.display()))?;
    let calls: Vec<Call> = parse(&trace)?
        .into_iter()
        .filter_map(|entry| match entry {
            Entry::Call(call) => Some(call),
            _ => None,
        })
        .collect();
    let timeline = told(&calls).context("no caller was served by a child")?;
    let look = Look {
        width: 80,
        color: false,
        unicode: true,
        times: false,
    };
    let title = "The system calls of a server that forks, and of its child";
    Ok(vec![
        File::generated(&format!("{name}.svg"), timeline.to_svg(title)),
        File::generated(&format!("{name}.txt"), timeline.to_text(&look)),
    ])
}

/// The calls about the first caller, first the parent's, then the child's, then the end:
/// in the middle both run at once, and their order is chance.
fn told(calls: &[Call]) -> Option<Timeline> {
    let mut timeline = Timeline::new("the server", "its child");
    let mut note = |side, text: String| {
        timeline.push(Duration::ZERO, 1, side, What::Note(text));
    };
    let accepted = calls.iter().find(|call| {
        call.name == "accept4" && call.number().is_some_and(|n| n > 0)
    })?;
    let (listener, connection) = (accepted.descriptor()?, accepted.number()?);
    let server: Vec<&Call> = of(calls, accepted.pid, accepted);
    let forked = server.iter().find(|call| call.name == "clone")?;
    let child = u32::try_from(forked.number()?).ok()?;
    let signals = calls
        .iter()
        .find(|call| call.name == "signalfd4" && call.pid == accepted.pid)?
        .number()?;
    note(
        Side::Left,
        format!("accept4({listener}, ...) = {connection}"),
    );
    note(
        Side::Left,
        "clone(SIGCHLD) = the child's number".to_string(),
    );
    let closes = |call: &&&Call, fd: i64| {
        call.name == "close" && call.arg(0) == fd.to_string()
    };
    server
        .iter()
        .skip_while(|call| call.name != "clone")
        .find(|call| closes(call, connection))?;
    note(Side::Left, format!("close({connection})"));
    let theirs: Vec<&Call> = calls.iter().filter(|call| call.pid == child).collect();
    for fd in [i64::from(listener), signals] {
        theirs.iter().find(|call| closes(call, fd))?;
        note(Side::Right, format!("close({fd})"));
    }
    for (name, said) in [("recvfrom", "\"hello\\n\""), ("sendto", "\"HELLO\\n\"")] {
        theirs.iter().find(|call| call.name == name)?;
        note(Side::Right, format!("{name}({connection}, {said})"));
    }
    theirs
        .iter()
        .find(|call| call.name == "recvfrom" && call.number() == Some(0))?;
    note(Side::Right, format!("recvfrom({connection}) = 0: the end"));
    theirs.iter().find(|call| call.name == "exit_group")?;
    note(Side::Right, "exit_group(0)".to_string());
    server
        .iter()
        .find(|call| call.name == "read" && call.arg(0) == signals.to_string())?;
    note(Side::Left, format!("read({signals}) = SIGCHLD"));
    server.iter().find(|call| {
        call.name == "wait4" && call.number() == Some(i64::from(child))
    })?;
    note(
        Side::Left,
        "wait4(-1, WNOHANG) = the child's number".to_string(),
    );
    Some(timeline)
}

/// What this process did from this call on.
fn of<'a>(calls: &'a [Call], pid: u32, from: &Call) -> Vec<&'a Call> {
    let later = calls.iter().skip_while(|call| *call != from);
    later.filter(|call| call.pid == pid).collect()
}
