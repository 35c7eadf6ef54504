//! What Python's objects do, in Rust's types: a section of the chapter for each part.

use std::any::type_name;
use std::collections::BTreeMap;
use std::fmt;
use std::io;
use std::net::{SocketAddr, TcpStream};
use std::ops::{Index, IndexMut};

use socketserver::{Conn, Handler, Next};

// ANCHOR: visit
/// A visit, as a server keeps it. This line is what Python has in `__doc__`.
#[derive(Debug)]
pub struct Visit {
    /// Who came.
    pub peer: SocketAddr,
    /// What was said, by the number of the line.
    pub lines: Vec<String>,
    stream: Option<TcpStream>,
}

impl Visit {
    /// A visit over a connection: what `__init__` does, in a function that returns a
    /// value. It can fail, and then there is no half-made object.
    ///
    /// # Errors
    ///
    /// ENOTCONN where the peer has gone already.
    pub fn new(stream: TcpStream) -> io::Result<Self> {
        let peer = stream.peer_addr()?;
        let (lines, stream) = (Vec::new(), Some(stream));
        Ok(Self {
            peer,
            lines,
            stream,
        })
    }

    /// A visit that nobody pays: another way to make one is another function.
    pub fn imagined(peer: SocketAddr) -> Self {
        let (lines, stream) = (Vec::new(), None);
        Self {
            peer,
            lines,
            stream,
        }
    }

    /// Whether it has a connection.
    pub fn is_connected(&self) -> bool {
        self.stream.is_some()
    }
}
// ANCHOR_END: visit

// ANCHOR: text
/// What `__str__` is for: words for people. `{:?}` is for whoever looks for a
/// mistake, and shows every field: nearest to Python's `__dict__`.
impl fmt::Display for Visit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "a visit from {}, {} lines", self.peer, self.lines.len())
    }
}

/// `visit[0]`: Python's `__getitem__`.
impl Index<usize> for Visit {
    type Output = String;

    fn index(&self, line: usize) -> &String {
        &self.lines[line]
    }
}

/// `visit[0] = …`: Python's `__setitem__`.
impl IndexMut<usize> for Visit {
    fn index_mut(&mut self, line: usize) -> &mut String {
        &mut self.lines[line]
    }
}
// ANCHOR_END: text

/// The name of a value's type, with its path: `__class__` and `__module__`.
///
/// ```
/// use lesson_13::objects::{Visit, class_of};
///
/// let visit = Visit::imagined(([127, 0, 0, 1], 8009).into());
/// assert_eq!(class_of(&visit), "lesson_13::objects::Visit");
/// ```
pub fn class_of<T>(_: &T) -> &'static str {
    type_name::<T>()
}

// ANCHOR: drop
/// Says goodbye when it is dropped: what `__del__` is for, and at a known moment.
pub struct Farewell<'a> {
    /// Where the farewell is written.
    pub log: &'a mut Vec<String>,
}

impl Drop for Farewell<'_> {
    fn drop(&mut self) {
        self.log.push("dropped".to_owned());
    }
}

/// What happens when, in the order in which it does.
pub fn lifetimes() -> Vec<String> {
    let mut log = Vec::new();
    {
        let farewell = Farewell { log: &mut log };
        farewell.log.push("in the scope".to_owned());
    } // here, whether it is left by its end, by `return`, by `?` or by a panic
    log.push("behind the scope".to_owned());
    log
}
// ANCHOR_END: drop

// ANCHOR: call
/// A value that is called like a function: Python's `__call__`. It remembers how
/// often.
pub fn counter() -> impl FnMut() -> u64 {
    let mut calls = 0;
    move || {
        calls += 1;
        calls
    }
}

/// A factory: what a server is given instead of a class. It keeps what every handler
/// needs, and makes one for each peer.
pub fn greeter(words: &'static str) -> impl Fn() -> Greeter {
    move || Greeter { words, served: 0 }
}

/// A handler that such a factory makes.
pub struct Greeter {
    words: &'static str,
    served: u32,
}

