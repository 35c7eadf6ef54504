use std::path::Path;

use crate::{ipv6, lesson};

#[test]
fn the_demonstration_prints_what_the_book_shows() {
    if !ipv6() {
        return; // it says so itself, and the book shows what there is with IPv6
    }
    let shown = Path::new(env!("CARGO_MANIFEST_DIR")).join("demo.txt");
    wire::demo::prints(&mut lesson(&[]), &shown, &[]);
}
