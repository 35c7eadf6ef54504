//! How an exercise's stub is cut from its solution.
//!
//! Both have one source, the solution, in which lines mark what the learner is to
//! write:
//!
//! ```text
//!     // BEGIN SOLUTION
//!     for line in input.lines() { … }
//!     // STUB todo!("answer each line")
//!     // END SOLUTION
//! ```
//!
//! The stub has the text behind `// STUB ` in the place of what stands between
//! `BEGIN` and `END`; the solution, as it is shown, has no marks.

const BEGIN: &str = "// BEGIN SOLUTION";
const END: &str = "// END SOLUTION";
const STUB: &str = "// STUB";

/// What every stub ends with: the test binary of an exercise has no test harness.
const MAIN: &str = "
#[cfg(test)]
fn main() -> std::process::ExitCode {
    check().main()
}
";

/// Cuts the stub from a solution.
///
/// # Errors
///
/// A sentence that names the line where the marks do not match.
pub fn cut(solution: &str) -> Result<String, String> {
    let mut stub = parts(solution)?
        .filter_map(|(part, line)| match part {
            Part::Both | Part::Stub => Some(line),
            Part::Solution => None,
        })
        .collect::<String>();
    stub.push_str(MAIN);
    Ok(stub)
}

/// The solution as it is shown: without marks.
///
/// # Errors
///
/// As [`cut`].
pub fn without_marks(solution: &str) -> Result<String, String> {
    let lines = parts(solution)?.filter_map(|(part, line)| match part {
        Part::Both | Part::Solution => Some(line),
        Part::Stub => None,
    });
    Ok(lines.collect())
}

/// Which text a line belongs to.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Part {
    Both,
    Solution,
    Stub,
}

/// Every line, with its newline, that belongs to a text.
fn parts(solution: &str) -> Result<impl Iterator<Item = (Part, String)>, String> {
    let mut parts = Vec::new();
    let mut inside = false;
    for (number, line) in (1..).zip(solution.lines()) {
        let text = line.trim_start();
        let indent = &line[..line.len() - text.len()];
        match text {
            BEGIN | END if inside != (text == END) => {
                return Err(format!("line {number}: {text} is out of place"));
            }
            BEGIN => inside = true,
            END => inside = false,
            _ => match text.strip_prefix(STUB) {
                Some(_) if !inside => {
                    return Err(format!("line {number}: {STUB} outside a solution"));
                }
                Some(rest) => {
                    let rest = rest.strip_prefix(' ').unwrap_or(rest);
                    let line = format!("{indent}{rest}");
                    parts.push((Part::Stub, format!("{}\n", line.trim_end())));
                }
                None => {
                    let part = if inside { Part::Solution } else { Part::Both };
                    parts.push((part, format!("{line}\n")));
                }
            },
        }
    }
    if inside {
        return Err(format!("{BEGIN} without {END}"));
    }
    Ok(parts.into_iter())
}

#[cfg(test)]
mod tests {
    use super::*;

    const SOURCE: &str = "\
fn two() -> u8 {
    // BEGIN SOLUTION
    2
    // STUB todo!(\"the number\")
    // END SOLUTION
}
";

    #[test]
    fn the_stub_has_the_task_in_place_of_the_answer() {
        let stub = cut(SOURCE).unwrap();
        assert!(stub.starts_with("fn two() -> u8 {\n    todo!(\"the number\")\n}\n"));
        assert!(stub.ends_with("    check().main()\n}\n"));
    }

    #[test]
    fn the_solution_is_shown_without_marks() {
        assert_eq!(
            without_marks(SOURCE).unwrap(),
            "fn two() -> u8 {\n    2\n}\n"
        );
    }

    #[test]
    fn marks_that_do_not_match_are_named_by_their_line() {
        let twice = cut("// BEGIN SOLUTION\n// BEGIN SOLUTION\n").unwrap_err();
        assert!(twice.starts_with("line 2"), "{twice}");
        assert!(
            cut("x\n// END SOLUTION\n")
                .unwrap_err()
                .starts_with("line 2")
        );
        assert!(cut("// STUB x\n").unwrap_err().starts_with("line 1"));
        assert!(cut("// BEGIN SOLUTION\n").is_err());
    }

    #[test]
    fn any_text_is_cut_or_refused() {
        for seed in 0..500 {
            let mut random = fastrand::Rng::with_seed(seed);
            let lines = [BEGIN, END, "    // STUB x", "code", "", "\u{e9}", "\t//"];
            let text: Vec<&str> = (0..random.usize(..12))
                .map(|_| lines[random.usize(..lines.len())])
                .collect();
            let text = text.join("\n");
            let cuts = (cut(&text), without_marks(&text));
            assert_eq!(cuts.0.is_ok(), cuts.1.is_ok(), "seed {seed}: {text:?}");
        }
    }
}
