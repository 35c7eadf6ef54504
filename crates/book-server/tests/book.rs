//! A build and what it refuses: every finding with its file, its line, its reason.

mod support;

use std::fs;

use book_server::book::build;
use support::Course;

#[test]
fn a_book_with_one_of_everything_builds_without_a_finding() {
    let built = build(&Course::new().project());
    assert_eq!(built.findings, []);
    assert!(built.boxes >= 4, "{} boxes", built.boxes);
    let page = String::from_utf8(built.files["01-tcp.html"].clone()).unwrap();
    for wanted in [
        "id=\"exercise-greeting\"",
        "A client that hears the server out",
        "read <em>everything</em> it says", // the words of the solution's head
        "<code>exercises/01-tcp/greeting/src/lib.rs</code>",
        "<code>cargo learn check tcp/greeting</code>",
        "<title>A line in two pieces</title>", // the picture is in the page
        "a {{#include SUMMARY.md}} of its own", // and is text, not an order
        "pub fn listen(addr: SocketAddr)",
    ] {
        assert!(page.contains(wanted), "{wanted}");
    }
    assert!(!page.contains("{{exercise"), "a directive is left");
}

/// Appends to the first chapter what must be refused there.
fn refused(text: &str, reason: &str) {
    let course = Course::new();
    let line = course.append("book/src/01-tcp.md", text);
    let built = build(&course.project());
    let findings: Vec<_> = built.findings.iter().map(ToString::to_string).collect();
    let place = format!("book/src/01-tcp.md:{line}: ");
    assert!(
        findings
            .iter()
            .any(|found| found.starts_with(&place) && found.contains(reason)),
        "no `{place}…{reason}` for {text:?} in {findings:#?}"
    );
    assert_eq!(findings.len(), 1, "{findings:#?}");
}

#[test]
fn an_unknown_exercise_is_refused() {
    refused(
        "{{exercise tcp/greetin}}\n",
        "no exercise is called tcp/greetin",
    );
    refused("{{exercise}}\n", "an unknown directive: exercise");
}

#[test]
fn an_exercise_has_one_box() {
    refused(
        "{{exercise tcp/greeting}}\n",
        "a second box for tcp/greeting",
    );
}

#[test]
fn an_exercise_whose_solution_does_not_say_what_to_do_is_refused() {
    let course = Course::new();
    course.write("solutions/01-tcp/src/greeting.rs", "pub fn greeting() {}\n");
    let findings = build(&course.project()).findings;
    let reason = "solutions/01-tcp/src/greeting.rs does not begin with what to do";
    assert!(
        findings.iter().any(|found| found.text.contains(reason)),
        "{findings:#?}"
    );
}

#[test]
fn a_directive_that_would_stay_text_is_refused() {
    refused("See {{exercise tcp/greeting}}.\n", "on a line of its own");
    refused("  {{svg generated/split.svg}}\n", "on a line of its own");
    refused("{{picture x.svg}}\n", "an unknown directive: picture x.svg");
}

#[test]
fn a_directive_in_a_code_block_is_text() {
    let course = Course::new();
    let text = "```text\n{{exercise tcp/greeting}}\n{{svg none.svg}}\n```\n";
    course.append("book/src/02-bytes.md", text);
    let built = build(&course.project());
    assert_eq!(built.findings, []);
    let page = String::from_utf8(built.files["02-bytes.html"].clone()).unwrap();
    assert!(page.contains("{{exercise tcp/greeting}}\n{{svg none.svg}}"));
}

#[test]
fn a_picture_that_is_not_there_is_refused() {
    refused(
        "{{svg generated/none.svg}}\n",
        "cannot draw generated/none.svg",
    );
    refused("{{svg SUMMARY.md}}\n", "holds no <svg> element");
}

