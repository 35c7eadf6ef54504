//! The server from outside: what CPython's documentation and test suite promise of
//! `socketserver`, and what this crate promises beyond that.
#![allow(clippy::unwrap_used, reason = "a test that fails may panic")]

mod buffers;
mod ends;
mod errors;
mod limits;
mod several;
mod support;
mod table;
mod transports;

/// What a program shares among its threads can be shared.
#[test]
fn what_may_cross_threads() {
    use socketserver::{
        Addr, Builder, Conn, Datagrams, Error, Handle, Peer, Server, Streams,
    };

    fn shared<T: Send + Sync>() {}
    fn sent<T: Send>() {}
    shared::<Server<Streams>>();
    shared::<Server<Datagrams>>();
    shared::<Builder<Streams>>();
    shared::<Handle>();
    shared::<Peer>();
    shared::<Addr>();
    shared::<Error>();
    sent::<Conn>();
}
