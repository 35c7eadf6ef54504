//! A process as a page of text.

use crate::descriptor::{Descriptor, Kind};
use crate::process::Process;
use crate::socket::{TcpSocket, UdpSocket, UnixSocket};
use crate::words::{count, list, printable, wrap};

/// How far the lines under a heading are set in.
const INDENT: usize = 2;
/// Between two columns.
const GAP: usize = 2;
/// A column of text under this width is harder to read than a paragraph.
const NARROW: usize = 30;
/// As much of a command line as helps to recognise the process.
const LONG: usize = 200;

pub(crate) fn page(process: &Process, width: usize) -> String {
    let mut page = Page {
        text: String::new(),
        width,
    };
    page.header(process);
    page.threads(process);
    page.sockets(process);
    page.other_descriptors(process);
    page.children(process);
    page.unseen(process);
    page.text
}

struct Page {
    text: String,
    width: usize,
}

impl Page {
    fn header(&mut self, process: &Process) {
        let title = format!("process {}, {}", process.pid, printable(&process.name));
        self.paragraph(0, &title);
        if !process.command.is_empty() {
            let command = shorten(&process.command.join(" "));
            self.paragraph(INDENT, &printable(&command));
        }
        if process.is_zombie() {
            let fate =
                "It has ended and waits to be collected by its parent (a zombie).";
            self.paragraph(INDENT, fate);
        }
    }

    fn threads(&mut self, process: &Process) {
        if process.is_zombie() {
            return;
        }
        self.heading(&count(process.threads.len() as u64, "thread"));
        let rows: Vec<_> = process
            .threads
            .iter()
            .map(|thread| {
                let label = format!("{}  {}", thread.tid, printable(&thread.name));
                (label, thread.to_string())
            })
            .collect();
        self.labelled(&rows);
    }

    fn sockets(&mut self, process: &Process) {
        let rows: Vec<[String; 5]> =
            process.descriptors.iter().filter_map(row).collect();
        if rows.is_empty() {
            return;
        }
        self.heading(&count(rows.len() as u64, "socket"));
        let titles = ["fd", "state", "local", "remote", "queues"].map(str::to_string);
        let table: Vec<[String; 5]> = [vec![titles], rows].concat();
        let widths: [usize; 5] = std::array::from_fn(|column| {
            table
                .iter()
                .map(|row| row[column].chars().count())
                .max()
                .unwrap_or(0)
        });
        let whole = INDENT + widths.iter().sum::<usize>() + 4 * GAP;
        match whole <= self.width {
            true => table.iter().for_each(|row| self.row(row, &widths)),
            false => self.stacked(&table[1..]),
        }
    }

    fn row(&mut self, row: &[String; 5], widths: &[usize; 5]) {
        let mut line = " ".repeat(INDENT);
        for (cell, width) in row.iter().zip(widths) {
            line += &format!("{cell:<0$}", width + GAP);
        }
        self.line(line.trim_end());
    }

    /// The table where it is too wide for the page: a paragraph for each row.
    fn stacked(&mut self, rows: &[[String; 5]]) {
        let rows: Vec<_> = rows
            .iter()
            .map(|[fd, state, local, remote, queues]| {
                let mut parts = vec![state.clone(), local.clone()];
                if !remote.is_empty() {
                    parts.push(format!("to {remote}"));
                }
                if !queues.is_empty() {
                    parts.push(queues.clone());
                }
                parts.retain(|part| !part.is_empty());
                (fd.clone(), parts.join(", "))
            })
            .collect();
        self.labelled(&rows);
    }

    /// Descriptors that are no sockets; those that stand for the same in one line.
    fn other_descriptors(&mut self, process: &Process) {
        let others = process
            .descriptors
            .iter()
            .filter(|descriptor| !is_socket(descriptor));
        let mut groups: Vec<(String, Vec<i32>)> = Vec::new();
        for descriptor in others {
            let noun = descriptor.what.to_string();
            match groups.iter_mut().find(|(known, _)| *known == noun) {
                Some((_, fds)) => fds.push(descriptor.fd),
                None => groups.push((noun, vec![descriptor.fd])),
            }
        }
        if groups.is_empty() {
            return;
        }
        let number: usize = groups.iter().map(|(_, fds)| fds.len()).sum();
        self.heading(&count(number as u64, "other descriptor"));
        for (noun, fds) in groups {
            let fds: Vec<String> = fds.iter().map(i32::to_string).collect();
            self.paragraph(INDENT, &format!("{}: {noun}", list(&fds)));
        }
    }