#[test]
fn an_include_must_find_what_it_names() {
    let fenced = |order: &str| format!("```text\n{{{{#{order}}}}}\n```\n");
    let line = |order: &str, reason: &str| {
        // The finding is on the line of the order, one below the fence.
        let course = Course::new();
        let fence = course.append("book/src/01-tcp.md", &fenced(order));
        let findings = build(&course.project()).findings;
        assert_eq!(findings.len(), 1, "{findings:#?}");
        assert_eq!(findings[0].line, fence + 1, "{findings:#?}");
        assert!(findings[0].text.contains(reason), "{findings:#?}");
    };
    line(
        "include ../../crates/none.txt",
        "cannot include ../../crates/none.txt",
    );
    let library = "../../crates/01-tcp/src/lib.rs";
    line(
        &format!("include {library}:nope"),
        "the anchor `nope` is not there",
    );
    line(
        &format!("include {library}:3:7"),
        "by its anchor, not by lines",
    );
    line(&format!("rustdoc_include {library}"), "only `#include` and");
    // The picture's text holds an order; in the page it is harmless, here it is not.
    line(
        "include generated/split.svg",
        "which is included, includes another file",
    );
}

#[test]
fn an_anchor_without_end_or_content_is_refused() {
    let course = Course::new();
    course.write("book/src/generated/a.txt", "# ANCHOR: open\ntext\n");
    course.write(
        "book/src/generated/b.txt",
        "# ANCHOR: x\n\n# ANCHOR_END: x\n",
    );
    course.append(
        "book/src/01-tcp.md",
        "```text\n{{#include generated/a.txt:open}}\n\
         {{#include generated/b.txt:x}}\n```\n",
    );
    let findings = build(&course.project()).findings;
    let texts: Vec<&str> = findings.iter().map(|found| found.text.as_str()).collect();
    assert_eq!(
        texts,
        [
            "generated/a.txt: the anchor `open` has no end",
            "generated/b.txt: the anchor `x` holds nothing"
        ]
    );
}

#[test]
fn an_order_with_a_backslash_is_text() {
    let course = Course::new();
    course.append(
        "book/src/01-tcp.md",
        "```text\n\\{{#include none.txt}}\n```\n",
    );
    assert_eq!(build(&course.project()).findings, []);
}

#[test]
fn every_code_block_names_its_language() {
    refused("```\ntext\n```\n", "a code block without a language");
    refused("    four spaces\n", "an indented code block");
    refused("```rs\nfn f() {}\n```\n", "is it `rust`?");
    refused("```no_run\nfn f() {}\n```\n", "is it `rust`?");
}

#[test]
fn a_rust_block_is_an_include_of_compiled_code_or_a_doctest() {
    let ignored = |body: &str| format!("```rust,ignore\n{body}\n```\n");
    refused(&ignored("fn f() {}"), "nothing compiles this Rust block");
    let listen = "{{#include ../../crates/01-tcp/src/lib.rs:listen}}";
    refused(
        &ignored(&format!("{listen}\nfn f() {{}}")),
        "one include and no more",
    );
    let whole = "{{#include ../../crates/01-tcp/src/lib.rs}}";
    refused(&ignored(whole), "by its anchor");
    refused(
        &format!("```rust\n{listen}\n```\n"),
        "mark it `rust,ignore`",
    );
}

#[test]
fn code_that_is_in_no_crate_is_compiled_by_nothing() {
    let course = Course::new();
    let code = "// ANCHOR: a\nfn f() {}\n// ANCHOR_END: a\n";
    course.write("book/src/generated/a.rs", code);
    let order = "```rust,ignore\n{{#include generated/a.rs:a}}\n```\n";
    course.append("book/src/01-tcp.md", order);
    let findings = build(&course.project()).findings;
    assert_eq!(findings.len(), 1, "{findings:#?}");
    assert!(
        findings[0].text.contains("it is in no crate"),
        "{findings:#?}"
    );
}

#[test]
fn a_doctest_needs_a_crate_that_runs_it() {
    let course = Course::new();
    let line = course.append("book/src/symptoms.md", "```rust\nlet x = 1;\n```\n");
    let findings = build(&course.project()).findings;
    assert_eq!(findings.len(), 1, "{findings:#?}");
    assert_eq!(findings[0].line, line);
    let reason = "crates/symptoms/src/lib.rs does not run this chapter's doctests";
    assert!(findings[0].text.contains(reason), "{findings:#?}");
}

