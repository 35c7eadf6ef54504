//! Answers to `threads/chat`.

use std::collections::{HashMap, VecDeque};
use std::io::{self, BufRead, BufReader, ErrorKind, Read as _, Write};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::mpsc::{self, Receiver, Sender, SyncSender};
use std::sync::{Arc, Condvar, Mutex};
use std::thread;
use std::time::Duration;

use checks::answers::{Answer, Expected};
use checks_threads::chat as check;

const WELCOME: &[u8] = b"welcome\n";
const MAX_LINE: usize = 64 << 10;

pub fn answers() -> Vec<Answer> {
    vec![
        Answer::right("chat right: channels", check(channels)),
        Answer::right("chat right: one who tells", check(one_who_tells)),
        Answer::right("chat right: a queue by hand", check(by_hand)),
        Answer::right("chat right: bytes by hand", check(bytes_by_hand)),
        Answer::wrong("M102", "chat: a lock across the write", check(locked)),
        Answer::wrong(
            "M102",
            "chat: a lock, and waits for room",
            check(locked_room),
        ),
        Answer::wrong("M109", "chat: one write after another", check(one_by_one)),
        Answer::wrong("M109", "chat: waits for room", check(waits_for_room)),
        Answer::wrong("M103", "chat: no end of the queue", check(unbounded)),
        Answer::wrong("M107", "chat: echo", check(echo)),
        Answer::wrong("M1", "chat: one read", check(one_read)),
        Answer::wrong("M10", "chat: tail lost", check(tail_lost)),
        Answer::wrong("M9", "chat: tail bare", check(tail_bare)),
        Answer::wrong("M13", "chat: a leaver stays", check(leaver_stays)),
        Answer::unnamed("slow", "chat: throws lines away", check(throws_away)),
        Answer::unnamed("two", "chat: in two writes", check(two_writes)),
        Answer::unnamed("endless", "chat: no limit", check(no_limit)),
        Answer::unnamed("longest", "chat: one byte too strict", check(too_strict)),
        Answer::unnamed("bytes", "chat: only text", check(only_text)),
        Answer::unnamed("room", "chat: no welcome", check(no_welcome)),
        Answer::unnamed("bytes", "chat: empty lines skipped", check(no_empty)),
        Answer {
            name: "chat: the stub",
            check: check(|_, _| todo!("the task")),
            expected: Expected::Untouched,
        },
    ]
}

type Line = Arc<[u8]>;

struct Member {
    queue: SyncSender<Line>,
    stream: TcpStream,
}

type Room = Arc<Mutex<HashMap<SocketAddr, Member>>>;

type Read = fn(&TcpStream, &mut dyn FnMut(Vec<u8>)) -> io::Result<()>;

/// A room without queues.
type Streams = Mutex<HashMap<SocketAddr, Arc<TcpStream>>>;

/// How a line is told, and how lines are read.
#[derive(Clone, Copy)]
struct Way {
    tell: fn(&Room, SocketAddr, Line),
    read: Read,
    bound: fn(usize) -> usize,
    leaves: bool,
}

const RIGHT: Way = Way {
    tell: try_all,
    read: lines,
    bound: |queue| queue,
    leaves: true,
};

fn serve(listener: TcpListener, queue: usize, way: Way) -> io::Result<()> {
    let room = Room::default();
    loop {
        let (stream, peer) = listener.accept()?;
        let room = Arc::clone(&room);
        thread::spawn(move || visit(&room, peer, &stream, (way.bound)(queue), way));
    }
}

fn visit(room: &Room, peer: SocketAddr, stream: &TcpStream, queue: usize, way: Way) {
    let (sender, receiver) = mpsc::sync_channel(queue);
    let member = Member {
        queue: sender,
        stream: stream.try_clone().unwrap(),
    };
    room.lock().unwrap().insert(peer, member);
    let writer = stream.try_clone().unwrap();
    thread::spawn(move || write(&writer, receiver));
    let _ = (way.read)(stream, &mut |line| (way.tell)(room, peer, line.into()));
    if way.leaves {
        room.lock().unwrap().remove(&peer);
        let _ = stream.shutdown(Shutdown::Both);
    }
}

fn write(mut stream: &TcpStream, lines: Receiver<Line>) {
    let mut told = stream.write_all(WELCOME);
    for line in lines {
        told = told.and_then(|()| stream.write_all(&line));
    }
    let _ = stream.shutdown(Shutdown::Both);
}

