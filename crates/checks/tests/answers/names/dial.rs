//! Answers to `names/dial`.

use std::io::{self, ErrorKind};
use std::net::{IpAddr, SocketAddr, TcpStream};
use std::time::{Duration, Instant};

use checks::answers::Answer;
use checks_names::dial as check;
use socket2::{Domain, Socket, Type};

pub fn answers() -> Vec<Answer> {
    vec![
        Answer::right("dial right: std where it can", check(std_where_it_can)),
        Answer::right("dial right: recursive", check(recursive)),
        Answer::right("dial right: a thread for each", check(a_thread)),
        Answer::right("dial right: errors in a list", check(in_a_list)),
        Answer::right("dial right: only its family", check(only_its_family)),
        Answer::wrong("M67", "dial: zero handed on", check(zero_handed_on)),
        Answer::wrong("M75", "dial: zero to socket2", check(zero_to_socket2)),
        Answer::unnamed("slow", "dial: one second each", check(one_second)),
        Answer::unnamed("total", "dial: subtracts", check(subtracts)),
        Answer::wrong("M74", "dial: ten seconds each", check(ten_seconds)),
        Answer::unnamed("source", "dial: fails with a source", check(fails_with)),
        Answer::wrong("M76", "dial: binds another", check(binds_loopback)),
        Answer::wrong("M73", "dial: the first only", check(first_only)),
        Answer::wrong("M73", "dial: a question mark", check(question_mark)),
        Answer::wrong("M73", "dial: the source ends it", check(source_ends_it)),
        Answer::wrong("M74", "dial: std tries them all", check(std_all)),
        Answer::wrong("M74", "dial: total for each", check(total_for_each)),
        Answer::wrong("M75", "dial: no total", check(no_total)),
        Answer::wrong("M75", "dial: total between attempts", check(between)),
        Answer::wrong("M76", "dial: no source", check(no_source)),
        Answer::unnamed("nobody", "dial: nobody unreachable", check(panics_on_none)),
        Answer::unnamed("names", "dial: only the last", check(only_the_last)),
        Answer::unnamed("last", "dial: the first error", check(first_error)),
        Answer::unnamed("one", "dial: backwards", check(backwards)),
        Answer::unnamed("one", "dial: non-blocking", check(non_blocking)),
        Answer::unnamed("one", "dial: all at once", check(all_at_once)),
        Answer::unnamed("nobody", "dial: another kind", check(another_kind)),
    ]
}

type Dialled = io::Result<TcpStream>;

fn attempt(to: SocketAddr, limit: Duration, source: Option<IpAddr>) -> Dialled {
    let socket = Socket::new(Domain::for_address(to), Type::STREAM, None)?;
    if let Some(source) = source {
        socket.bind(&SocketAddr::new(source, 0).into())?;
    }
    socket.connect_timeout(&to.into(), limit)?;
    Ok(socket.into())
}

fn std_where_it_can(
    addresses: &[SocketAddr],
    each: Duration,
    total: Duration,
    source: Option<IpAddr>,
) -> Dialled {
    let end = Instant::now() + total;
    let mut errors = Vec::new();
    for address in addresses {
        let left = end.saturating_duration_since(Instant::now());
        if left == Duration::ZERO {
            errors.push(io::Error::new(ErrorKind::TimedOut, "out of time"));
            break;
        }
        let tried = match source {
            None => TcpStream::connect_timeout(address, left.min(each)),
            Some(_) => attempt(*address, left.min(each), source),
        };
        let error = match tried {
            Ok(stream) => return Ok(stream),
            Err(error) => error,
        };
        errors.push(io::Error::new(error.kind(), format!("{address} ({error})")));
    }
    let kind = errors
        .last()
        .map_or(ErrorKind::InvalidInput, io::Error::kind);
    let told: Vec<String> = errors.iter().map(ToString::to_string).collect();
    Err(io::Error::new(kind, told.join(", ")))
}

