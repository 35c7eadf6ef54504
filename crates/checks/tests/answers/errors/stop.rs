//! Answers to `errors/stop`.
#![expect(unsafe_code, reason = "a signal's action has no safe form")]

use std::io::{self, ErrorKind, Read, Write};
use std::mem::MaybeUninit;
use std::net::{Ipv4Addr, Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, AtomicU16, Ordering};
use std::sync::{Arc, mpsc};
use std::thread;
use std::time::Duration;
use std::{process, ptr};

use checks::answers::{Answer, Expected};
use checks_errors::stop as check;
use socket2::{Domain, SockRef, Socket, Type};

pub fn answers() -> Vec<Answer> {
    vec![
        Answer::right("stop right: calls itself", check(calls_itself)),
        Answer::right("stop right: shuts it down", check(shuts_it_down)),
        Answer::right("stop right: looks now and then", check(looks_now_and_then)),
        Answer::right("stop right: threads, joined", check(joined)),
        Answer::right("stop right: a limit for accept", check(limited)),
        Answer::wrong("M31", "stop: a flag", check(a_flag)),
        Answer::wrong("M33", "stop: one caller", check(one_caller)),
        Answer::wrong("M68", "stop: threads, not joined", check(not_joined)),
        Answer::wrong("M68", "stop: another thread accepts", check(elsewhere)),
        Answer::wrong("M13", "stop: keeps them", check(keeps_them)),
        Answer::unnamed("waiting", "stop: knows its own call", check(own_call)),
        Answer::unnamed("ready", "stop: ready too early", check(too_early)),
        Answer::unnamed("end", "stop: ready with port 0", check(port_0)),
        Answer::unnamed("end", "stop: never ready", check(never_ready)),
        Answer::wrong("M68", "stop: exits", check(exits)),
        Answer::wrong("M68", "stop: no handler", check(no_handler)),
        Answer::wrong("M68", "stop: cuts the caller off", check(cuts_off)),
        Answer::wrong("M69", "stop: leaves a listener", check(leaves_a_listener)),
        Answer::wrong("M16", "stop: no SO_REUSEADDR", check(no_reuse)),
        Answer::wrong("M21", "stop: asks and asks", check(asks_and_asks)),
        Answer::wrong("M14", "stop: question mark", check(question_mark)),
        Answer::unnamed("ready", "stop: returns an error", check(returns_an_error)),
        Answer::unnamed("ready", "stop: ignores it", check(ignores_it)),
        Answer {
            name: "stop: the stub",
            check: check(|_, _| todo!("the task")),
            expected: Expected::Untouched,
        },
    ]
}

type Ready<'a> = &'a dyn Fn(SocketAddr);

static STOP: AtomicBool = AtomicBool::new(false);

/// Sets the flag on SIGINT: all that a handler may do is little more than this.
fn on_interrupt() {
    extern "C" fn set(_: libc::c_int) {
        STOP.store(true, Ordering::SeqCst);
    }
    let set: extern "C" fn(libc::c_int) = set;
    // SAFETY: the handler stores to an atomic and calls nothing.
    unsafe { libc::signal(libc::SIGINT, set as libc::sighandler_t) };
}

/// Calls `wake` in a thread once SIGINT has come, and the flag is set.
fn then(wake: impl FnOnce() + Send + 'static) {
    let mut interrupt = MaybeUninit::uninit();
    // SAFETY: `sigemptyset` fills the set in, and SIGINT is a signal. It is blocked in
    // the threads that there are and in those to come, so that one can wait for it.
    let interrupt = unsafe {
        libc::sigemptyset(interrupt.as_mut_ptr());
        libc::sigaddset(interrupt.as_mut_ptr(), libc::SIGINT);
        let interrupt: libc::sigset_t = interrupt.assume_init();
        libc::pthread_sigmask(libc::SIG_BLOCK, &interrupt, ptr::null_mut());
        interrupt
    };
    thread::spawn(move || {
        let mut signal = 0;
        // SAFETY: both live for as long as the call.
        unsafe { libc::sigwait(&interrupt, &mut signal) };
        STOP.store(true, Ordering::SeqCst);
        wake();
    });
}

fn talk(mut stream: &TcpStream) -> io::Result<()> {
    let mut buffer = [0; 1024];
    loop {
        let read = stream.read(&mut buffer)?;
        if read == 0 {
            return Ok(());
        }
        stream.write_all(&buffer[..read].to_ascii_uppercase())?;
    }
}

/// Serves until the flag is set, which is looked at before each caller.
fn until_flag(listener: &TcpListener) -> io::Result<()> {
    loop {
        let accepted = listener.accept();
        if STOP.load(Ordering::SeqCst) {
            return Ok(());
        }
        let _ = talk(&accepted?.0);
    }
}

