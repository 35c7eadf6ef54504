//! `names/dual`: one listener for both families.

#[cfg(target_os = "linux")]
use std::fs;
use std::io;
#[cfg(target_os = "linux")]
use std::net::TcpStream;
use std::net::{IpAddr, Ipv6Addr, SocketAddr, TcpListener};

use super::{V4, V6};
use checks::battery;
use checks::diagnosis::{self, Findings, Rule, SERVER_RULES};
use checks::engine::{Check, Probe, Report, Seen, Stage, no_ipv6};
use checks::line_server::CALLERS;
use checks::symptom::{Kind, Symptom};

/// The check of `names/dual`: a function that listens at an address, and one that
/// tells callers theirs.
pub fn dual(
    listen: fn(SocketAddr) -> io::Result<TcpListener>,
    serve: fn(TcpListener) -> io::Result<()>,
) -> Check {
    let probe = |name, title, ip: IpAddr, play: fn(&mut Stage) -> _| {
        let act = move |report: &Report| {
            let any = SocketAddr::new(ip, 0);
            let listening = listen(report.address().unwrap_or(any))
                .and_then(|listener| Ok((listener.local_addr()?, listener)));
            match listening {
                Ok((addr, listener)) => {
                    report.listening(addr);
                    report.returned(serve(listener).map(|()| ""));
                }
                Err(error) => report.returned(Err::<&str, _>(error)),
            }
        };
        Probe::server(name, title, act, play)
    };
    let mut probes = vec![
        probe(
            "whole",
            "a server at 127.0.0.1, and a caller",
            V4,
            |stage| call(stage, V4),
        ),
        probe("next", "a second caller, from another port", V4, |stage| {
            call(stage, V4)?;
            call(stage, V4)
        }),
    ];
    if has_ipv6() {
        let all = IpAddr::V6(Ipv6Addr::UNSPECIFIED);
        probes.extend([
            probe("six", "a server at ::1, and a caller", V6, |stage| {
                call(stage, V6)
            }),
            probe("all6", "a server at ::, and an IPv6 caller", all, |stage| {
                call(stage, V6)
            }),
            probe("all4", "a server at ::, and an IPv4 caller", all, all4),
            Probe::script(
                "setting",
                "the same, where IPv6 sockets take IPv6 callers alone by default",
                move |_| setting(listen),
            ),
        ]);
    } else {
        let skip = |_: &mut Stage| Err(no_ipv6(&io::ErrorKind::Unsupported.into()));
        probes.push(probe("six", "a server at ::1, and a caller", V4, skip));
    }
    probes.push(probe(
        "here",
        "a server at 127.0.0.1, and where it listens",
        V4,
        |stage| expect_only(stage, V4),
    ));
    if has_ipv6() {
        probes.push(probe(
            "here6",
            "a server at ::1, and where it listens",
            V6,
            |stage| expect_only(stage, V6),
        ));
    }
    probes.extend([
        probe(
            "visitors",
            "a caller that hangs up at once, then another",
            V4,
            |stage| {
                stage.reset_unseen()?;
                call(stage, V4)
            },
        ),
        probe("leaks", "five callers that come and go", V4, leaks),
        probe(
            "restart",
            "a server that is started again at once",
            V4,
            restart,
        ),
    ]);
    Check::new("names/dual", probes, diagnose)
}

fn has_ipv6() -> bool {
    TcpListener::bind((V6, 0)).is_ok()
}

/// Calls at this address and compares the line with what this end knows.
fn call(stage: &mut Stage, ip: IpAddr) -> Result<(), Symptom> {
    let address = SocketAddr::new(ip, stage.port());
    let mut peer = stage.connect_to(address)?;
    let expected = format!("you are {}\n", peer.local());
    stage.expect(&mut peer, expected.as_bytes())?;
    stage.expect_end(&mut peer)
}

/// Asks the kernel where the server listens.
fn expect_only(stage: &mut Stage, ip: IpAddr) -> Result<(), Symptom> {
    let Some(listens) = stage.listens_at() else {
        return Ok(()); // the kernel does not tell
    };
    for address in listens {
        stage.note(format!("the kernel says: a listener at {address}"));
        if address.ip() != ip {
            let summary = "your server listens where it was not told to";
            return Err(Symptom::new(Kind::Rule, summary).with_words(
                format!("a listener at {}", SocketAddr::new(ip, address.port())),
                format!("a listener at {address}"),
            ));
        }
    }
    Ok(())
}

/// Whether the server is bound to all addresses of both families.
fn is_at_the_wildcard(stage: &Stage) -> bool {
    let listens = stage.listens_at().unwrap_or_default();
    let all = IpAddr::V6(Ipv6Addr::UNSPECIFIED);
    listens.iter().any(|address| address.ip() == all)
}

const WILDCARD: &str = "Your program listens at [::].";

