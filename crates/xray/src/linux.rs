//! Reading `/proc`.
//!
//! `procfs` opens the process's directory once and reads every file relative to it,
//! so that all answers are about the same process even if its number is given to
//! another.

use crate::call::Call;
use crate::descriptor::{Descriptor, Kind, PipeEnd, Watch};
use crate::parse::{self, Doing};
use crate::process::{Glance, Process, Relative};
use crate::tables::{self, Tables};
use crate::thread::{Thread, all_slept};
use procfs::process::{FDInfo, FDPermissions, FDTarget, Process as Directory, Task};
use procfs::{FromRead, ProcError, ProcResult};
use std::fs;
use std::io::{self, Read};
use std::path::Path;
use std::time::Instant;

pub(crate) use crate::limits::time_limit;
pub(crate) use crate::tables::tcp_on;

const DENIED: &str = "permission denied";
const WHO_MAY: &str = "permission denied (root may see it, the owner, and on some \
                       systems only a parent)";

pub(crate) fn glance(pid: u32) -> io::Result<Glance> {
    let directory = open(pid)?;
    let at = Instant::now();
    let (pid, threads) = threads(&directory).map_err(|error| failure(pid, &error))?;
    Ok(Glance { pid, threads, at })
}

pub(crate) fn children(pid: u32) -> io::Result<Vec<Relative>> {
    Ok(children_in(&open(pid)?, pid))
}

pub(crate) fn wait_status(pid: u32) -> io::Result<Option<i32>> {
    let stat = open(pid)?.stat().map_err(|error| failure(pid, &error))?;
    Ok(stat.exit_code.filter(|_| stat.state == 'Z'))
}

pub(crate) fn resolve(glance: &Glance) -> io::Result<Process> {
    let pid = glance.pid;
    let directory = open(pid)?;
    let has_ended = glance.threads.iter().all(Thread::has_ended);
    let descriptors = match has_ended {
        true => Ok(Vec::new()), // closed when it ended
        false => descriptors(&directory, pid),
    };
    let children = children_in(&directory, pid);

    let at = Instant::now();
    let (_, later) =
        self::threads(&directory).map_err(|error| failure(pid, &error))?;
    if !has_ended && later.iter().all(Thread::has_ended) {
        // It ended while we looked: then that is the picture.
        return resolve(&Glance {
            pid,
            threads: later,
            at,
        });
    }
    let unseen = unseen(&glance.threads, descriptors.as_ref().err());
    let descriptors = descriptors.unwrap_or_default();
    let mut threads = glance.threads.clone();
    for call in threads.iter_mut().filter_map(|thread| thread.call.as_mut()) {
        attach(call, &descriptors);
    }
    let name = threads.first().map(|thread| thread.name.clone());
    Ok(Process {
        pid,
        name: name.unwrap_or_default(),
        command: directory.cmdline().unwrap_or_default(),
        threads,
        descriptors,
        children,
        at: glance.at,
        settled: has_ended || all_slept(&glance.threads, &later),
        unseen,
    })
}

/// What could not be seen and why.
fn unseen(threads: &[Thread], descriptors: Option<&ProcError>) -> Vec<String> {
    let calls = threads.iter().find_map(|thread| thread.unseen.as_deref());
    let calls = calls.map(|reason| if reason == DENIED { WHO_MAY } else { reason });
    let calls =
        calls.map(|reason| format!("the system calls of its threads: {reason}"));
    let descriptors = descriptors.map(|error| match error {
        ProcError::PermissionDenied(_) => format!("its open descriptors: {WHO_MAY}"),
        other => format!("its open descriptors: {other}"),
    });
    descriptors.into_iter().chain(calls).collect()
}

/// The numbers of the processes with this name.
pub(crate) fn named(name: &str) -> io::Result<Vec<u32>> {
    // The kernel keeps 15 bytes of a name, cut wherever that falls.
    let kept = &name.as_bytes()[..name.len().min(15)];
    let kept = String::from_utf8_lossy(kept);
    let entries = fs::read_dir("/proc")?.flatten();
    let numbers =
        entries.filter_map(|entry| entry.file_name().to_str()?.parse().ok());
    let alive = |is: parse::Status| is.name == kept && !matches!(is.state, 'Z' | 'X');
    let mut found: Vec<u32> = numbers
        .filter(|pid| status(*pid).is_some_and(alive))
        .collect();
    found.sort_unstable();
    Ok(found)
}

