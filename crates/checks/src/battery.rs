//! The rest of the battery, for a server that has to serve many callers at once, and
//! to survive what a machine does to it. What comes before it is in
//! [`line_server`].

use std::io;
use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::sync::Arc;

use crate::catalogue::Exercise;
use crate::diagnosis::{self, Findings, Rule};
use crate::engine::{Check, Limits, Peer, Probe, Report, Seen, Stage};
use crate::line_server::{self, Reply, Serve, act, answers, ask, probe};
use crate::symptom::{Doing, Kind, Symptom};

/// Probes with more than one caller, and with callers that do not read.
pub fn probes<S>(serve: S, reply: Reply) -> Vec<Probe>
where
    S: Fn(TcpListener) -> io::Result<()> + Send + Sync + 'static,
{
    probes_of(&(Arc::new(serve) as Serve), reply)
}

fn probes_of(serve: &Serve, reply: Reply) -> Vec<Probe> {
    let probe = |name, title, play| probe(serve, reply, name, title, play);
    vec![
        probe("two", "a second caller, while the first says nothing", two),
        probe(
            "half",
            "a second caller, while the first is in a line",
            half,
        ),
        probe(
            "slow",
            "a caller that does not read, and a second one",
            slow,
        ),
        probe("cut", "a caller that resets while it is answered", cut),
        probe("crowd", "more callers than there are descriptors", crowd)
            .limited(Limits { descriptors: 16 }),
    ]
}

/// A probe of a server that opens its own listener: it is killed with a caller
/// connected, and has to come back at the same port.
pub fn restart<L, S>(listen: L, serve: S, reply: Reply) -> Probe
where
    L: Fn(SocketAddr) -> io::Result<TcpListener> + Send + Sync + 'static,
    S: Fn(TcpListener) -> io::Result<()> + Send + Sync + 'static,
{
    Probe::server(
        "restart",
        "a server that is started again at once",
        move |report: &Report| {
            let any = SocketAddr::from((Ipv4Addr::LOCALHOST, 0));
            let listening = listen(report.address().unwrap_or(any))
                .and_then(|listener| Ok((listener.local_addr()?, listener)));
            match listening {
                Ok((addr, listener)) => {
                    report.listening(addr);
                    report.returned(serve(listener).map(|()| ""));
                }
                Err(error) => report.returned(Err::<&str, _>(error)),
            }
        },
        move |stage| {
            let mut held = stage.connect()?;
            ask(stage, &mut held, b"hello", reply)?;
            stage.note("your server is killed and started again");
            stage.restart()?;
            let mut peer = stage.connect()?;
            ask(stage, &mut peer, b"back again?", reply)
        },
    )
}

fn two(stage: &mut Stage, reply: Reply) -> Result<(), Symptom> {
    let mut silent = stage.connect()?;
    let mut peer = stage.connect()?;
    ask(stage, &mut peer, b"hello", reply)?;
    ask(stage, &mut silent, b"now I speak", reply)
}

fn half(stage: &mut Stage, reply: Reply) -> Result<(), Symptom> {
    let mut first = stage.connect()?;
    stage.send(&mut first, b"hel")?;
    stage.until_taken(&mut first)?;
    let mut second = stage.connect()?;
    ask(stage, &mut second, b"hello", reply)?;
    stage.send(&mut first, b"lo\n")?;
    stage.expect(&mut first, &answers(&[b"hello"], reply))
}

/// Lines long enough to fill the kernel's buffers with few of them.
fn long_line() -> Vec<u8> {
    vec![b'x'; 1000]
}

fn slow(stage: &mut Stage, reply: Reply) -> Result<(), Symptom> {
    let line = [&long_line()[..], b"\n"].concat();
    let mut slow = stage.connect()?;
    let sent = stage.send_until_full(&mut slow, &line)?;
    let mut second = stage.connect()?;
    ask(stage, &mut second, b"hello", reply)?;

    let lines = sent.div_ceil(line.len());
    let rest = lines * line.len() - sent;
    let one = answers(&[&long_line()], reply);
    // The line that was cut short is sent to its end once there is room.
    for n in 0..lines {
        if n + 1 == lines && rest > 0 {
            stage.send(&mut slow, &line[line.len() - rest..])?;
        }
        stage.expect(&mut slow, &one)?;
    }
    Ok(())
}

fn cut(stage: &mut Stage, reply: Reply) -> Result<(), Symptom> {
    let line = [&long_line()[..], b"\n"].concat();
    let mut rude = stage.connect()?;
    stage.send_until_full(&mut rude, &line)?;
    rude.reset()?;
    let mut peer = stage.connect()?;
    ask(stage, &mut peer, b"anybody there?", reply)
}

fn crowd(stage: &mut Stage, reply: Reply) -> Result<(), Symptom> {
    const CALLERS: usize = 24;
    let mut callers: Vec<Peer> = Vec::new();
    for _ in 0..CALLERS {
        callers.push(stage.connect()?);
    }
    // Not all can be served now; one of the first can.
    ask(stage, &mut callers[0], b"hello", reply)?;
    stage.expect_rest()?;
    stage.note("all callers leave");
    for caller in callers {
        caller.close();
    }
    let mut peer = stage.connect()?;
    ask(stage, &mut peer, b"room for me?", reply)
}