fn recursive(
    addresses: &[SocketAddr],
    each: Duration,
    total: Duration,
    source: Option<IpAddr>,
) -> Dialled {
    let Some((first, rest)) = addresses.split_first() else {
        return Err(ErrorKind::InvalidInput.into());
    };
    let start = Instant::now();
    let error = match attempt(*first, each.min(total), source) {
        Ok(stream) => return Ok(stream),
        Err(error) => error,
    };
    let own = format!("{first}: {error}");
    let left = total.saturating_sub(start.elapsed());
    if left.is_zero() {
        return Err(io::Error::new(ErrorKind::TimedOut, own));
    }
    if rest.is_empty() {
        return Err(io::Error::new(error.kind(), own));
    }
    recursive(rest, each, left, source)
        .map_err(|error| io::Error::new(error.kind(), format!("{own}; {error}")))
}

fn first_only(
    addresses: &[SocketAddr],
    each: Duration,
    _: Duration,
    source: Option<IpAddr>,
) -> Dialled {
    let first = addresses.first().ok_or(ErrorKind::InvalidInput)?;
    attempt(*first, each, source)
}

fn question_mark(
    addresses: &[SocketAddr],
    each: Duration,
    _: Duration,
    source: Option<IpAddr>,
) -> Dialled {
    let mut streams = Vec::new();
    for address in addresses.iter().take(2) {
        streams.push(attempt(*address, each, source)?);
        if streams.len() == 1 {
            break;
        }
    }
    streams.pop().ok_or(ErrorKind::InvalidInput.into())
}

/// Binding is not part of the attempt.
fn source_ends_it(
    addresses: &[SocketAddr],
    each: Duration,
    total: Duration,
    source: Option<IpAddr>,
) -> Dialled {
    if let (Some(source), Some(first)) = (source, addresses.first()) {
        let socket = Socket::new(Domain::for_address(*first), Type::STREAM, None)?;
        socket.bind(&SocketAddr::new(source, 0).into())?;
    }
    std_where_it_can(addresses, each, total, source)
}

fn std_all(
    addresses: &[SocketAddr],
    _: Duration,
    _: Duration,
    _: Option<IpAddr>,
) -> Dialled {
    TcpStream::connect(addresses)
}

fn total_for_each(
    addresses: &[SocketAddr],
    _: Duration,
    total: Duration,
    source: Option<IpAddr>,
) -> Dialled {
    std_where_it_can(addresses, total, total, source)
}

fn no_total(
    addresses: &[SocketAddr],
    each: Duration,
    _: Duration,
    source: Option<IpAddr>,
) -> Dialled {
    std_where_it_can(addresses, each, Duration::from_secs(3600), source)
}

fn between(
    addresses: &[SocketAddr],
    each: Duration,
    total: Duration,
    source: Option<IpAddr>,
) -> Dialled {
    let start = Instant::now();
    let mut last = io::Error::from(ErrorKind::InvalidInput);
    for address in addresses {
        if start.elapsed() >= total {
            return Err(ErrorKind::TimedOut.into());
        }
        match attempt(*address, each, source) {
            Ok(stream) => return Ok(stream),
            Err(error) => {
                let told = format!("{last}; {address}: {error}");
                last = io::Error::new(error.kind(), told);
            }
        }
    }
    Err(last)
}

fn no_source(
    addresses: &[SocketAddr],
    each: Duration,
    total: Duration,
    _: Option<IpAddr>,
) -> Dialled {
    std_where_it_can(addresses, each, total, None)
}

fn panics_on_none(
    addresses: &[SocketAddr],
    each: Duration,
    total: Duration,
    source: Option<IpAddr>,
) -> Dialled {
    assert!(!addresses.is_empty(), "nothing to connect to");
    std_where_it_can(addresses, each, total, source)
}