fn open(pid: u32) -> io::Result<Directory> {
    let number = i32::try_from(pid).map_err(|_| no_process(pid))?;
    Directory::new(number).map_err(|error| failure(pid, &error))
}

/// The threads, and the process's own number: `/proc` has an entry for the number of
/// every thread, so we may have been asked by that of another than the first.
fn threads(directory: &Directory) -> ProcResult<(u32, Vec<Thread>)> {
    let mut process = None;
    let mut threads = Vec::new();
    let mut failure = ProcError::NotFound(None);
    for task in directory.tasks()?.flatten() {
        match thread(&task) {
            Ok((pid, thread)) => {
                process = Some(pid);
                threads.push(thread);
            }
            Err(ProcError::NotFound(_)) => {} // it has ended since the list was made
            Err(error) => failure = error,
        }
    }
    process.map(|pid| (pid, threads)).ok_or(failure)
}

/// A thread, and the number of its process.
///
/// The order matters. If a second look finds the count of switches unchanged, the
/// thread slept from the first reading of `status` to the second, and so did it in
/// between, when `syscall` was read.
fn thread(task: &Task) -> ProcResult<(u32, Thread)> {
    let text = task.read::<_, Text>("status")?;
    let status = parse::status(&text.0).ok_or(ProcError::Incomplete(None))?;
    let mut thread = Thread {
        tid: task.tid.unsigned_abs(),
        name: status.name,
        state: status.state,
        call: None,
        unseen: None,
        switches: status.switches,
        run_ns: 0,
        wait_ns: 0,
    };
    if matches!(thread.state, 'S' | 'D') {
        match task.read::<_, Text>("syscall") {
            Ok(text) => set_call(&mut thread, &text.0),
            // Either the thread has ended, and then this fails too, or there is no
            // such file, as under some emulations of Linux.
            Err(ProcError::NotFound(_)) => {
                task.read::<_, Text>("status")?;
                thread.unseen = Some("this kernel does not tell".to_string());
            }
            Err(ProcError::PermissionDenied(_)) => {
                thread.unseen = Some(DENIED.to_string());
            }
            Err(error) => thread.unseen = Some(error.to_string()),
        }
    }
    if let Ok(times) = task.schedstat() {
        (thread.run_ns, thread.wait_ns) = (times.sum_exec_runtime, times.run_delay);
    }
    Ok((status.process, thread))
}

/// What a thread that was asleep a moment ago is in, by the text of `syscall`.
fn set_call(thread: &mut Thread, text: &str) {
    match parse::syscall(text) {
        Some(Doing::Call {
            number,
            args,
            stack,
        }) => {
            thread.call = Some(call(number, args, stack));
        }
        Some(Doing::Running) => thread.state = 'R', // it has woken up meanwhile
        Some(Doing::Outside) => {}
        None => thread.unseen = Some(format!("the kernel says {:?}", text.trim())),
    }
}

/// Gives a call its name.
fn call(number: u64, args: [u64; 6], stack: u64) -> Call {
    // A program built for 32 bits numbers its calls otherwise, and `syscall` does not
    // say whose number it is. But such a program has its stack below 4 GiB, where one
    // for 64 bits hardly ever has it. In doubt we name no call rather than the wrong
    // one.
    let native = u32::try_from(stack).is_err();
    let name = name(number).filter(|_| native);
    let name = name.map_or_else(|| format!("system call {number}"), str::to_string);
    Call {
        name,
        args,
        descriptor: None,
        watched: Vec::new(),
    }
}

#[cfg(any(target_arch = "x86_64", target_arch = "aarch64"))]
fn name(number: u64) -> Option<&'static str> {
    let number = usize::try_from(number).ok()?;
    syscalls::Sysno::new(number).map(|call| call.name())
}

#[cfg(not(any(target_arch = "x86_64", target_arch = "aarch64")))]
fn name(_number: u64) -> Option<&'static str> {
    None
}

/// Gives a call the meaning of its descriptor, and of those that an epoll set
/// watches.
fn attach(call: &mut Call, descriptors: &[Descriptor]) {
    let find = |fd| descriptors.iter().find(|descriptor| descriptor.fd == fd);
    call.descriptor = call.fd().and_then(find).cloned();
    if let Some(Descriptor {
        what: Kind::Epoll(watches),
        ..
    }) = &call.descriptor
    {
        // The number may meanwhile stand for something else, and the set go on
        // watching what it stood for.
        let same = |watch: &Watch, now: &Descriptor| match (watch.inode, now.inode) {
            (Some(then), Some(now)) => then == now,
            _ => true,
        };
        let found = watches
            .iter()
            .filter_map(|watch| Some((watch, find(watch.fd)?)));
        let found = found.filter(|(watch, now)| same(watch, now));
        call.watched = found.map(|(_, now)| now.clone()).collect();
        // The kernel keeps them in a tree by their addresses in memory.
        call.watched.sort_by_key(|watched| watched.fd);
    }
}

