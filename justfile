# Short names for the commands of the course. None of them is the only way:
# each line below can be typed as it stands.

# List the recipes.
default:
    @just --list --unsorted

# The course: watch your exercise, serve the book.
learn *ARGS:
    cargo learn {{ARGS}}

# Build the book as static pages, into target/book/html.
book:
    cargo run --quiet --package book-server --target-dir target/book -- build --dest target/book/html

# Test the course itself. Green on a fresh checkout and while you are learning.
test:
    cargo test

# Check your own answers to all exercises: a table, and exit code 1 while one fails.
test-exercises:
    cargo learn check

# Check the solutions that come with the course.
test-solutions:
    cargo test --package 'sol-*'

# The checks against every answer whose verdict is known, ten times, on a busy machine.
test-steady TIMES="10":
    .ci/steady {{TIMES}}

# Formatting, lints and documentation, without a warning.
lint:
    cargo fmt --all --check
    cargo clippy --workspace --all-targets -- --deny warnings
    RUSTDOCFLAGS="--deny warnings" cargo doc --workspace --exclude 'ex-*' --no-deps

# Make the generated pieces of the book anew: transcripts, system-call lanes, timelines.
transcripts:
    cargo author pieces

# Where crates, exercises, solutions, book and generated pieces do not agree.
check-course:
    cargo author check
    cargo author stubs --check
    cargo author pieces --check
    cargo run --quiet --package book-server --target-dir target/book -- check

# From saving a file to its verdict, beside rustlings (cargo install rustlings first).
bench-loop:
    python3 crates/learn/benches/save_to_verdict.py

# The framework's strategies beside Python's servers, asyncio, tokio and a loop in C.
bench-server *ARGS:
    cargo bench --package socketserver --bench servers -- {{ARGS}}
