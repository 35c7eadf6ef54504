//! The experiments, each told in the order in which things happen.

use std::io::Write;
use std::time::Duration;

use anyhow::{Context, Result};
use lesson_2::broken::{self, Answers, Stall};
use lesson_2::flow::{self, Flow};
use lesson_2::seams;
use lesson_2::surprise::{self, Cost, Way};

/// If no byte has moved over loopback for so long, none will.
const PATIENCE: Duration = Duration::from_millis(200);

pub fn seams(out: &mut impl Write) -> Result<()> {
    let context = "cannot talk to ourselves";
    let joined =
        seams::two_writes_one_read(b"good\n", b"morning\n").context(context)?;
    writeln!(out, r#"write "good\n""#)?;
    writeln!(out, r#"write "morning\n""#)?;
    writeln!(
        out,
        "                        read \"{}\"",
        joined.escape_ascii()
    )?;

    let pieces =
        seams::one_write_many_reads(b"good morning\n", 5).context(context)?;
    writeln!(out, r#"write "good morning\n""#)?;
    for piece in pieces {
        writeln!(
            out,
            "                        read \"{}\"",
            piece.escape_ascii()
        )?;
    }
    Ok(())
}

pub fn flow(out: &mut impl Write) -> Result<()> {
    let flow = flow::measure(PATIENCE).context("cannot fill the buffers")?;
    writeln!(
        out,
        "Nobody reads:         {:9} bytes, then write waits",
        flow.unread
    )?;
    writeln!(out, "somebody reads {} bytes:", Flow::READ)?;
    writeln!(
        out,
        "                      {:9} more bytes",
        flow.after_reading
    )?;
    writeln!(
        out,
        "Nobody reads, and both ends ask for buffers of {} bytes:",
        Flow::SMALL
    )?;
    writeln!(out, "                      {:9} bytes", flow.small_buffers)?;
    Ok(())
}

pub fn surprise(out: &mut impl Write) -> Result<()> {
    const ROUNDS: u32 = 25;
    let costs = surprise::measure(ROUNDS).context("cannot measure")?;

    writeln!(
        out,
        "A line and its answer, {ROUNDS} times each way; time in milliseconds:"
    )?;
    writeln!(out, "{:32} writes  reads   median   half lie between", "")?;
    for Cost {
        way,
        writes,
        reads,
        time,
    } in &costs
    {
        let way = match way {
            Way::Whole => "write_all, the whole line",
            Way::Pieces => "writeln!",
            Way::PiecesAtOnce => "writeln!, with TCP_NODELAY",
        };
        let [low, median, high] =
            [time.low, time.median, time.high].map(|time| time.as_secs_f64() * 1e3);
        write!(out, "{way:32} {writes:6.1} {reads:6.1}")?;
        writeln!(out, " {median:8.3} {low:8.3} and {high:.3}")?;
    }
    let [whole, pieces, at_once] =
        [0, 1, 2].map(|way| costs[way].time.median.as_secs_f64());
    writeln!(
        out,
        "In pieces, a line takes {:.0} times as long,",
        pieces / whole
    )?;
    writeln!(out, "with TCP_NODELAY {:.1} times.", at_once / whole)?;
    Ok(())
}

pub fn one_read(out: &mut impl Write) -> Result<()> {
    let answers = broken::one_read().context("cannot run the server")?;
    compare(out, r#""good morning\n""#, &answers)
}

pub fn utf8(out: &mut impl Write) -> Result<()> {
    let answers = broken::utf8().context("cannot run the server")?;
    compare(out, r#""grüße\n""#, &answers)
}

fn compare(out: &mut impl Write, line: &str, answers: &Answers) -> Result<()> {
    writeln!(out, "The client sends {line}, and gets")?;
    writeln!(out, "  {}", answers.direct.join(" "))?;
    writeln!(out, "The same line, when it arrives in pieces:")?;
    writeln!(out, "  {}", answers.cut.join(" "))?;
    writeln!(out, "Two such lines, when they arrive at once:")?;
    writeln!(out, "  {}", answers.joined.join(" "))?;
    Ok(())
}

pub fn deadlock(out: &mut impl Write) -> Result<()> {
    const LENGTH: usize = 16 * 1024 * 1024;
    let stall = broken::deadlock(LENGTH, PATIENCE).context("cannot run both ends")?;
    let Some(Stall {
        sent,
        received,
        returned,
    }) = stall
    else {
        writeln!(
            out,
            "All {LENGTH} bytes went out, and came back: no stall here."
        )?;
        return Ok(());
    };
    writeln!(
        out,
        "The client writes {LENGTH} bytes before it reads. It stalls:"
    )?;
    writeln!(out, "  {sent:9} bytes the client has written")?;
    writeln!(out, "  {received:9} of them the server has read")?;
    writeln!(out, "  {returned:9} of these it has written back")?;
    writeln!(out, "  {:9} the client has read", 0)?;
    writeln!(
        out,
        "No byte has moved for {PATIENCE:?}. Who waits for whom?"
    )?;
    Ok(())
}
