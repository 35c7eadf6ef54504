//! The experiments, each told in the order in which things happen.

use std::fs::File;
use std::io::Write;
#[cfg(target_os = "linux")]
use std::process;
use std::time::Duration;

use anyhow::{Context, Result};
use lesson_6::kinds::{self, Made};
use lesson_6::nagle::{self, Cost, Way};
use lesson_6::options::{self, Kind, Row};
use lesson_6::packets as pairs;
use lesson_6::{broken, copies, file, linger as closing, names as files};

pub fn options(kind: Kind, out: &mut impl Write) -> Result<()> {
    let rows = options::table(kind).context("cannot make a socket to ask")?;
    writeln!(
        out,
        "{:7} {:14} {:11} {:6} {:11} what it is about",
        "level", "option", "at first", "asked", "then"
    )?;
    for Row {
        level,
        name,
        what,
        first,
        asked,
        then,
    } in rows
    {
        writeln!(
            out,
            "{level:7} {name:14} {first:11} {asked:6} {then:11} {what}"
        )?;
    }
    Ok(())
}

pub fn kinds(out: &mut impl Write) -> Result<()> {
    for Made {
        family,
        kind,
        answer,
    } in kinds::everywhere().into_iter().chain(kinds::elsewhere())
    {
        writeln!(out, "{family:13} {kind:15} {answer}")?;
    }
    Ok(())
}

pub fn linger(out: &mut impl Write) -> Result<()> {
    for (name, time) in [
        ("off", None),
        ("5 s", Some(Duration::from_secs(5))),
        ("0 s", Some(Duration::ZERO)),
    ] {
        let (heard, over) =
            closing::say_and_close(time).context("cannot talk to ourselves")?;
        writeln!(
            out,
            "SO_LINGER {name}: the peer reads \"{heard}\", then {over}"
        )?;
    }
    Ok(())
}

pub fn names(out: &mut impl Write) -> Result<()> {
    let steps = files::life_of_a_file().context("cannot use a socket file")?;
    for (step, answer) in steps {
        writeln!(out, "{step:22} {answer}")?;
    }
    let longest = files::longest_path().context("cannot use a socket file")?;
    writeln!(out, "the longest path has {longest} bytes")?;
    #[cfg(target_os = "linux")]
    {
        let name = format!("lesson-6-{}", process::id());
        files::listen_abstract(name.as_bytes())
            .context("cannot use an abstract name")?;
        files::listen_abstract(name.as_bytes()).context("the name has stayed")?;
        writeln!(
            out,
            "an abstract name is free again as soon as it is closed"
        )?;
    }
    Ok(())
}

pub fn packets(out: &mut impl Write) -> Result<()> {
    writeln!(
        out,
        r#"sent: "good morning", then "again"; read 8 bytes at a time:"#
    )?;
    for story in pairs::all().context("cannot make a pair of sockets")? {
        let reads = story.reads.into_iter().map(|(bytes, cut)| {
            let cut = if cut { " (and more, lost)" } else { "" };
            format!("\"{bytes}\"{cut}")
        });
        let reads: Vec<String> = reads.collect();
        writeln!(out, "{:15} {}", story.kind, reads.join(", "))?;
    }
    let (empty, end) =
        pairs::empty_and_end().context("cannot send an empty packet")?;
    writeln!(
        out,
        "SOCK_SEQPACKET: an empty packet reads as {empty} bytes, the end as {end}"
    )?;
    Ok(())
}

pub fn copies(out: &mut impl Write) -> Result<()> {
    for (question, answer) in copies::facts().context("cannot copy a descriptor")? {
        writeln!(out, "{question:36} {answer}")?;
    }
    Ok(())
}

pub fn sendfile(path: Option<&str>, out: &mut impl Write) -> Result<()> {
    let mut file = match path {
        Some(path) => {
            File::open(path).with_context(|| format!("cannot open {path}"))?
        }
        None => file::megabyte().context("cannot make a file to send")?,
    };
    let ways = file::both_ways(&mut file).context("cannot send the file")?;
    for (name, copied) in ["io::copy", "sendfile"].into_iter().zip(ways) {
        let reads = copied
            .reads
            .map_or("not told here".into(), |reads| reads.to_string());
        writeln!(
            out,
            "{name}: {} bytes; calls that read the file: {reads}",
            copied.bytes
        )?;
    }
    Ok(())
}

pub fn nagle(out: &mut impl Write) -> Result<()> {
    const ROUNDS: u32 = 25;
    let costs = nagle::measure(ROUNDS).context("cannot measure")?;
    writeln!(
        out,
        "A request and its reply, {ROUNDS} times each way; time in milliseconds:"
    )?;
    writeln!(out, "{:32} writes   median   half lie between", "")?;
    for Cost {
        way,
        writes,
        low,
        median,
        high,
    } in &costs
    {
        let way = match way {
            Way::TwoWrites => "write, write, read",
            Way::NoDelay => "the same, with TCP_NODELAY",
            Way::OneWrite => "one write of both",
            Way::Vectored => "one writev of both",
        };
        let [low, median, high] =
            [low, median, high].map(|time| time.as_secs_f64() * 1e3);
        writeln!(
            out,
            "{way:32} {writes:6.1} {median:8.3} {low:8.3} and {high:.3}"
        )?;
    }
    let median = |way: usize| costs[way].median.as_secs_f64();
    writeln!(
        out,
        "Two writes take {:.0} times as long as one;\n\
         with TCP_NODELAY {:.1} times.",
        median(0) / median(2),
        median(1) / median(2)
    )?;
    Ok(())
}

pub fn takes_the_name(out: &mut impl Write) -> Result<()> {
    let story = broken::takes_the_name().context("cannot use a socket file")?;
    for (what, who) in story {
        writeln!(out, "{what:42} {who}")?;
    }
    Ok(())
}

pub fn keeps_a_copy(out: &mut impl Write) -> Result<()> {
    let story = broken::keeps_a_copy().context("cannot hand a caller over")?;
    for (what, heard) in story {
        writeln!(out, "{what:42} {heard}")?;
    }
    Ok(())
}