/// An IPv4 caller at a server at `[::]`.
fn all4(stage: &mut Stage) -> Result<(), Symptom> {
    call(stage, V4).map_err(|mut symptom| {
        if is_at_the_wildcard(stage) {
            symptom.kernel.push(WILDCARD.into());
        }
        symptom
    })
}

/// Listens in a network of its own, whose setting is the other one (ipv6(7)).
#[cfg(target_os = "linux")]
fn setting(listen: fn(SocketAddr) -> io::Result<TcpListener>) -> Result<(), Symptom> {
    const SETTING: &str = "/proc/sys/net/ipv6/bindv6only";
    let skipped = |error: io::Error| {
        let why = format!(
            "it takes a network namespace: {error}; `cargo run -p lesson-7 -- doors` \
             says what helps"
        );
        Symptom::new(Kind::Skipped, why)
    };
    let entered = checks_raw::room::enter();
    entered
        .and_then(|()| fs::write(SETTING, "1"))
        .map_err(skipped)?;
    let listening = listen((Ipv6Addr::UNSPECIFIED, 0).into())
        .and_then(|listener| Ok((listener.local_addr()?.port(), listener)));
    let (port, _listener) = listening.map_err(|error| {
        Symptom::new(Kind::Error, "your function returned an error")
            .with_words("a listener at [::]", error.to_string())
    })?;
    match TcpStream::connect((V4, port)) {
        Ok(_) => Ok(()),
        Err(error) => {
            let summary = "an IPv4 caller was refused where the default is another";
            let mut symptom = Symptom::new(Kind::Refused, summary)
                .with_words(format!("a connection to {V4}"), error.to_string());
            let sentence = format!("There, {SETTING} is 1.");
            symptom.kernel.push(sentence);
            Err(symptom)
        }
    }
}

#[cfg(not(target_os = "linux"))]
fn setting(_: fn(SocketAddr) -> io::Result<TcpListener>) -> Result<(), Symptom> {
    let why = "only Linux has a network of its own for a program to try it in";
    Err(Symptom::new(Kind::Skipped, why))
}

fn leaks(stage: &mut Stage) -> Result<(), Symptom> {
    call(stage, V4)?;
    let before = stage.descriptors();
    for _ in 0..CALLERS {
        call(stage, V4)?;
    }
    stage.expect_descriptors(before, CALLERS)?;
    stage.expect_rest()
}

/// The server ends its connections first, so they occupy its port when it is gone.
fn restart(stage: &mut Stage) -> Result<(), Symptom> {
    call(stage, V4)?;
    stage.note("your server is killed and started again");
    stage.restart()?;
    call(stage, V4)
}

fn diagnose(seen: &[Seen<'_>]) -> Option<(&'static str, String)> {
    let findings = Findings {
        seen,
        reply: <[u8]>::to_vec,
    };
    diagnosis::name(&[RULES, SERVER_RULES, battery::RULES], &findings)
}

const RULES: &[Rule] = &[
    Rule {
        mistake: "M9",
        fits: |all| {
            all.first(&["whole"]).is_some_and(|s| {
                s.expected_bytes.strip_suffix(b"\n") == Some(s.got_bytes.as_slice())
            })
        },
        why: "The line is right but for the newline at its end.",
    },
    Rule {
        mistake: "M78",
        fits: |all| {
            let first = all.first(&["whole", "all4"]);
            first.is_some_and(|s| {
                s.got_bytes.starts_with(b"you are [::ffff:127.0.0.1]:")
            })
        },
        why: "The caller came over IPv4 and was told an IPv6 address that was made up \
              for it, with its own inside. `to_canonical` takes that out again.",
    },
    Rule {
        mistake: "M77",
        fits: |all| {
            let refused = |s: &Symptom| {
                s.kind == Kind::Refused
                    && !s.is_over()
                    && s.kernel.iter().any(|line| line == WILDCARD)
            };
            all.first(&["all4"]).is_some_and(refused) && all.passed("all6")
        },
        why: "IPv6 callers are served at [::], and IPv4 callers are refused: the socket \
              has the option IPV6_V6ONLY. Turn it off before `bind`; do not leave it to \
              the machine's setting.",
    },
    Rule {
        mistake: "M77",
        fits: |all| {
            let refused = |s: &Symptom| s.kind == Kind::Refused;
            all.passed("all4") && all.first(&["setting"]).is_some_and(refused)
        },
        why: "On this machine IPv4 callers are served at [::]. Where the default of \
              IPV6_V6ONLY is the other one, they are refused: your socket has what the \
              machine gives it. Turn the option off before `bind`.",
    },
    Rule {
        mistake: "M17",
        fits: |all| {
            let first = all.first(&["here", "here6"]);
            first.is_some_and(|s| {
                s.kind == Kind::Rule
                    && (s.got.contains(" [::]:") || s.got.contains(" 0.0.0.0:"))
            })
        },
        why: "The server was told to listen at one address of loopback, and it listens \
              at all addresses of the machine: on every network that it is in, anybody \
              can call.",
    },
];
