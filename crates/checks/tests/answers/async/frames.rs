//! Answers to `async/frames`.

use std::io::{self, ErrorKind};
use std::net::TcpStream as StdStream;

use checks::answers::{Answer, Expected};
use checks_async::frames as check;
use tokio::io::{AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::TcpStream;
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio::runtime::Builder;
use tokio::sync::mpsc;

pub fn answers() -> Vec<Answer> {
    vec![
        Answer::right("frames right: steps", check(by::<Steps>)),
        Answer::right("frames right: one pinned future", check(pinned)),
        Answer::right("frames right: a task reads", check(a_task_reads)),
        Answer::right("frames right: a byte at a time", check(by::<Bytewise>)),
        Answer::wrong("M32", "frames: read_exact", check(by::<Exact>)),
        Answer::wrong("M32", "frames: read_exact, buffered", check(by::<Buffered>)),
        Answer::wrong("M32", "frames: a vector in the future", check(by::<Local>)),
        Answer::wrong("M32", "frames: the length is lost", check(by::<HalfKept>)),
        Answer::wrong(
            "M32",
            "frames: keeps the length alone",
            check(by::<LengthKept>),
        ),
        Answer::unnamed("across", "frames: wipes at the start", check(by::<Wipes>)),
        Answer::wrong("M1", "frames: one read", check(by::<OneRead>)),
        Answer::wrong("M2", "frames: drops the rest", check(by::<Drops>)),
        Answer::unnamed("whole", "frames: the other byte first", check(by::<Little>)),
        Answer::unnamed("empty", "frames: empty is the end", check(by::<EmptyEnds>)),
        Answer::unnamed(
            "cut",
            "frames: half a frame is the end",
            check(by::<Lenient>),
        ),
        Answer::unnamed(
            "short",
            "frames: a byte is the end",
            check(by::<LenientAtLength>),
        ),
        Answer::unnamed("large", "frames: 1024 bytes at most", check(by::<Small>)),
        Answer {
            name: "frames: the stub",
            check: check(|_, _| todo!("the task")),
            expected: Expected::Untouched,
        },
    ]
}

type Frame = io::Result<Option<Vec<u8>>>;

/// A reader of frames.
trait Reader {
    fn new(input: OwnedReadHalf) -> Self;
    fn next(&mut self) -> impl Future<Output = Frame>;
}

fn nonblocking(stream: StdStream) -> io::Result<TcpStream> {
    stream.set_nonblocking(true)?;
    TcpStream::from_std(stream)
}

async fn send(output: &mut OwnedWriteHalf, frame: &[u8]) -> io::Result<()> {
    let length = frame.len() as u16;
    output
        .write_all(&[&length.to_be_bytes(), frame].concat())
        .await
}

fn block_on(future: impl Future<Output = io::Result<()>>) -> io::Result<()> {
    Builder::new_current_thread()
        .enable_all()
        .build()?
        .block_on(future)
}

/// The conversation as it is given.
fn by<R: Reader>(stream: StdStream, clock: StdStream) -> io::Result<()> {
    block_on(async {
        let (input, mut output) = nonblocking(stream)?.into_split();
        let mut clock = nonblocking(clock)?;
        let mut frames = R::new(input);
        loop {
            tokio::select! {
                frame = frames.next() => match frame? {
                    Some(frame) => {
                        send(&mut output, &frame.to_ascii_uppercase()).await?;
                    }
                    None => return Ok(()),
                },
                ticked = clock.read_u8() => {
                    ticked?;
                    send(&mut output, b"tick").await?;
                }
            }
        }
    })
}

/// A reader that is no good for `select!`, in a future that is not dropped.
fn pinned(stream: StdStream, clock: StdStream) -> io::Result<()> {
    block_on(async {
        let (input, mut output) = nonblocking(stream)?.into_split();
        let mut clock = nonblocking(clock)?;
        let mut frames = Exact::new(input);
        loop {
            let next = frames.next();
            tokio::pin!(next);
            let frame = loop {
                tokio::select! {
                    frame = &mut next => break frame?,
                    ticked = clock.read_u8() => {
                        ticked?;
                        send(&mut output, b"tick").await?;
                    }
                }
            };
            match frame {
                Some(frame) => send(&mut output, &frame.to_ascii_uppercase()).await?,
                None => return Ok(()),
            }
        }
    })
}

/// The reader has a task of its own, and a channel, whose `recv` may be dropped.
fn a_task_reads(stream: StdStream, clock: StdStream) -> io::Result<()> {
    block_on(async {
        let (input, mut output) = nonblocking(stream)?.into_split();
        let mut clock = nonblocking(clock)?;
        let (sender, mut frames) = mpsc::channel(1);
        tokio::spawn(async move {
            let mut reader = Exact::new(input);
            loop {
                let frame = reader.next().await;
                let is_last = !matches!(frame, Ok(Some(_)));
                if sender.send(frame).await.is_err() || is_last {
                    return;
                }
            }
        });
        loop {
            tokio::select! {
                frame = frames.recv() => match frame {
                    Some(Ok(Some(frame))) => {
                        send(&mut output, &frame.to_ascii_uppercase()).await?;
                    }
                    Some(Err(error)) => return Err(error),
                    _ => return Ok(()),
                },
                ticked = clock.read_u8() => {
                    ticked?;
                    send(&mut output, b"tick").await?;
                }
            }
        }
    })
}

/// Where it is, it knows by a number.
struct Steps {
    input: OwnedReadHalf,
    header: [u8; 2],
    body: Vec<u8>,
    had: usize,
}

impl Reader for Steps {
    fn new(input: OwnedReadHalf) -> Self {
        let body = Vec::new();
        Self {
            input,
            header: [0; 2],
            body,
            had: 0,
        }
    }

    async fn next(&mut self) -> Frame {
        loop {
            while self.had < 2 {
                let had = self.had;
                match self.input.read(&mut self.header[had..]).await? {
                    0 if had == 0 => return Ok(None),
                    0 => return Err(ErrorKind::UnexpectedEof.into()),
                    read => self.had += read,
                }
                if self.had == 2 {
                    self.body = vec![0; u16::from_be_bytes(self.header).into()];
                }
            }
            let had = self.had - 2;
            if had == self.body.len() {
                self.had = 0;
                return Ok(Some(std::mem::take(&mut self.body)));
            }
            match self.input.read(&mut self.body[had..]).await? {
                0 => return Err(ErrorKind::UnexpectedEof.into()),
                read => self.had += read,
            }
        }
    }
}

struct Bytewise {
    input: BufReader<OwnedReadHalf>,
    kept: Vec<u8>,
}

impl Reader for Bytewise {
    fn new(input: OwnedReadHalf) -> Self {
        let input = BufReader::new(input);
        Self {
            input,
            kept: vec![],
        }
    }

    async fn next(&mut self) -> Frame {
        loop {
            if let [high, low, rest @ ..] = &self.kept[..]
                && rest.len() == usize::from(u16::from_be_bytes([*high, *low]))
            {
                let frame = rest.to_vec();
                self.kept.clear();
                return Ok(Some(frame));
            }
            match self.input.read_u8().await {
                Ok(byte) => self.kept.push(byte),
                Err(error) if error.kind() != ErrorKind::UnexpectedEof => {
                    return Err(error);
                }
                Err(_) if self.kept.is_empty() => return Ok(None),
                Err(error) => return Err(error),
            }
        }
    }
}

/// The usual way, which is right as long as nobody drops its future.
async fn exact(input: &mut (impl AsyncReadExt + Unpin)) -> Frame {
    let high = match input.read_u8().await {
        Ok(high) => high,
        Err(error) if error.kind() == ErrorKind::UnexpectedEof => return Ok(None),
        Err(error) => return Err(error),
    };
    let low = input.read_u8().await?;
    let mut frame = vec![0; u16::from_be_bytes([high, low]).into()];
    input.read_exact(&mut frame).await?;
    Ok(Some(frame))
}

struct Exact(OwnedReadHalf);

impl Reader for Exact {
    fn new(input: OwnedReadHalf) -> Self {
        Self(input)
    }

    async fn next(&mut self) -> Frame {
        exact(&mut self.0).await
    }
}

struct Buffered(BufReader<OwnedReadHalf>);

impl Reader for Buffered {
    fn new(input: OwnedReadHalf) -> Self {
        Self(BufReader::new(input))
    }

    async fn next(&mut self) -> Frame {
        exact(&mut self.0).await
    }
}

/// What a frame begins with, out of a vector; `end` is what an end within it means.
async fn collect(
    input: &mut OwnedReadHalf,
    kept: &mut Vec<u8>,
    length: fn([u8; 2]) -> usize,
    end: fn(&[u8]) -> Frame,
) -> Frame {
    loop {
        if let Some(header) = kept.first_chunk() {
            let behind = 2 + length(*header);
            if kept.len() >= behind {
                let rest = kept.split_off(behind);
                let frame = std::mem::replace(kept, rest);
                return Ok(Some(frame[2..].to_vec()));
            }
        }
        if input.read_buf(kept).await? == 0 {
            return end(kept);
        }
    }
}

fn big(header: [u8; 2]) -> usize {
    u16::from_be_bytes(header).into()
}

fn strict(kept: &[u8]) -> Frame {
    match kept {
        [] => Ok(None),
        _ => Err(ErrorKind::UnexpectedEof.into()),
    }
}

/// A vector in a future: what came behind a frame is lost, too.
struct Local(OwnedReadHalf, Vec<u8>);

impl Reader for Local {
    fn new(input: OwnedReadHalf) -> Self {
        Self(input, vec![])
    }

    async fn next(&mut self) -> Frame {
        let mut kept = std::mem::take(&mut self.1);
        let frame = collect(&mut self.0, &mut kept, big, strict).await;
        self.1 = kept;
        frame
    }
}

/// The body is kept; the length is not.
struct HalfKept(OwnedReadHalf, Option<Vec<u8>>, usize);

impl Reader for HalfKept {
    fn new(input: OwnedReadHalf) -> Self {
        Self(input, None, 0)
    }

    async fn next(&mut self) -> Frame {
        if self.1.is_none() {
            let mut header = [0; 2];
            match self.0.read_exact(&mut header).await {
                Ok(_) => {}
                Err(error) if error.kind() == ErrorKind::UnexpectedEof => {
                    return Ok(None);
                }
                Err(error) => return Err(error),
            }
            (self.1, self.2) = (Some(vec![0; big(header)]), 0);
        }
        let body = self.1.as_mut().unwrap();
        while self.2 < body.len() {
            match self.0.read(&mut body[self.2..]).await? {
                0 => return Err(ErrorKind::UnexpectedEof.into()),
                read => self.2 += read,
            }
        }
        Ok(self.1.take())
    }
}

/// The length is kept; the body is not.
struct LengthKept(OwnedReadHalf, Vec<u8>);

impl Reader for LengthKept {
    fn new(input: OwnedReadHalf) -> Self {
        Self(input, vec![])
    }

    async fn next(&mut self) -> Frame {
        while self.1.len() < 2 {
            match self.0.read_u8().await {
                Ok(byte) => self.1.push(byte),
                Err(_) if self.1.is_empty() => return Ok(None),
                Err(error) => return Err(error),
            }
        }
        let mut frame = vec![0; big([self.1[0], self.1[1]])];
        self.0.read_exact(&mut frame).await?;
        self.1.clear();
        Ok(Some(frame))
    }
}

/// Each call begins with a clean buffer, unless there is a whole frame in it.
struct Wipes(OwnedReadHalf, Vec<u8>);

impl Reader for Wipes {
    fn new(input: OwnedReadHalf) -> Self {
        Self(input, vec![])
    }

    async fn next(&mut self) -> Frame {
        let whole =
            (self.1.first_chunk()).is_some_and(|h| self.1.len() >= 2 + big(*h));
        if !whole {
            self.1.clear();
        }
        collect(&mut self.0, &mut self.1, big, strict).await
    }
}

struct OneRead(OwnedReadHalf);

impl Reader for OneRead {
    fn new(input: OwnedReadHalf) -> Self {
        Self(input)
    }

    async fn next(&mut self) -> Frame {
        let mut header = [0; 2];
        if self.0.read(&mut header).await? == 0 {
            return Ok(None);
        }
        let mut frame = vec![0; big(header)];
        let read = self.0.read(&mut frame).await?;
        frame.truncate(read);
        Ok(Some(frame))
    }
}

struct Drops(OwnedReadHalf, Vec<u8>);

impl Reader for Drops {
    fn new(input: OwnedReadHalf) -> Self {
        Self(input, vec![])
    }

    async fn next(&mut self) -> Frame {
        let frame = collect(&mut self.0, &mut self.1, big, strict).await;
        self.1.clear();
        frame
    }
}

struct Little(OwnedReadHalf, Vec<u8>);

impl Reader for Little {
    fn new(input: OwnedReadHalf) -> Self {
        Self(input, vec![])
    }

    async fn next(&mut self) -> Frame {
        let little = |header| u16::from_le_bytes(header).into();
        collect(&mut self.0, &mut self.1, little, strict).await
    }
}

struct EmptyEnds(OwnedReadHalf, Vec<u8>);

impl Reader for EmptyEnds {
    fn new(input: OwnedReadHalf) -> Self {
        Self(input, vec![])
    }

    async fn next(&mut self) -> Frame {
        let frame = collect(&mut self.0, &mut self.1, big, strict).await?;
        Ok(frame.filter(|frame| !frame.is_empty()))
    }
}

struct Lenient(OwnedReadHalf, Vec<u8>);

impl Reader for Lenient {
    fn new(input: OwnedReadHalf) -> Self {
        Self(input, vec![])
    }

    async fn next(&mut self) -> Frame {
        collect(&mut self.0, &mut self.1, big, |_| Ok(None)).await
    }
}

struct LenientAtLength(OwnedReadHalf, Vec<u8>);

impl Reader for LenientAtLength {
    fn new(input: OwnedReadHalf) -> Self {
        Self(input, vec![])
    }

    async fn next(&mut self) -> Frame {
        let end = |kept: &[u8]| match kept.len() {
            0 | 1 => Ok(None),
            _ => Err(ErrorKind::UnexpectedEof.into()),
        };
        collect(&mut self.0, &mut self.1, big, end).await
    }
}

struct Small(OwnedReadHalf, Vec<u8>);

impl Reader for Small {
    fn new(input: OwnedReadHalf) -> Self {
        Self(input, vec![])
    }

    async fn next(&mut self) -> Frame {
        if self
            .1
            .first_chunk()
            .is_some_and(|header| big(*header) > 1024)
        {
            return Err(ErrorKind::InvalidData.into());
        }
        let frame = collect(&mut self.0, &mut self.1, big, strict).await?;
        match frame {
            Some(frame) if frame.len() > 1024 => Err(ErrorKind::InvalidData.into()),
            frame => Ok(frame),
        }
    }
}
