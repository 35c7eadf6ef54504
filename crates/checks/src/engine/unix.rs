//! Programs that talk over local sockets: a folder of their own to put a socket file
//! into, descriptors that they are given, and the peer at the other end.

use std::io::{self, IoSlice, IoSliceMut, Read, Write};
use std::mem::MaybeUninit;
use std::net::Shutdown;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::os::unix::fs::DirBuilderExt;
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU32, Ordering};
use std::{env, ffi, fs, process, thread};

use rustix::cmsg_space;
use rustix::net::{
    RecvAncillaryBuffer, RecvAncillaryMessage, RecvFlags, SendAncillaryBuffer,
    SendAncillaryMessage, SendFlags, recvmsg, sendmsg,
};
use wire::{Recorder, Side, view};

use super::child::Report;
use super::peer::broken;
use super::stage::Stage;
use super::wait::On;
use super::{Faces, Probe};
use crate::symptom::{Doing, Kind, Symptom};

/// More descriptors than this go with no message of a check.
const MOST: usize = 4;

impl Probe {
    /// A probe of a program that is given a folder for local sockets, and descriptors
    /// if `play` hands it some: [`Stage::hand`] is what starts it.
    pub fn local(
        name: &'static str,
        title: &'static str,
        act: impl Fn(&Report, Given) + Send + Sync + 'static,
        play: impl Fn(&mut Stage, &Place) -> Result<(), Symptom> + Send + Sync + 'static,
    ) -> Self {
        let act = move |report: &Report| match report.given() {
            Ok(given) => act(report, given),
            Err(error) => eprintln!("the check's child was given nothing: {error}"),
        };
        let play = move |stage: &mut Stage| {
            let place = Place::open()
                .map_err(|error| broken("make a folder for sockets", error))?;
            play(stage, &place)
        };
        Self::new(name, title, Faces::Local, Box::new(act), Box::new(play))
    }
}

/// A folder for the local sockets of one probe, which nobody else may enter. It is
/// removed with all that is in it.
#[derive(Debug)]
pub struct Place {
    folder: PathBuf,
}

impl Place {
    fn open() -> io::Result<Self> {
        static NEXT: AtomicU32 = AtomicU32::new(0);
        loop {
            let number = NEXT.fetch_add(1, Ordering::Relaxed);
            let name = format!("handshake-{}-{number}", process::id());
            let folder = env::temp_dir().join(name);
            // What a check that was killed has left behind is not ours to use.
            match fs::DirBuilder::new().mode(0o700).create(&folder) {
                Ok(()) => return Ok(Self { folder }),
                Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
                Err(error) => return Err(error),
            }
        }
    }

    /// The path of a file in it.
    pub fn path(&self, name: &str) -> PathBuf {
        self.folder.join(name)
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        // In the way of nobody if it stays: the system empties its temporary folder.
        let _ = fs::remove_dir_all(&self.folder);
    }
}

/// What the learner's program is given.
#[derive(Debug)]
pub struct Given {
    /// The folder for its sockets.
    pub folder: PathBuf,
    /// The descriptors that were handed over, in order.
    pub descriptors: Vec<OwnedFd>,
}

impl Given {
    /// The next of the descriptors.
    ///
    /// # Panics
    ///
    /// Where the check has handed over fewer: a mistake of the check.
    pub fn descriptor<T: From<OwnedFd>>(&mut self) -> T {
        self.descriptors.remove(0).into()
    }
}

impl Report {
    /// Waits for what the check hands over with [`Stage::hand`].
    fn given(&self) -> io::Result<Given> {
        let line = self.line.lock().expect("nothing panics while it reads");
        let (path, descriptors) = receive(line.as_fd())?;
        let folder = PathBuf::from(ffi::OsString::from_vec(path));
        Ok(Given {
            folder,
            descriptors,
        })
    }

    /// Keeps the process, and what it has open, until the check ends it: what is closed
    /// then, the learner's function has closed.
    pub fn stay(&self) -> ! {
        loop {
            thread::park();
        }
    }
}

