//! Two processes' system calls in one order.
//!
//! Each process keeps its own order. Between the two, cause comes before effect:
//! `listen` before `connect`, `connect` before the return of `accept`, a send before
//! the receive that brings its bytes, the end of a sending before the receive that
//! returns 0. Where this leaves a choice, the order is that of a machine with one
//! processor: a process goes on until it has to wait for the other. So a story is the
//! same from run to run, whichever process happened to be the faster.

use std::collections::BTreeMap;
use std::fmt;
use std::ops::Range;

use wire::Side;
use wire::demo::normalised;

use crate::pieces::steps::{Closed, Deed, Step, Taken};

/// What happened, in order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Story {
    /// The rows of the picture. Who waits in the last of its own, waits for ever.
    pub rows: Vec<Row>,
}

/// One row: something a process did, or something that travels.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Row {
    /// Who did it, or whence it travels.
    pub side: Side,
    /// What it is.
    pub what: What,
}

/// See [`Row`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum What {
    /// A call, what it returned, and the bytes it brought.
    Call(String, String, Option<Vec<u8>>),
    /// A call that has to wait.
    Wait(String),
    /// The process is stopped.
    Stop,
    /// The process goes on.
    Continue,
    /// The name of the call that had to wait, what it returned, and the bytes it
    /// brought.
    Return(String, String, Option<Vec<u8>>),
    /// Both kernels make a connection.
    Handshake,
    /// Bytes.
    Bytes(Vec<u8>),
    /// The end of one direction.
    End,
    /// The end of both, in the middle of something.
    Reset,
    /// The process is ended from outside.
    Killed,
    /// Nobody has the port: the kernel's answer to a datagram.
    Unreachable,
}

/// Why there is no story.
#[derive(Debug, PartialEq, Eq)]
pub enum Untold {
    /// A call has returned something that nothing in the two traces explains.
    Uncaused(Side, String),
    /// What was received is not what was sent.
    Changed,
    /// A port has another number of digits than the one it is shown as, so that the
    /// counts of bytes would be wrong.
    Ports,
}

impl fmt::Display for Untold {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Untold::Uncaused(side, call) => {
                let who = match side {
                    Side::Left => "client",
                    Side::Right => "server",
                };
                write!(f, "nothing explains the {who}'s {call}")
            }
            Untold::Changed => f.write_str("what was received is not what was sent"),
            Untold::Ports => f.write_str(
                "the bytes tell a port whose number has not as many digits as the \
                 one that the book shows",
            ),
        }
    }
}

impl std::error::Error for Untold {}

/// Brings the steps of a client and of a server into one order, and gives ports and
/// dates the numbers of the tutorial, in which the server has `port`.
pub fn tell(client: &[Step], server: &[Step], port: u16) -> Result<Story, Untold> {
    let mut stage = Stage::new(client, server);
    stage.play()?;
    let Stage {
        mut rows,
        mut streams,
        ..
    } = stage;
    normalise(&mut rows, &mut streams, port)?;
    let rows = rows.into_iter().map(|row| row.filled(&streams)).collect();
    Ok(Story { rows })
}

fn index(side: Side) -> usize {
    match side {
        Side::Left => 0,
        Side::Right => 1,
    }
}

/// A direction of a connection: its number, and who sends.
type Direction = (usize, usize);

/// Everything that was sent in one direction, and how far it was taken.
#[derive(Default)]
struct Stream {
    sent: Vec<u8>,
    taken: usize,
    ended: bool,
    reset: bool,
}

/// A row whose bytes are still those of its stream.
struct Draft {
    side: Side,
    what: Plan,
}

enum Plan {
    Call(String, String, Part),
    Wait(String),
    Stop,
    Continue,
    Return(String, String, Part),
    Bytes(Part),
    Handshake,
    End,
    Reset,
}

enum Part {
    None,
    Of(Direction, Range<usize>),
    Own(Vec<u8>),
}

struct Stage<'a> {
    steps: [&'a [Step]; 2],
    waits: [bool; 2],
    listening: bool,
    connected: usize,
    accepted: usize,
    streams: BTreeMap<Direction, Stream>,
    rows: Vec<Draft>,
}

impl<'a> Stage<'a> {
    fn new(client: &'a [Step], server: &'a [Step]) -> Self {
        Stage {
            steps: [client, server],
            waits: [false; 2],
            listening: false,
            connected: 0,
            accepted: 0,
            streams: BTreeMap::new(),
            rows: Vec::new(),
        }
    }

