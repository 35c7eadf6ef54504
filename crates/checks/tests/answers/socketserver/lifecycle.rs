//! Answers to `socketserver/lifecycle`.

use std::any::Any;
use std::io;
use std::net::{Shutdown, TcpStream};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::thread;

use checks::answers::{Answer, Expected};
use checks_socketserver::{Scripted, lifecycle as check};

pub fn answers() -> Vec<Answer> {
    vec![
        Answer::right("lifecycle right: a guard", check(a_guard)),
        Answer::right("lifecycle right: a thread", check(a_thread)),
        Answer::right("lifecycle right: by drop", check(by_drop)),
        Answer::right("lifecycle right: both ways", check(both_ways)),
        Answer::right("lifecycle right: nested", check(nested)),
        Answer::wrong("M140", "lifecycle: question mark", check(question_mark)),
        Answer::wrong("M140", "lifecycle: a panic skips", check(a_panic_skips)),
        Answer::wrong("M141", "lifecycle: always finishes", check(always_finishes)),
        Answer::wrong("M141", "lifecycle: goes on", check(goes_on)),
        Answer::wrong("M142", "lifecycle: the last error", check(the_last_error)),
        Answer::wrong("M143", "lifecycle: only drops", check(only_drops)),
        Answer::wrong("M143", "lifecycle: shuts down if well", check(if_well)),
        Answer::wrong("M144", "lifecycle: not caught", check(not_caught)),
        Answer::wrong("M144", "lifecycle: one is caught", check(one_is_caught)),
        Answer::unnamed("order", "lifecycle: no finish", check(no_finish)),
        Answer::unnamed("order", "lifecycle: too early", check(too_early)),
        Answer::unnamed("handle", "lifecycle: swallows", check(swallows)),
        Answer::unnamed("finish", "lifecycle: only handle's", check(only_handles)),
        Answer::unnamed("order", "lifecycle: leaks", check(leaks)),
        Answer::unnamed("reset", "lifecycle: shutdown fails", check(shutdown_fails)),
        Answer::unnamed("handle panics", "lifecycle: no words", check(no_words)),
        Answer::unnamed("handle panics", "lifecycle: only str", check(only_str)),
        Answer::unnamed("number", "lifecycle: only text", check(only_text)),
        Answer {
            name: "lifecycle: the stub",
            check: check(|_, _| todo!("the task")),
            expected: Expected::Untouched,
        },
    ]
}

fn text(panic: &(dyn Any + Send)) -> io::Error {
    io::Error::other(match (panic.downcast_ref::<&str>(), panic.downcast_ref()) {
        (Some(text), _) => (*text).to_owned(),
        (_, Some(text)) => String::clone(text),
        _ => "something".to_owned(),
    })
}

fn guard(step: impl FnOnce() -> io::Result<()>) -> io::Result<()> {
    catch_unwind(AssertUnwindSafe(step)).unwrap_or_else(|panic| Err(text(&*panic)))
}

fn a_guard(mut stream: TcpStream, mut handler: Scripted) -> io::Result<()> {
    let outcome = match guard(|| handler.setup(&mut stream)) {
        Err(error) => Err(error),
        Ok(()) => {
            let first = guard(|| handler.handle(&mut stream));
            match (first, guard(|| handler.finish(&mut stream))) {
                (Err(error), _) | (Ok(()), Err(error)) => Err(error),
                (Ok(()), Ok(())) => Ok(()),
            }
        }
    };
    let _ = stream.shutdown(Shutdown::Write);
    outcome
}

/// A step on a thread of its own, whose end tells of its panic.
fn a_thread(mut stream: TcpStream, mut handler: Scripted) -> io::Result<()> {
    type Step = fn(&mut Scripted, &mut TcpStream) -> io::Result<()>;
    let mut on_a_thread = |step: Step| {
        let joined = thread::scope(|scope| {
            scope.spawn(|| step(&mut handler, &mut stream)).join()
        });
        joined.unwrap_or_else(|panic| Err(text(&*panic)))
    };
    let mut outcome = on_a_thread(Scripted::setup);
    if outcome.is_ok() {
        outcome = on_a_thread(Scripted::handle);
        let finished = on_a_thread(Scripted::finish);
        outcome = outcome.and(finished);
    }
    let _ = stream.shutdown(Shutdown::Both);
    outcome
}

