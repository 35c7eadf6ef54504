//! A descriptor on its way from one process to another, as strace(1) saw it.

use std::time::Duration;

use anyhow::{Context, Result};
use wire::{Look, Side, Timeline, What};

use crate::pieces::File;
use crate::pieces::shop::Workshop;
use crate::pieces::strace::{Call, Entry, parse};
use crate::pieces::tracer::Traced;

/// Traces `lesson-6 passfd`, and tells what became of its first caller.
pub fn make(name: &str, shop: &Workshop) -> Result<Vec<File>> {
    let program = shop.program("lesson-6")?;
    let traced = Traced::start(&program, &["passfd"], shop.folder(), name, None)?;
    let calls: Vec<Call> = parse(&traced.finish()?)?
        .into_iter()
        .filter_map(|entry| match entry {
            Entry::Call(call) => Some(call),
            _ => None,
        })
        .collect();
    let timeline = told(&calls).context("no descriptor was passed")?;
    let look = Look {
        width: 80,
        color: false,
        unicode: true,
        times: false,
    };
    let title = "The system calls of a connection that is handed over";
    Ok(vec![
        File::generated(&format!("{name}.svg"), timeline.to_svg(title)),
        File::generated(&format!("{name}.txt"), timeline.to_text(&look)),
    ])
}

/// The calls about the first connection, at both ends of the local socket.
fn told(calls: &[Call]) -> Option<Timeline> {
    let mut timeline = Timeline::new("the listener's process", "the worker");
    let accepted = calls.iter().find(|call| call.name == "accept4")?;
    let sent = calls.iter().find(|call| call.name == "sendmsg")?;
    let received = calls
        .iter()
        .find(|call| call.name == "recvmsg" && passed(call).is_some())?;
    let (ours, theirs) = (accepted.number()?, passed(received)?);
    // A number is given to another socket after it was closed: the first close counts.
    let closed = |after: &Call, number: i64| {
        let (pid, number) = (after.pid, number.to_string());
        let later = calls.iter().skip_while(move |call| *call != after);
        let mut later = later.filter(move |call| call.pid == pid);
        later.find(move |call| call.name == "close" && call.arg(0) == number)
    };
    let mut note = |side, text: String| {
        timeline.push(Duration::ZERO, 1, side, What::Note(text));
    };
    note(
        Side::Left,
        format!("accept4({}) = {ours}", accepted.descriptor()?),
    );
    note(
        Side::Left,
        format!(
            "sendmsg({}, 1 byte, SCM_RIGHTS [{}])",
            sent.descriptor()?,
            passed(sent)?
        ),
    );
    closed(sent, ours)?;
    note(Side::Left, format!("close({ours})"));
    note(
        Side::Right,
        format!(
            "recvmsg({}, 1 byte, SCM_RIGHTS [{theirs}])",
            received.descriptor()?
        ),
    );
    note(Side::Right, format!("sendto({theirs}, \"hello from ...\")"));
    closed(received, theirs)?;
    note(Side::Right, format!("close({theirs})"));
    Some(timeline)
}

/// The descriptor that went with a message.
fn passed(call: &Call) -> Option<i64> {
    let message = call.arg(1);
    let (_, numbers) = message.split_once("cmsg_data=[")?;
    numbers.split([']', ',']).next()?.parse().ok()
}
