//! The whole lesson in one terminal: what is polled, and when everybody sleeps.

use std::io::{BufRead, BufReader, Write};
use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::sync::mpsc::{self, Receiver};
use std::thread;
use std::time::Duration;

use anyhow::{Context, Result, bail};
use lesson_11::coroutine::Visit;
use lesson_11::executor::Step;
use lesson_11::{chat, mini};
use tokio::runtime::Builder;

/// Loopback needs less than a millisecond; after this, something is wrong.
const PATIENCE: Duration = Duration::from_secs(10);

pub fn play(out: &mut impl Write) -> Result<()> {
    writeln!(out, "TWO VISITS, NO THREAD: each goes on where it was\n")?;
    visits(out)?;
    writeln!(out, "\nMINI: one thread, a task for each client\n")?;
    polls(out)?;
    writeln!(out, "\nCHAT: what one says, the others hear\n")?;
    room(out)
}

fn visits(out: &mut impl Write) -> Result<()> {
    let (mut a, mut b) = (Visit::default(), Visit::default());
    let script = [
        ("A", ""),
        ("B", ""),
        ("B", "Grace"),
        ("A", "Ada"),
        ("A", "36"),
        ("B", "85"),
    ];
    for (who, line) in script {
        let visit = if who == "A" { &mut a } else { &mut b };
        let answer = visit.resume(line).unwrap_or_default();
        writeln!(out, "{who} {line:8} -> {answer}")?;
        writeln!(out, "{:13} waits as {visit:?}", "")?;
    }
    Ok(())
}

/// One end of a connection, for whoever plays a client.
struct Client(BufReader<TcpStream>);

impl Client {
    fn call(port: u16) -> Result<Self> {
        let stream = TcpStream::connect((Ipv4Addr::LOCALHOST, port))?;
        stream.set_read_timeout(Some(PATIENCE))?;
        Ok(Self(BufReader::new(stream)))
    }

    fn say(&mut self, text: &str) -> Result<()> {
        Ok(self.0.get_mut().write_all(text.as_bytes())?)
    }

    fn hear(&mut self) -> Result<String> {
        let mut line = String::new();
        self.0.read_line(&mut line).context("no answer came")?;
        Ok(line.trim_end().to_string())
    }
}

pub fn polls(out: &mut impl Write) -> Result<()> {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
    let addr = listener.local_addr()?;
    let (sender, steps) = mpsc::channel();
    thread::spawn(move || {
        mini::serve_watched(listener, move |step| {
            let _ = sender.send(step); // the demonstration is over
        })
    });
    writeln!(out, "listening on {addr}")?;
    until_it_sleeps(out, &steps)?;
    writeln!(out, "A connects")?;
    let mut a = Client::call(addr.port())?;
    until_it_sleeps(out, &steps)?;
    writeln!(out, "B connects")?;
    let mut b = Client::call(addr.port())?;
    until_it_sleeps(out, &steps)?;
    writeln!(out, r#"A says "good mor""#)?;
    a.say("good mor")?;
    until_it_sleeps(out, &steps)?;
    writeln!(out, r#"B says "hello\n""#)?;
    b.say("hello\n")?;
    until_it_sleeps(out, &steps)?;
    writeln!(out, "  B hears {:?}", b.hear()?)?;
    writeln!(out, r#"A says "ning\n""#)?;
    a.say("ning\n")?;
    until_it_sleeps(out, &steps)?;
    writeln!(out, "  A hears {:?}", a.hear()?)?;
    writeln!(out, "B leaves")?;
    drop(b);
    until_it_sleeps(out, &steps)
}

/// Tells what the executor does until it sleeps and stays so. It may be woken for a
/// moment by news that changes nothing: such a round has no poll.
fn until_it_sleeps(out: &mut impl Write, steps: &Receiver<Step>) -> Result<()> {
    let mut polled = false;
    loop {
        match steps.recv_timeout(PATIENCE) {
            Ok(Step::Polled(task, over)) => {
                polled = true;
                let who = match task {
                    0 => "accept".to_string(),
                    task => format!("task {task}"),
                };
                let said = if over { "Ready" } else { "Pending" };
                writeln!(out, "                              polls {who}: {said}")?;
            }
            Ok(Step::Sleeps) if polled => {
                writeln!(out, "                              sleeps")?;
                return Ok(());
            }
            Ok(Step::Sleeps) => {}
            Err(_) => bail!("nothing happens for {PATIENCE:?}"),
        }
    }
}

fn room(out: &mut impl Write) -> Result<()> {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
    let addr = listener.local_addr()?;
    listener.set_nonblocking(true)?;
    let runtime = Builder::new_multi_thread()
        .worker_threads(1)
        .enable_all()
        .build()?;
    writeln!(out, "listening on {addr}")?;
    runtime.spawn(async move {
        let listener = tokio::net::TcpListener::from_std(listener)?;
        chat::serve(listener).await
    });
    let mut clients = Vec::new();
    for name in ["A", "B", "C"] {
        let mut client = Client::call(addr.port())?;
        let local = client.0.get_ref().local_addr()?;
        writeln!(out, "{name} connects from {local}")?;
        // Who is let in hears what is said from then on; so each greets until the one
        // before has heard it.
        if let Some((_, before)) = clients.last_mut() {
            let before: &mut Client = before;
            client.say("hello\n")?;
            before.hear()?;
        }
        clients.push((name, client));
    }
    // The greeting of C has reached A as well.
    clients[0].1.hear()?;
    for speaker in 0..clients.len() {
        let name = clients[speaker].0;
        writeln!(out, "{name} says \"I am {name}\"")?;
        clients[speaker].1.say(&format!("I am {name}\n"))?;
        for (nr, (name, client)) in clients.iter_mut().enumerate() {
            if nr != speaker {
                writeln!(out, "  {name} hears {:?}", client.hear()?)?;
            }
        }
    }
    Ok(())
}