#[test]
fn an_included_piece_of_a_chapter_keeps_the_rules() {
    let course = Course::new();
    course.write(
        "book/src/generated/piece.md",
        "Text.\n\n```\nno language\n```\n",
    );
    course.append("book/src/01-tcp.md", "{{#include generated/piece.md}}\n");
    let findings = build(&course.project()).findings;
    assert_eq!(findings.len(), 1, "{findings:#?}");
    let found = findings[0].to_string();
    assert!(
        found.starts_with("book/src/generated/piece.md:3: "),
        "{found}"
    );
}

#[test]
fn a_dead_link_is_found() {
    refused("[x](03-udp.md)\n", "a dead link: 03-udp.html");
    refused(
        "[x](02-bytes.md#no-such-heading)\n",
        "has no #no-such-heading",
    );
    refused(
        "[x](#no-such-heading)\n",
        "01-tcp.html has no #no-such-heading",
    );
    refused(
        "![x](generated/none.png)\n",
        "a dead link: generated/none.png",
    );
    refused("<a href='none.html'>x</a>\n", "a dead link: none.html");
    refused("[x](../outside.html)\n", "leads out of the book");
    refused("[x](/01-tcp.html)\n", "seen from the site's root");
    refused("[x](javascript:f())\n", "a link of an unknown kind");
}

#[test]
fn a_link_that_is_alive_is_not_found() {
    let course = Course::new();
    course.append(
        "book/src/01-tcp.md",
        "[a](https://example.org/) [b](mailto:a@example.org)\n\
         [c](generated/split.svg)\n[d](02-bytes.md?q=1#one-read-is-not-one-message) [e](./02-bytes.html) \
         [f](#what-travels)\n",
    );
    assert_eq!(build(&course.project()).findings, []);
}

#[test]
fn nothing_is_loaded_from_elsewhere() {
    let loads = "from another site";
    refused("![x](https://example.org/x.png)\n", loads);
    refused("<script src=\"//example.org/x.js\"></script>\n", loads);
    refused("<iframe src=\"http://example.org/\"></iframe>\n", loads);
    refused(
        "<p style=\"background: url(https://example.org/x)\">x</p>\n",
        loads,
    );
    refused("<p onclick=\"f()\">x</p>\n", "an `onclick` attribute");
}

#[test]
fn a_style_sheet_that_loads_from_elsewhere_is_found() {
    let course = Course::new();
    let css = course.read("book/theme/handshake.css");
    let more = "@import \"https://example.org/x.css\";\n";
    course.write("book/theme/handshake.css", &(more.to_owned() + &css));
    let findings = build(&course.project()).findings;
    assert_eq!(findings.len(), 1, "{findings:#?}");
    assert!(findings[0].file.ends_with(".css"), "{findings:#?}");
}

#[test]
fn two_ids_that_are_the_same_are_found() {
    refused(
        "<p id=\"what-travels\">x</p>\n",
        "a second id `what-travels`",
    );
}

#[test]
fn what_mdbook_only_warns_of_is_a_finding() {
    let course = Course::new();
    course.append("book/src/01-tcp.md", "<div>\n\nnever closed\n");
    let findings = build(&course.project()).findings;
    assert!(
        findings
            .iter()
            .any(|found| found.text.contains("unclosed HTML tag")),
        "{findings:#?}"
    );
}

#[test]
fn a_verdict_leads_to_a_place_that_is_there() {
    let course = Course::new();
    let chapter = course.read("book/src/01-tcp.md");
    let without = chapter.replace("{{exercise tcp/repair}}", "");
    course.write("book/src/01-tcp.md", &without);
    let findings = build(&course.project()).findings;
    assert_eq!(findings.len(), 1, "{findings:#?}");
    let reason = "verdicts on tcp/repair lead to 01-tcp.html#exercise-repair";
    assert!(findings[0].text.contains(reason), "{findings:#?}");
}