fn descriptors(directory: &Directory, pid: u32) -> ProcResult<Vec<Descriptor>> {
    let open: Vec<FDInfo> = directory.fd()?.collect::<ProcResult<_>>()?;
    let protocols: Vec<Option<String>> = open
        .iter()
        .map(|info| match info.target {
            FDTarget::Socket(_) => tables::protocol(pid, info.fd),
            _ => Some(String::new()), // no socket: needs no table
        })
        .collect();
    let tables = Tables::read(directory, pid, &protocols);
    let describe = |(info, protocol): (&FDInfo, &Option<String>)| {
        let (what, inode) = match info.target {
            FDTarget::Socket(inode) => {
                (tables.find(inode, protocol.as_deref()), Some(inode))
            }
            FDTarget::Pipe(inode) => (kind(directory, info), Some(inode)),
            _ => (kind(directory, info), None),
        };
        Descriptor {
            fd: info.fd,
            what,
            inode,
        }
    };
    Ok(open.iter().zip(&protocols).map(describe).collect())
}

/// What a descriptor that is no socket stands for.
fn kind(directory: &Directory, info: &FDInfo) -> Kind {
    match &info.target {
        FDTarget::Path(path) => Kind::File(path.clone()),
        FDTarget::Pipe(_) => match pipe_end(info.mode()) {
            Some(end) => Kind::Pipe { end },
            None => {
                Kind::Other("a pipe, open for both reading and writing".to_string())
            }
        },
        FDTarget::AnonInode(name) if name == "[eventpoll]" => {
            let text = directory.read::<_, Text>(format!("fdinfo/{}", info.fd));
            Kind::Epoll(text.map(|text| parse::watches(&text.0)).unwrap_or_default())
        }
        FDTarget::AnonInode(name) => Kind::Other(noun(name.trim_matches(['[', ']']))),
        FDTarget::MemFD(_) => Kind::Other("a file in memory".to_string()),
        FDTarget::Net(_) => Kind::Other("a network namespace".to_string()),
        FDTarget::Other(name, _) => Kind::Other(noun(name)),
        FDTarget::Unknown(name, rest) => Kind::Other(format!("{name}:{rest}")),
        FDTarget::Socket(_) => Kind::Other("a socket".to_string()),
    }
}

fn pipe_end(mode: FDPermissions) -> Option<PipeEnd> {
    match (
        mode.contains(FDPermissions::READ),
        mode.contains(FDPermissions::WRITE),
    ) {
        (true, false) => Some(PipeEnd::Read),
        (false, true) => Some(PipeEnd::Write),
        _ => None,
    }
}

/// `an eventfd`, `a timerfd`.
fn noun(name: &str) -> String {
    match name.starts_with(['a', 'e', 'i', 'o', 'u']) {
        true => format!("an {name}"),
        false => format!("a {name}"),
    }
}

/// The children of all its threads: each thread has its own.
fn children_in(directory: &Directory, pid: u32) -> Vec<Relative> {
    let numbers = if Path::new("/proc/thread-self/children").exists() {
        let tasks = directory.tasks().into_iter().flatten().flatten();
        tasks
            .flat_map(|task| task.children().unwrap_or_default())
            .collect()
    } else {
        children_by_parent(pid) // a kernel without CONFIG_PROC_CHILDREN
    };
    numbers.into_iter().filter_map(relative).collect()
}

/// The same by asking every process on the machine for its parent.
fn children_by_parent(parent: u32) -> Vec<u32> {
    let entries = fs::read_dir("/proc").into_iter().flatten().flatten();
    let numbers =
        entries.filter_map(|entry| entry.file_name().to_str()?.parse().ok());
    numbers
        .filter(|pid| status(*pid).is_some_and(|is| is.parent == parent))
        .collect()
}

fn relative(pid: u32) -> Option<Relative> {
    let status = status(pid)?;
    Some(Relative {
        pid,
        name: status.name,
        zombie: matches!(status.state, 'Z' | 'X'),
    })
}

