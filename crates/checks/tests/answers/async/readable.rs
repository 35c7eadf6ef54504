//! Answers to `async/readable`.

use std::future;
use std::io::{self, BufRead, BufReader, ErrorKind, Read};
use std::net::TcpStream;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};

use checks::answers::{Answer, Expected};
use checks_async::readable as check;

type Order = Arc<dyn Fn(&TcpStream, Waker) + Send + Sync>;
type Bytes = io::Result<Vec<u8>>;
type Boxed = Pin<Box<dyn Future<Output = Bytes>>>;

pub fn answers() -> Vec<Answer> {
    vec![
        Answer::right("readable right: orders first", check(orders_first)),
        Answer::right("readable right: peeks", check(peeks)),
        Answer::right("readable right: async", check(with_async)),
        Answer::right("readable right: a clone, large buffer", check(by_a_clone)),
        Answer::right("readable right: reads again", check(reads_again)),
        Answer::wrong("M130", "readable: leaves no word", check(leaves_no_word)),
        Answer::wrong("M130", "readable: orders once", check(orders_once)),
        Answer::wrong("M130", "readable: forgets after alarm", check(until_woken)),
        Answer::wrong("M131", "readable: the first waker", check(the_first_waker)),
        Answer::wrong("M132", "readable: wakes itself", check(wakes_itself)),
        Answer::wrong(
            "M132",
            "readable: wakes and orders",
            check(wakes_and_orders),
        ),
        Answer::wrong("M133", "readable: WouldBlock given out", check(would_block)),
        Answer::wrong("M133", "readable: nothing given out", check(nothing)),
        Answer::wrong("M133", "readable: the second poll", check(the_second_poll)),
        Answer::wrong("M32", "readable: blocks", check(blocks)),
        Answer::wrong("M32", "readable: waits in a poll", check(waits_in_peek)),
        Answer::unnamed(
            "ready",
            "readable: orders before it looks",
            check(never_looks),
        ),
        Answer::unnamed("end", "readable: never ends", check(never_ends)),
        Answer::unnamed("reset", "readable: hides an error", check(hides_an_error)),
        Answer::unnamed("rest", "readable: a reader each", check(a_reader_each)),
        Answer::unnamed("ready", "readable: the whole buffer", check(whole_buffer)),
        Answer {
            name: "readable: the stub",
            check: check(|_, _| future::poll_fn(|_| todo!("the task"))),
            expected: Expected::Untouched,
        },
    ]
}

fn once(mut stream: &TcpStream) -> Poll<Bytes> {
    let mut buffer = [0; 1024];
    match stream.read(&mut buffer) {
        Ok(read) => Poll::Ready(Ok(buffer[..read].to_vec())),
        Err(error) if error.kind() == ErrorKind::WouldBlock => Poll::Pending,
        Err(error) => Poll::Ready(Err(error)),
    }
}