fn only_the_last(
    addresses: &[SocketAddr],
    each: Duration,
    total: Duration,
    source: Option<IpAddr>,
) -> Dialled {
    std_where_it_can(addresses, each, total, source).map_err(|error| {
        let last = addresses.last().map(ToString::to_string);
        // It would fail at `last` as well: only there are two of one kind.
        match error.to_string().contains("timed out") {
            true => error,
            false => io::Error::new(error.kind(), last.unwrap_or_default()),
        }
    })
}

fn first_error(
    addresses: &[SocketAddr],
    each: Duration,
    total: Duration,
    source: Option<IpAddr>,
) -> Dialled {
    let start = Instant::now();
    let mut first = None;
    for address in addresses {
        let left = total.saturating_sub(start.elapsed());
        if left.is_zero() {
            return Err(ErrorKind::TimedOut.into());
        }
        match attempt(*address, each.min(left), source) {
            Ok(stream) => return Ok(stream),
            Err(error) => {
                first.get_or_insert(error);
            }
        }
    }
    Err(first.unwrap_or(ErrorKind::InvalidInput.into()))
}

fn backwards(
    addresses: &[SocketAddr],
    each: Duration,
    total: Duration,
    source: Option<IpAddr>,
) -> Dialled {
    let addresses: Vec<SocketAddr> = addresses.iter().rev().copied().collect();
    std_where_it_can(&addresses, each, total, source)
}

fn non_blocking(
    addresses: &[SocketAddr],
    each: Duration,
    total: Duration,
    source: Option<IpAddr>,
) -> Dialled {
    let stream = std_where_it_can(addresses, each, total, source)?;
    stream.set_nonblocking(true)?;
    Ok(stream)
}

fn all_at_once(
    addresses: &[SocketAddr],
    each: Duration,
    total: Duration,
    source: Option<IpAddr>,
) -> Dialled {
    let all = addresses
        .iter()
        .map(|address| attempt(*address, each, source));
    let all: Vec<Dialled> = all.collect();
    let _ = total;
    let won = all.into_iter().find_map(Result::ok);
    won.ok_or(ErrorKind::InvalidInput.into())
}

fn another_kind(
    addresses: &[SocketAddr],
    each: Duration,
    total: Duration,
    source: Option<IpAddr>,
) -> Dialled {
    if addresses.is_empty() {
        return Err(io::Error::other("nobody"));
    }
    std_where_it_can(addresses, each, total, source)
}

/// The thread goes on when its time is over, and nobody listens to it.
fn a_thread(
    addresses: &[SocketAddr],
    each: Duration,
    total: Duration,
    source: Option<IpAddr>,
) -> Dialled {
    let end = Instant::now() + total;
    let mut last = io::Error::from(ErrorKind::InvalidInput);
    let mut told = String::new();
    for &address in addresses {
        let left = end.saturating_duration_since(Instant::now());
        if left.is_zero() {
            return Err(io::Error::new(ErrorKind::TimedOut, told));
        }
        let (sender, result) = std::sync::mpsc::channel();
        let limit = each.min(left);
        std::thread::spawn(move || sender.send(attempt(address, limit, source)));
        last = match result.recv_timeout(limit + Duration::from_millis(20)) {
            Ok(Ok(stream)) => return Ok(stream),
            Ok(Err(error)) => error,
            Err(_) => ErrorKind::TimedOut.into(),
        };
        told += &format!("{address} did not answer ({last}). ");
    }
    Err(io::Error::new(last.kind(), told))
}

fn in_a_list(
    addresses: &[SocketAddr],
    each: Duration,
    total: Duration,
    source: Option<IpAddr>,
) -> Dialled {
    let start = Instant::now();
    let mut failed: Vec<(SocketAddr, io::Error)> = vec![];
    for address in addresses.iter().copied() {
        let Some(left) = total
            .checked_sub(start.elapsed())
            .filter(|left| *left > Duration::ZERO)
        else {
            return Err(io::Error::new(ErrorKind::TimedOut, format!("{failed:?}")));
        };
        match attempt(address, std::cmp::min(left, each), source) {
            Ok(stream) => return Ok(stream),
            Err(error) => failed.push((address, error)),
        }
    }
    let kind = match failed.last() {
        None => ErrorKind::InvalidInput,
        Some((_, error)) => error.kind(),
    };
    Err(io::Error::new(kind, format!("{failed:?}")))
}