fn status(pid: u32) -> Option<parse::Status> {
    let text = fs::read(format!("/proc/{pid}/status")).ok()?;
    parse::status(&String::from_utf8_lossy(&text))
}

/// A whole file as text, whatever bytes are in it.
pub(crate) struct Text(pub String);

impl FromRead for Text {
    fn from_read<R: Read>(mut from: R) -> ProcResult<Self> {
        let mut bytes = Vec::with_capacity(4096);
        from.read_to_end(&mut bytes)?;
        Ok(Text(String::from_utf8_lossy(&bytes).into_owned()))
    }
}

fn no_process(pid: u32) -> io::Error {
    io::Error::new(
        io::ErrorKind::NotFound,
        format!("there is no process {pid}"),
    )
}

/// Why nothing can be said of the process at all.
fn failure(pid: u32, error: &ProcError) -> io::Error {
    match error {
        ProcError::NotFound(_) => no_process(pid),
        ProcError::PermissionDenied(_) => io::Error::new(
            io::ErrorKind::PermissionDenied,
            format!("cannot look at process {pid}: {WHO_MAY}"),
        ),
        other => io::Error::other(format!("cannot look at process {pid}: {other}")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::process::{Child, Command};

    struct Guard(Child);

    impl Drop for Guard {
        fn drop(&mut self) {
            let _ = self.0.kill();
            let _ = self.0.wait();
        }
    }

    #[test]
    fn both_ways_find_the_same_child() {
        let child = Command::new("sleep")
            .arg("60")
            .spawn()
            .map(Guard)
            .expect("sleep");
        let me = std::process::id();
        assert!(children_by_parent(me).contains(&child.0.id()));
        assert!(!children_by_parent(child.0.id()).contains(&child.0.id()));
        let listed = children(me).expect("one may look at oneself");
        assert!(listed.iter().any(|is| is.pid == child.0.id()), "{listed:?}");
    }

    #[cfg(any(target_arch = "x86_64", target_arch = "aarch64"))]
    #[test]
    fn a_call_is_named_unless_it_may_be_of_a_32_bit_program() {
        let accept4 = syscalls::Sysno::accept4 as u64;
        let name = |number, stack| call(number, [0; 6], stack).name;
        assert_eq!(name(accept4, 0x7ffc_e13d_4fb8), "accept4");
        assert_eq!(name(accept4, 0xffff_dfb8), format!("system call {accept4}"));
        assert_eq!(name(99_999, 0x7ffc_e13d_4fb8), "system call 99999");
    }

    #[test]
    fn a_number_that_was_given_away_is_not_what_an_epoll_set_watches() {
        let watch = |fd, inode| Watch {
            fd,
            events: 1,
            inode,
        };
        let watches = vec![watch(3, Some(30)), watch(4, Some(99)), watch(5, None)];
        let open = |fd, what, inode| Descriptor { fd, what, inode };
        let noun = || Kind::Other("a socket".to_string());
        let descriptors = [
            open(3, noun(), Some(30)),
            open(4, noun(), Some(40)),
            open(5, noun(), Some(50)),
            open(7, Kind::Epoll(watches), None),
        ];
        let mut wait = call(u64::MAX, [7, 0, 0, 0, 0, 0], 0);
        wait.name = "epoll_wait".to_string();
        attach(&mut wait, &descriptors);
        assert_eq!(wait.descriptor.as_ref(), descriptors.last());
        assert_eq!(
            wait.watched,
            [descriptors[0].clone(), descriptors[2].clone()]
        );
    }

    #[test]
    fn a_thread_that_wakes_up_between_two_readings_is_running() {
        let mut thread = Thread {
            tid: 1,
            name: "main".to_string(),
            state: 'S',
            call: None,
            unseen: None,
            switches: 0,
            run_ns: 0,
            wait_ns: 0,
        };
        set_call(&mut thread, "-1 0x7ffd8f41c8a8 0x5600\n");
        assert_eq!(thread.to_string(), "asleep, but not in a system call");
        set_call(&mut thread, "?\n");
        let expected =
            "blocked in a system call that cannot be seen: the kernel says \"?\"";
        assert_eq!(thread.to_string(), expected);
        set_call(&mut thread, "running\n");
        assert_eq!(thread.to_string(), "running or ready to run");
    }

    #[test]
    fn what_has_no_name_in_the_file_system_is_told_by_its_type() {
        assert_eq!(noun("eventfd"), "an eventfd");
        assert_eq!(noun("timerfd"), "a timerfd");
    }
}