/// The end comes with the end of a scope.
fn by_drop(stream: TcpStream, mut handler: Scripted) -> io::Result<()> {
    struct Ends(TcpStream);
    impl Drop for Ends {
        fn drop(&mut self) {
            let _ = self.0.shutdown(Shutdown::Write);
        }
    }
    let mut stream = Ends(stream);
    guard(|| handler.setup(&mut stream.0))?;
    let handled = guard(|| handler.handle(&mut stream.0));
    let finished = guard(|| handler.finish(&mut stream.0));
    handled?;
    finished
}

fn both_ways(mut stream: TcpStream, mut handler: Scripted) -> io::Result<()> {
    let mut errors = Vec::new();
    if let Err(error) = guard(|| handler.setup(&mut stream)) {
        errors.push(error);
    } else {
        errors.extend(guard(|| handler.handle(&mut stream)).err());
        errors.extend(guard(|| handler.finish(&mut stream)).err());
    }
    stream.shutdown(Shutdown::Both).ok();
    errors.into_iter().next().map_or(Ok(()), Err)
}

/// Each step's panic is caught around all that may come before it.
fn nested(mut stream: TcpStream, mut handler: Scripted) -> io::Result<()> {
    let copy = stream.try_clone()?;
    let mut set_up = false;
    let handled = guard(|| {
        handler.setup(&mut stream)?;
        set_up = true;
        handler.handle(&mut stream)
    });
    let finished = guard(|| match set_up {
        true => handler.finish(&mut stream),
        false => Ok(()),
    });
    let _ = copy.shutdown(Shutdown::Write);
    if handled.is_err() { handled } else { finished }
}

fn question_mark(mut stream: TcpStream, mut handler: Scripted) -> io::Result<()> {
    handler.setup(&mut stream)?;
    handler.handle(&mut stream)?;
    handler.finish(&mut stream)
}

fn a_panic_skips(mut stream: TcpStream, mut handler: Scripted) -> io::Result<()> {
    let outcome = guard(|| {
        handler.setup(&mut stream)?;
        let handled = handler.handle(&mut stream);
        let finished = handler.finish(&mut stream);
        handled.and(finished)
    });
    let _ = stream.shutdown(Shutdown::Write);
    outcome
}

fn always_finishes(mut stream: TcpStream, mut handler: Scripted) -> io::Result<()> {
    let set_up = guard(|| handler.setup(&mut stream));
    let handled = match set_up {
        Ok(()) => guard(|| handler.handle(&mut stream)),
        failed => failed,
    };
    let finished = guard(|| handler.finish(&mut stream));
    let _ = stream.shutdown(Shutdown::Write);
    handled.and(finished)
}

fn goes_on(mut stream: TcpStream, mut handler: Scripted) -> io::Result<()> {
    let set_up = guard(|| handler.setup(&mut stream));
    let handled = guard(|| handler.handle(&mut stream));
    let finished = guard(|| handler.finish(&mut stream));
    let _ = stream.shutdown(Shutdown::Write);
    set_up.and(handled).and(finished)
}

fn the_last_error(mut stream: TcpStream, mut handler: Scripted) -> io::Result<()> {
    let outcome = guard(|| handler.setup(&mut stream)).and_then(|()| {
        let handled = guard(|| handler.handle(&mut stream));
        guard(|| handler.finish(&mut stream))?;
        handled
    });
    let _ = stream.shutdown(Shutdown::Write);
    outcome
}

fn only_drops(mut stream: TcpStream, mut handler: Scripted) -> io::Result<()> {
    guard(|| handler.setup(&mut stream))?;
    let handled = guard(|| handler.handle(&mut stream));
    let finished = guard(|| handler.finish(&mut stream));
    handled.and(finished)
}

fn if_well(mut stream: TcpStream, mut handler: Scripted) -> io::Result<()> {
    guard(|| handler.setup(&mut stream))?;
    let handled = guard(|| handler.handle(&mut stream));
    let finished = guard(|| handler.finish(&mut stream));
    handled.and(finished)?;
    let _ = stream.shutdown(Shutdown::Write);
    Ok(())
}

