//! The transcripts of the lessons' demonstrations, which their own tests write.

use anyhow::{Context, Result, bail};

use crate::Finding;
use crate::pieces::shop::Workshop;

/// Has the lesson's test of its demonstration write `demo.txt` anew.
pub fn write(lesson: &str, shop: &Workshop) -> Result<()> {
    match test(lesson, shop, true)? {
        Ok(()) => Ok(()),
        Err(said) => bail!("the demonstration of {lesson} fails:\n{said}"),
    }
}

/// Has it compare `demo.txt` with what the demonstration prints.
pub fn differing(lesson: &str, shop: &Workshop) -> Result<Option<Finding>> {
    let outcome = test(lesson, shop, false)?;
    let finding = |said| {
        let what = format!("its demonstration prints something else:\n{said}");
        Finding::new(format!("demo.txt of {lesson}"), what)
    };
    Ok(outcome.err().map(finding))
}

/// Runs the test, which has a name that begins with `the_demonstration`; what it said
/// if it has failed.
fn test(lesson: &str, shop: &Workshop, update: bool) -> Result<Result<(), String>> {
    let mut cargo = shop.cargo();
    cargo.args([
        "test",
        "--quiet",
        "--package",
        lesson,
        "--tests",
        "the_demonstration",
    ]);
    if update {
        cargo.env("UPDATE_DEMO", "1");
    } else {
        cargo.env_remove("UPDATE_DEMO");
    }
    let output = cargo.output().context("cannot run cargo")?;
    let said = String::from_utf8_lossy(&output.stdout);
    let errors = String::from_utf8_lossy(&output.stderr);
    if !output.status.success() {
        return Ok(Err(format!("{said}{errors}")));
    }
    match passed(&said) {
        1 => Ok(Ok(())),
        count => {
            bail!("{lesson} has {count} tests of its demonstration instead of one")
        }
    }
}

/// How many tests have passed, of all test programs together.
fn passed(said: &str) -> usize {
    let counts = said.lines().filter_map(|line| {
        let rest = line.strip_prefix("test result: ok. ")?;
        rest.split(' ').next()?.parse::<usize>().ok()
    });
    counts.sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_tests_that_have_passed_are_counted() {
        let said = "running 1 test\n.\ntest result: ok. 1 passed; 0 failed\n\n\
                    running 0 tests\n\ntest result: ok. 0 passed; 0 failed\n";
        assert_eq!(passed(said), 1);
        assert_eq!(passed("test result: FAILED. 3 passed; 1 failed\n"), 0);
    }
}