fn lines(stream: &TcpStream, tell: &mut dyn FnMut(Vec<u8>)) -> io::Result<()> {
    let mut input = BufReader::new(stream);
    loop {
        let mut line = Vec::new();
        (&mut input)
            .take(MAX_LINE as u64)
            .read_until(b'\n', &mut line)?;
        match line.last() {
            None => return Ok(()),
            Some(b'\n') => {}
            Some(_) if line.len() == MAX_LINE => return Ok(()),
            Some(_) => line.push(b'\n'),
        }
        tell(line);
    }
}

fn try_all(room: &Room, speaker: SocketAddr, line: Line) {
    room.lock().unwrap().retain(|peer, member| {
        let hears = *peer == speaker || member.queue.try_send(line.clone()).is_ok();
        if !hears {
            let _ = member.stream.shutdown(Shutdown::Both);
        }
        hears
    });
}

fn channels(listener: TcpListener, queue: usize) -> io::Result<()> {
    serve(listener, queue, RIGHT)
}

/// What happens in the room, for the one thread that knows who is in it.
enum News {
    Came(SocketAddr, TcpStream),
    Said(SocketAddr, Vec<u8>),
    Left(SocketAddr),
}

/// One thread owns the room; there is no lock.
fn one_who_tells(listener: TcpListener, queue: usize) -> io::Result<()> {
    let (sender, news) = mpsc::channel();
    thread::spawn(move || keep_the_room(&news, queue));
    loop {
        let (stream, peer) = listener.accept()?;
        let sender: Sender<News> = sender.clone();
        thread::spawn(move || {
            let _ = sender.send(News::Came(peer, stream.try_clone().unwrap()));
            let _ = lines(&stream, &mut |line| {
                drop(sender.send(News::Said(peer, line)))
            });
            let _ = sender.send(News::Left(peer));
        });
    }
}

fn keep_the_room(news: &Receiver<News>, queue: usize) {
    let mut members: HashMap<SocketAddr, Member> = HashMap::new();
    for news in news {
        match news {
            News::Came(peer, stream) => {
                let (sender, lines) = mpsc::sync_channel(queue);
                let writer = stream.try_clone().unwrap();
                members.insert(
                    peer,
                    Member {
                        queue: sender,
                        stream,
                    },
                );
                thread::spawn(move || write(&writer, lines));
            }
            News::Said(speaker, line) => {
                let line: Line = line.into();
                let others = members.iter().filter(|(peer, _)| **peer != speaker);
                let full: Vec<SocketAddr> = others
                    .filter(|(_, member)| {
                        member.queue.try_send(line.clone()).is_err()
                    })
                    .map(|(peer, _)| *peer)
                    .collect();
                for peer in full {
                    let gone = members.remove(&peer).unwrap();
                    let _ = gone.stream.shutdown(Shutdown::Both);
                }
            }
            News::Left(peer) => drop(members.remove(&peer)),
        }
    }
}

/// A queue of its own making: a deque, a lock and a condvar for each member.
fn by_hand(listener: TcpListener, queue: usize) -> io::Result<()> {
    struct Queue {
        lines: Mutex<(VecDeque<Vec<u8>>, bool)>,
        news: Condvar,
        stream: TcpStream,
    }
    impl Queue {
        fn write(&self) {
            let mut told = (&self.stream).write_all(WELCOME);
            while told.is_ok() {
                let mut lines = self.lines.lock().unwrap();
                while lines.0.is_empty() && !lines.1 {
                    lines = self.news.wait(lines).unwrap();
                }
                let Some(line) = lines.0.pop_front() else {
                    break;
                };
                drop(lines);
                told = (&self.stream).write_all(&line);
            }
            self.close();
        }
        fn close(&self) {
            self.lines.lock().unwrap().1 = true;
            self.news.notify_one();
            let _ = self.stream.shutdown(Shutdown::Both);
        }
    }
    let room: Arc<Mutex<Vec<Arc<Queue>>>> = Arc::default();
    loop {
        let (stream, _) = listener.accept()?;
        let room = Arc::clone(&room);
        let member = Arc::new(Queue {
            lines: Mutex::default(),
            news: Condvar::new(),
            stream,
        });
        room.lock().unwrap().push(Arc::clone(&member));
        let writer = Arc::clone(&member);
        thread::spawn(move || writer.write());
        thread::spawn(move || {
            let _ = lines(&member.stream, &mut |line| {
                let others: Vec<Arc<Queue>> = room.lock().unwrap().clone();
                for other in
                    others.iter().filter(|other| !Arc::ptr_eq(other, &member))
                {
                    let mut lines = other.lines.lock().unwrap();
                    let full = lines.0.len() >= queue;
                    if !full {
                        lines.0.push_back(line.clone());
                        other.news.notify_one();
                    }
                    drop(lines);
                    if full {
                        other.close();
                    }
                }
            });
            room.lock()
                .unwrap()
                .retain(|other| !Arc::ptr_eq(other, &member));
            member.close();
        });
    }
}