    /// Each goes on until it has to wait; it is over when neither can go on.
    fn play(&mut self) -> Result<(), Untold> {
        let mut side = Side::Right;
        let mut idle = 0;
        while idle < 2 {
            let moved = self.run(side)?;
            idle = if moved { 0 } else { idle + 1 };
            side = side.other();
        }
        for side in [Side::Left, Side::Right] {
            if let Some(step) = self.steps[index(side)].first()
                && step.deed != Deed::Waits
            {
                let told = format!("{} = {}", step.call, step.result);
                return Err(Untold::Uncaused(side, told));
            }
        }
        Ok(())
    }

    /// Lets one side go on until it has to wait; whether it did anything.
    fn run(&mut self, side: Side) -> Result<bool, Untold> {
        let me = index(side);
        let mut moved = false;
        while let Some((step, rest)) = self.steps[me].split_first() {
            if !self.may_return(side, &step.deed) {
                if !self.waits[me] {
                    self.waits[me] = true;
                    self.push(side, waiting(step));
                    moved = true;
                }
                return Ok(moved);
            }
            let part = self.part(side, &step.deed)?;
            self.push(side, returning(step, self.waits[me], part));
            self.effect(side, &step.deed);
            self.waits[me] = false;
            self.steps[me] = rest;
            moved = true;
        }
        Ok(moved)
    }

    fn push(&mut self, side: Side, what: Plan) {
        self.rows.push(Draft { side, what });
    }

    /// What comes towards `side` on a connection.
    fn incoming(&mut self, link: usize, side: Side) -> &mut Stream {
        self.streams.entry((link, index(side.other()))).or_default()
    }

    fn outgoing(&mut self, link: usize, side: Side) -> &mut Stream {
        self.streams.entry((link, index(side))).or_default()
    }

    /// Whether what the call waits for has happened.
    fn may_return(&mut self, side: Side, deed: &Deed) -> bool {
        match deed {
            Deed::Waits | Deed::Unclear => false,
            Deed::Held => {
                let other = side.other();
                let next = self.steps[index(other)].first();
                next.is_none_or(|step| !self.may_return(other, &step.deed))
            }
            Deed::Connect => self.listening,
            Deed::Accept => self.accepted < self.connected,
            Deed::Receive(link, bytes, _) => {
                let stream = self.incoming(*link, side);
                stream.sent.len() - stream.taken >= bytes.len()
            }
            Deed::ReceiveEnd(link) => {
                let stream = self.incoming(*link, side);
                stream.ended && stream.taken == stream.sent.len()
            }
            Deed::ReceiveReset(link) => self.incoming(*link, side).reset,
            _ => true,
        }
    }

    /// Which bytes a call has brought.
    fn part(&mut self, side: Side, deed: &Deed) -> Result<Part, Untold> {
        match deed {
            Deed::Input(bytes) => Ok(Part::Own(bytes.clone())),
            Deed::Receive(link, bytes, taken) => {
                let stream = self.incoming(*link, side);
                let range = stream.taken..stream.taken + bytes.len();
                if stream.sent.get(range.clone()) != Some(bytes) {
                    return Err(Untold::Changed);
                }
                if *taken == Taken::Yes {
                    stream.taken = range.end;
                }
                Ok(Part::Of((*link, index(side.other())), range))
            }
            _ => Ok(Part::None),
        }
    }

    /// What the call brings about.
    fn effect(&mut self, side: Side, deed: &Deed) {
        match deed {
            Deed::Listen => self.listening = true,
            Deed::Accept => self.accepted += 1,
            Deed::Connect => {
                self.connected += 1;
                self.push(side, Plan::Handshake);
            }
            Deed::Send(link, bytes) => {
                let sent = &mut self.outgoing(*link, side).sent;
                let range = sent.len()..sent.len() + bytes.len();
                sent.extend_from_slice(bytes);
                let part = Part::Of((*link, index(side)), range);
                self.push(side, Plan::Bytes(part));
            }
            Deed::End(links, closed) => {
                for link in links {
                    self.end(*link, side, *closed);
                }
            }
            _ => {}
        }
    }

