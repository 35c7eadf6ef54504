//! `names/services`: from a service to its port, and back.

use std::panic::{self, AssertUnwindSafe};
use std::sync::Arc;

use checks::diagnosis::{self, Findings, Rule};
use checks::engine::{Check, Probe, Report, Seen};
use checks::symptom::{Kind, Symptom, shown};

type Port = dyn Fn(&[u8], &str, &str) -> Option<u16> + Send + Sync;
type Name = dyn Fn(&[u8], u16, &str) -> Option<Vec<u8>> + Send + Sync;

/// The learner's two functions.
struct Asked {
    port: Box<Port>,
    name: Box<Name>,
}

type Judge = fn(&Asked) -> Result<(), Symptom>;

const FILE: &[u8] = b"\
# Network services, in the style of services(5)
domain\t\t53/tcp\t\t\t\t# Domain Name Server
domain\t\t53/udp
http\t\t80/tcp\t\twww\t\t# WorldWideWeb HTTP
shell\t\t514/tcp\t\tcmd rsh   # no passwords used
syslog\t\t514/udp

gopher 70/tcp
";

/// The check of `names/services`: two functions that look services up in a file.
pub fn services(
    port: impl Fn(&[u8], &str, &str) -> Option<u16> + Send + Sync + 'static,
    name: impl Fn(&[u8], u16, &str) -> Option<Vec<u8>> + Send + Sync + 'static,
) -> Check {
    check(Arc::new(Asked {
        port: Box::new(port),
        name: Box::new(name),
    }))
}

fn check(asked: Arc<Asked>) -> Check {
    let probe = |name, title, judge: Judge| {
        let asked = Arc::clone(&asked);
        Probe::script(name, title, move |_: &Report| judge(&asked))
    };
    let probes = vec![
        probe("port", "the port of a name", |asked| {
            asked.port(b"http 80/tcp\nssh 22/tcp\n", "ssh", "tcp", Some(22))
        }),
        probe("name", "the name of a port", |asked| {
            asked.name(b"http 80/tcp\nssh 22/tcp\n", 22, "tcp", Some(b"ssh"))
        }),
        probe("unknown", "what the file has not", |asked| {
            asked.port(FILE, "ssh", "tcp", None)?;
            asked.name(FILE, 22, "tcp", None)?;
            asked.port(b"", "http", "tcp", None)
        }),
        probe("spaces", "tabs and several spaces", |asked| {
            asked.port(b"  http \t 80/tcp", "http", "tcp", Some(80))?;
            asked.port(FILE, "gopher", "tcp", Some(70))?;
            asked.port(b"http 80/tcp\r\nssh 22/tcp\r\n", "ssh", "tcp", Some(22))
        }),
        probe("alias", "an alias", |asked| {
            asked.port(FILE, "www", "tcp", Some(80))?;
            asked.port(FILE, "rsh", "tcp", Some(514))?;
            asked.port(FILE, "ww", "tcp", None)?;
            asked.port(b"ssh 22/tcp secsh\r\n", "secsh", "tcp", Some(22))?;
            asked.name(FILE, 80, "tcp", Some(b"http"))
        }),
        probe("protocol", "one name, one port, two protocols", |asked| {
            asked.port(FILE, "syslog", "udp", Some(514))?;
            asked.port(FILE, "syslog", "tcp", None)?;
            asked.name(FILE, 514, "udp", Some(b"syslog"))?;
            asked.name(FILE, 514, "tcp", Some(b"shell"))
        }),
        probe("comment", "words in a comment", |asked| {
            asked.port(FILE, "WorldWideWeb", "tcp", None)?;
            asked.port(b"#ssh 22/tcp\n# telnet 23/tcp\n", "ssh", "tcp", None)?;
            asked.port(b"# telnet 23/tcp\n", "telnet", "tcp", None)?;
            asked.port(b"http 80/tcp www#web\n", "www", "tcp", Some(80))
        }),
        probe("case", "a name and a protocol in other letters", |asked| {
            asked.port(FILE, "HTTP", "tcp", None)?;
            asked.port(FILE, "http", "TCP", None)?;
            asked.name(FILE, 80, "TCP", None)
        }),
        probe("double", "two lines that fit", |asked| {
            let file = b"echo 7/tcp\necho 4007/tcp ping\nping 4007/tcp\n";
            asked.port(file, "echo", "tcp", Some(7))?;
            asked.name(file, 4007, "tcp", Some(b"echo"))?;
            asked.port(b"http 80/tcp www\nwww 8080/tcp\n", "www", "tcp", Some(80))
        }),
        probe("bad", "lines that are no entries, before one that is", bad),
        probe("numbers", "ports that are none", numbers),
        probe("bytes", "a comment that is no UTF-8 text", |asked| {
            let file = b"cafe 1000/tcp # caf\xE9\nhttp 80/tcp\n";
            asked.port(file, "http", "tcp", Some(80))?;
            asked.port(file, "cafe", "tcp", Some(1000))
        }),
        probe("names", "a name that is no UTF-8 text", |asked| {
            let file = b"caf\xE9 1000/tcp coffee\n";
            asked.port(file, "coffee", "tcp", Some(1000))?;
            asked.name(file, 1000, "tcp", Some(b"caf\xE9"))
        }),
        probe("any", "files of arbitrary bytes", any),
    ];
    Check::new("names/services", probes, diagnose)
}

