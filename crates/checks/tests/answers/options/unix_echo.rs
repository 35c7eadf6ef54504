//! Answers to `options/unix-echo`.

use std::fs;
use std::io::{self, ErrorKind, Read, Write};
use std::os::unix::fs::FileTypeExt;
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::Path;

use checks::answers::{Answer, Expected};
use checks_options::unix_echo as check;
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
        Answer::right("unix echo right: a thread each", check(a_thread_each)),
        Answer::right("unix echo right: beside, then renamed", check(renamed)),
        Answer::right("unix echo right: polls", check(polls)),
        Answer::wrong("M83", "unix echo: leaves its file", check(leaves_its_file)),
        Answer::wrong("M83", "unix echo: drop is enough", check(drop_is_enough)),
        Answer::wrong("M84", "unix echo: removes what exists", check(what_exists)),
        Answer::wrong(
            "M84",
            "unix echo: a guard too early",
            check(guard_too_early),
        ),
        Answer::wrong("M84", "unix echo: any error of connect", check(any_error)),
        Answer::wrong("M85", "unix echo: exists", check(exists)),
        Answer::wrong("M14", "unix echo: unwraps", check(unwraps)),
        Answer::unnamed("rude", "unix echo: good visits count", check(good_visits)),
        Answer::unnamed("two", "unix echo: removed too early", check(too_early)),
        Answer::unnamed("echo", "unix echo: lines", check(lines)),
        Answer::unnamed("echo", "unix echo: at the end", check(at_the_end)),
        Answer::unnamed("file", "unix echo: serves on", check(serves_on)),
        Answer::unnamed("live", "unix echo: another kind", check(another_kind)),
        Answer::unnamed("echo", "unix echo: loses the first byte", check(loses_one)),
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

/// `listen` as it should be, for those that do something else wrong.
fn listen(path: &Path) -> io::Result<UnixListener> {
    match UnixListener::bind(path) {
        Err(error) if error.kind() == ErrorKind::AddrInUse => {
            match UnixStream::connect(path) {
                Err(e) if e.kind() == ErrorKind::ConnectionRefused => {}
                _ => return Err(error),
            }
            if !is_socket(path) {
                return Err(error);
            }
            fs::remove_file(path)?;
            UnixListener::bind(path)
        }
        result => result,
    }
}

fn a_thread_each(path: &Path, count: usize) -> io::Result<()> {
    let listener = listen(path)?;
    std::thread::scope(|scope| -> io::Result<()> {
        for _ in 0..count {
            let (caller, _) = listener.accept()?;
            scope.spawn(move || echo(&caller));
        }
        Ok(())
    })?;
    fs::remove_file(path)
}

/// Binds another name, and gives it the right one when it is ready.
fn renamed(path: &Path, count: usize) -> io::Result<()> {
    if let Ok(file) = fs::symlink_metadata(path) {
        let refused = UnixStream::connect(path)
            .is_err_and(|error| error.kind() == ErrorKind::ConnectionRefused);
        if !file.file_type().is_socket() || !refused {
            return Err(ErrorKind::AddrInUse.into());
        }
    }
    let beside = path.with_extension("new");
    let listener = UnixListener::bind(&beside)?;
    fs::rename(&beside, path)?;
    let served = visits(&listener, count);
    fs::remove_file(path)?;
    served
}

/// Never blocks in `accept` or `read`, and sleeps in between.
fn polls(path: &Path, count: usize) -> io::Result<()> {
    let listener = listen(path)?;
    listener.set_nonblocking(true)?;
    let nap = std::time::Duration::from_millis(2);
    let mut served = 0;
    while served < count {
        match listener.accept() {
            Ok((caller, _)) => {
                caller.set_nonblocking(false)?;
                let _ = echo(&caller);
                served += 1;
            }
            Err(error) if error.kind() == ErrorKind::WouldBlock => {
                std::thread::sleep(nap);
            }
            Err(error) => return Err(error),
        }
    }
    fs::remove_file(path)
}