    fn children(&mut self, process: &Process) {
        if process.children.is_empty() {
            return;
        }
        match process.children.len() {
            1 => self.heading("1 child"),
            more => self.heading(&format!("{more} children")),
        }
        let rows: Vec<_> = process
            .children
            .iter()
            .map(|child| {
                let fate = match child.zombie {
                    true => "ended, not yet collected by wait (a zombie)",
                    false => "alive",
                };
                (
                    format!("{}  {}", child.pid, printable(&child.name)),
                    fate.to_string(),
                )
            })
            .collect();
        self.labelled(&rows);
    }

    fn unseen(&mut self, process: &Process) {
        if !process.unseen.is_empty() {
            self.heading("not seen");
        }
        for sentence in &process.unseen {
            self.paragraph(INDENT, &printable(sentence));
        }
    }

    fn heading(&mut self, text: &str) {
        self.line("");
        self.line(text);
    }

    /// A label and its text on each line, the texts below one another; or each text
    /// under its label where the page is too narrow for two columns.
    fn labelled(&mut self, rows: &[(String, String)]) {
        let widest = rows
            .iter()
            .map(|(label, _)| label.chars().count())
            .max()
            .unwrap_or(0);
        let left = INDENT + widest + GAP;
        let room = self.width.saturating_sub(left);
        for (label, text) in rows {
            if room < NARROW {
                self.paragraph(INDENT, label);
                self.paragraph(2 * INDENT, text);
                continue;
            }
            let mut label = label.as_str();
            for line in wrap(text, room) {
                self.line(&format!("{:INDENT$}{label:widest$}{:GAP$}{line}", "", ""));
                label = "";
            }
        }
    }

    fn paragraph(&mut self, indent: usize, text: &str) {
        for line in wrap(text, self.width - indent) {
            self.line(&format!("{:indent$}{line}", ""));
        }
    }

    fn line(&mut self, text: &str) {
        self.text += text.trim_end();
        self.text.push('\n');
    }
}

fn is_socket(descriptor: &Descriptor) -> bool {
    row(descriptor).is_some()
}

/// Descriptor, state, local address, remote address and queues of a socket.
fn row(descriptor: &Descriptor) -> Option<[String; 5]> {
    let [state, local, remote, queues] = match &descriptor.what {
        Kind::Tcp(socket) => tcp(socket),
        Kind::Udp(socket) => udp(socket),
        Kind::Unix(socket) => unix(socket),
        _ => return None,
    };
    Some([descriptor.fd.to_string(), state, local, remote, queues])
}

fn tcp(socket: &TcpSocket) -> [String; 4] {
    let local = match socket.local.port() {
        0 => String::new(),
        _ => socket.local.to_string(),
    };
    let remote = socket
        .remote
        .map(|remote| remote.to_string())
        .unwrap_or_default();
    let queues = match (socket.waiting, socket.remote) {
        (Some(waiting), _) => accept_queue(waiting, socket.backlog),
        (None, Some(_)) => {
            format!("{} unread, {} unacked", socket.unread, socket.unsent)
        }
        (None, None) => String::new(),
    };
    [socket.state.clone(), local, remote, queues]
}

fn udp(socket: &UdpSocket) -> [String; 4] {
    let local = match socket.local.port() {
        0 => String::new(),
        _ => socket.local.to_string(),
    };
    let remote = socket
        .remote
        .map(|remote| remote.to_string())
        .unwrap_or_default();
    let queues = match socket.unread {
        0 => "nothing unread",
        _ => "unread datagrams",
    };
    ["UDP".to_string(), local, remote, queues.to_string()]
}