#[test]
fn a_chapter_that_is_not_written_is_an_error_and_is_not_made_up() {
    let course = Course::new();
    course.append("book/src/SUMMARY.md", "[New](new.md)\n");
    let findings = build(&course.project()).findings;
    assert_eq!(findings.len(), 1, "{findings:#?}");
    assert!(findings[0].text.contains("new.md"), "{findings:#?}");
    assert!(!course.path("book/src/new.md").exists());
}

#[test]
fn the_program_lists_every_finding_and_exits_with_1() {
    let course = Course::new();
    let line = course.append("book/src/01-tcp.md", "[x](none.md)\n\n[y](nine.md)\n");
    let (code, output, _) = course.run(&["check"]);
    assert_eq!(code, Some(1));
    let next = line + 2;
    for wanted in [
        format!("book/src/01-tcp.md:{line}: a dead link: none.html\n"),
        format!("book/src/01-tcp.md:{next}: a dead link: nine.html\n"),
        "the book has 2 findings\n".into(),
    ] {
        assert!(output.contains(&wanted), "{wanted} in {output}");
    }
    let (code, output, _) = course.run(&["build"]);
    assert_eq!(code, Some(1), "{output}");
    assert!(
        !course.path("book/book").exists(),
        "a book with findings was kept"
    );
}

#[test]
fn a_static_book_is_complete_without_a_server() {
    let course = Course::new();
    let (code, output, errors) = course.run(&["build"]);
    assert_eq!(code, Some(0), "{output}{errors}");
    let page = course.read("book/book/01-tcp.html");
    assert!(
        !page.contains("/events"),
        "a static page looks for a server"
    );
    assert!(
        !page.contains("Not started"),
        "a static page knows of a learner"
    );
    // A second build replaces the first; another folder can be named.
    course.write("book/book/old.html", "");
    assert_eq!(course.run(&["build"]).0, Some(0));
    assert!(!course.path("book/book/old.html").exists());
    assert_eq!(course.run(&["build", "--dest", "site"]).0, Some(0));
    assert!(course.path("site/index.html").exists());
}

#[test]
fn a_folder_with_other_things_is_never_emptied() {
    let course = Course::new();
    let (code, _, errors) = course.run(&["build", "--dest", "crates"]);
    assert_eq!(code, Some(2), "{errors}");
    assert!(
        errors.contains("holds something else than a book"),
        "{errors}"
    );
    assert!(course.path("crates/01-tcp/src/lib.rs").exists());
}

#[test]
fn arguments_that_cannot_be_used_are_said_and_exit_with_2() {
    let course = Course::new();
    for arguments in [
        &["check", "--root", "crates"][..],
        &["check", "--nonsense"],
        &["serve", "--port", "65536"],
        &["bild"],
        &[],
    ] {
        let (code, _, errors) = course.run(arguments);
        assert_eq!(code, Some(2), "{arguments:?}: {errors}");
        assert!(!errors.is_empty());
    }
    fs::remove_file(course.path("book/book.toml")).unwrap();
    let (code, _, errors) = course.run(&["check"]);
    assert_eq!(code, Some(2));
    assert!(errors.contains("no book/book.toml"), "{errors}");
}

#[test]
fn a_build_that_is_killed_is_not_in_the_way_of_the_next() {
    let course = Course::new();
    let arguments = ["build", "--dest", "out"];
    assert_eq!(course.run(&arguments).0, Some(0));
    let page = course.path("out/toc.html");
    let mut build = std::process::Command::new(env!("CARGO_BIN_EXE_book-server"))
        .args(arguments)
        .current_dir(course.path("."))
        .spawn()
        .unwrap();
    // At the moment at which the old book goes, or after the end.
    while page.exists() && build.try_wait().unwrap().is_none() {
        std::thread::yield_now();
    }
    build.kill().unwrap();
    build.wait().unwrap();
    let (code, _, errors) = course.run(&arguments);
    assert_eq!(code, Some(0), "{errors}");
    assert!(page.exists());
}
