//! What the experiments print.

use std::env;
use std::io::Write;
use std::process::Command;
use std::time::Duration;

use anyhow::{Context, Result, bail};
use lesson_11::coroutine::{self, Driven};
use lesson_11::memory::{KINDS, Kind, per_client};
use lesson_11::timeline::{self, Moment};
use lesson_11::{broken, pressure, surprise};

pub fn coroutine(out: &mut impl Write) -> Result<()> {
    let lines = ["Ada", "almost forty", "39"];
    let told = coroutine::all_four(&lines)?;
    let names = ["a thread", "callbacks", "a state machine", "an async fn"];
    for (name, answers) in names.iter().zip(&told) {
        writeln!(out, "by {name}:")?;
        for (nr, answer) in answers.iter().enumerate() {
            writeln!(out, "  {answer}")?;
            if let Some(line) = lines.get(nr) {
                writeln!(out, "    > {line}")?;
            }
        }
    }
    Ok(())
}

pub fn timeline(out: &mut impl Write) -> Result<()> {
    let stories = [
        ("three threads", timeline::by_threads()?),
        ("three tasks on one thread", timeline::by_tasks()?),
        (
            "three tasks whose call blocks",
            timeline::by_blocked_tasks()?,
        ),
    ];
    for (title, story) in stories {
        writeln!(out, "{title}: who waits, from left to right")?;
        for (name, row) in ["A", "B", "C"].iter().zip(timeline::picture(&story)) {
            writeln!(out, "  {name}  {row}")?;
        }
        let waiting = most_at_once(&story);
        writeln!(out, "  {waiting} at a time\n")?;
    }
    Ok(())
}

fn most_at_once(story: &[Moment]) -> usize {
    let mut now = 0_usize;
    let counts = story.iter().map(|moment| {
        match moment {
            Moment::Begins(_) => now += 1,
            Moment::Ends(_) => now = now.saturating_sub(1),
        }
        now
    });
    counts.max().unwrap_or(0)
}

pub fn pressure(out: &mut impl Write) -> Result<()> {
    const MESSAGES: usize = 1000;
    const ROOM: usize = 8;
    let longest = pressure::measure(MESSAGES, ROOM)?;
    writeln!(
        out,
        "{MESSAGES} messages to a consumer that is ten times slower"
    )?;
    let bounded = longest.bounded;
    writeln!(
        out,
        "  queue with room for {ROOM}: {bounded} at most were waiting"
    )?;
    let unbounded = longest.unbounded;
    Ok(writeln!(
        out,
        "  queue without a limit: {unbounded} at most"
    )?)
}

pub fn memory(clients: usize, out: &mut impl Write) -> Result<()> {
    writeln!(
        out,
        "{clients} clients, connected and silent; memory for each:"
    )?;
    let program = env::current_exe().context("cannot find this program")?;
    for (name, _) in KINDS {
        // Each in a process of its own, which has done nothing else.
        let mut command = Command::new(&program);
        command.args(["memory", name, &clients.to_string()]);
        let output = command.output().context("cannot run this program again")?;
        if !output.status.success() {
            let errors = String::from_utf8_lossy(&output.stderr);
            bail!("with {name}: {}", errors.trim());
        }
        out.write_all(&output.stdout)?;
    }
    let (by_hand, size) = (
        size_of::<coroutine::Visit>(),
        Driven::new(coroutine::by_async).size,
    );
    writeln!(
        out,
        "of the visits of `coroutine`, the one by hand takes {by_hand},"
    )?;
    Ok(writeln!(out, "the one that the compiler made {size}")?)
}

pub fn memory_of(
    kind: (&str, Kind),
    clients: usize,
    out: &mut impl Write,
) -> Result<()> {
    let (name, kind) = kind;
    let bytes = per_client(kind, clients).with_context(|| {
        format!("cannot measure with {clients} clients (`ulimit -n` is too low?)")
    })?;
    Ok(writeln!(out, "  {name:8} {bytes:7} bytes")?)
}

pub fn surprise(out: &mut impl Write) -> Result<()> {
    let turns = surprise::measure(2000, 9)?;
    writeln!(out, "a ball, there and back:")?;
    writeln!(out, "  between two threads {:>9.1?}", turns.threads)?;
    writeln!(out, "  between two tasks   {:>9.1?}", turns.tasks)?;
    let ratio = turns.threads.as_secs_f64() / turns.tasks.as_secs_f64().max(1e-9);
    Ok(writeln!(
        out,
        "a turn of threads costs as much as {ratio:.0} of tasks"
    )?)
}

pub fn forgotten_waker(out: &mut impl Write) -> Result<()> {
    writeln!(out, "a future waits for bytes; now they come")?;
    let told = match broken::forgotten_waker(Duration::from_secs(1))? {
        true => "it has read them",
        false => "half a second later it has not heard of them, nor will it ever",
    };
    Ok(writeln!(out, "{told}")?)
}

pub fn spin(out: &mut impl Write) -> Result<()> {
    const SPAN: Duration = Duration::from_millis(200);
    let (restless, asleep) = broken::spin(SPAN)?;
    writeln!(out, "to wait for {SPAN:?},")?;
    writeln!(
        out,
        "  a future that wakes itself was polled {restless} times,"
    )?;
    Ok(writeln!(
        out,
        "  one that has ordered a wake-up {asleep} times"
    )?)
}

pub fn lost_bytes(out: &mut impl Write) -> Result<()> {
    writeln!(out, r#"sent: "\x03one\x05th", a tick, "ree", and the end"#)?;
    for told in broken::lost_bytes()? {
        writeln!(out, "  {told}")?;
    }
    Ok(())
}

pub fn blocking(out: &mut impl Write) -> Result<()> {
    let [blocked, handed] = broken::blocking(Duration::from_millis(100))?;
    writeln!(out, "a lookup that blocks:   {}", blocked.join(", then "))?;
    Ok(writeln!(
        out,
        "by spawn_blocking:      {}",
        handed.join(", then ")
    )?)
}
