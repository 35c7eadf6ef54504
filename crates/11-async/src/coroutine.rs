//! One conversation, told four times: who keeps the place while nobody speaks?
//!
//! The server asks for a name, then for an age until it gets a number, and says how
//! old the caller will be next year.

use std::cell::RefCell;
use std::collections::VecDeque;
use std::future;
use std::io::{self, BufRead, Write};
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll, Waker};

/// What the server says first.
pub const NAME: &str = "your name?";

fn ask_age(name: &str) -> String {
    format!("how old are you, {name}?")
}

fn next_year(name: &str, age: u32) -> String {
    format!("next year you will be {}, {name}", u64::from(age) + 1)
}

// ANCHOR: thread
/// As a function that waits. The place is kept by the thread: its stack holds `name`,
/// and its instruction pointer stands in one of the two `read_line`s.
///
/// # Errors
///
/// If the caller breaks off, or ends too early.
pub fn by_thread(
    input: &mut impl BufRead,
    output: &mut impl Write,
) -> io::Result<()> {
    writeln!(output, "{NAME}")?;
    let name = read_line(input)?;
    let age = loop {
        writeln!(output, "{}", ask_age(&name))?;
        if let Ok(age) = read_line(input)?.parse() {
            break age;
        }
    };
    writeln!(output, "{}", next_year(&name, age))
}
// ANCHOR_END: thread

fn read_line(input: &mut impl BufRead) -> io::Result<String> {
    let mut line = String::new();
    match input.read_line(&mut line)? {
        0 => Err(io::ErrorKind::UnexpectedEof.into()),
        _ => Ok(line.trim_end().to_string()),
    }
}

// ANCHOR: callbacks
/// What the server says to a line, and what is to be called with the next one.
pub type Answer = (String, Option<Callback>);

/// The rest of a conversation, waiting to be called with a line.
pub struct Callback(Box<dyn FnOnce(&str) -> Answer>);

impl Callback {
    /// Goes on with this line.
    pub fn call(self, line: &str) -> Answer {
        (self.0)(line)
    }
}

/// As callbacks. The place is kept by a closure: what it has captured, and which one
/// it is. The loop has become a function that names itself.
pub fn by_callbacks() -> Answer {
    let rest = Callback(Box::new(|name| age_of(name.to_string())));
    (NAME.to_string(), Some(rest))
}

fn age_of(name: String) -> Answer {
    let question = ask_age(&name);
    let rest = Callback(Box::new(move |line| match line.parse() {
        Ok(age) => (next_year(&name, age), None),
        Err(_) => age_of(name),
    }));
    (question, Some(rest))
}
// ANCHOR_END: callbacks

// ANCHOR: machine
/// As a state machine. The place is kept by a value: one variant for each point at
/// which the conversation waits, with what has to be remembered there.
#[derive(Debug, Default)]
pub enum Visit {
    /// Nothing has been said.
    #[default]
    Begins,
    /// Asked for a name.
    Name,
    /// Asked for an age.
    Age {
        /// Who was asked.
        name: String,
    },
    /// All is said.
    Over,
}

impl Visit {
    /// Goes on from where it was, with the caller's next line, until it waits again.
    /// `None` when all is said.
    pub fn resume(&mut self, line: &str) -> Option<String> {
        match std::mem::replace(self, Visit::Over) {
            Visit::Begins => {
                *self = Visit::Name;
                Some(NAME.to_string())
            }
            Visit::Name => {
                let name = line.to_string();
                let question = ask_age(&name);
                *self = Visit::Age { name };
                Some(question)
            }
            Visit::Age { name } => match line.parse() {
                Ok(age) => Some(next_year(&name, age)),
                Err(_) => {
                    let question = ask_age(&name);
                    *self = Visit::Age { name };
                    Some(question)
                }
            },
            Visit::Over => None,
        }
    }
}
// ANCHOR_END: machine

// ANCHOR: async
/// As an `async fn`. It reads like the one for a thread, and is compiled to a value
/// like the one by hand: one variant for each `.await`.
pub async fn by_async(desk: Desk) {
    desk.say(NAME.to_string());
    let name = desk.line().await;
    let age = loop {
        desk.say(ask_age(&name));
        if let Ok(age) = desk.line().await.parse() {
            break age;
        }
    };
    desk.say(next_year(&name, age));
}
// ANCHOR_END: async

// ANCHOR: desk
/// Where lines are put for a conversation, and where it puts its answers.
#[derive(Clone, Debug, Default)]
pub struct Desk {
    lines: Rc<RefCell<VecDeque<String>>>,
    said: Rc<RefCell<Vec<String>>>,
}

impl Desk {
    fn say(&self, what: String) {
        self.said.borrow_mut().push(what);
    }

    /// The future of the next line: ready as soon as there is one.
    fn line(&self) -> impl Future<Output = String> {
        future::poll_fn(|_| match self.lines.borrow_mut().pop_front() {
            Some(line) => Poll::Ready(line),
            None => Poll::Pending, // `Driven` polls again with the next line
        })
    }
}

/// A conversation that is resumed by hand, whatever its type.
pub struct Driven {
    desk: Desk,
    visit: Pin<Box<dyn Future<Output = ()>>>,
    /// How many bytes it takes while it waits.
    pub size: usize,
    over: bool,
}

impl Driven {
    /// Begins a conversation.
    pub fn new<F: Future<Output = ()> + 'static>(begin: fn(Desk) -> F) -> Self {
        let desk = Desk::default();
        let visit = begin(desk.clone());
        Self {
            desk,
            size: size_of_val(&visit),
            visit: Box::pin(visit),
            over: false,
        }
    }

    /// As [`Visit::resume`]; the first call takes no line.
    pub fn resume(&mut self, line: Option<&str>) -> Option<String> {
        if self.over {
            return None;
        }
        let lines = &self.desk.lines;
        lines.borrow_mut().extend(line.map(str::to_string));
        // Nobody has to be woken: whoever has a line calls us.
        let mut context = Context::from_waker(Waker::noop());
        self.over = self.visit.as_mut().poll(&mut context).is_ready();
        self.desk.said.borrow_mut().pop()
    }
}
// ANCHOR_END: desk

/// What each of the four answers to these lines, in the order of this module.
///
/// # Errors
///
/// None, with buffers for a caller.
pub fn all_four(lines: &[&str]) -> io::Result<[Vec<String>; 4]> {
    let mut output = Vec::new();
    let input: String = lines.iter().map(|line| format!("{line}\n")).collect();
    match by_thread(&mut input.as_bytes(), &mut output) {
        Err(error) if error.kind() != io::ErrorKind::UnexpectedEof => {
            return Err(error);
        }
        _ => {}
    }
    let output = String::from_utf8_lossy(&output);
    let thread = output.lines().map(str::to_string).collect();

    let (first, mut rest) = by_callbacks();
    let mut callbacks = vec![first];
    let mut machine = Visit::default();
    let mut by_hand: Vec<String> = machine.resume("").into_iter().collect();
    let mut driven = Driven::new(by_async);
    let mut compiled: Vec<String> = driven.resume(None).into_iter().collect();
    for line in lines {
        if let Some(callback) = rest.take() {
            let (answer, next) = callback.call(line);
            callbacks.push(answer);
            rest = next;
        }
        by_hand.extend(machine.resume(line));
        compiled.extend(driven.resume(Some(line)));
    }
    Ok([thread, callbacks, by_hand, compiled])
}