/// Reads pieces, and cuts lines out of what has come.
fn bytes_by_hand(listener: TcpListener, queue: usize) -> io::Result<()> {
    let read = |mut stream: &TcpStream, tell: &mut dyn FnMut(Vec<u8>)| {
        let (mut pending, mut buffer) = (Vec::new(), [0; 777]);
        loop {
            let read = stream.read(&mut buffer)?;
            if read == 0 && pending.is_empty() {
                return Ok(());
            }
            pending.extend_from_slice(if read == 0 {
                b"\n"
            } else {
                &buffer[..read]
            });
            while let Some(end) = pending.iter().position(|byte| *byte == b'\n') {
                tell(pending.drain(..=end).collect());
            }
            if pending.len() > MAX_LINE {
                return Err(ErrorKind::InvalidData.into());
            }
        }
    };
    serve(listener, queue, Way { read, ..RIGHT })
}

/// Without queues: whoever speaks writes to all the others itself.
fn by_itself(
    listener: TcpListener,
    tell: fn(&Streams, SocketAddr, &[u8]),
) -> io::Result<()> {
    let room: Arc<Streams> = Arc::default();
    loop {
        let (stream, peer) = listener.accept()?;
        let (room, stream) = (Arc::clone(&room), Arc::new(stream));
        thread::spawn(move || {
            room.lock().unwrap().insert(peer, Arc::clone(&stream));
            let _ = (&*stream).write_all(WELCOME);
            let _ = lines(&stream, &mut |line| tell(&room, peer, &line));
            room.lock().unwrap().remove(&peer);
        });
    }
}

fn locked(listener: TcpListener, _: usize) -> io::Result<()> {
    by_itself(listener, |room, speaker, line| {
        for (peer, stream) in room.lock().unwrap().iter() {
            if *peer != speaker {
                let _ = (&**stream).write_all(line);
            }
        }
    })
}

fn one_by_one(listener: TcpListener, _: usize) -> io::Result<()> {
    by_itself(listener, |room, speaker, line| {
        let members = room.lock().unwrap().clone();
        for (peer, stream) in members {
            if peer != speaker {
                let _ = (&*stream).write_all(line);
            }
        }
    })
}

fn locked_room(listener: TcpListener, queue: usize) -> io::Result<()> {
    let tell: fn(&Room, SocketAddr, Line) = |room, speaker, line| {
        for (peer, member) in room.lock().unwrap().iter() {
            if *peer != speaker {
                let _ = member.queue.send(line.clone());
            }
        }
    };
    serve(listener, queue, Way { tell, ..RIGHT })
}

fn waits_for_room(listener: TcpListener, queue: usize) -> io::Result<()> {
    let tell: fn(&Room, SocketAddr, Line) = |room, speaker, line| {
        let others: Vec<SyncSender<Line>> = (room.lock().unwrap().iter())
            .filter(|(peer, _)| **peer != speaker)
            .map(|(_, member)| member.queue.clone())
            .collect();
        for other in others {
            let _ = other.send(line.clone());
        }
    };
    serve(listener, queue, Way { tell, ..RIGHT })
}

fn unbounded(listener: TcpListener, queue: usize) -> io::Result<()> {
    let bound = |_| 1_000_000;
    serve(listener, queue, Way { bound, ..RIGHT })
}

fn echo(listener: TcpListener, queue: usize) -> io::Result<()> {
    let tell: fn(&Room, SocketAddr, Line) = |room, _, line| {
        let nobody = SocketAddr::from(([0, 0, 0, 0], 0));
        try_all(room, nobody, line);
    };
    serve(listener, queue, Way { tell, ..RIGHT })
}

fn one_read(listener: TcpListener, queue: usize) -> io::Result<()> {
    let read = |mut stream: &TcpStream, tell: &mut dyn FnMut(Vec<u8>)| {
        let mut buffer = [0; 1024];
        loop {
            match stream.read(&mut buffer)? {
                0 => return Ok(()),
                read => tell(buffer[..read].to_vec()),
            }
        }
    };
    serve(listener, queue, Way { read, ..RIGHT })
}