    /// Who closes while there is something unread breaks off: its kernel sends RST
    /// ([RFC 1122, 4.2.2.13](https://www.rfc-editor.org/rfc/rfc1122#page-87)).
    fn end(&mut self, link: usize, side: Side, closed: Closed) {
        let incoming = self.incoming(link, side);
        let unread = incoming.taken < incoming.sent.len();
        // What a reset has ended needs no end: closing it sends nothing.
        let is_over = incoming.reset;
        let stream = self.outgoing(link, side);
        if is_over {
            stream.ended = true;
        } else if unread && closed == Closed::Yes {
            stream.reset = true;
            self.push(side, Plan::Reset);
        } else if !stream.ended {
            stream.ended = true;
            self.push(side, Plan::End);
        }
    }
}

fn waiting(step: &Step) -> Plan {
    match step.deed {
        Deed::Held => Plan::Stop,
        _ => Plan::Wait(step.call.clone()),
    }
}

fn returning(step: &Step, waited: bool, part: Part) -> Plan {
    let result = step.result.clone();
    match step.deed {
        Deed::Held => Plan::Continue,
        _ if waited => {
            let name = step.call.split('(').next().unwrap_or_default();
            Plan::Return(name.to_string(), result, part)
        }
        _ => Plan::Call(step.call.clone(), result, part),
    }
}

/// Gives all texts of a story the ports and dates of the tutorial; bytes are taken by
/// the stream, because a read may end within a port.
fn normalise(
    rows: &mut [Draft],
    streams: &mut BTreeMap<Direction, Stream>,
    port: u16,
) -> Result<(), Untold> {
    let mut texts: Vec<&mut String> = Vec::new();
    for row in rows {
        match &mut row.what {
            Plan::Call(call, result, _) => texts.extend([call, result]),
            Plan::Wait(text) | Plan::Return(_, text, _) => texts.push(text),
            _ => {}
        }
    }
    // Each byte as the character of the same number, and back.
    let mut bytes: Vec<String> = streams
        .values()
        .map(|stream| stream.sent.iter().copied().map(char::from).collect())
        .collect();
    texts.extend(bytes.iter_mut());
    with_tutorial_ports(texts, port)?;
    for (stream, told) in streams.values_mut().zip(bytes) {
        let told: Option<Vec<u8>> =
            told.chars().map(|c| u8::try_from(c).ok()).collect();
        let told = told.filter(|told| told.len() == stream.sent.len());
        stream.sent = told.ok_or(Untold::Ports)?;
    }
    Ok(())
}

/// Stands between texts that are normalised together; in none of them.
const SEAM: char = '\u{e000}';

/// Gives `texts` the ports and dates of the tutorial, each port the same everywhere.
/// The first port in them is the server's, and becomes `port`; so does the 0 with
/// which the kernel was asked for any.
pub fn with_tutorial_ports(texts: Vec<&mut String>, port: u16) -> Result<(), Untold> {
    let server = texts.iter().find_map(|text| first_address(text));
    let server = server.unwrap_or_default();
    let mut whole = format!("listening on {server}");
    for text in &texts {
        whole.push(SEAM);
        whole.push_str(&asked_for(text, &server));
    }
    let told = normalised(&whole, &[port]);
    let told: Vec<&str> = told.split(SEAM).skip(1).collect();
    if told.len() != texts.len() {
        return Err(Untold::Changed);
    }
    for (text, told) in texts.into_iter().zip(told) {
        *text = told.to_string();
    }
    Ok(())
}

const HOST: &str = "127.0.0.1:";

/// The first address whose port is not 0.
fn first_address(text: &str) -> Option<String> {
    text.split(HOST).skip(1).find_map(|rest| {
        let end = rest.find(|c: char| !c.is_ascii_digit());
        let port = &rest[..end.unwrap_or(rest.len())];
        (port != "0" && !port.is_empty()).then(|| format!("{HOST}{port}"))
    })
}

/// `text` with the address of the server where any port was asked for.
fn asked_for(text: &str, server: &str) -> String {
    let any = format!("{HOST}0");
    let mut told = String::new();
    let mut rest = text;
    while let Some((before, after)) = rest.split_once(&any) {
        told.push_str(before);
        let whole = !after.starts_with(|c: char| c.is_ascii_digit());
        told.push_str(if whole && !server.is_empty() {
            server
        } else {
            &any
        });
        rest = after;
    }
    told + rest
}