fn boxed(mut poll: impl FnMut(&mut Context<'_>) -> Poll<Bytes> + 'static) -> Boxed {
    Box::pin(future::poll_fn(move |cx| poll(cx)))
}

fn orders_first(stream: TcpStream, order: Order) -> Boxed {
    boxed(move |cx| {
        order(&stream, cx.waker().clone());
        once(&stream)
    })
}

fn peeks(stream: TcpStream, order: Order) -> Boxed {
    boxed(move |cx| {
        match stream.peek(&mut [0]) {
            Err(error) if error.kind() == ErrorKind::WouldBlock => {
                order(&stream, cx.waker().clone());
                Poll::Pending
            }
            // The kernel tells of an error once: the read behind would see an end.
            Err(error) => Poll::Ready(Err(error)),
            Ok(_) => once(&stream),
        }
    })
}

/// The waiting apart from the reading.
async fn with_async(stream: TcpStream, order: Order) -> Bytes {
    loop {
        let mut buffer = vec![0; 4096];
        match (&stream).read(&mut buffer) {
            Ok(read) => {
                buffer.truncate(read);
                return Ok(buffer);
            }
            Err(error) if error.kind() == ErrorKind::WouldBlock => {}
            Err(error) => return Err(error),
        }
        let mut asked = false;
        let wait = future::poll_fn(|cx| {
            if asked {
                return Poll::Ready(()); // the loop looks again
            }
            asked = true;
            order(&stream, cx.waker().clone());
            Poll::Pending
        });
        wait.await;
    }
}

fn by_a_clone(stream: TcpStream, order: Order) -> Boxed {
    boxed(move |cx| {
        let clone = stream.try_clone().unwrap();
        clone.set_nonblocking(true).unwrap();
        let mut buffer = vec![0; 64 << 10];
        match (&clone).read(&mut buffer) {
            Ok(read) => Poll::Ready(Ok(buffer[..read].into())),
            Err(error) if error.kind() == ErrorKind::WouldBlock => {
                order(&clone, cx.waker().clone());
                Poll::Pending
            }
            Err(error) => Poll::Ready(Err(error)),
        }
    })
}

/// It looks once more when the order is placed.
fn reads_again(stream: TcpStream, order: Order) -> Boxed {
    boxed(move |cx| {
        if let ready @ Poll::Ready(_) = once(&stream) {
            return ready;
        }
        order(&stream, cx.waker().clone());
        once(&stream)
    })
}

fn leaves_no_word(stream: TcpStream, _: Order) -> Boxed {
    boxed(move |_| once(&stream))
}

fn orders_once(stream: TcpStream, order: Order) -> Boxed {
    let mut ordered = false;
    boxed(move |cx| {
        let answer = once(&stream);
        if answer.is_pending() && !ordered {
            ordered = true;
            order(&stream, cx.waker().clone());
        }
        answer
    })
}

/// It orders again only if the waker is another.
fn until_woken(stream: TcpStream, order: Order) -> Boxed {
    let mut last: Option<Waker> = None;
    boxed(move |cx| {
        let answer = once(&stream);
        let known = last.as_ref().is_some_and(|last| last.will_wake(cx.waker()));
        if answer.is_pending() && !known {
            last = Some(cx.waker().clone());
            order(&stream, cx.waker().clone());
        }
        answer
    })
}

fn the_first_waker(stream: TcpStream, order: Order) -> Boxed {
    let mut first: Option<Waker> = None;
    boxed(move |cx| {
        let answer = once(&stream);
        if answer.is_pending() {
            let waker = first.get_or_insert_with(|| cx.waker().clone());
            order(&stream, waker.clone());
        }
        answer
    })
}

fn wakes_itself(stream: TcpStream, _: Order) -> Boxed {
    boxed(move |cx| {
        let answer = once(&stream);
        cx.waker().wake_by_ref();
        answer
    })
}

fn wakes_and_orders(stream: TcpStream, order: Order) -> Boxed {
    boxed(move |cx| {
        let answer = once(&stream);
        if answer.is_pending() {
            order(&stream, cx.waker().clone());
            cx.waker().wake_by_ref();
        }
        answer
    })
}

fn would_block(stream: TcpStream, _: Order) -> Boxed {
    boxed(move |_| {
        let mut buffer = [0; 1024];
        let read = (&stream).read(&mut buffer);
        Poll::Ready(read.map(|read| buffer[..read].to_vec()))
    })
}

fn nothing(stream: TcpStream, _: Order) -> Boxed {
    boxed(move |_| match once(&stream) {
        Poll::Pending => Poll::Ready(Ok(Vec::new())),
        ready => ready,
    })
}

/// Who is polled again must have been woken.
fn the_second_poll(stream: TcpStream, order: Order) -> Boxed {
    let mut ordered = false;
    boxed(move |cx| match once(&stream) {
        Poll::Pending if !ordered => {
            ordered = true;
            order(&stream, cx.waker().clone());
            Poll::Pending
        }
        Poll::Pending => Poll::Ready(Ok(Vec::new())),
        ready => ready,
    })
}

fn blocks(stream: TcpStream, _: Order) -> Boxed {
    boxed(move |_| {
        stream.set_nonblocking(false).unwrap();
        once(&stream)
    })
}

fn waits_in_peek(stream: TcpStream, order: Order) -> Boxed {
    boxed(move |cx| {
        order(&stream, cx.waker().clone());
        let clone = stream.try_clone().unwrap();
        clone.set_nonblocking(false).unwrap();
        let _ = clone.peek(&mut [0]);
        once(&stream)
    })
}

fn never_looks(stream: TcpStream, order: Order) -> Boxed {
    let mut asked = false;
    boxed(move |cx| {
        if !asked {
            asked = true;
            order(&stream, cx.waker().clone());
            return Poll::Pending;
        }
        once(&stream)
    })
}

fn never_ends(stream: TcpStream, order: Order) -> Boxed {
    boxed(move |cx| match once(&stream) {
        Poll::Ready(Ok(bytes)) if !bytes.is_empty() => Poll::Ready(Ok(bytes)),
        Poll::Ready(Err(error)) => Poll::Ready(Err(error)),
        _ => {
            order(&stream, cx.waker().clone());
            Poll::Pending
        }
    })
}

fn hides_an_error(stream: TcpStream, order: Order) -> Boxed {
    boxed(move |cx| match once(&stream) {
        Poll::Ready(Err(_)) => Poll::Ready(Ok(Vec::new())),
        Poll::Pending => {
            order(&stream, cx.waker().clone());
            Poll::Pending
        }
        ready => ready,
    })
}

fn a_reader_each(stream: TcpStream, order: Order) -> Boxed {
    let mut reader = BufReader::new(stream);
    boxed(move |cx| {
        let filled = match reader.fill_buf() {
            Ok(filled) => Ok(filled[..filled.len().min(1024)].to_vec()),
            Err(error) if error.kind() == ErrorKind::WouldBlock => {
                order(reader.get_ref(), cx.waker().clone());
                return Poll::Pending;
            }
            Err(error) => Err(error),
        };
        Poll::Ready(filled)
    })
}

fn whole_buffer(stream: TcpStream, order: Order) -> Boxed {
    boxed(move |cx| {
        let mut buffer = vec![0; 1024];
        match (&stream).read(&mut buffer) {
            Err(error) if error.kind() == ErrorKind::WouldBlock => {
                order(&stream, cx.waker().clone());
                Poll::Pending
            }
            result => Poll::Ready(result.map(|_| buffer)),
        }
    })
}
