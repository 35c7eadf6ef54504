//! `forking/serve`: a process for each caller.

use std::io;
use std::net::TcpListener;

use super::{
    RULES, Talk, ask, grows, own_processes, probe, resets, rests, talk, visit, who,
};
use checks::diagnosis::Rule;
use checks::engine::{Check, Probe, Report, Seen, Stage, act_as_family};
use checks::symptom::{Kind, Symptom};

/// The check of `forking/serve`.
pub fn serve(serve: fn(TcpListener, Talk) -> io::Result<()>) -> Check {
    let probe = |name, title, play| {
        let serve = move |listener, talk| told(serve(listener, talk));
        probe(serve, name, title, play)
    };
    let buffered = move |report: &Report| {
        if let Err(error) = leave_half_a_line() {
            eprintln!("the check cannot put a file in place of stdout: {error}");
            return;
        }
        act_as_family(report, |listener| told(serve(listener, talk)));
    };
    let probes = vec![
        probe("whole", "a caller that says two lines", |stage| {
            let mut peer = stage.connect()?;
            ask(stage, &mut peer, "hello")?;
            ask(stage, &mut peer, "and again")
        }),
        probe("end", "a caller that ends its side", |stage| {
            visit(stage, "last words")
        }),
        probe("two", "two callers at once", own_processes),
        probe("child", "the child of a caller that has left", |stage| {
            visit(stage, "hello")?;
            stage.until_none_lives()?;
            visit(stage, "anybody there?")?;
            stage.until_none_lives()
        }),
        probe("code", "a caller that has its child end with code 7", code),
        probe("grows", "five callers that come and go", grows),
        probe("alone", "a child whose server is killed", alone),
        Probe::server(
            "once",
            "half a line that waits in a buffer of the server",
            buffered,
            once,
        ),
        probe("resets", "callers that reset, while another stays", resets),
        probe("rests", "a server that nobody calls", rests).early(),
    ];
    Check::new("forking/serve", probes, diagnose)
}

fn told(result: io::Result<()>) -> io::Result<String> {
    result.map(|()| String::new())
}

/// How a child has ended can be seen until it is collected, which the server need not do.
fn code(stage: &mut Stage) -> Result<(), Symptom> {
    let mut peer = stage.connect()?;
    let child = who(stage, &mut peer)?;
    stage.send(&mut peer, b"code 7\n")?;
    let ended = stage.expect_end(&mut peer);
    ended.map_err(|symptom| stage.with_family(symptom, Some(&peer)))?;
    stage.until_none_lives()?;
    match stage.exit_code_of(child) {
        None | Some(7) => Ok(()),
        Some(other) => Err(Symptom::new(
            Kind::WrongValue,
            "a child has not ended with what `talk` returned",
        )
        .with_words("exit code 7", format!("exit code {other}"))),
    }
}

fn alone(stage: &mut Stage) -> Result<(), Symptom> {
    let mut peer = stage.connect()?;
    ask(stage, &mut peer, "hello")?;
    stage.kill_alone()?;
    if !stage.is_listened_at()? {
        return Ok(());
    }
    stage.note("and somebody still listens at its port");
    let summary = "the server is dead, and its port is still listened at";
    Err(Symptom::new(Kind::Leaks, summary).with_words(
        "nobody listens: the server was the only one",
        "a socket that still listens there",
    ))
}

/// What the check has printed without a newline, so that it waits in the buffer.
const HALF: &str = "half a line";

/// Puts a file in place of standard output, which can be looked at at any time, and
/// leaves something unsaid in its buffer.
#[cfg(target_os = "linux")]
fn leave_half_a_line() -> io::Result<()> {
    use rustix::fs::{MemfdFlags, memfd_create};
    let file = memfd_create("stdout", MemfdFlags::CLOEXEC)?;
    rustix::stdio::dup2_stdout(file)?;
    print!("{HALF}");
    Ok(())
}

#[cfg(not(target_os = "linux"))]
fn leave_half_a_line() -> io::Result<()> {
    Ok(())
}

fn once(stage: &mut Stage) -> Result<(), Symptom> {
    const VISITS: usize = 3;
    for _ in 0..VISITS {
        visit(stage, "hello")?;
    }
    stage.until_none_lives()?;
    let printed = stage.written_to_stdout()?;
    let times = printed.matches(HALF).count();
    if times <= 1 {
        return Ok(());
    }
    let summary = "what waited in the server's buffer is written by its children";
    Err(Symptom::new(Kind::Rule, summary).with_words(
        format!("{HALF:?} once at most, for it was printed once"),
        format!("{times} times, after {VISITS} callers: {printed:?}"),
    ))
}

fn diagnose(seen: &[Seen<'_>]) -> Option<(&'static str, String)> {
    super::name(&[OWN, RULES], seen)
}

const OWN: &[Rule] = &[
    Rule {
        mistake: "M110",
        fits: |all| all.first(&["alone"]).is_some_and(|s| s.kind == Kind::Leaks),
        why: "The child has a descriptor of the listener, too. As long as it lives, the \
              port is listened at: callers are connected whom nobody will serve, and a \
              new server cannot bind.",
    },
    Rule {
        mistake: "M113",
        fits: |all| all.first(&["once"]).is_some_and(|s| s.kind == Kind::Rule),
        why: "`fork` has copied the buffer with what waited in it, and the child wrote \
              its copy when it ended: `exit`, like the end of `main`, flushes. `_exit` \
              does not.",
    },
];
