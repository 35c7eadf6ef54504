//! The futures at the bottom: for a socket that is not ready, and for time.

use std::io::{self, ErrorKind, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::os::fd::AsFd;
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll};
use std::time::{Duration, Instant};

use lesson_10::reactor::{Interest, Token};
use lesson_10::timers::TimerId;

use crate::executor::{Executor, Way, current};

/// A socket that our executor waits for.
pub struct Socket<S: AsFd> {
    inner: S,
    token: Token,
    executor: Rc<Executor>,
}

impl<S: AsFd> Socket<S> {
    /// Registers `inner`, which must be nonblocking, once and for both directions.
    ///
    /// Edge-triggered: the reactor reports a change, once. Nobody misses one, since
    /// each of the futures below tries first, and waits only when it was told "not
    /// yet".
    ///
    /// # Errors
    ///
    /// If epoll does not take it.
    ///
    /// # Panics
    ///
    /// Outside [`run`](crate::executor::run).
    pub fn new(inner: S) -> io::Result<Self> {
        let executor = current();
        let token = Token(executor.number());
        let reactor = executor.reactor.borrow();
        reactor.register(&inner, token, Interest::BOTH.edge())?;
        drop(reactor);
        Ok(Self {
            inner,
            token,
            executor,
        })
    }

    // ANCHOR: ready
    /// The future of `attempt`, which is made until it says something else than
    /// [`ErrorKind::WouldBlock`].
    fn when_ready<T>(
        &self,
        way: Way,
        mut attempt: impl FnMut(&S) -> io::Result<T>,
    ) -> impl Future<Output = io::Result<T>> {
        std::future::poll_fn(move |cx: &mut Context<'_>| match attempt(&self.inner) {
            Err(error) if error.kind() == ErrorKind::WouldBlock => {
                let mut waiting = self.executor.waiting.borrow_mut();
                waiting.insert((self.token, way), cx.waker().clone());
                Poll::Pending
            }
            result => Poll::Ready(result),
        })
    }
    // ANCHOR_END: ready
}

impl<S: AsFd> Drop for Socket<S> {
    fn drop(&mut self) {
        // A socket that lives on as somebody's clone would be reported for ever.
        let _ = self.executor.reactor.borrow().deregister(&self.inner);
        let mut waiting = self.executor.waiting.borrow_mut();
        waiting.remove(&(self.token, Way::Read));
        waiting.remove(&(self.token, Way::Write));
    }
}

impl Socket<TcpListener> {
    /// The next client.
    ///
    /// # Errors
    ///
    /// Those of accept(2).
    pub async fn accept(&self) -> io::Result<(TcpStream, SocketAddr)> {
        let (stream, peer) = self.when_ready(Way::Read, TcpListener::accept).await?;
        stream.set_nonblocking(true)?;
        Ok((stream, peer))
    }
}

// ANCHOR: read
impl Socket<TcpStream> {
    /// What one read brings; 0 bytes are the end.
    ///
    /// # Errors
    ///
    /// Those of read(2), but for "not yet".
    pub async fn read(&self, buffer: &mut [u8]) -> io::Result<usize> {
        self.when_ready(Way::Read, |mut stream| stream.read(buffer))
            .await
    }

    /// Writes all of `bytes`.
    ///
    /// # Errors
    ///
    /// Those of write(2), but for "not yet".
    pub async fn write_all(&self, mut bytes: &[u8]) -> io::Result<()> {
        while !bytes.is_empty() {
            let write = self.when_ready(Way::Write, |mut stream| stream.write(bytes));
            match write.await? {
                0 => return Err(ErrorKind::WriteZero.into()),
                written => bytes = &bytes[written..],
            }
        }
        Ok(())
    }
}
// ANCHOR_END: read

// ANCHOR: sleep
/// The future of a moment.
pub struct Sleep {
    due: Instant,
    timer: Option<(Token, TimerId)>,
    executor: Rc<Executor>,
}

/// Is ready when `span` has passed.
///
/// # Panics
///
/// Outside [`run`](crate::executor::run).
pub fn sleep(span: Duration) -> Sleep {
    Sleep {
        due: Instant::now() + span,
        timer: None,
        executor: current(),
    }
}

impl Future for Sleep {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        if Instant::now() >= self.due {
            return Poll::Ready(());
        }
        let executor = Rc::clone(&self.executor);
        let due = self.due;
        let (token, _) = *self.timer.get_or_insert_with(|| {
            let token = Token(executor.number());
            let timer = executor.reactor.borrow_mut().set_timer(due, token);
            (token, timer)
        });
        let mut waiting = executor.waiting.borrow_mut();
        waiting.insert((token, Way::Time), cx.waker().clone());
        Poll::Pending
    }
}

impl Drop for Sleep {
    fn drop(&mut self) {
        if let Some((token, timer)) = self.timer {
            self.executor.reactor.borrow_mut().cancel_timer(timer);
            self.executor
                .waiting
                .borrow_mut()
                .remove(&(token, Way::Time));
        }
    }
}
// ANCHOR_END: sleep