impl Draft {
    fn filled(self, streams: &BTreeMap<Direction, Stream>) -> Row {
        let bytes = |part: Part| match part {
            Part::None => None,
            Part::Own(bytes) => Some(bytes),
            Part::Of(direction, range) => {
                let sent = streams.get(&direction).map(|stream| &stream.sent);
                sent.and_then(|sent| sent.get(range)).map(<[u8]>::to_vec)
            }
        };
        let what = match self.what {
            Plan::Call(call, result, part) => What::Call(call, result, bytes(part)),
            Plan::Wait(call) => What::Wait(call),
            Plan::Stop => What::Stop,
            Plan::Continue => What::Continue,
            Plan::Return(call, result, part) => {
                What::Return(call, result, bytes(part))
            }
            Plan::Bytes(part) => What::Bytes(bytes(part).unwrap_or_default()),
            Plan::Handshake => What::Handshake,
            Plan::End => What::End,
            Plan::Reset => What::Reset,
        };
        Row {
            side: self.side,
            what,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::pieces::steps::steps;
    use crate::pieces::strace::parse;
    use crate::pieces::strace::tests::{TRACE, with_damaged_traces};

    fn step(call: &str, result: &str, deed: Deed) -> Step {
        Step {
            call: call.into(),
            result: result.into(),
            deed,
        }
    }

    fn send(bytes: &str) -> Step {
        let count = bytes.len().to_string();
        step("sendto(4)", &count, Deed::Send(0, bytes.into()))
    }

    fn receive(bytes: &str) -> Step {
        let count = bytes.len().to_string();
        let deed = Deed::Receive(0, bytes.into(), Taken::Yes);
        step("recvfrom(4)", &count, deed)
    }

    fn end() -> Step {
        step("close(4)", "0", Deed::End(vec![0], Closed::Yes))
    }

    fn receive_end() -> Step {
        step("recvfrom(4)", "0", Deed::ReceiveEnd(0))
    }

    fn client(rest: Vec<Step>) -> Vec<Step> {
        let connect = step("connect(4, 127.0.0.1:41234)", "0", Deed::Connect);
        [vec![connect], rest].concat()
    }

    fn server(rest: Vec<Step>) -> Vec<Step> {
        let listen = step("listen(3)", "0", Deed::Listen);
        let accept = step("accept4(3)", "4, from 127.0.0.1:55555", Deed::Accept);
        [vec![listen, accept], rest].concat()
    }

    /// `< text` for what the client does, `> text` for the server.
    fn told(client: &[Step], server: &[Step]) -> Vec<String> {
        let story = tell(client, server, 8009).unwrap();
        let line = |Row { side, what }: &Row| {
            let side = if *side == Side::Left { '<' } else { '>' };
            let text = |bytes: &Option<Vec<u8>>| match bytes {
                Some(bytes) => format!(" {}", String::from_utf8_lossy(bytes)),
                None => String::new(),
            };
            let what = match what {
                What::Call(call, result, bytes) => {
                    format!("{call} = {result}{}", text(bytes))
                }
                What::Wait(call) => format!("{call} waits"),
                What::Return(call, result, bytes) => {
                    format!("... {call} = {result}{}", text(bytes))
                }
                What::Bytes(bytes) => format!("---{}", text(&Some(bytes.clone()))),
                other => format!("--- {other:?}"),
            };
            format!("{side} {what}")
        };
        story.rows.iter().map(line).collect()
    }

    #[test]
    fn cause_comes_before_effect_and_who_must_wait_is_seen_waiting() {
        let client = client(vec![receive("hi 55555"), receive_end(), end()]);
        let server = server(vec![send("hi 55555"), end()]);
        let expected = [
            "> listen(3) = 0",
            "> accept4(3) waits",
            "< connect(4, 127.0.0.1:8009) = 0",
            "< --- Handshake",
            "< recvfrom(4) waits",
            "> ... accept4 = 4, from 127.0.0.1:50001",
            "> sendto(4) = 8",
            "> --- hi 55555",
            "> close(4) = 0",
            "> --- End",
            "< ... recvfrom = 8 hi 55555",
            "< recvfrom(4) = 0",
            "< close(4) = 0",
            "< --- End",
        ];
        assert_eq!(told(&client, &server), expected);
    }

    #[test]
    fn a_port_is_renamed_where_a_read_has_cut_it_in_two() {
        let client = client(vec![
            receive("you are 127.0.0.1:5555"),
            receive("5\n"),
            end(),
        ]);
        let server = server(vec![send("you are 127.0.0.1:55555\n"), receive_end()]);
        let told = told(&client, &server);
        assert!(told.contains(&"< ... recvfrom = 22 you are 127.0.0.1:5000".into()));
        assert!(told.contains(&"< recvfrom(4) = 2 1\n".into()), "{told:?}");
    }

    #[test]
    fn a_port_of_another_length_is_refused_rather_than_a_wrong_count_told() {
        let client = client(vec![receive("127.0.0.1:999"), end()]);
        let server = server(vec![send("127.0.0.1:999"), receive_end()]);
        assert_eq!(tell(&client, &server, 8009), Err(Untold::Ports));
    }

    #[test]
    fn who_closes_with_unread_bytes_resets_the_connection() {
        let reset = step("recvfrom(4)", "-1 ECONNRESET", Deed::ReceiveReset(0));
        let client = client(vec![send("two"), reset]);
        let server = server(vec![receive("t"), end()]);
        let told = told(&client, &server);
        assert!(told.contains(&"> --- Reset".into()), "{told:?}");
        assert_eq!(told.last().unwrap(), "< ... recvfrom = -1 ECONNRESET");
    }

    #[test]
    fn who_closes_after_a_reset_sends_nothing() {
        let reset = step("recvfrom(4)", "-1 ECONNRESET", Deed::ReceiveReset(0));
        let client = client(vec![send("two"), reset, end()]);
        let server = server(vec![receive("t"), end()]);
        assert_eq!(told(&client, &server).last().unwrap(), "< close(4) = 0");
    }

    #[test]
    fn who_looks_at_bytes_leaves_them_there() {
        let peek = step(
            "recvfrom(4, MSG_PEEK)",
            "2",
            Deed::Receive(0, b"hi".into(), Taken::No),
        );
        let client = client(vec![send("hi"), end()]);
        let server = server(vec![peek, receive("hi"), receive_end()]);
        let told = told(&client, &server);
        assert_eq!(told.iter().filter(|row| row.ends_with("= 2 hi")).count(), 2);
    }

    #[test]
    fn a_process_that_is_held_goes_on_when_the_other_can_do_no_more() {
        let held = step("stopped", "goes on", Deed::Held);
        let client = client(vec![held, receive("ab"), end()]);
        let server = server(vec![send("a"), send("b"), receive_end()]);
        let told = told(&client, &server);
        let place = |row: &str| told.iter().position(|it| it == row).expect(row);
        assert!(place("< --- Stop") < place("> --- a"));
        assert!(place("> --- b") < place("< --- Continue"));
        assert_eq!(told[place("< --- Continue") + 1], "< recvfrom(4) = 2 ab");
    }

    #[test]
    fn what_nothing_explains_is_refused() {
        let uncaused = |client: Vec<Step>, server: Vec<Step>| {
            matches!(tell(&client, &server, 8009), Err(Untold::Uncaused(..)))
        };
        assert!(uncaused(
            client(vec![receive("hi")]),
            server(vec![send("h")])
        ));
        assert!(uncaused(
            client(vec![receive_end()]),
            server(vec![send("h")])
        ));
        let unread = server(vec![send("hi"), end()]);
        assert!(
            uncaused(client(vec![receive_end()]), unread),
            "not yet the end"
        );
        assert!(uncaused(client(vec![]), vec![]), "nobody listens");
        let changed =
            tell(&client(vec![receive("x")]), &server(vec![send("y")]), 8009);
        assert_eq!(changed, Err(Untold::Changed));
    }

    #[test]
    fn any_two_traces_have_a_story_or_none() {
        let server = steps(&parse(TRACE).unwrap(), false);
        with_damaged_traces(|trace| {
            if let Ok(entries) = parse(trace) {
                let _ = tell(&steps(&entries, true), &server, 8009);
                let _ = tell(&server, &steps(&entries, true), 8009);
            }
        });
    }

    #[test]
    fn the_server_has_the_tutorials_port_where_any_was_asked_for() {
        let mut texts = ["bind(3, 127.0.0.1:0)", "127.0.0.1:41234, 127.0.0.1:41235"]
            .map(str::to_string);
        with_tutorial_ports(texts.iter_mut().collect(), 8009).unwrap();
        let expected = ["bind(3, 127.0.0.1:8009)", "127.0.0.1:8009, 127.0.0.1:50001"];
        assert_eq!(texts, expected);
    }
}
