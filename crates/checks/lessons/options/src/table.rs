//! `options/table`: what a socket is set to.

use std::io;
use std::net::{TcpStream, UdpSocket};
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::os::unix::net::UnixStream;
use std::time::Duration;

use rustix::net::{AddressFamily, SocketType, sockopt};

use crate::words;
use checks::diagnosis::Rule;
use checks::engine::{Check, Probe, Seen};
use checks::symptom::{Kind, Symptom};
use checks_bytes::{succeeded, told};

/// What a socket is set to, as the exercise has it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Table {
    /// SO_RCVBUF in bytes, as the kernel tells it.
    pub receive_buffer: usize,
    /// SO_SNDBUF in bytes, as the kernel tells it.
    pub send_buffer: usize,
    /// TCP_NODELAY; nothing where there is no such option.
    pub nodelay: Option<bool>,
    /// SO_LINGER; nothing where it is off.
    pub linger: Option<Duration>,
    /// TCP_KEEPIDLE; nothing where SO_KEEPALIVE is off.
    pub keepalive: Option<Duration>,
}

/// The learner's two functions.
#[derive(Clone, Copy)]
struct Answer {
    read: fn(BorrowedFd<'_>) -> io::Result<Table>,
    set: fn(BorrowedFd<'_>, usize) -> io::Result<usize>,
}

type Judge = fn(Answer) -> Result<(), Symptom>;

/// The check of `options/table`: one function reads a socket's options, the other asks
/// for a receive buffer and tells what the kernel made of it.
pub fn table(
    read: fn(BorrowedFd<'_>) -> io::Result<Table>,
    set: fn(BorrowedFd<'_>, usize) -> io::Result<usize>,
) -> Check {
    let answer = Answer { read, set };
    let probe = |name, title, judge: Judge| {
        Probe::script(name, title, move |_| judge(answer))
    };
    let probes = vec![
        probe("fresh", "a TCP socket as it is made", fresh),
        probe("set", "a TCP socket with every option set", set_before),
        probe("zero", "a TCP socket that lingers for 0 seconds", zero),
        probe("other", "a UDP socket, and a local one", other),
        probe("grow", "a receive buffer of 20,000 bytes", |answer| {
            asked(answer, 20_000)
        }),
        probe(
            "limits",
            "a receive buffer of 1 byte, and one of a gigabyte",
            |answer| {
                asked(answer, 1)?;
                asked(answer, 1 << 30)
            },
        ),
        probe("pipe", "a descriptor that is no socket", pipe),
    ];
    Check::new("options/table", probes, diagnose)
}

/// The check could not make what it wanted to have read.
fn own<T>(result: rustix::io::Result<T>) -> Result<T, Symptom> {
    result.map_err(|error| {
        let error = io::Error::from(error);
        let summary = format!("the check itself could not set a socket up: {error}");
        Symptom::new(Kind::Broken, summary)
    })
}

fn tcp() -> Result<TcpStream, Symptom> {
    let socket = rustix::net::socket(AddressFamily::INET, SocketType::STREAM, None);
    own(socket).map(TcpStream::from)
}

/// What the kernel says of a socket.
fn truth(
    socket: BorrowedFd<'_>,
    nodelay: Option<bool>,
    linger: Option<Duration>,
    keepalive: Option<Duration>,
) -> Result<Table, Symptom> {
    Ok(Table {
        receive_buffer: own(sockopt::socket_recv_buffer_size(socket))?,
        send_buffer: own(sockopt::socket_send_buffer_size(socket))?,
        nodelay,
        linger,
        keepalive,
    })
}

/// Has the table read, and compares it field by field.
fn compare(answer: Answer, of: BorrowedFd<'_>, is: &Table) -> Result<(), Symptom> {
    let got = succeeded((answer.read)(of), "a table")?;
    for (name, wanted, got) in [
        (
            "receive_buffer",
            is.receive_buffer.to_string(),
            got.receive_buffer.to_string(),
        ),
        (
            "send_buffer",
            is.send_buffer.to_string(),
            got.send_buffer.to_string(),
        ),
        (
            "nodelay",
            format!("{:?}", is.nodelay),
            format!("{:?}", got.nodelay),
        ),
        (
            "linger",
            format!("{:?}", is.linger),
            format!("{:?}", got.linger),
        ),
        (
            "keepalive",
            format!("{:?}", is.keepalive),
            format!("{:?}", got.keepalive),
        ),
    ] {
        if wanted != got {
            let summary = "the table is not what the socket is set to";
            return Err(Symptom::new(Kind::WrongValue, summary)
                .with_words(format!("{name}: {wanted}"), format!("{name}: {got}")));
        }
    }
    Ok(())
}

fn fresh(answer: Answer) -> Result<(), Symptom> {
    let socket = tcp()?;
    let is = truth(socket.as_fd(), Some(false), None, None)?;
    compare(answer, socket.as_fd(), &is)
}

fn set_before(answer: Answer) -> Result<(), Symptom> {
    const LINGER: Duration = Duration::from_secs(5);
    const IDLE: Duration = Duration::from_secs(45);
    let socket = tcp()?;
    own(sockopt::set_tcp_nodelay(&socket, true))?;
    own(sockopt::set_socket_linger(&socket, Some(LINGER)))?;
    own(sockopt::set_socket_keepalive(&socket, true))?;
    own(sockopt::set_tcp_keepidle(&socket, IDLE))?;
    own(sockopt::set_socket_recv_buffer_size(&socket, 30_000))?;
    own(sockopt::set_socket_send_buffer_size(&socket, 40_000))?;
    let is = truth(socket.as_fd(), Some(true), Some(LINGER), Some(IDLE))?;
    compare(answer, socket.as_fd(), &is)
}

fn zero(answer: Answer) -> Result<(), Symptom> {
    let socket = tcp()?;
    own(sockopt::set_socket_linger(&socket, Some(Duration::ZERO)))?;
    let is = truth(socket.as_fd(), Some(false), Some(Duration::ZERO), None)?;
    compare(answer, socket.as_fd(), &is)
}

fn other(answer: Answer) -> Result<(), Symptom> {
    let unable = |error: io::Error| {
        let summary = format!("the check itself could not make a socket: {error}");
        Symptom::new(Kind::Broken, summary)
    };
    let udp: OwnedFd = UdpSocket::bind("127.0.0.1:0").map_err(unable)?.into();
    let (local, _other) = UnixStream::pair().map_err(unable)?;
    for socket in [udp, local.into()] {
        let is = truth(socket.as_fd(), None, None, None)?;
        compare(answer, socket.as_fd(), &is)?;
    }
    Ok(())
}

/// Asks for a receive buffer of so many bytes; another socket, of which the check has
/// asked the same, says what that comes to.
fn asked(answer: Answer, bytes: usize) -> Result<(), Symptom> {
    let (socket, other) = (tcp()?, tcp()?);
    own(sockopt::set_socket_recv_buffer_size(&other, bytes))?;
    let wanted = own(sockopt::socket_recv_buffer_size(&other))?;
    let got = succeeded(
        (answer.set)(socket.as_fd(), bytes),
        &format!("{wanted}, as getsockopt(2) tells"),
    )?;
    let now = own(sockopt::socket_recv_buffer_size(&socket))?;
    if now != wanted {
        let summary = "the receive buffer is not what was to be asked for";
        let wanted = format!("{bytes} asked for, which comes to {wanted}");
        return Err(Symptom::new(Kind::Rule, summary)
            .with_words(wanted, format!("{now}, as getsockopt(2) tells")));
    }
    if got != wanted {
        let summary = "that is not the size which the kernel tells";
        let mut symptom = Symptom::new(Kind::WrongValue, summary)
            .with_words(wanted.to_string(), got.to_string());
        if got == bytes {
            symptom.kernel.push(format!("{bytes} is {WISH}"));
        } else if got == bytes.saturating_mul(2) {
            symptom
                .kernel
                .push(format!("{got} is twice {bytes}, {WISH}"));
        }
        return Err(symptom);
    }
    Ok(())
}

const WISH: &str = "what your function was asked to ask for.";

fn pipe(answer: Answer) -> Result<(), Symptom> {
    let (reader, _writer) = own(rustix::pipe::pipe())?;
    let expected = "an error: ENOTSOCK";
    let refuses = |result: io::Result<String>| match result {
        Err(error)
            if error.raw_os_error()
                == Some(rustix::io::Errno::NOTSOCK.raw_os_error()) =>
        {
            Ok(())
        }
        Err(error) => Err(Symptom::new(Kind::Error, "the error is another one")
            .with_words(expected, told(&error))),
        Ok(value) => Err(Symptom::new(Kind::NoError, "your function saw no error")
            .with_words(expected, value)),
    };
    refuses((answer.read)(reader.as_fd()).map(|table| format!("{table:?}")))?;
    refuses((answer.set)(reader.as_fd(), 20_000).map(|bytes| bytes.to_string()))
}

fn diagnose(seen: &[Seen<'_>]) -> Option<(&'static str, String)> {
    super::diagnose(RULES, seen)
}

/// Whether a size came back that was computed from the wish.
fn is_the_wish(symptom: &Symptom) -> bool {
    symptom.kind == Kind::WrongValue
        && symptom.kernel.iter().any(|told| told.ends_with(WISH))
}

const RULES: &[Rule] = &[
    Rule {
        mistake: "M80",
        fits: |all| {
            // Half of what the kernel tells is the wish, too, until a limit is met.
            all.first(&["grow", "limits"]).is_some_and(is_the_wish)
                && all.symptom("limits").is_some_and(is_the_wish)
        },
        why: "The buffer was asked for, and what came back was the wish, or twice the \
              wish. The kernel doubles it for its own needs, has a least size, and a \
              largest one: ask it with getsockopt(2) after setting.",
    },
    Rule {
        mistake: "M81",
        fits: |all| {
            let first = all.first(&["fresh", "zero"]);
            first.is_some_and(|s| {
                let are = |wanted, got| s.expected == wanted && s.got == got;
                are("linger: None", "linger: Some(0ns)")
                    || are("linger: Some(0ns)", "linger: None")
                    || s.expected == "keepalive: None"
            })
        },
        why: "Whether an option is on and how long it takes are two things: with a \
              linger of 0 seconds `close` sends a reset, without lingering it does not; \
              and the idle time of a keepalive that is off means nothing.",
    },
    Rule {
        mistake: "M82",
        fits: |all| {
            use rustix::io::Errno;
            let kinds = [Errno::NOPROTOOPT, Errno::OPNOTSUPP].map(words);
            all.first(&["other"]).is_some_and(|s| {
                let refused = kinds.iter().any(|words| s.got.contains(words));
                s.kind == Kind::Error && refused
            })
        },
        why: "A socket that is not TCP's was asked for an option of TCP: TCP_NODELAY, \
              or TCP_KEEPIDLE, for which there is no need while SO_KEEPALIVE is off. \
              It answers EOPNOTSUPP or ENOPROTOOPT. That is no failure of the socket, \
              and its other options can be read.",
    },
    Rule {
        mistake: "M82",
        fits: |all| {
            all.first(&["other"]).is_some_and(|s| {
                s.expected == "nodelay: None" && s.got == "nodelay: Some(false)"
            })
        },
        why: "TCP_NODELAY is an option of TCP. Another kind of socket answers EOPNOTSUPP \
              or ENOPROTOOPT: that is not \"off\". There is no such option.",
    },
];
