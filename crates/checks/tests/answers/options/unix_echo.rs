//! Answers to `options/unix-echo`.

use std::fs;
use std::io::{self, ErrorKind, Read, Write};
use std::os::unix::fs::FileTypeExt;
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::Path;

use checks::answers::{Answer, Expected};
use checks::options::unix_echo as check;
use socket2::{Domain, SockAddr, Socket, Type};

pub fn answers() -> Vec<Answer> {
    vec![
        Answer {
            name: "unix echo: untouched",
            check: check(|_, _| todo!()),
            expected: Expected::Untouched,
        },
        Answer::right("unix echo right: calls first", check(calls_first)),
        Answer::right("unix echo right: socket2", check(with_socket2)),
        Answer::wrong("M83", "unix echo: leaves its file", check(leaves_its_file)),
        Answer::wrong("M84", "unix echo: removes first", check(removes_first)),
        Answer::wrong("M84", "unix echo: removes a file", check(removes_a_file)),
        Answer::wrong("M85", "unix echo: only binds", check(only_binds)),
        Answer::wrong("M5", "unix echo: no end", check(no_end)),
        Answer::wrong("M6", "unix echo: whole buffer", check(whole_buffer)),
        Answer::wrong("M14", "unix echo: a question mark", check(a_question_mark)),
        Answer::unnamed("two", "unix echo: one visit", check(one_visit)),
        Answer::unnamed("echo", "unix echo: says nothing", check(says_nothing)),
        Answer::unnamed("live", "unix echo: waits for the name", check(waits)),
    ]
}

fn echo(mut caller: &UnixStream) -> io::Result<()> {
    io::copy(&mut &*caller, &mut caller).map(|_| ())
}

fn visits(listener: &UnixListener, visits: usize) -> io::Result<()> {
    for caller in listener.incoming().take(visits) {
        let _ = echo(&caller?);
    }
    Ok(())
}

fn is_socket(path: &Path) -> bool {
    fs::symlink_metadata(path).is_ok_and(|file| file.file_type().is_socket())
}

/// Calls before it binds; between the two somebody else might, and then `bind` fails.
fn calls_first(path: &Path, count: usize) -> io::Result<()> {
    match UnixStream::connect(path) {
        Ok(_) => return Err(ErrorKind::AddrInUse.into()),
        Err(error)
            if error.kind() == ErrorKind::ConnectionRefused && is_socket(path) =>
        {
            fs::remove_file(path)?
        }
        Err(_) => {} // nobody there, or `bind` will say what is wrong
    }
    let listener = UnixListener::bind(path)?;
    let served = visits(&listener, count);
    drop(listener);
    fs::remove_file(path)?;
    served
}

fn with_socket2(path: &Path, count: usize) -> io::Result<()> {
    struct Name<'a>(&'a Path);
    impl Drop for Name<'_> {
        fn drop(&mut self) {
            let _ = fs::remove_file(self.0);
        }
    }
    let address = SockAddr::unix(path)?;
    let socket = Socket::new(Domain::UNIX, Type::STREAM, None)?;
    if let Err(error) = socket.bind(&address) {
        let call = Socket::new(Domain::UNIX, Type::STREAM, None)?;
        let refused = call
            .connect(&address)
            .is_err_and(|error| error.kind() == ErrorKind::ConnectionRefused);
        if error.kind() != ErrorKind::AddrInUse || !refused || !is_socket(path) {
            return Err(error);
        }
        fs::remove_file(path)?;
        socket.bind(&address)?;
    }
    let _name = Name(path);
    socket.listen(16)?;
    visits(
        &UnixListener::from(std::os::fd::OwnedFd::from(socket)),
        count,
    )
}

fn leaves_its_file(path: &Path, count: usize) -> io::Result<()> {
    visits(&UnixListener::bind(path)?, count)
}

fn removes_first(path: &Path, count: usize) -> io::Result<()> {
    let _ = fs::remove_file(path);
    let listener = UnixListener::bind(path)?;
    visits(&listener, count)?;
    fs::remove_file(path)
}

fn removes_a_file(path: &Path, count: usize) -> io::Result<()> {
    match UnixStream::connect(path) {
        Ok(_) => return Err(ErrorKind::AddrInUse.into()),
        Err(error) if error.kind() == ErrorKind::ConnectionRefused => {
            fs::remove_file(path)?;
        }
        Err(_) => {}
    }
    let listener = UnixListener::bind(path)?;
    visits(&listener, count)?;
    fs::remove_file(path)
}

fn only_binds(path: &Path, count: usize) -> io::Result<()> {
    let listener = UnixListener::bind(path)?;
    visits(&listener, count)?;
    fs::remove_file(path)
}

fn no_end(path: &Path, count: usize) -> io::Result<()> {
    let listener = UnixListener::bind(path)?;
    for caller in listener.incoming().take(count) {
        let mut caller = caller?;
        let mut buffer = [0; 100];
        while let Ok(read) = caller.read(&mut buffer) {
            caller.write_all(&buffer[..read])?;
        }
    }
    fs::remove_file(path)
}

fn whole_buffer(path: &Path, count: usize) -> io::Result<()> {
    let listener = UnixListener::bind(path)?;
    for caller in listener.incoming().take(count) {
        let mut caller = caller?;
        let mut buffer = [0; 100];
        while caller.read(&mut buffer)? > 0 {
            caller.write_all(&buffer)?;
        }
    }
    fs::remove_file(path)
}

fn a_question_mark(path: &Path, count: usize) -> io::Result<()> {
    let listener = UnixListener::bind(path)?;
    for caller in listener.incoming().take(count) {
        let mut caller = caller?;
        let mut buffer = [0; 100];
        loop {
            let read = caller.read(&mut buffer)?;
            if read == 0 {
                break;
            }
            caller.write_all(&buffer[..read])?;
        }
    }
    fs::remove_file(path)
}

fn one_visit(path: &Path, _: usize) -> io::Result<()> {
    calls_first(path, 1)
}

fn says_nothing(path: &Path, count: usize) -> io::Result<()> {
    let listener = UnixListener::bind(path)?;
    for caller in listener.incoming().take(count) {
        io::copy(&mut caller?, &mut io::sink())?;
    }
    fs::remove_file(path)
}

/// Where somebody listens, it waits for that one's end.
fn waits(path: &Path, count: usize) -> io::Result<()> {
    if is_socket(path)
        && let Ok(mut other) = UnixStream::connect(path)
    {
        let _ = other.read(&mut [0]);
    }
    calls_first(path, count)
}
