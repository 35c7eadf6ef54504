//! The table of CPython's behaviour names tests that exist.

const TABLE: &str = include_str!("../../docs/python.md");

const TESTS: [&str; 8] = [
    include_str!("buffers.rs"),
    include_str!("ends.rs"),
    include_str!("errors.rs"),
    include_str!("limits.rs"),
    include_str!("several.rs"),
    include_str!("transports.rs"),
    include_str!("../examples/main.rs"),
    include_str!("../processes.rs"),
];

#[test]
fn the_tests_that_the_table_names_exist() {
    let rows = TABLE.lines().filter(|line| line.starts_with("| "));
    let tests = rows.filter_map(|row| row.trim_end_matches(" |").rsplit('|').next());
    let names: Vec<&str> = tests
        .flat_map(|cell| cell.split('`').skip(1).step_by(2))
        .collect();
    assert!(names.len() > 50, "{} names are found in it", names.len());
    for name in names {
        let function = format!("\nfn {name}() {{");
        let sentence = format!("        name: \"{name}\",\n");
        let is_there =
            |text: &&str| text.contains(&function) || text.contains(&sentence);
        assert!(TESTS.iter().any(is_there), "no test `{name}`");
    }
}
