//! The checks of lesson 5: names and addresses.

mod dial;
mod dual;
mod eyeballs;
mod services;

pub use checks::Check;
pub use dial::dial;
pub use dual::dual;
pub use eyeballs::eyeballs;
pub use services::services;

use std::io::{self, ErrorKind};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, TcpStream};
use std::time::{Duration, Instant};

use rustix::fs::{OFlags, fcntl_getfl};

use checks::diagnosis::{Findings, Rule};
use checks::engine::{Peer, Report, Stage, Street};
use checks::symptom::{Kind, Symptom};

const V4: IpAddr = IpAddr::V4(Ipv4Addr::LOCALHOST);
const V6: IpAddr = IpAddr::V6(Ipv6Addr::LOCALHOST);

/// Runs a function that connects, tells what it returned, and keeps its connection
/// and its process until the check is done.
///
/// With a `limit` for all attempts it is told, too, if the connection is later than that.
fn act(
    report: &Report,
    limit: Option<Duration>,
    connect: impl FnOnce(&[std::net::SocketAddr]) -> io::Result<TcpStream>,
) {
    let invitation = match report.invitation() {
        Ok(invitation) => invitation,
        Err(error) => {
            eprintln!("the check's child was told no addresses: {error}");
            std::process::exit(70); // EX_SOFTWARE of sysexits.h
        }
    };
    let started = Instant::now();
    let result = connect(&invitation.addresses);
    let late = limit.is_some_and(|limit| started.elapsed() > limit);
    report.returned(match &result {
        Ok(stream) => told(stream).map(|told| match late {
            true => told + TOO_LATE,
            false => told,
        }),
        Err(error) => Err(format!("{:?}: {error}", error.kind())),
    });
    invitation.stay();
    drop(result);
}

/// The connection in a few words.
fn told(stream: &TcpStream) -> Result<String, String> {
    let peer = stream.peer_addr().map_err(|error| {
        format!("nothing: the stream that came back is not connected ({error})")
    })?;
    let flags = fcntl_getfl(stream).map_err(|error| error.to_string())?;
    let blocking = match flags.contains(OFlags::NONBLOCK) {
        true => NON_BLOCKING,
        false => "",
    };
    Ok(format!("a connection to {peer}{blocking}"))
}

const TOO_LATE: &str = ", when time was over";

const NON_BLOCKING: &str = ", left non-blocking";

/// Expects a connection to this door, and returns its other end.
fn expect_door(
    stage: &mut Stage,
    street: &Street,
    door: usize,
) -> Result<Peer, Symptom> {
    let expected = format!("a connection to {}", street.address(door));
    let returned = stage.returned();
    let caller = stage.caller_at(street, door)?;
    match (returned, caller) {
        (Ok(Ok(got)), Some(peer)) if got == expected => Ok(peer),
        (Ok(Ok(got)), _) => {
            let summary = match got.ends_with(NON_BLOCKING) {
                true => "the stream that came back is non-blocking",
                false => "that is not the address to be connected to",
            };
            Err(Symptom::new(Kind::WrongValue, summary).with_words(expected, got))
        }
        (Ok(Err(error)), caller) => {
            let summary = "your function returned an error";
            let mut symptom =
                Symptom::new(Kind::Error, summary).with_words(expected, error);
            note_nobody(&mut symptom, street, door, caller.as_ref());
            Err(symptom)
        }
        (Err(mut symptom), caller) => {
            note_nobody(&mut symptom, street, door, caller.as_ref());
            Err(symptom)
        }
    }
}

fn note_nobody(
    symptom: &mut Symptom,
    street: &Street,
    door: usize,
    caller: Option<&Peer>,
) {
    if caller.is_none() {
        let address = street.address(door);
        symptom
            .kernel
            .push(format!("{NOBODY} {address}, which answers."));
    }
}

const NOBODY: &str = "Nobody has called at";

/// Whether the address that answers was never called at.
fn nobody_called(symptom: &Symptom) -> bool {
    symptom.kernel.iter().any(|line| line.starts_with(NOBODY))
}

/// Expects an error of this kind.
fn expect_error(stage: &mut Stage, kind: ErrorKind) -> Result<String, Symptom> {
    let expected = format!("an error of the kind {kind:?}");
    match stage.returned()? {
        Err(error) if error.starts_with(&format!("{kind:?}: ")) => Ok(error),
        Err(error) => Err(Symptom::new(Kind::Error, "the error is of another kind")
            .with_words(expected, error)),
        Ok(got) => Err(Symptom::new(Kind::NoError, "your function saw no error")
            .with_words(expected, got)),
    }
}

/// Mistakes of every function that is given several addresses.
const DIAL_RULES: &[Rule] = &[Rule {
    mistake: "M73",
    fits: |all| gave_up_at_the_first(all),
    why: "At one address it failed, your function returned an error, and at the next \
          one, which answers, nobody has called.",
}];

fn gave_up_at_the_first(all: &Findings<'_>) -> bool {
    let first = all.first(&["refused", "family"]);
    first.is_some_and(|s| s.kind == Kind::Error && nobody_called(s))
}