fn calls_itself(at: SocketAddr, ready: Ready<'_>) -> io::Result<()> {
    let listener = TcpListener::bind(at)?;
    let addr = listener.local_addr()?;
    then(move || drop(TcpStream::connect(addr)));
    ready(addr);
    until_flag(&listener)
}

fn shuts_it_down(at: SocketAddr, ready: Ready<'_>) -> io::Result<()> {
    let listener = TcpListener::bind(at)?;
    let clone = listener.try_clone()?;
    then(move || drop(SockRef::from(&clone).shutdown(Shutdown::Both)));
    ready(listener.local_addr()?);
    until_flag(&listener)
}

fn looks_now_and_then(at: SocketAddr, ready: Ready<'_>) -> io::Result<()> {
    let listener = TcpListener::bind(at)?;
    listener.set_nonblocking(true)?;
    on_interrupt();
    ready(listener.local_addr()?);
    while !STOP.load(Ordering::SeqCst) {
        match listener.accept() {
            Ok((stream, _)) => {
                stream.set_nonblocking(false)?;
                let _ = talk(&stream);
            }
            Err(error) if error.kind() == ErrorKind::WouldBlock => {
                thread::sleep(Duration::from_millis(20));
            }
            Err(error) => return Err(error),
        }
    }
    Ok(())
}

fn a_flag(at: SocketAddr, ready: Ready<'_>) -> io::Result<()> {
    let listener = TcpListener::bind(at)?;
    on_interrupt();
    ready(listener.local_addr()?);
    until_flag(&listener)
}

fn exits(at: SocketAddr, ready: Ready<'_>) -> io::Result<()> {
    let listener = TcpListener::bind(at)?;
    then(|| process::exit(0));
    ready(listener.local_addr()?);
    until_flag(&listener)
}

fn no_handler(at: SocketAddr, ready: Ready<'_>) -> io::Result<()> {
    let listener = TcpListener::bind(at)?;
    ready(listener.local_addr()?);
    until_flag(&listener)
}

fn cuts_off(at: SocketAddr, ready: Ready<'_>) -> io::Result<()> {
    let listener = TcpListener::bind(at)?;
    listener.set_nonblocking(true)?;
    on_interrupt();
    ready(listener.local_addr()?);
    while !STOP.load(Ordering::SeqCst) {
        let Ok((mut stream, _)) = listener.accept() else {
            thread::sleep(Duration::from_millis(10));
            continue;
        };
        stream.set_nonblocking(false)?;
        stream.set_read_timeout(Some(Duration::from_millis(10)))?;
        let mut buffer = [0; 1024];
        while !STOP.load(Ordering::SeqCst) {
            match stream.read(&mut buffer) {
                Ok(0) => break,
                Ok(read) => {
                    let _ = stream.write_all(&buffer[..read].to_ascii_uppercase());
                }
                Err(error) if error.kind() == ErrorKind::WouldBlock => {}
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(_) => break,
            }
        }
    }
    Ok(())
}

fn leaves_a_listener(at: SocketAddr, ready: Ready<'_>) -> io::Result<()> {
    let listener = TcpListener::bind(at)?;
    let addr = listener.local_addr()?;
    std::mem::forget(listener.try_clone()?);
    then(move || drop(TcpStream::connect(addr)));
    ready(addr);
    until_flag(&listener)
}

fn no_reuse(at: SocketAddr, ready: Ready<'_>) -> io::Result<()> {
    let socket = Socket::new(Domain::for_address(at), Type::STREAM, None)?;
    socket.bind(&at.into())?;
    socket.listen(128)?;
    let listener = TcpListener::from(socket);
    let addr = listener.local_addr()?;
    then(move || drop(TcpStream::connect(addr)));
    ready(addr);
    until_flag(&listener)
}

fn asks_and_asks(at: SocketAddr, ready: Ready<'_>) -> io::Result<()> {
    let listener = TcpListener::bind(at)?;
    listener.set_nonblocking(true)?;
    on_interrupt();
    ready(listener.local_addr()?);
    while !STOP.load(Ordering::SeqCst) {
        if let Ok((stream, _)) = listener.accept() {
            stream.set_nonblocking(false)?;
            let _ = talk(&stream);
        }
    }
    Ok(())
}

fn question_mark(at: SocketAddr, ready: Ready<'_>) -> io::Result<()> {
    let listener = TcpListener::bind(at)?;
    let addr = listener.local_addr()?;
    then(move || drop(TcpStream::connect(addr)));
    ready(addr);
    loop {
        let (stream, _) = listener.accept()?;
        if STOP.load(Ordering::SeqCst) {
            return Ok(());
        }
        talk(&stream)?;
    }
}

fn returns_an_error(at: SocketAddr, ready: Ready<'_>) -> io::Result<()> {
    let listener = TcpListener::bind(at)?;
    let clone = listener.try_clone()?;
    then(move || drop(SockRef::from(&clone).shutdown(Shutdown::Both)));
    ready(listener.local_addr()?);
    loop {
        let _ = talk(&listener.accept()?.0);
    }
}

