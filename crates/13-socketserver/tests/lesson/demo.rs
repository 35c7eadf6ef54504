use std::path::Path;

use crate::lesson;

#[test]
fn the_demonstration_prints_what_the_book_shows() {
    let shown = Path::new(env!("CARGO_MANIFEST_DIR")).join("demo.txt");
    wire::demo::prints(&mut lesson(&[]), &shown, &[]);
}
