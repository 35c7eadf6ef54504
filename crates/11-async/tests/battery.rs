//! Both servers of capitals under the whole battery: every trick that the exercises'
//! peer knows, and a thousand callers at once, after which nothing may be left over.

use std::process::ExitCode;

use checks::answers::{Answer, main as run};
use checks::battery::whole;
use lesson_11::lines::upper;
use lesson_11::{mini, upper as tokio_upper};

const CALLERS: usize = 1000;

fn main() -> ExitCode {
    // The battery puts the newline itself.
    let reply = |line: &[u8]| {
        let mut answer = upper(line);
        answer.pop();
        answer
    };
    run(&[
        Answer::right("mini", whole(mini::serve, reply, CALLERS)),
        Answer::right("tokio", whole(tokio_upper::serve, reply, CALLERS)),
    ])
}
