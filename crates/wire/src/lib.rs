//! What a conversation over a network is: its events, and how they look.
//!
//! Two parties exchange bytes. Whoever watches writes down what happens with a
//! [`Recorder`]; the [`Timeline`] it yields can be kept as JSON, printed in a
//! terminal ([`Timeline::to_text`]) and drawn ([`Timeline::to_svg`]).
//!
//! Two transports make a conversation as hard as a real network may: a
//! [`script`] is a stream without a network, which gives and takes bytes in the
//! pieces that a test prescribes; a [`proxy`] stands between two real ends and cuts
//! the bytes anew; a [`relay`] loses, doubles and holds up datagrams. [`view`] shows
//! bytes, whatever they are, and [`plot`] numbers.

pub mod demo;
pub mod plot;
pub mod proxy;
mod recorder;
pub mod relay;
mod rows;
pub mod script;
mod svg;
#[cfg(test)]
mod testing;
mod text;
mod timeline;
pub mod view;

pub use recorder::Recorder;
pub use timeline::{Event, Look, Payload, Side, Timeline, What};
