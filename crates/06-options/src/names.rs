//! Names of local sockets: files, and on Linux names without a file.

use std::fs::{self, DirBuilder};
use std::io::{self, ErrorKind};
use std::os::unix::fs::{DirBuilderExt, FileTypeExt, MetadataExt};
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::{Path, PathBuf};
use std::{env, process};

use nix::unistd::Uid;

/// The tutorial's name for a socket file.
pub const FILE: &str = "lesson6.sock";

// ANCHOR: folder
/// A folder that nobody else can enter, for this user's socket files.
///
/// Who may connect is decided by the permissions of the file and of the folders
/// above it (path_resolution(7)); other systems have not always looked at those of
/// the file. A folder of mode 700 is enough everywhere.
///
/// # Errors
///
/// If it cannot be made, or somebody else has made one of that name.
pub fn private_folder() -> io::Result<PathBuf> {
    if let Some(folder) = env::var_os("XDG_RUNTIME_DIR").map(PathBuf::from)
        && is_private(&folder)?
    {
        return Ok(folder); // the system makes it at login, for exactly this
    }
    let me = Uid::current();
    let folder = env::temp_dir().join(format!("handshake-{me}"));
    match DirBuilder::new().mode(0o700).create(&folder) {
        Err(error) if error.kind() != ErrorKind::AlreadyExists => Err(error),
        // In a folder where everybody may write, the name may have been taken.
        _ if !is_private(&folder)? => Err(io::Error::new(
            ErrorKind::PermissionDenied,
            format!("{} is not ours alone", folder.display()),
        )),
        _ => Ok(folder),
    }
}

fn is_private(folder: &Path) -> io::Result<bool> {
    match fs::symlink_metadata(folder) {
        Ok(is) => Ok(is.is_dir()
            && is.uid() == Uid::current().as_raw()
            && is.mode() & 0o077 == 0),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(false),
        Err(error) => Err(error),
    }
}
// ANCHOR_END: folder

// ANCHOR: named
/// A listener and its file, which is removed with it.
#[derive(Debug)]
pub struct Named {
    /// The listener.
    pub listener: UnixListener,
    path: PathBuf,
}

impl Drop for Named {
    fn drop(&mut self) {
        // The kernel closes the socket and keeps its name: unlink(2) is our part. If
        // the file has gone already, there is nothing to do.
        let _ = fs::remove_file(&self.path);
    }
}

/// Listens at `path`; a file that a dead server has left there is replaced.
///
/// # Errors
///
/// `AddrInUse` where a living server listens, or where the file is no socket.
pub fn listen(path: &Path) -> io::Result<Named> {
    let listener = match UnixListener::bind(path) {
        Err(error) if error.kind() == ErrorKind::AddrInUse => {
            if !nobody_listens(path)? {
                return Err(error);
            }
            fs::remove_file(path)?;
            UnixListener::bind(path)
        }
        result => result,
    }?;
    let path = path.to_path_buf();
    Ok(Named { listener, path })
}

/// Whether `path` is a socket without a server. The only way to know is to call.
fn nobody_listens(path: &Path) -> io::Result<bool> {
    let is_socket = fs::symlink_metadata(path)?.file_type().is_socket();
    let call = UnixStream::connect(path);
    let refused = |error: io::Error| error.kind() == ErrorKind::ConnectionRefused;
    Ok(is_socket && call.is_err_and(refused))
}
// ANCHOR_END: named

/// What happens to a socket file, step by step.
///
/// # Errors
///
/// If the folder cannot be used.
pub fn life_of_a_file() -> io::Result<Vec<(&'static str, String)>> {
    let folder = Scratch::new()?;
    let path = folder.0.join(FILE);
    let told = |result: io::Result<UnixStream>| {
        result.map_or_else(|error| crate::name_of(&error), |_| "yes".into())
    };
    let there = || if path.exists() { "there" } else { "gone" }.to_string();
    let mut steps = vec![("before bind, connect", told(UnixStream::connect(&path)))];
    let listener = UnixListener::bind(&path)?;
    steps.push(("bound, connect", told(UnixStream::connect(&path))));
    let second = UnixListener::bind(&path).err();
    steps.push((
        "bound, bind again",
        second.map_or("yes".into(), |error| crate::name_of(&error)),
    ));
    drop(listener);
    steps.push(("closed, the file is", there()));
    steps.push(("closed, connect", told(UnixStream::connect(&path))));
    let second = UnixListener::bind(&path).err();
    steps.push((
        "closed, bind again",
        second.map_or("yes".into(), |error| crate::name_of(&error)),
    ));
    fs::remove_file(&path)?;
    steps.push(("removed, bind", {
        let again = UnixListener::bind(&path);
        again.map_or_else(|error| crate::name_of(&error), |_| "yes".into())
    }));
    Ok(steps)
}

/// The longest path that can be bound, in bytes.
///
/// # Errors
///
/// If the folder cannot be used.
pub fn longest_path() -> io::Result<usize> {
    let folder = Scratch::new()?;
    let before = folder.0.as_os_str().len() + 1;
    let mut longest = 0;
    for length in before + 1..200 {
        let path = folder.0.join("x".repeat(length - before));
        match UnixListener::bind(&path) {
            Ok(_) => longest = length,
            Err(_) => break,
        }
    }
    Ok(longest)
}

/// A folder for an experiment, removed with all that is in it.
#[derive(Debug)]
pub(crate) struct Scratch(pub(crate) PathBuf);

impl Scratch {
    pub(crate) fn new() -> io::Result<Self> {
        for number in 0.. {
            let name = format!("lesson-6-{}-{number}", process::id());
            let folder = env::temp_dir().join(name);
            match DirBuilder::new().mode(0o700).create(&folder) {
                Err(error) if error.kind() == ErrorKind::AlreadyExists => {}
                result => return result.map(|()| Self(folder)),
            }
        }
        Err(ErrorKind::AlreadyExists.into())
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        // In nobody's way if it stays: the system empties its temporary folder.
        let _ = fs::remove_dir_all(&self.0);
    }
}

/// Listens at a name that is no file: it begins with a zero byte, is seen in one
/// network namespace, needs no removing, and has no permissions.
///
/// # Errors
///
/// If the name is taken, or too long.
#[cfg(target_os = "linux")]
pub fn listen_abstract(name: &[u8]) -> io::Result<UnixListener> {
    use std::os::linux::net::SocketAddrExt;
    use std::os::unix::net::SocketAddr;
    UnixListener::bind_addr(&SocketAddr::from_abstract_name(name)?)
}
