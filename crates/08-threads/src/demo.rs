//! The whole lesson in one terminal.
//!
//! Each line is printed when what it tells has happened: the clients wait for what the
//! server does next, so the story has the order of cause and effect.

use std::io::{self, BufRead, BufReader, ErrorKind, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::Arc;
use std::thread;
use std::time::Duration;

use anyhow::{Context, Result, bail};
use lesson_8::accept::Stop;
use lesson_8::object::Server;
use lesson_8::pool::{self, Size};
use lesson_8::{chat, function};

/// For what is to come; what is not to come is waited for a shorter time.
const PATIENCE: Duration = Duration::from_secs(10);
const SHORT: Duration = Duration::from_millis(200);

pub fn play(out: &mut impl Write) -> Result<()> {
    writeln!(out, "FUNCTION: a thread for each caller\n")?;
    two_at_once(out)?;
    writeln!(out, "\nPOOL: two threads, one place in the queue\n")?;
    four_for_three(out)?;
    writeln!(out, "\nCHAT: what one says, all others hear\n")?;
    one_does_not_read(out)?;
    writeln!(out, "\nSTOP: three callers, and a limit of 300 ms\n")?;
    who_was_left(out)
}

fn listen() -> Result<(TcpListener, SocketAddr)> {
    let listener = TcpListener::bind("127.0.0.1:0").context("cannot listen")?;
    let addr = listener.local_addr()?;
    Ok((listener, addr))
}

/// One caller's end.
struct Caller {
    stream: TcpStream,
    input: BufReader<TcpStream>,
}

impl Caller {
    fn call(server: SocketAddr) -> Result<Self> {
        let stream = TcpStream::connect(server).context("cannot connect")?;
        stream.set_read_timeout(Some(PATIENCE))?;
        stream.set_write_timeout(Some(PATIENCE))?;
        let input = BufReader::new(stream.try_clone()?);
        Ok(Self { stream, input })
    }

    fn say(&mut self, line: &str) -> Result<()> {
        Ok(self.stream.write_all(format!("{line}\n").as_bytes())?)
    }

    /// The next line, without its newline; `None` at the end.
    fn hear(&mut self) -> Result<Option<String>> {
        let mut line = String::new();
        let read = self.input.read_line(&mut line).context("nothing comes")?;
        Ok((read > 0).then(|| line.trim_end().to_string()))
    }

    fn ask(&mut self, line: &str) -> Result<String> {
        self.say(line)?;
        self.hear()?.context("the server hung up")
    }

    /// Whether nothing comes for a while.
    fn hears_nothing(&mut self) -> Result<bool> {
        self.stream.set_read_timeout(Some(SHORT))?;
        let heard = self.input.read_line(&mut String::new());
        self.stream.set_read_timeout(Some(PATIENCE))?;
        Ok(heard.is_err_and(|error| error.kind() == ErrorKind::WouldBlock))
    }
}

fn two_at_once(out: &mut impl Write) -> Result<()> {
    let (listener, addr) = listen()?;
    thread::spawn(move || function::serve(&listener));
    let mut a = Caller::call(addr)?;
    writeln!(out, "A connects and says nothing")?;
    let mut b = Caller::call(addr)?;
    writeln!(
        out,
        "B connects: \"good morning\" -> {:?}",
        b.ask("good morning")?
    )?;
    writeln!(out, "A: \"me too\" -> {:?}", a.ask("me too")?)?;
    Ok(())
}

fn four_for_three(out: &mut impl Write) -> Result<()> {
    let (listener, addr) = listen()?;
    let size = Size {
        workers: 2,
        queue: 1,
    };
    let stop = Stop::new(&listener)?;
    thread::spawn(move || pool::serve(listener, size, &stop, PATIENCE));
    let mut a = Caller::call(addr)?;
    writeln!(out, "A: \"one\" -> {:?}", a.ask("one")?)?;
    let mut b = Caller::call(addr)?;
    writeln!(out, "B: \"two\" -> {:?}", b.ask("two")?)?;
    let mut c = Caller::call(addr)?;
    c.say("three")?;
    if !c.hears_nothing()? {
        bail!("C was not to be served yet");
    }
    writeln!(out, "C: \"three\" -> nothing yet")?;
    let mut d = Caller::call(addr)?;
    let told = d.hear()?.context("D hears nothing")?;
    let end = d.hear()?.is_none();
    writeln!(out, "D connects -> {told:?}, and the end: {end}")?;
    drop(a);
    writeln!(out, "A leaves")?;
    writeln!(out, "C -> {:?}", c.hear()?.context("C hears nothing")?)?;
    Ok(())
}

fn one_does_not_read(out: &mut impl Write) -> Result<()> {
    let (listener, addr) = listen()?;
    let stop = Stop::new(&listener)?;
    thread::spawn(move || chat::serve(listener, &stop, PATIENCE));
    let mut enter = |name: &str| -> Result<Caller> {
        let mut caller = Caller::call(addr)?;
        let told = caller.hear()?.context("nobody says welcome")?;
        writeln!(out, "{name} enters -> {told:?}")?;
        Ok(caller)
    };
    let (mut a, mut b, mut c) = (enter("A")?, enter("B")?, enter("C")?);
    a.say("good morning")?;
    let speaker = a.stream.local_addr()?.port().to_string();
    for (name, caller) in [("B", &mut b), ("C", &mut c)] {
        let told = caller.hear()?.context("the chat is over")?;
        let told = told.replace(&speaker, "A");
        writeln!(out, "A: \"good morning\"; {name} hears {told:?}")?;
    }
    // C reads no more; B does, line by line. Whether C is still there, a newcomer is
    // told. Its buffers hold some megabytes before its queue fills.
    let long = "x".repeat(32 << 10);
    loop {
        for _ in 0..64 {
            a.say(&long)?;
            b.hear()?.context("B was thrown out")?;
        }
        let told = Caller::call(addr)?.hear()?.context("nobody says welcome")?;
        if told == "welcome; others here: 2" {
            break;
        }
    }
    writeln!(
        out,
        "A talks on and on; B reads, C does not, and is thrown out"
    )?;
    b.say("where is C?")?;
    let told = a.hear()?.context("A was thrown out")?;
    let speaker = b.stream.local_addr()?.port().to_string();
    writeln!(
        out,
        "B: \"where is C?\"; A hears {:?}",
        told.replace(&speaker, "B")
    )?;
    Ok(())
}

fn who_was_left(out: &mut impl Write) -> Result<()> {
    const LIMIT: Duration = Duration::from_millis(300);
    let (listener, addr) = listen()?;
    let server = Server::new(listener)?;
    let stop = server.stop();
    let running = thread::spawn(move || server.run(LIMIT));
    let mut callers = Vec::new();
    for name in ["A", "B", "C"] {
        let mut caller = Caller::call(addr)?;
        caller.ask("hello")?;
        callers.push((name, caller.stream.local_addr()?, caller));
    }
    writeln!(out, "A, B and C are being served")?;
    Arc::clone(&stop).now();
    writeln!(out, "the server is told to stop")?;
    let (_, _, mut a) = callers.remove(0);
    writeln!(out, "A: \"one more\" -> {:?}", a.ask("one more")?)?;
    drop(a);
    writeln!(out, "A leaves; B and C say nothing")?;
    let late = running.join();
    let late = late.map_err(|_| io::Error::other("the server panicked"))??;
    let name = |peer| callers.iter().find(|(_, addr, _)| addr == peer);
    let mut names: Vec<&str> = late.iter().filter_map(name).map(|c| c.0).collect();
    names.sort_unstable();
    writeln!(out, "the server is over; left were {}", names.join(" and "))?;
    let refused = TcpStream::connect(addr).is_err();
    writeln!(out, "D connects -> refused: {refused}")?;
    Ok(())
}