fn not_caught(mut stream: TcpStream, mut handler: Scripted) -> io::Result<()> {
    let outcome = handler.setup(&mut stream).and_then(|()| {
        let handled = handler.handle(&mut stream);
        let finished = handler.finish(&mut stream);
        handled.and(finished)
    });
    let _ = stream.shutdown(Shutdown::Write);
    outcome
}

fn one_is_caught(mut stream: TcpStream, mut handler: Scripted) -> io::Result<()> {
    let outcome = handler.setup(&mut stream).and_then(|()| {
        let handled = guard(|| handler.handle(&mut stream));
        let finished = handler.finish(&mut stream);
        handled.and(finished)
    });
    let _ = stream.shutdown(Shutdown::Write);
    outcome
}

fn no_finish(mut stream: TcpStream, mut handler: Scripted) -> io::Result<()> {
    guard(|| handler.setup(&mut stream))?;
    guard(|| handler.handle(&mut stream))
}

fn too_early(mut stream: TcpStream, mut handler: Scripted) -> io::Result<()> {
    guard(|| handler.setup(&mut stream))?;
    let handled = guard(|| handler.handle(&mut stream));
    let _ = stream.shutdown(Shutdown::Write);
    let finished = guard(|| handler.finish(&mut stream));
    handled.and(finished)
}

fn swallows(mut stream: TcpStream, mut handler: Scripted) -> io::Result<()> {
    if guard(|| handler.setup(&mut stream)).is_ok() {
        let _ = guard(|| handler.handle(&mut stream));
        let _ = guard(|| handler.finish(&mut stream));
    }
    let _ = stream.shutdown(Shutdown::Write);
    Ok(())
}

fn only_handles(mut stream: TcpStream, mut handler: Scripted) -> io::Result<()> {
    let outcome = guard(|| handler.setup(&mut stream)).and_then(|()| {
        let handled = guard(|| handler.handle(&mut stream));
        let _ = guard(|| handler.finish(&mut stream));
        handled
    });
    let _ = stream.shutdown(Shutdown::Write);
    outcome
}

fn leaks(mut stream: TcpStream, mut handler: Scripted) -> io::Result<()> {
    let outcome = guard(|| handler.setup(&mut stream)).and_then(|()| {
        let handled = guard(|| handler.handle(&mut stream));
        let finished = guard(|| handler.finish(&mut stream));
        handled.and(finished)
    });
    std::mem::forget(stream);
    outcome
}

fn shutdown_fails(mut stream: TcpStream, mut handler: Scripted) -> io::Result<()> {
    let outcome = guard(|| handler.setup(&mut stream)).and_then(|()| {
        let handled = guard(|| handler.handle(&mut stream));
        let finished = guard(|| handler.finish(&mut stream));
        handled.and(finished)
    });
    let shut = stream.shutdown(Shutdown::Write);
    outcome.and(shut)
}

/// As the right one, with other words for a panic.
fn worded(
    mut stream: TcpStream,
    mut handler: Scripted,
    words: fn(Box<dyn Any + Send>) -> io::Result<()>,
) -> io::Result<()> {
    let guard = |step: &mut dyn FnMut() -> io::Result<()>| {
        catch_unwind(AssertUnwindSafe(step)).unwrap_or_else(words)
    };
    let outcome = guard(&mut || handler.setup(&mut stream)).and_then(|()| {
        let handled = guard(&mut || handler.handle(&mut stream));
        let finished = guard(&mut || handler.finish(&mut stream));
        handled.and(finished)
    });
    let _ = stream.shutdown(Shutdown::Write);
    outcome
}

fn no_words(stream: TcpStream, handler: Scripted) -> io::Result<()> {
    worded(stream, handler, |_| Err(io::Error::other("a panic")))
}

fn only_str(stream: TcpStream, handler: Scripted) -> io::Result<()> {
    worded(stream, handler, |panic| {
        let words = panic.downcast_ref::<&str>().copied();
        Err(io::Error::other(words.unwrap_or("unknown")))
    })
}

fn only_text(stream: TcpStream, handler: Scripted) -> io::Result<()> {
    worded(stream, handler, |panic| {
        let text = panic.downcast_ref::<&str>().map(ToString::to_string);
        let text = text.or_else(|| panic.downcast_ref::<String>().cloned());
        text.map_or(Ok(()), |text| Err(io::Error::other(text)))
    })
}