fn ignores_it(_: SocketAddr, ready: Ready<'_>) -> io::Result<()> {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
    on_interrupt();
    ready(listener.local_addr()?);
    loop {
        let _ = talk(&listener.accept()?.0);
    }
}

/// Serves its callers side by side, and waits for the last of them.
fn joined(at: SocketAddr, ready: Ready<'_>) -> io::Result<()> {
    side_by_side(at, ready, true)
}

fn not_joined(at: SocketAddr, ready: Ready<'_>) -> io::Result<()> {
    side_by_side(at, ready, false)
}

fn side_by_side(at: SocketAddr, ready: Ready<'_>, join: bool) -> io::Result<()> {
    let listener = TcpListener::bind(at)?;
    let addr = listener.local_addr()?;
    then(move || drop(TcpStream::connect(addr)));
    ready(addr);
    let mut callers = Vec::new();
    loop {
        let (stream, _) = listener.accept()?;
        if STOP.load(Ordering::SeqCst) {
            break;
        }
        callers.push(thread::spawn(move || talk(&stream)));
    }
    drop(listener);
    for caller in callers {
        if join {
            let _ = caller.join();
        }
    }
    Ok(())
}

/// Accepting gives up five times a second, and looks at the flag.
fn limited(at: SocketAddr, ready: Ready<'_>) -> io::Result<()> {
    let listener = TcpListener::bind(at)?;
    SockRef::from(&listener).set_read_timeout(Some(Duration::from_millis(200)))?;
    on_interrupt();
    ready(listener.local_addr()?);
    while !STOP.load(Ordering::SeqCst) {
        match listener.accept() {
            Ok((stream, _)) => {
                stream.set_read_timeout(None)?; // it is inherited
                let _ = talk(&stream);
            }
            Err(error) if error.kind() == ErrorKind::WouldBlock => {}
            Err(error) => return Err(error),
        }
    }
    Ok(())
}

fn one_caller(at: SocketAddr, ready: Ready<'_>) -> io::Result<()> {
    let listener = TcpListener::bind(at)?;
    let addr = listener.local_addr()?;
    then(move || drop(TcpStream::connect(addr)));
    ready(addr);
    let _ = talk(&listener.accept()?.0);
    Ok(())
}

/// The main thread waits for the signal, and for nothing else.
fn elsewhere(at: SocketAddr, ready: Ready<'_>) -> io::Result<()> {
    let listener = TcpListener::bind(at)?;
    let addr = listener.local_addr()?;
    let (sender, stopped) = mpsc::channel();
    then(move || {
        let _ = sender.send(());
    });
    ready(addr);
    thread::spawn(move || until_flag(&listener));
    let _ = stopped.recv();
    drop(TcpStream::connect(addr)?);
    Ok(())
}

fn keeps_them(at: SocketAddr, ready: Ready<'_>) -> io::Result<()> {
    let listener = TcpListener::bind(at)?;
    let addr = listener.local_addr()?;
    then(move || drop(TcpStream::connect(addr)));
    ready(addr);
    let mut all = Vec::new();
    loop {
        let (stream, _) = listener.accept()?;
        if STOP.load(Ordering::SeqCst) {
            return Ok(());
        }
        let _ = talk(&stream);
        all.push(stream);
    }
}

/// Stops when it meets its own call, whoever else is in the queue before it.
fn own_call(at: SocketAddr, ready: Ready<'_>) -> io::Result<()> {
    let listener = TcpListener::bind(at)?;
    let addr = listener.local_addr()?;
    let own = Arc::new(AtomicU16::new(0));
    let tell = Arc::clone(&own);
    then(move || {
        let socket = Socket::new(Domain::IPV4, Type::STREAM, None).unwrap();
        socket
            .bind(&SocketAddr::from((Ipv4Addr::LOCALHOST, 0)).into())
            .unwrap();
        let port = socket.local_addr().unwrap().as_socket().unwrap().port();
        tell.store(port, Ordering::SeqCst);
        let _ = socket.connect(&addr.into());
    });
    ready(addr);
    loop {
        let (stream, peer) = listener.accept()?;
        if peer.port() == own.load(Ordering::SeqCst) {
            return Ok(());
        }
        let _ = talk(&stream);
    }
}

fn too_early(at: SocketAddr, ready: Ready<'_>) -> io::Result<()> {
    let listener = TcpListener::bind(at)?;
    let addr = listener.local_addr()?;
    ready(addr);
    then(move || drop(TcpStream::connect(addr)));
    until_flag(&listener)
}

fn port_0(at: SocketAddr, ready: Ready<'_>) -> io::Result<()> {
    calls_itself(at, &|_| ready(at))
}

fn never_ready(at: SocketAddr, _: Ready<'_>) -> io::Result<()> {
    calls_itself(at, &|_| {})
}