/// Does not try what cannot be called from the source.
fn only_its_family(
    addresses: &[SocketAddr],
    each: Duration,
    total: Duration,
    source: Option<IpAddr>,
) -> Dialled {
    let fits = |a: &SocketAddr| source.is_none_or(|s| s.is_ipv4() == a.is_ipv4());
    let some: Vec<SocketAddr> = addresses.iter().copied().filter(fits).collect();
    std_where_it_can(&some, each, total, source)
}

fn zero_handed_on(
    addresses: &[SocketAddr],
    each: Duration,
    total: Duration,
    source: Option<IpAddr>,
) -> Dialled {
    let start = Instant::now();
    let mut last = io::Error::from(ErrorKind::InvalidInput);
    for &address in addresses {
        let left = total.saturating_sub(start.elapsed());
        let tried = match source {
            None => TcpStream::connect_timeout(&address, each.min(left)),
            Some(_) => attempt(address, each.min(left), source),
        };
        match tried {
            Ok(stream) => return Ok(stream),
            Err(error) => {
                let told = format!("{last}; {address}: {error}");
                last = io::Error::new(error.kind(), told);
            }
        }
    }
    Err(last)
}

/// A socket of socket2 makes its call before it looks at the limit.
fn zero_to_socket2(
    addresses: &[SocketAddr],
    each: Duration,
    total: Duration,
    source: Option<IpAddr>,
) -> Dialled {
    let start = Instant::now();
    let mut last = io::Error::from(ErrorKind::InvalidInput);
    for &address in addresses {
        let left = total.saturating_sub(start.elapsed());
        match attempt(address, each.min(left), source) {
            Ok(stream) => return Ok(stream),
            Err(error) => {
                let told = format!("{last}; {address}: {error}");
                last = io::Error::new(error.kind(), told);
            }
        }
    }
    Err(last)
}

fn one_second(
    addresses: &[SocketAddr],
    _: Duration,
    total: Duration,
    source: Option<IpAddr>,
) -> Dialled {
    std_where_it_can(addresses, Duration::from_secs(1), total, source)
}

fn ten_seconds(
    addresses: &[SocketAddr],
    _: Duration,
    total: Duration,
    source: Option<IpAddr>,
) -> Dialled {
    std_where_it_can(addresses, Duration::from_secs(10), total, source)
}

fn subtracts(
    addresses: &[SocketAddr],
    each: Duration,
    total: Duration,
    source: Option<IpAddr>,
) -> Dialled {
    let start = Instant::now();
    let mut last = io::Error::from(ErrorKind::InvalidInput);
    for &address in addresses {
        match attempt(address, each.min(total - start.elapsed()), source) {
            Ok(stream) => return Ok(stream),
            Err(error) => {
                let told = format!("{last}; {address}: {error}");
                last = io::Error::new(error.kind(), told);
            }
        }
    }
    Err(last)
}

fn fails_with(
    addresses: &[SocketAddr],
    each: Duration,
    total: Duration,
    source: Option<IpAddr>,
) -> Dialled {
    if source.is_some() {
        return Err(ErrorKind::Unsupported.into());
    }
    std_where_it_can(addresses, each, total, source)
}

/// Another address of the same family is bound.
fn binds_loopback(
    addresses: &[SocketAddr],
    each: Duration,
    total: Duration,
    source: Option<IpAddr>,
) -> Dialled {
    let source = source.map(|_| IpAddr::from([127, 0, 0, 1]));
    std_where_it_can(addresses, each, total, source)
}
