//! Programs that are wrong on purpose. What is wrong with each is told in the book.

use std::io::{self, ErrorKind};
use std::net::{TcpListener, TcpStream};

use nix::sys::signal::Signal;
use nix::sys::wait::waitpid;
use nix::unistd::Pid;

use crate::look;
use crate::process::{Fork, exit_now, fork};
use crate::signals::Signals;
use crate::stand::Stand;
use crate::talk;

// ANCHOR: keeps_the_connection
fn serve_and_keep(listener: TcpListener) -> io::Result<()> {
    let mut callers = Vec::new();
    loop {
        let (stream, peer) = listener.accept()?;
        if fork()? == Fork::Child {
            drop(listener);
            let code = u8::from(talk::visit(stream).is_err());
            exit_now(code)
        }
        callers.push((peer, stream)); // to know who has called
    }
}
// ANCHOR_END: keeps_the_connection

/// Three callers come and end. After each: what it hears once its child has ended, and
/// how many sockets the server has open.
///
/// # Errors
///
/// If [`fork`] fails, or there is no `/proc`.
pub fn keeps_the_connection() -> io::Result<Vec<(String, usize)>> {
    let stand = Stand::start(serve_and_keep)?;
    let sockets = || {
        let all = look::descriptors(stand.server)?;
        Ok::<usize, io::Error>(
            all.iter()
                .filter(|(_, name)| name.starts_with("socket:"))
                .count(),
        )
    };
    let mut story = vec![("nobody yet".to_string(), sockets()?)];
    for nr in 1..=3 {
        let mut caller = stand.call()?;
        caller.ask("hello")?;
        caller.stream().shutdown(std::net::Shutdown::Write)?;
        stand.until_zombies(nr)?; // its child has read the end, and ended
        story.push((heard(caller.stream())?, sockets()?));
    }
    stand.kill()?;
    Ok(story)
}

/// What there is to read at this moment.
fn heard(mut stream: &TcpStream) -> io::Result<String> {
    use std::io::Read;
    stream.set_nonblocking(true)?;
    match stream.read(&mut [0; 100]) {
        Ok(0) => Ok("the end".into()),
        Ok(read) => Ok(format!("{read} bytes")),
        Err(error) if error.kind() == ErrorKind::WouldBlock => {
            Ok("nothing, not even the end".into())
        }
        Err(error) => Err(error),
    }
}

// ANCHOR: keeps_the_listener
fn serve_and_listen_on(listener: TcpListener) -> io::Result<()> {
    loop {
        let (stream, _) = listener.accept()?;
        match fork()? {
            Fork::Child => exit_now(u8::from(talk::visit(stream).is_err())),
            Fork::Parent(_) => drop(stream),
        }
    }
}
// ANCHOR_END: keeps_the_listener

/// The server is killed while a caller is served. What becomes of the port.
///
/// # Errors
///
/// If [`fork`] fails.
pub fn keeps_the_listener() -> io::Result<Vec<(&'static str, String)>> {
    let stand = Stand::start(serve_and_listen_on)?;
    let addr = stand.addr;
    let mut caller = stand.call()?;
    let mut story = vec![("a caller is served", caller.ask("hello")?)];
    stand.kill()?;
    story.push((
        "the server is killed; its child",
        caller.ask("still there?")?,
    ));
    let again = match TcpListener::bind(addr) {
        Ok(_) => "works".to_string(),
        Err(error) => format!("fails: {}", name_of(&error)),
    };
    story.push(("a new server's bind", again));
    let late = TcpStream::connect(addr);
    let connected = match &late {
        Ok(_) => "is connected".to_string(),
        Err(error) => format!("is refused: {}", name_of(error)),
    };
    story.push(("the next caller", connected));
    if let Ok(late) = &late {
        story.push(("and hears", heard(late)?));
    }
    drop(caller);
    crate::look::until(
        "the port to be free",
        || Ok(TcpListener::bind(addr).is_ok()),
    )?;
    story.push(("the child has ended; bind", "works".into()));
    Ok(story)
}

/// The kernel's name of an error, such as `EADDRINUSE`.
fn name_of(error: &io::Error) -> String {
    match error.raw_os_error() {
        Some(code) => format!("{:?}", nix::errno::Errno::from_raw(code)),
        None => error.kind().to_string(),
    }
}

// ANCHOR: one_wait
fn serve_and_wait_once(listener: TcpListener) -> io::Result<()> {
    let signals = Signals::take(&[Signal::SIGCHLD])?;
    listener.set_nonblocking(true)?;
    loop {
        let called = crate::server::wait(&signals, Some(&listener), None)?;
        if signals.next()? == Some(Signal::SIGCHLD) {
            waitpid(None::<Pid>, None)?; // a child has ended, says SIGCHLD
        }
        if called && let Ok((stream, _)) = listener.accept() {
            match fork()? {
                Fork::Child => exit_now(u8::from(talk::visit(stream).is_err())),
                Fork::Parent(_) => drop(stream),
            }
        }
    }
}
// ANCHOR_END: one_wait

/// Ten callers leave, first one after another, then while the server is held up: how
/// many zombies are left.
///
/// # Errors
///
/// If [`fork`] fails, or there is no `/proc`.
pub fn one_wait() -> io::Result<[usize; 2]> {
    let stand = Stand::start(serve_and_wait_once)?;
    for _ in 0..10 {
        let mut caller = stand.call()?;
        caller.ask("hello")?;
        drop(caller);
        stand.until_children(0)?;
    }
    let first = stand.zombies()?;
    let mut callers = Vec::new();
    for _ in 0..10 {
        let mut caller = stand.call()?;
        caller.ask("hello")?;
        callers.push(caller);
    }
    stand.hold(true)?;
    drop(callers);
    stand.until_zombies(10)?;
    stand.hold(false)?;
    // One more caller is served: what came before it is done.
    let mut last = stand.call()?;
    last.ask("hello")?;
    let left = stand.zombies()?;
    stand.kill()?;
    Ok([first, left])
}

/// What a new process prints that says hello without a newline, forks, and whose child
/// ends by `exit`, or by `_exit`. The parent ends by `exit`, as programs do.
///
/// # Errors
///
/// If [`fork`] fails.
pub fn half_a_line(by_exit: bool) -> io::Result<()> {
    // ANCHOR: twice
    print!("hello "); // no newline: it waits in a buffer of this process
    match fork()? {
        Fork::Child if by_exit => std::process::exit(0), // flushes
        Fork::Child => exit_now(0),                      // does not
        Fork::Parent(child) => waitpid(child, None)?,
    };
    // ANCHOR_END: twice
    Ok(())
}