fn tail_lost(listener: TcpListener, queue: usize) -> io::Result<()> {
    let read = |stream: &TcpStream, tell: &mut dyn FnMut(Vec<u8>)| {
        let mut input = BufReader::new(stream);
        let mut line = Vec::new();
        while (&mut input)
            .take(MAX_LINE as u64)
            .read_until(b'\n', &mut line)?
            > 0
        {
            if line.last() != Some(&b'\n') {
                break;
            }
            tell(std::mem::take(&mut line));
        }
        Ok(())
    };
    serve(listener, queue, Way { read, ..RIGHT })
}

fn tail_bare(listener: TcpListener, queue: usize) -> io::Result<()> {
    let read = |stream: &TcpStream, tell: &mut dyn FnMut(Vec<u8>)| {
        let mut input = BufReader::new(stream);
        let mut line = Vec::new();
        while (&mut input)
            .take(MAX_LINE as u64)
            .read_until(b'\n', &mut line)?
            > 0
        {
            tell(std::mem::take(&mut line));
        }
        Ok(())
    };
    serve(listener, queue, Way { read, ..RIGHT })
}

fn leaver_stays(listener: TcpListener, queue: usize) -> io::Result<()> {
    let leaves = false;
    serve(listener, queue, Way { leaves, ..RIGHT })
}

/// A full queue loses the line, and its member stays.
fn throws_away(listener: TcpListener, queue: usize) -> io::Result<()> {
    let tell: fn(&Room, SocketAddr, Line) = |room, speaker, line| {
        for (peer, member) in room.lock().unwrap().iter() {
            if *peer != speaker {
                let _ = member.queue.try_send(line.clone());
            }
        }
    };
    serve(listener, queue, Way { tell, ..RIGHT })
}

/// The text and its newline, each in its own time, by whoever speaks.
fn two_writes(listener: TcpListener, _: usize) -> io::Result<()> {
    by_itself(listener, |room, speaker, line| {
        let members = room.lock().unwrap().clone();
        let (newline, text) = line.split_last().unwrap();
        for (peer, stream) in members {
            if peer != speaker {
                let _ = stream.set_write_timeout(Some(Duration::from_millis(100)));
                let mut told = (&*stream).write_all(text);
                thread::sleep(Duration::from_micros(50)); // so that others get between
                told = told.and_then(|()| (&*stream).write_all(&[*newline]));
                if told.is_err() {
                    let _ = stream.shutdown(Shutdown::Both);
                    room.lock().unwrap().remove(&peer);
                }
            }
        }
    })
}

fn no_limit(listener: TcpListener, queue: usize) -> io::Result<()> {
    let read = |stream: &TcpStream, tell: &mut dyn FnMut(Vec<u8>)| {
        for line in BufReader::new(stream).split(b'\n') {
            let mut line = line?;
            line.push(b'\n');
            tell(line);
        }
        Ok(())
    };
    serve(listener, queue, Way { read, ..RIGHT })
}

fn only_text(listener: TcpListener, queue: usize) -> io::Result<()> {
    let read = |stream: &TcpStream, tell: &mut dyn FnMut(Vec<u8>)| {
        for line in BufReader::new(stream).lines() {
            tell(format!("{}\n", line?).into_bytes());
        }
        Ok(())
    };
    serve(listener, queue, Way { read, ..RIGHT })
}

fn no_welcome(listener: TcpListener, _: usize) -> io::Result<()> {
    loop {
        let (stream, _) = listener.accept()?;
        thread::spawn(move || lines(&stream, &mut |_| {}));
    }
}

fn no_empty(listener: TcpListener, queue: usize) -> io::Result<()> {
    let read = |stream: &TcpStream, tell: &mut dyn FnMut(Vec<u8>)| {
        lines(stream, &mut |line| {
            if line != b"\n" {
                tell(line);
            }
        })
    };
    serve(listener, queue, Way { read, ..RIGHT })
}

/// A line of just the longest size is taken for one that is too long.
fn too_strict(listener: TcpListener, queue: usize) -> io::Result<()> {
    let read = |stream: &TcpStream, tell: &mut dyn FnMut(Vec<u8>)| {
        let mut long = false;
        lines(stream, &mut |line| {
            long |= line.len() >= MAX_LINE;
            if !long {
                tell(line);
            }
        })
    };
    serve(listener, queue, Way { read, ..RIGHT })
}
