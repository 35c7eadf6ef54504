//! A question and an answer in datagrams, and a question to nobody, as strace(1) saw
//! them.
//!
//! There is no connection that would bring the calls of the two ends into one order;
//! the datagrams do, and there is never more than one under way.

use std::collections::VecDeque;

use anyhow::{Context, Result, bail};
use wire::Side;

use crate::pieces::File;
use crate::pieces::shop::Workshop;
use crate::pieces::steps::words;
use crate::pieces::story::{Row, Story, What, with_tutorial_ports};
use crate::pieces::strace::{Call, Entry, bytes, parse};
use crate::pieces::tracer::Traced;

const TITLE: &str = "The system calls of a question in a datagram, and of one more when \
                     the server has gone";

/// The port of the tutorial's server.
const PORT: u16 = 9999;

/// Traces `lesson-3 server ask` and its client. After the first answer the server is
/// ended, and the client asks once more.
pub fn make(name: &str, shop: &Workshop) -> Result<Vec<File>> {
    let program = shop.program("lesson-3")?;
    let folder = shop.folder();
    let args = ["server", "ask", "127.0.0.1:0"];
    let mut server = Traced::start(&program, &args, folder, "server", None)?;
    server.wait_for("listening on ")?;
    let addr = server.wait_for("\n")?;
    server.wait_until_blocked("recvfrom")?;

    let args = ["client", "ask", addr.trim()];
    let mut client = Traced::start(&program, &args, folder, "client", None)?;
    client.type_line("hello")?;
    client.wait_for("ok\n")?;
    server.wait_until_blocked("recvfrom")?;
    server.terminate()?;
    let server = calls(&server.finish()?)?;
    client.type_line("anybody?")?;
    let client = calls(&client.finish()?)?;

    let story = told(client, server)?;
    Ok(vec![
        File::generated(&format!("{name}.svg"), story.to_svg(TITLE)),
        File::generated(&format!("{name}.txt"), story.to_text()),
    ])
}

/// The calls about the one socket of a program, and those that read its keyboard.
fn calls(trace: &str) -> Result<VecDeque<Call>> {
    let entries = parse(trace)?;
    let calls = entries.into_iter().filter_map(|entry| match entry {
        Entry::Call(call) => Some(call),
        Entry::Stop(_) | Entry::Exit(_) => None,
    });
    let mut socket = None;
    let mut kept = VecDeque::new();
    for call in calls {
        if call.name == "socket" && call.arg(1).starts_with("SOCK_DGRAM") {
            socket = call.number().and_then(|number| i32::try_from(number).ok());
        }
        let its_own = call.name == "socket" || call.descriptor() == socket;
        let keyboard = call.name == "read" && call.arg(0) == "0";
        let shown = call.name != "fcntl"; // how std closes in a debug build
        if (socket.is_some() && its_own && shown) || keyboard {
            kept.push_back(call);
        }
    }
    Ok(kept)
}

/// The calls in one order: each goes on until it has to wait for the other's datagram.
fn told(mut client: VecDeque<Call>, mut server: VecDeque<Call>) -> Result<Story> {
    let mut told = Telling::default();
    told.until_it_waits(Side::Right, &mut server)?;
    told.until_it_waits(Side::Left, &mut client)?;
    told.until_it_waits(Side::Right, &mut server)?;
    if let Some(call) = server.front() {
        bail!("the server has made another call: {}", call.name);
    }
    told.until_it_waits(Side::Left, &mut client)?;
    told.push(Side::Right, What::Killed);
    told.server_is_gone = true;
    told.until_it_waits(Side::Left, &mut client)?;
    if let Some(call) = client.front() {
        bail!("nothing explains the client's {}", call.name);
    }
    told.with_the_tutorials_ports()
}

#[derive(Default)]
struct Telling {
    rows: Vec<Row>,
    /// The datagram that is under way, and who sent it.
    under_way: Option<(Side, Vec<u8>)>,
    /// Who waits in a call.
    waits: [bool; 2],
    server_is_gone: bool,
}

impl Telling {
    fn push(&mut self, side: Side, what: What) {
        self.rows.push(Row { side, what });
    }

    fn until_it_waits(
        &mut self,
        side: Side,
        calls: &mut VecDeque<Call>,
    ) -> Result<()> {
        while let Some(call) = calls.front() {
            let (text, result) = words(call, call.name != "read");
            let waited = self.waits[place(side)];
            match call.name.as_str() {
                "recvfrom" if call.error() == Some("ECONNREFUSED") => {
                    self.push(side, What::Call(text, result, None));
                }
                "recvfrom" => {
                    let Some((_, came)) =
                        self.under_way.take_if(|(from, _)| *from != side)
                    else {
                        if !waited {
                            self.waits[place(side)] = true;
                            self.push(side, What::Wait(text));
                        }
                        if call.result.is_none() {
                            calls.pop_front();
                        }
                        return Ok(());
                    };
                    if bytes(call.arg(1)) != Some(came.clone()) {
                        bail!("what was received is not what was sent");
                    }
                    let what = match waited {
                        true => What::Return("recvfrom".into(), result, Some(came)),
                        false => What::Call(text, result, Some(came)),
                    };
                    self.push(side, what);
                    self.waits[place(side)] = false;
                }
                "sendto" => {
                    let sent =
                        bytes(call.arg(1)).context("an unreadable datagram")?;
                    self.push(side, What::Call(text, result, None));
                    self.push(side, What::Bytes(sent.clone()));
                    match self.server_is_gone {
                        true => self.push(side.other(), What::Unreachable),
                        false => self.under_way = Some((side, sent)),
                    }
                }
                "read" => {
                    let typed = bytes(call.arg(1)).unwrap_or_default();
                    if !self.server_is_gone && typed.starts_with(b"anybody") {
                        return Ok(()); // nobody has typed it yet
                    }
                    self.push(side, What::Call(text, result, Some(typed)));
                }
                _ => self.push(side, What::Call(text, result, None)),
            }
            calls.pop_front();
        }
        Ok(())
    }

    fn with_the_tutorials_ports(mut self) -> Result<Story> {
        let mut texts: Vec<&mut String> = Vec::new();
        for row in &mut self.rows {
            match &mut row.what {
                What::Call(call, result, _) => texts.extend([call, result]),
                What::Wait(text) | What::Return(_, text, _) => texts.push(text),
                _ => {}
            }
        }
        with_tutorial_ports(texts, PORT)?;
        Ok(Story { rows: self.rows })
    }
}

fn place(side: Side) -> usize {
    match side {
        Side::Left => 0,
        Side::Right => 1,
    }
}
