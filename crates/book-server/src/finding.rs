//! What is wrong with the book, and where.

use std::fmt;

/// One thing to mend before the book can be built.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Finding {
    /// The file, from the project's root, with `/` between its parts.
    pub file: String,
    /// The line, from 1; 0 when it is the file as a whole.
    pub line: usize,
    /// What is wrong, in a sentence.
    pub text: String,
}

impl Finding {
    /// A finding at a line of a file; 0 for the file as a whole.
    pub fn new(
        file: impl Into<String>,
        line: usize,
        text: impl Into<String>,
    ) -> Self {
        Finding {
            file: file.into(),
            line,
            text: text.into(),
        }
    }
}

/// `file:line: text`, as compilers write it and editors understand it.
impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Finding { file, line, text } = self;
        match line {
            0 => write!(f, "{file}: {text}"),
            _ => write!(f, "{file}:{line}: {text}"),
        }
    }
}
