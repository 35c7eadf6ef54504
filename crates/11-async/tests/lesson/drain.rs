//! The end of the server on tokio.

use std::io::{ErrorKind, Read};
use std::net::{Shutdown, TcpStream};
use std::sync::mpsc;
use std::thread;
use std::time::Duration;

use lesson_11::upper::{Drained, serve_until};
use tokio::runtime::Builder;
use tokio::sync::oneshot;

use crate::{Client, listener};

struct Server {
    addr: std::net::SocketAddr,
    stop: oneshot::Sender<()>,
    drained: mpsc::Receiver<Drained>,
}

fn start(limit: Duration) -> Server {
    let (listener, addr) = listener();
    let (stop, stopped) = oneshot::channel();
    let (tell, drained) = mpsc::channel();
    thread::spawn(move || {
        listener.set_nonblocking(true).unwrap();
        let runtime = Builder::new_current_thread().enable_all().build().unwrap();
        let served = runtime.block_on(async {
            let listener = tokio::net::TcpListener::from_std(listener).unwrap();
            let stop = async {
                let _ = stopped.await;
            };
            serve_until(listener, stop, limit).await
        });
        let _ = tell.send(served.unwrap());
    });
    Server {
        addr,
        stop,
        drained,
    }
}

fn until_refused(addr: std::net::SocketAddr) {
    loop {
        match TcpStream::connect(addr) {
            Err(error) if error.kind() == ErrorKind::ConnectionRefused => return,
            _ => thread::yield_now(),
        }
    }
}

#[test]
fn who_is_there_may_finish_and_nobody_else_is_let_in() {
    let server = start(crate::PATIENCE);
    let mut client = Client::call(server.addr);
    assert_eq!(client.ask("hello"), "HELLO\n");
    server.stop.send(()).unwrap();
    until_refused(server.addr);
    assert_eq!(client.ask("one thing more"), "ONE THING MORE\n");
    client.0.get_ref().shutdown(Shutdown::Write).unwrap();
    assert_eq!(client.0.read_to_end(&mut Vec::new()).unwrap(), 0);
    let drained = server.drained.recv_timeout(crate::PATIENCE).unwrap();
    assert_eq!(drained.aborted, 0);
}

#[test]
fn who_stays_is_cut_off_and_counted() {
    let server = start(Duration::from_millis(50));
    let mut client = Client::call(server.addr);
    assert_eq!(client.ask("hello"), "HELLO\n");
    server.stop.send(()).unwrap();
    let drained = server.drained.recv_timeout(crate::PATIENCE).unwrap();
    let expected = Drained {
        finished: 0,
        aborted: 1,
    };
    assert_eq!(drained, expected);
    let _ = client.0.read_to_end(&mut Vec::new()); // the end, or a reset
}