fn drop_is_enough(path: &Path, count: usize) -> io::Result<()> {
    let listener = listen(path)?;
    visits(&listener, count)?;
    drop(listener);
    Ok(())
}

fn what_exists(path: &Path, count: usize) -> io::Result<()> {
    if path.exists() {
        fs::remove_file(path)?;
    }
    let listener = UnixListener::bind(path)?;
    visits(&listener, count)?;
    fs::remove_file(path)
}

fn guard_too_early(path: &Path, count: usize) -> io::Result<()> {
    struct Guard<'a>(&'a Path);
    impl Drop for Guard<'_> {
        fn drop(&mut self) {
            let _ = fs::remove_file(self.0);
        }
    }
    let _guard = Guard(path);
    visits(&listen(path)?, count)
}

fn any_error(path: &Path, count: usize) -> io::Result<()> {
    if path.exists() {
        if UnixStream::connect(path).is_ok() {
            return Err(ErrorKind::AddrInUse.into());
        }
        fs::remove_file(path)?;
    }
    let listener = UnixListener::bind(path)?;
    visits(&listener, count)?;
    fs::remove_file(path)
}

fn exists(path: &Path, count: usize) -> io::Result<()> {
    if path.exists() {
        return Err(io::Error::new(ErrorKind::AddrInUse, "there is a file"));
    }
    only_binds(path, count)
}

fn unwraps(path: &Path, count: usize) -> io::Result<()> {
    let listener = listen(path)?;
    for _ in 0..count {
        let (mut caller, _) = listener.accept()?;
        let mut buffer = [0; 1024];
        loop {
            let read = caller.read(&mut buffer).unwrap();
            if read == 0 {
                break;
            }
            caller.write_all(&buffer[..read]).unwrap();
        }
    }
    fs::remove_file(path)
}

fn good_visits(path: &Path, count: usize) -> io::Result<()> {
    let listener = listen(path)?;
    let mut good = 0;
    while good < count {
        good += usize::from(echo(&listener.accept()?.0).is_ok());
    }
    fs::remove_file(path)
}

fn too_early(path: &Path, count: usize) -> io::Result<()> {
    let listener = listen(path)?;
    for _ in 0..count {
        let (caller, _) = listener.accept()?;
        let _ = fs::remove_file(path);
        let _ = echo(&caller);
    }
    Ok(())
}

fn lines(path: &Path, count: usize) -> io::Result<()> {
    use std::io::BufRead;
    let listener = listen(path)?;
    for caller in listener.incoming().take(count) {
        let mut caller = caller?;
        for line in io::BufReader::new(caller.try_clone()?).lines() {
            let _ = caller.write_all(line?.as_bytes());
        }
    }
    fs::remove_file(path)
}

fn at_the_end(path: &Path, count: usize) -> io::Result<()> {
    let listener = listen(path)?;
    for caller in listener.incoming().take(count) {
        let mut caller = caller?;
        let mut said = Vec::new();
        caller.read_to_end(&mut said)?;
        let _ = caller.write_all(&said);
    }
    fs::remove_file(path)
}

fn serves_on(path: &Path, _: usize) -> io::Result<()> {
    visits(&listen(path)?, usize::MAX)
}

fn another_kind(path: &Path, count: usize) -> io::Result<()> {
    let listener = match listen(path) {
        Err(error) if error.kind() == ErrorKind::AddrInUse => {
            return Err(io::Error::new(ErrorKind::AlreadyExists, error));
        }
        result => result?,
    };
    visits(&listener, count)?;
    fs::remove_file(path)
}

fn loses_one(path: &Path, count: usize) -> io::Result<()> {
    let listener = listen(path)?;
    for caller in listener.incoming().take(count) {
        let mut caller = caller?;
        let _ = caller.read_exact(&mut [0]);
        let _ = echo(&caller);
    }
    fs::remove_file(path)
}