impl Handler for Greeter {
    fn handle(&mut self, conn: &mut Conn) -> socketserver::Result<Next> {
        use std::io::{BufRead, Write};

        let come = conn.fill_buf()?.len();
        conn.consume(come);
        self.served += 1;
        writeln!(conn, "{}, for the {}. time", self.words, self.served)?;
        Ok(Next::Again)
    }
}
// ANCHOR_END: call

// ANCHOR: command
/// What a peer may ask for: all of it, and nothing else. `getattr(self, word)` would
/// find every method that the object has, `__class__` and `shutdown` among them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Command {
    /// `list`
    List,
    /// `quit`
    Quit,
}

impl Command {
    /// The command of this name: `hasattr` and `getattr` in one, for the names that
    /// are meant to be found.
    pub fn find(word: &str) -> Option<Self> {
        match word {
            "list" => Some(Command::List),
            "quit" => Some(Command::Quit),
            _ => None,
        }
    }
}
// ANCHOR_END: command

// ANCHOR: attributes
/// Attributes whose names are known only when the program runs: `setattr`, `getattr`,
/// `hasattr` and `delattr` are the methods of a map.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Attributes(BTreeMap<String, String>);

impl Attributes {
    /// `setattr(object, name, value)`
    pub fn set(&mut self, name: &str, value: &str) {
        self.0.insert(name.to_owned(), value.to_owned());
    }

    /// `getattr(object, name)`, and `hasattr` where it is asked `is_some()`. There is
    /// no `AttributeError`: who asks has to say what happens without one.
    pub fn get(&self, name: &str) -> Option<&str> {
        self.0.get(name).map(String::as_str)
    }

    /// `delattr(object, name)`; whether there was such an attribute.
    pub fn delete(&mut self, name: &str) -> bool {
        self.0.remove(name).is_some()
    }
}
// ANCHOR_END: attributes

// ANCHOR: registry
/// A part of a program that is chosen by its name when the program runs.
pub trait Module: Send + Sync {
    /// Does its work.
    fn run(&self, argument: &str) -> String;
}

struct Upper;
struct Reversed;

impl Module for Upper {
    fn run(&self, argument: &str) -> String {
        argument.to_uppercase()
    }
}

impl Module for Reversed {
    fn run(&self, argument: &str) -> String {
        argument.chars().rev().collect()
    }
}

/// How a module is made.
pub type Make = fn() -> Box<dyn Module>;

/// What `importlib.import_module(name)` may find: a registry that is written down, in
/// place of a search through every file on the path.
pub fn registry() -> BTreeMap<&'static str, Make> {
    BTreeMap::from([
        ("upper", (|| Box::new(Upper)) as Make),
        ("reversed", || Box::new(Reversed)),
    ])
}
// ANCHOR_END: registry

// ANCHOR: macro
/// Makes a type of a name and a function: the second way to make a class,
/// `type("Name", (Base,), {"handle": function})`. It is done when the program is
/// compiled, and so is the check whether the type is what a server needs.
macro_rules! handler {
    ($name:ident, $handle:expr) => {
        #[doc = concat!("The handler `", stringify!($name), "`, made by a macro.")]
        #[derive(Clone, Copy, Debug, Default)]
        pub struct $name;

        impl Handler for $name {
            fn handle(&mut self, conn: &mut Conn) -> socketserver::Result<Next> {
                $handle(conn)
            }
        }
    };
}

handler!(HangUp, |_: &mut Conn| Ok(Next::Close));
// ANCHOR_END: macro

// ANCHOR: metaclass
/// What a metaclass would do to every class that is made, a trait with provided parts
/// does for every type that has it: here, a name under which it is registered.
pub trait Named {
    /// The name; where a type says nothing, the last part of its own.
    fn name() -> &'static str {
        let path = type_name::<Self>();
        path.rsplit("::").next().unwrap_or(path)
    }
}

impl Named for HangUp {}

impl Named for Greeter {
    fn name() -> &'static str {
        "greeter"
    }
}
// ANCHOR_END: metaclass