/// A throng: so many callers at once, each of which is answered while all the others
/// are there. Afterwards nothing of them is left: no descriptor, no thread, no process.
///
/// The server may open that many descriptors and 64 more. While all are connected and
/// silent it may not use a hundredth of a processor.
pub fn throng<S>(serve: S, reply: Reply, callers: usize) -> Probe
where
    S: Fn(TcpListener) -> io::Result<()> + Send + Sync + 'static,
{
    const OWN: u64 = 64; // descriptors of the server itself
    Probe::server(
        "throng",
        "very many callers at once",
        move |report| act(report, &serve),
        move |stage| crowd_in(stage, reply, callers),
    )
    .limited(Limits {
        descriptors: callers as u64 + OWN,
    })
}

fn crowd_in(stage: &mut Stage, reply: Reply, callers: usize) -> Result<(), Symptom> {
    const LINE: &[u8] = b"one of very many";
    stage.room_for(callers)?;
    let mut first = stage.connect()?;
    ask(stage, &mut first, b"the first", reply)?;
    first.end();
    stage.expect_end(&mut first)?;
    stage.until_settled();
    let (before, company) = (stage.descriptors(), stage.company());

    let mut all = Vec::with_capacity(callers);
    for _ in 0..callers {
        all.push(stage.connect()?);
    }
    for peer in &mut all {
        stage.send(peer, &[LINE, b"\n"].concat())?;
    }
    for peer in &mut all {
        stage.expect(peer, &answers(&[LINE], reply))?;
    }
    stage.expect_stillness()?;
    for peer in &mut all {
        ask(stage, peer, b"still served?", reply)?;
        peer.end();
    }
    for peer in &mut all {
        stage.expect_end(peer)?;
    }
    stage.expect_descriptors(before, callers)?;
    stage.expect_company(company)?;
    stage.expect_stillness()
}

/// What [`whole`] is told as.
static SERVER: Exercise = Exercise {
    id: "server/battery",
    stem: "",
    title: "A server under the whole battery",
    learnt: "",
};

/// The whole battery for one server: all that is asked of a conversation, of several
/// at once, of a restart, and a throng of callers.
///
/// A test binary without a harness hands the outcome to [`answers::main`].
///
/// [`answers::main`]: crate::answers::main
pub fn whole(
    serve: fn(TcpListener) -> io::Result<()>,
    reply: Reply,
    callers: usize,
) -> Check {
    let serve: Serve = Arc::new(serve);
    let mut all = line_server::probes_of(&serve, reply);
    all.extend(probes_of(&serve, reply));
    let again = Arc::clone(&serve);
    let listen = |address: SocketAddr| TcpListener::bind(address);
    all.push(restart(listen, move |listener| again(listener), reply));
    all.push(throng(move |listener| serve(listener), reply, callers));
    // The account of the first probe that failed says what there is to say.
    Check::of(&SERVER, all, |_| None)
}

/// Finds the mistake behind what these probes showed.
pub fn diagnose(seen: &[Seen<'_>], reply: Reply) -> Option<(&'static str, String)> {
    diagnosis::name(&[RULES], &Findings { seen, reply })
}

/// The mistakes that the battery shows in any server.
pub const RULES: &[Rule] = &[
    Rule {
        mistake: "M18",
        fits: |all| {
            let silence = |s: &Symptom| {
                s.kind == Kind::NoAnswer
                    && s.doing == Some(Doing::Blocked)
                    && s.calls == ["recvfrom"]
                    // The second may as well have been accepted and not been heard.
                    && s.kernel.iter().any(|told| told.contains("in the accept queue"))
            };
            all.first(&["two"]).is_some_and(silence)
        },
        why: "Your program waits for the first caller, who says nothing, and the second \
              waits in the accept queue.",
    },
    Rule {
        mistake: "M25",
        fits: |all| {
            all.first(&["crowd"]).is_some_and(|s| {
                s.kind == Kind::Spins
                    || matches!(s.doing, Some(Doing::Ended | Doing::Returned))
            })
        },
        why: "There were no descriptors left, and `accept`, or whatever else wanted \
              one, failed with EMFILE. That is no reason to end, and asking again at \
              once is no way to wait.",
    },
    Rule {
        mistake: "M16",
        fits: |all| {
            let in_use = io::Error::from(rustix::io::Errno::ADDRINUSE).to_string();
            let told =
                |s: &Symptom| s.kernel.iter().any(|line| line.contains(&in_use));
            all.first(&["restart"]).is_some_and(told)
        },
        why: "The port was still occupied by a connection of the server's last run, and \
              `bind` failed with EADDRINUSE. SO_REUSEADDR, set before `bind`, is how a \
              server says that it may have its own port back.",
    },
];
