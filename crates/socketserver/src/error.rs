//! What goes wrong in a server that goes on.

use std::any::Any;
use std::error::Error as StdError;
use std::time::Duration;
use std::{fmt, io};

/// Any error of a handler's: `?` turns every one into it.
///
/// ```
/// use socketserver::BoxError;
///
/// fn number(text: &str) -> Result<u16, BoxError> {
///     match text.parse()? {
///         0 => Err("there is no port 0".into()),
///         port => Ok(port),
///     }
/// }
/// assert_eq!(number("0").unwrap_err().to_string(), "there is no port 0");
/// # Ok::<(), socketserver::BoxError>(())
/// ```
pub type BoxError = Box<dyn StdError + Send + Sync>;

/// What a handler's methods return.
///
/// ```
/// fn setup() -> socketserver::Result {
///     let text = String::from_utf8(vec![0xff])?; // any error
///     println!("{text}");
///     Ok(())
/// }
/// assert!(setup().is_err());
/// # Ok::<(), socketserver::BoxError>(())
/// ```
pub type Result<T = ()> = std::result::Result<T, BoxError>;

/// The step of a request in which something went wrong.
///
/// ```
/// use socketserver::{During, Error};
///
/// let error = Error::Failed(During::Setup, "no database".into());
/// assert_eq!(error.to_string(), "setup failed: no database");
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum During {
    /// The factory that makes the handler, or its `setup`.
    Setup,
    /// `handle`, or a handler of datagrams.
    Handle,
    /// `finish`.
    Finish,
    /// The test whether a peer is welcome.
    Verify,
}

impl fmt::Display for During {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            During::Setup => "setup",
            During::Handle => "handle",
            During::Finish => "finish",
            During::Verify => "verify",
        })
    }
}

/// What the server is told to report, and then goes on.
///
/// It is given to the hook that [`Builder::on_error`](crate::Builder::on_error) sets.
///
/// ```
/// use socketserver::{Error, Server};
///
/// let server = Server::tcp("127.0.0.1:0")
///     .on_error(|peer, error| match error {
///         Error::Exhausted(_) => eprintln!("raise `ulimit -n`: {error}"),
///         Error::Panicked(during, words) => eprintln!("a bug in {during}: {words}"),
///         _ => eprintln!("{peer}: {error}"),
///     })
///     .bind()?;
/// # Ok::<(), socketserver::BoxError>(())
/// ```
#[derive(Debug)]
#[non_exhaustive]
pub enum Error {
    /// A method of the handler returned an error.
    Failed(During, BoxError),
    /// A method of the handler, or a hook, panicked with these words.
    Panicked(During, String),
    /// A signal ended the process that served the peer, or it ended by itself with
    /// a code other than 0.
    Died(String),
    /// A thread or process for the peer could not be started.
    NoWorker(io::Error),
    /// A datagram was longer than [`Builder::max_packet`](crate::Builder::max_packet),
    /// and was dropped. So many bytes of it fit.
    Truncated(usize),
    /// `accept` failed for want of descriptors or memory; the server tries again after
    /// a pause. It is reported once, until a connection is accepted again.
    Exhausted(io::Error),
    /// The peer was still served when the server had stopped and the time for the
    /// rest had run out; its connection was shut down.
    Forced(Duration),
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Error::Failed(during, error) => write!(f, "{during} failed: {error}"),
            Error::Panicked(during, words) => write!(f, "{during} panicked: {words}"),
            Error::Died(how) => write!(f, "the process that served it {how}"),
            Error::NoWorker(error) => write!(f, "cannot start a worker: {error}"),
            Error::Truncated(most) => {
                write!(f, "a datagram of more than {most} bytes was dropped")
            }
            Error::Exhausted(error) => {
                write!(f, "cannot accept a connection for now: {error}")
            }
            Error::Forced(drain) => {
                write!(f, "was not done {drain:?} after the server had stopped")
            }
        }
    }
}

impl StdError for Error {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        match self {
            Error::Failed(_, error) => error.source(),
            Error::NoWorker(error) | Error::Exhausted(error) => error.source(),
            _ => None,
        }
    }
}

/// The words of a panic.
pub(crate) fn words(panic: Box<dyn Any + Send>) -> String {
    match panic.downcast::<String>() {
        Ok(words) => *words,
        Err(panic) => match panic.downcast_ref::<&str>() {
            Some(words) => (*words).to_owned(),
            None => "something that is no text".to_owned(),
        },
    }
}