fn unix(socket: &UnixSocket) -> [String; 4] {
    let name =
        |path: &Option<String>| path.as_deref().map(printable).unwrap_or_default();
    let queues = match (socket.waiting, socket.unread) {
        (Some(waiting), _) => accept_queue(waiting, socket.backlog),
        (None, Some(unread)) => format!("{unread} unread"),
        (None, None) => String::new(),
    };
    let state = format!("Unix {}", socket.state);
    [state, name(&socket.path), name(&socket.peer_path), queues]
}

fn accept_queue(waiting: u32, backlog: Option<u32>) -> String {
    match backlog {
        Some(backlog) => format!("{waiting} of {backlog} waiting"),
        None => format!("{waiting} waiting"),
    }
}

/// The first part of a text that may be of any length.
fn shorten(text: &str) -> String {
    match text.char_indices().nth(LONG) {
        Some((end, _)) => format!("{} ...", &text[..end]),
        None => text.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::call::Call;
    use crate::descriptor::{PipeEnd, Watch};
    use crate::process::Relative;
    use crate::socket::UnixKind;
    use crate::thread::Thread;
    use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr};
    use std::path::PathBuf;
    use std::time::Instant;

    fn descriptor(fd: i32, what: Kind) -> Descriptor {
        Descriptor {
            fd,
            what,
            inode: None,
        }
    }

    fn tcp(state: &str, remote: Option<&str>, waiting: Option<u32>) -> Kind {
        Kind::Tcp(TcpSocket {
            local: "127.0.0.1:8009".parse().expect("an address"),
            remote: remote.map(|text| text.parse().expect("an address")),
            state: state.to_string(),
            unread: 5,
            end_unread: false,
            unsent: 0,
            waiting,
            backlog: waiting.map(|_| 128),
            accepted: Some(true),
        })
    }

    fn terminal() -> Kind {
        Kind::File(PathBuf::from("/dev/pts/0"))
    }

    fn server() -> Process {
        let remote = Some("127.0.0.1:58974");
        let connection = descriptor(4, tcp("ESTABLISHED", remote, None));
        let call = Call {
            name: "recvfrom".to_string(),
            args: [4, 0, 0, 0, 0, 0],
            descriptor: Some(connection.clone()),
            watched: vec![],
        };
        let main = Thread {
            tid: 4711,
            name: "lesson-1".to_string(),
            state: 'S',
            call: Some(call),
            unseen: None,
            switches: 3,
            run_ns: 1,
            wait_ns: 1,
        };
        let worker = Thread {
            tid: 4712,
            state: 'R',
            call: None,
            ..main.clone()
        };
        let listener = descriptor(3, tcp("LISTEN", None, Some(2)));
        let mut descriptors: Vec<_> =
            (0..3).map(|fd| descriptor(fd, terminal())).collect();
        descriptors.extend([listener, connection]);
        let child = |pid, zombie| Relative {
            pid,
            name: "sh".to_string(),
            zombie,
        };
        Process {
            pid: 4711,
            name: "lesson-1".to_string(),
            command: ["lesson-1", "server"].map(str::to_string).to_vec(),
            threads: vec![main, worker],
            descriptors,
            children: vec![child(4720, true), child(4721, false)],
            at: Instant::now(),
            settled: true,
            unseen: vec!["the weather: no window".to_string()],
        }
    }

    #[test]
    fn a_page_reads_from_the_whole_to_the_parts() {
        let expected = "\
process 4711, lesson-1
  lesson-1 server

2 threads
  4711  lesson-1  blocked in recvfrom on fd 4, the connection from
                  127.0.0.1:58974; 5 bytes unread
  4712  lesson-1  running or ready to run

2 sockets
  fd  state        local           remote           queues
  3   LISTEN       127.0.0.1:8009                   2 of 128 waiting
  4   ESTABLISHED  127.0.0.1:8009  127.0.0.1:58974  5 unread, 0 unacked

3 other descriptors
  0, 1 and 2: the terminal /dev/pts/0

2 children
  4720  sh  ended, not yet collected by wait (a zombie)
  4721  sh  alive

not seen
  the weather: no window
";
        assert_eq!(server().to_text(80), expected);
    }

    #[test]
    fn on_a_narrow_page_columns_become_paragraphs() {
        let expected = "\
process 4711, lesson-1
  lesson-1 server

2 threads
  4711 lesson-1
    blocked in recvfrom on fd 4, the
    connection from 127.0.0.1:58974; 5
    bytes unread
  4712 lesson-1
    running or ready to run

2 sockets
  3  LISTEN, 127.0.0.1:8009, 2 of 128
     waiting
  4  ESTABLISHED, 127.0.0.1:8009, to
     127.0.0.1:58974, 5 unread, 0
     unacked
";
        let page = server().to_text(40);
        assert!(page.starts_with(expected), "{page}");
    }

    #[test]
    fn one_of_each_is_told_in_the_singular_and_none_not_at_all() {
        let mut process = server();
        process.threads.truncate(1);
        process.children.truncate(1);
        process.descriptors = vec![descriptor(0, terminal())];
        process.unseen.clear();
        let page = process.to_text(80);
        let headings = page.lines().filter(|line| !line.starts_with(' ')).skip(1);
        let headings: Vec<&str> = headings.filter(|line| !line.is_empty()).collect();
        assert_eq!(headings, ["1 thread", "1 other descriptor", "1 child"]);
    }

    #[test]
    fn a_command_line_of_any_length_takes_a_few_lines() {
        let mut process = server();
        process.command = vec!["ä".repeat(100_000)];
        let page = process.to_text(80);
        assert!(page.contains("ä ...\n"), "{page}");
        assert!(page.lines().count() < 30, "{page}");
    }

    fn word(random: &mut fastrand::Rng) -> String {
        let alphabet = ['a', ' ', '\n', '\x1b', 'é', '/', '音'];
        let letters = 0..random.usize(0..40);
        letters
            .map(|_| random.choice(alphabet).unwrap_or('a'))
            .collect()
    }

    fn anything(random: &mut fastrand::Rng) -> Kind {
        let v4 = SocketAddr::from((Ipv4Addr::from(random.u32(..)), random.u16(..)));
        let v6 = SocketAddr::from((Ipv6Addr::from(random.u128(..)), random.u16(..)));
        let name = word(random);
        match random.u8(0..7) {
            0 => tcp("LISTEN", None, Some(random.u32(..))),
            1 => Kind::Udp(UdpSocket {
                local: v6,
                remote: Some(v4),
                unread: 1,
                unsent: 2,
            }),
            2 => Kind::Unix(UnixSocket {
                kind: UnixKind::Sequenced,
                path: Some(name.clone()),
                state: "CONNECTED".to_string(),
                peer_path: Some(name),
                unread: Some(random.u32(..)),
                waiting: None,
                backlog: None,
            }),
            3 => Kind::Pipe { end: PipeEnd::Read },
            4 => Kind::File(PathBuf::from(name)),
            5 => Kind::Epoll(vec![Watch {
                fd: 1,
                events: 2,
                inode: None,
            }]),
            _ => Kind::Other(name),
        }
    }

    #[test]
    fn whatever_the_names_a_page_keeps_its_width_and_holds_no_commands() {
        for seed in 0..2_000 {
            let mut random = fastrand::Rng::with_seed(seed);
            let mut process = server();
            process.name = word(&mut random);
            process.threads[1].name = word(&mut random);
            process.children[0].name = word(&mut random);
            process.command.push(word(&mut random));
            process.unseen.push(word(&mut random));
            let fds = 0..random.i32(0..9);
            let descriptors = fds.map(|fd| descriptor(fd, anything(&mut random)));
            process.descriptors = descriptors.collect();
            let width = random.usize(0..120);
            let page = process.to_text(width);
            let longest = page.lines().map(|line| line.chars().count()).max();
            assert!(
                longest <= Some(width.max(40)),
                "seed {seed}, width {width}:\n{page}"
            );
            let control = |c: char| c.is_control() && c != '\n';
            assert!(!page.contains(control), "seed {seed}: {page:?}");
        }
    }
}