impl Asked {
    fn port(
        &self,
        file: &[u8],
        name: &str,
        protocol: &str,
        wanted: Option<u16>,
    ) -> Result<(), Symptom> {
        let call = format!("port({}, {name:?}, {protocol:?})", shown(file));
        let got = (self.port)(file, name, protocol);
        compare(&call, &format!("{wanted:?}"), &format!("{got:?}"))
    }

    fn name(
        &self,
        file: &[u8],
        port: u16,
        protocol: &str,
        wanted: Option<&[u8]>,
    ) -> Result<(), Symptom> {
        let call = format!("name({}, {port}, {protocol:?})", shown(file));
        let got = (self.name)(file, port, protocol);
        let told = |name: Option<&[u8]>| {
            name.map_or("None".into(), |name| format!("Some({})", shown(name)))
        };
        compare(&call, &told(wanted), &told(got.as_deref()))
    }
}

fn compare(call: &str, wanted: &str, got: &str) -> Result<(), Symptom> {
    if wanted == got {
        return Ok(());
    }
    let summary = "that is not what the file says";
    let mut symptom = Symptom::new(Kind::WrongValue, summary).with_words(wanted, got);
    symptom.kernel.push(format!("The call was {call}."));
    Err(symptom)
}

/// Each of these lines alone, before one that is an entry.
fn bad(asked: &Asked) -> Result<(), Symptom> {
    for line in [
        "",
        "   ",
        "http",
        "http 80",
        "http tcp/80",
        "http /tcp",
        "http 80/",
        "/",
        "80/tcp",
    ] {
        let file = format!("{line}\nssh 22/tcp\n");
        asked.port(file.as_bytes(), "ssh", "tcp", Some(22))?;
        asked.port(file.as_bytes(), "http", "tcp", None)?;
        asked.port(file.as_bytes(), "http", "", None)?;
    }
    Ok(())
}

fn numbers(asked: &Asked) -> Result<(), Symptom> {
    for port in ["0", "65536", "-1", "+80", "8o", "99999999999999999999"] {
        let file = format!("http {port}/tcp\nhttp 80/tcp\n");
        asked.port(file.as_bytes(), "http", "tcp", Some(80))?;
    }
    asked.name(b"none 0/tcp\n", 0, "tcp", None)?;
    asked.port(b"last 65535/tcp\n", "last", "tcp", Some(65_535))?;
    asked.port(b"http 0080/tcp\n", "http", "tcp", Some(80))
}

/// Whatever stands before it, an entry in a line of its own is found, and nothing is
/// found that is in no line.
fn any(asked: &Asked) -> Result<(), Symptom> {
    let mut state = 0x2545_F491_4F6C_DD1D_u64; // any number but zero will do
    let mut random = |below: usize| {
        state ^= state << 13; // xorshift, the same in every run
        state ^= state >> 7;
        state ^= state << 17;
        (state % below as u64) as usize
    };
    let special = b"a1/#\n\t \r0+\xFF\0.";
    for _ in 0..300 {
        let length = random(80);
        let mut file: Vec<u8> = (0..length)
            .map(|_| match random(5) {
                0 => random(256) as u8,
                _ => special[random(special.len())],
            })
            .collect();
        let before = panic::catch_unwind(AssertUnwindSafe(|| {
            (self::Asked::port)(asked, &file, "unheard-of", "tcp", None)
        }));
        match before {
            Ok(result) => result?,
            Err(_) => {
                let summary = "your function panicked";
                let mut symptom = Symptom::new(Kind::Gone, summary);
                symptom
                    .kernel
                    .push(format!("The file was {}.", shown(&file)));
                return Err(symptom);
            }
        }
        file.extend_from_slice(b"\nunheard-of 4711/tcp");
        asked.port(&file, "unheard-of", "tcp", Some(4711))?;
        asked.name(&file, 4711, "tcp", Some(b"unheard-of"))?;
    }
    Ok(())
}

fn diagnose(seen: &[Seen<'_>]) -> Option<(&'static str, String)> {
    let findings = Findings {
        seen,
        reply: <[u8]>::to_vec,
    };
    diagnosis::name(&[RULES], &findings)
}

const RULES: &[Rule] = &[
    Rule {
        mistake: "M70",
        fits: |all| {
            all.first(&["protocol"]).is_some_and(|s| {
                s.kind == Kind::WrongValue
                    && matches!(s.got.as_str(), "Some(514)" | "Some(\"shell\")")
            })
        },
        why: "The name and the port are in the file, but with another protocol. TCP and \
              UDP have ports of their own, and 514 is a shell in one and a log in the \
              other.",
    },
    Rule {
        mistake: "M71",
        fits: |all| {
            all.first(&["comment"])
                .is_some_and(|s| s.kind == Kind::WrongValue && s.expected == "None")
        },
        why: "What was found stands behind a `#`: it is a comment, for people.",
    },
    Rule {
        mistake: "M45",
        fits: |all| {
            let first = all.first(&["bad", "numbers", "bytes", "names", "any"]);
            first.is_some_and(|s| s.kind == Kind::Gone)
        },
        why: "One line that your program had not expected ended it. Anybody may have \
              edited such a file: what cannot be read is skipped.",
    },
];