/// Sends `bytes`, at least one, and copies of `descriptors` with them: SCM_RIGHTS in
/// unix(7).
pub fn send(
    socket: BorrowedFd<'_>,
    bytes: &[u8],
    descriptors: &[BorrowedFd<'_>],
) -> io::Result<()> {
    let mut space = [MaybeUninit::uninit(); cmsg_space!(ScmRights(MOST))];
    let mut control = SendAncillaryBuffer::new(&mut space);
    if !descriptors.is_empty()
        && !control.push(SendAncillaryMessage::ScmRights(descriptors))
    {
        return Err(io::Error::other("too many descriptors for one message"));
    }
    let bytes = [IoSlice::new(bytes)];
    sendmsg(socket, &bytes, &mut control, SendFlags::empty())?;
    Ok(())
}

/// The programs of the checks are not to have each other's connections.
#[cfg(target_os = "linux")]
const CLOSED_ON_EXEC: RecvFlags = RecvFlags::CMSG_CLOEXEC;
#[cfg(not(target_os = "linux"))]
const CLOSED_ON_EXEC: RecvFlags = RecvFlags::empty();

/// Receives bytes, and the descriptors that came with them.
pub fn receive(socket: BorrowedFd<'_>) -> io::Result<(Vec<u8>, Vec<OwnedFd>)> {
    let mut space = [MaybeUninit::uninit(); cmsg_space!(ScmRights(MOST))];
    let mut control = RecvAncillaryBuffer::new(&mut space);
    let mut bytes = vec![0; 4096]; // as long as a path may be
    let read = loop {
        let mut slices = [IoSliceMut::new(&mut bytes)];
        match recvmsg(socket, &mut slices, &mut control, CLOSED_ON_EXEC) {
            Err(rustix::io::Errno::INTR) => {}
            result => break result?.bytes,
        }
    };
    bytes.truncate(read);
    let mut descriptors = Vec::new();
    for message in control.drain() {
        if let RecvAncillaryMessage::ScmRights(rights) = message {
            descriptors.extend(rights);
        }
    }
    Ok((bytes, descriptors))
}

/// The other end of one local connection with the learner's program.
#[derive(Debug)]
pub struct UnixPeer {
    stream: UnixStream,
    link: u32,
    recorder: Recorder,
    unseen: Vec<u8>,
    /// The program's side is over: ended, or `true`: reset.
    over: Option<bool>,
}

impl UnixPeer {
    /// Ends this side; the other direction stays open.
    pub fn end(&self) {
        // A program that has gone has closed the connection: the next read tells.
        let _ = self.stream.shutdown(Shutdown::Write);
        self.recorder.end(self.link, Side::Left);
    }

    /// Leaves with whatever has not been read: the program's next write fails.
    pub fn leave(self) {
        self.recorder
            .note(self.link, Side::Left, "leaves, and reads nothing");
    }

    /// Takes in whatever has come, without waiting. Returns whether anything has.
    fn take_in(&mut self) -> Result<bool, Symptom> {
        let mut buffer = [0; 16 << 10];
        let mut news = false;
        while self.over.is_none() {
            match (&self.stream).read(&mut buffer) {
                Ok(0) => {
                    self.recorder.end(self.link, Side::Right);
                    self.over = Some(false);
                }
                Ok(read) => {
                    self.recorder.sent(self.link, Side::Right, &buffer[..read]);
                    self.unseen.extend_from_slice(&buffer[..read]);
                }
                Err(error) => match error.kind() {
                    io::ErrorKind::WouldBlock => break,
                    io::ErrorKind::Interrupted => continue,
                    io::ErrorKind::ConnectionReset => {
                        self.recorder.reset(self.link, Side::Right);
                        self.over = Some(true);
                    }
                    _ => return Err(broken("read", error)),
                },
            }
            news = true;
        }
        Ok(news)
    }
}

impl Stage {
    /// Starts the learner's function: tells it its folder, and gives it copies of
    /// `descriptors`.
    ///
    /// # Errors
    ///
    /// Where the check cannot.
    pub fn hand(
        &mut self,
        place: &Place,
        descriptors: &[BorrowedFd<'_>],
    ) -> Result<(), Symptom> {
        let path = place.folder.as_os_str().as_bytes();
        match self
            .program
            .line()
            .map(|line| send(line, path, descriptors))
        {
            Some(Err(error)) => Err(broken("hand the descriptors over", error)),
            _ => Ok(()), // a program that is gone already explains itself
        }
    }

    /// Waits until the learner's program has a TCP listener.
    ///
    /// # Errors
    ///
    /// Where it never has.
    pub fn until_listening(&mut self) -> Result<(), Symptom> {
        self.until_it_listens()
    }

    /// Connects to the socket file at `path`, as soon as somebody listens there.
    ///
    /// # Errors
    ///
    /// [`Kind::Refused`] where nobody does.
    pub fn connect_local(&mut self, path: &Path) -> Result<UnixPeer, Symptom> {
        let mut refused = None;
        let waited =
            self.wait(&On::Nothing, |_| match UnixStream::connect(path) {
                Ok(stream) => Ok(Some(stream)),
                Err(error) => {
                    refused = Some(error);
                    Ok(None)
                }
            })?;
        self.links += 1;
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        self.recorder
            .connect(self.links, Side::Left, format!("to {name}"));
        match waited {
            Ok(stream) => {
                stream
                    .set_nonblocking(true)
                    .map_err(|error| broken("set a connection up", error))?;
                Ok(UnixPeer {
                    stream,
                    link: self.links,
                    recorder: self.recorder.clone(),
                    unseen: Vec::new(),
                    over: None,
                })
            }
            Err(idle) => {
                let error = refused.map_or(String::new(), |error| error.to_string());
                let why = format!("cannot connect to {name}: {error}");
                self.recorder.gave_up(self.links, Side::Left, why);
                let summary = "nobody listens at the socket file";
                Err(Symptom::new(Kind::Refused, summary)
                    .with_words("a connection", error)
                    .while_idle(idle))
            }
        }
    }

    /// Sends all of `bytes`, few enough to fit into the kernel's buffer.
    ///
    /// # Errors
    ///
    /// Where the check cannot.
    pub fn send_local(
        &mut self,
        peer: &mut UnixPeer,
        bytes: &[u8],
    ) -> Result<(), Symptom> {
        self.recorder.sent(peer.link, Side::Left, bytes);
        match (&peer.stream).write_all(bytes) {
            Ok(()) => Ok(()),
            Err(error) => match error.kind() {
                // Who waits for the answer will tell.
                io::ErrorKind::BrokenPipe | io::ErrorKind::ConnectionReset => Ok(()),
                _ => Err(broken("write", error)),
            },
        }
    }

    /// Waits for exactly these bytes.
    ///
    /// # Errors
    ///
    /// A symptom that tells what came instead.
    pub fn expect_local(
        &mut self,
        peer: &mut UnixPeer,
        expected: &[u8],
    ) -> Result<(), Symptom> {
        let mut idle = None;
        while idle.is_none()
            && peer.over.is_none()
            && peer.unseen.len() < expected.len()
            && expected.starts_with(&peer.unseen)
        {
            let more =
                self.wait(&On::Nothing, |_| Ok(peer.take_in()?.then_some(())))?;
            idle = more.err();
        }
        if peer.unseen.starts_with(expected) {
            peer.unseen.drain(..expected.len());
            return Ok(());
        }
        let got = std::mem::take(&mut peer.unseen);
        let Some(idle) = idle else {
            let cut_short = expected.starts_with(&got);
            let (kind, summary) = match peer.over {
                Some(true) if cut_short => {
                    (Kind::Reset, "your program reset the connection")
                }
                Some(_) if cut_short => (
                    Kind::EarlyEnd,
                    "the connection ended before the answer was complete",
                ),
                _ => (Kind::Wrong, "the answer is not what was agreed"),
            };
            return Err(Symptom::new(kind, summary).with_bytes(expected, &got));
        };
        self.recorder
            .gave_up(peer.link, Side::Left, "no more comes");
        let summary = match idle.doing {
            Doing::Ended => "your program ended instead of answering",
            Doing::Returned => "your function returned instead of answering",
            _ if got.is_empty() => "no answer came",
            _ => "a part of the answer came, and then no more",
        };
        Err(Symptom::new(Kind::NoAnswer, summary)
            .with_bytes(expected, &got)
            .while_idle(idle))
    }

    /// Waits for the program to end its side, with nothing more to say.
    ///
    /// # Errors
    ///
    /// [`Kind::NoEnd`], [`Kind::Reset`], or [`Kind::Wrong`] where more came.
    pub fn expect_local_end(&mut self, peer: &mut UnixPeer) -> Result<(), Symptom> {
        let waited = self.wait(&On::Nothing, |_| {
            peer.take_in()?;
            Ok((peer.over.is_some() || !peer.unseen.is_empty()).then_some(()))
        })?;
        if let Err(idle) = waited {
            self.recorder
                .gave_up(peer.link, Side::Left, "the end does not come");
            let gone = matches!(idle.doing, Doing::Ended);
            let kind = if gone { Kind::Gone } else { Kind::NoEnd };
            let summary = "your side of the connection stays open";
            return Err(Symptom::new(kind, summary)
                .with_words("the end of the connection", "nothing")
                .while_idle(idle));
        }
        if !peer.unseen.is_empty() {
            let mut more = Symptom::new(Kind::Wrong, "more came than was agreed")
                .with_bytes(b"", &peer.unseen);
            more.expected = "nothing more, and the end of the connection".into();
            return Err(more);
        }
        match peer.over {
            Some(true) => Err(Symptom::new(
                Kind::Reset,
                "your program reset the connection",
            )
            .with_words("the end of the connection", "\"connection reset by peer\"")),
            _ => Ok(()),
        }
    }

    /// Waits for a message on a socket whose other end the program was given: its
    /// bytes, and the descriptors that came with it. No bytes: the end.
    ///
    /// # Errors
    ///
    /// [`Kind::NoAnswer`] where none comes.
    pub fn receive_descriptors(
        &mut self,
        socket: &UnixStream,
    ) -> Result<(Vec<u8>, Vec<OwnedFd>), Symptom> {
        socket
            .set_nonblocking(true)
            .map_err(|error| broken("set a socket up", error))?;
        let waited = self.wait(&On::Nothing, |_| match receive(socket.as_fd()) {
            Ok(message) => Ok(Some(message)),
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => Ok(None),
            Err(error) => Err(broken("receive a descriptor", error)),
        })?;
        waited
            .inspect(|(bytes, descriptors)| {
                let told = match descriptors.len() {
                    0 => format!("sends {}, no descriptor", view::escaped(bytes)),
                    1 => format!("sends {} and a descriptor", view::escaped(bytes)),
                    many => {
                        format!(
                            "sends {} and {many} descriptors",
                            view::escaped(bytes)
                        )
                    }
                };
                self.recorder.note(0, Side::Right, told);
            })
            .map_err(|idle| {
                self.recorder.gave_up(0, Side::Left, "nothing comes");
                Symptom::new(Kind::NoAnswer, "nothing came over the local socket")
                    .with_words("a byte and a descriptor", "nothing")
                    .while_idle(idle)
            })
    }
}
