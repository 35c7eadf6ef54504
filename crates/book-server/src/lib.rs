//! The live book: the course's chapters as pages that know how the learner is doing.
//!
//! mdBook does the work of a book; this crate adds what the course needs. A chapter
//! has a box for every exercise and pictures in place; the build stops at whatever a
//! reader would stumble over; and a small server shows the pages on this machine,
//! with the learner's verdicts in them as they come.
//!
//! Read in this order, which is also the order in which a chapter becomes a page:
//!
//! 1. [`book`]: one build, from the sources to the finished files or the findings;
//! 2. [`chapter`] and [`orders`]: a chapter's text, its directives, its rules;
//! 3. [`boxes`]: the box that an exercise gets;
//! 4. [`page`] and [`links`]: what is in a finished page, and whether its links lead
//!    anywhere;
//! 5. [`learner`]: what the parent process tells, as HTML;
//! 6. [`site`]: the finished pages, with holes for what changes;
//! 7. [`live`], [`watch`] and [`http`]: what is shown now, kept up to date, served.

pub mod book;
pub mod boxes;
pub mod chapter;
pub mod finding;
pub mod http;
pub mod learner;
pub mod links;
pub mod live;
pub mod orders;
pub mod page;
pub mod site;
pub mod watch;
