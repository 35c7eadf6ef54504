//! The live server: what it shows, what it refuses, and what cannot disturb it.

mod support;

use std::fs;
use std::io::{Read, Write};
use std::net::{Ipv4Addr, Shutdown, TcpListener};

use support::{Course, Reply, Server, failing, line, passing};

const BOOK: &str = "\"key\":\"book\"";

/// Waits until an event tells of this key with this text.
fn heard(events: &mut support::Events, key: &str, text: &str) -> String {
    let key = format!("\"key\":\"{key}\"");
    events.until(|event| event.contains(&key) && event.contains(text))
}

#[test]
fn a_page_comes_with_its_type_and_a_policy_that_lets_nothing_else_in() {
    let course = Course::new();
    let server = Server::start(&course);
    let page = server.get("/01-tcp.html");
    assert_eq!(page.status, 200);
    assert_eq!(
        page.header("content-type"),
        Some("text/html; charset=utf-8")
    );
    let policy = page.header("content-security-policy").unwrap();
    assert!(policy.starts_with("default-src 'none'; script-src 'self' 'sha256-"));
    assert!(!policy.contains("http"), "{policy}");
    assert!(
        !policy.contains("script-src 'self' 'unsafe-inline'"),
        "{policy}"
    );
    assert_eq!(page.header("x-content-type-options"), Some("nosniff"));
    assert_eq!(page.header("cache-control"), Some("no-store"));
    assert!(
        !page.body.contains("hs-trouble"),
        "trouble where there is none"
    );
    for (path, kind) in [
        ("/", "text/html; charset=utf-8"),
        ("/index.html?from=there", "text/html; charset=utf-8"),
        ("/%30%31-tcp.html", "text/html; charset=utf-8"),
        ("/generated/split.svg", "image/svg+xml"),
        ("/fonts/OPEN-SANS-LICENSE.txt", "text/plain; charset=utf-8"),
    ] {
        let reply = server.get(path);
        assert_eq!(reply.status, 200, "{path}");
        assert_eq!(reply.header("content-type"), Some(kind), "{path}");
    }
    let missing = server.get("/nothing.html");
    assert_eq!(missing.status, 404);
    assert!(missing.body.contains("Document not found"));
}

#[test]
fn every_file_that_a_page_names_is_served() {
    let course = Course::new();
    let server = Server::start(&course);
    let page = server.get("/01-tcp.html").body;
    let mut seen = 0;
    for reference in book_server::page::scan(&page).references {
        if matches!(reference.tag.as_str(), "script" | "link") {
            let reply = server.get(&format!("/{}", reference.value));
            assert_eq!(reply.status, 200, "{}", reference.value);
            assert_ne!(
                reply.header("content-type"),
                Some("application/octet-stream")
            );
            seen += 1;
        }
    }
    assert!(seen > 10, "only {seen} files");
}

#[test]
fn a_request_for_another_host_is_refused() {
    let course = Course::new();
    let server = Server::start(&course);
    let port = server.port;
    for host in ["127.0.0.1", "localhost", "LocalHost", "[::1]"] {
        let reply = server.request("GET", "/", &format!("{host}:{port}"));
        assert_eq!(reply.status, 200, "{host}");
    }
    let elsewhere = [
        "evil.example".to_owned(),
        format!("evil.example:{port}"),
        format!("127.0.0.1.evil.example:{port}"),
        format!("localhost.evil.example:{port}"),
        format!("user@localhost:{port}"),
        format!("localhost:{}", port ^ 1),
        "localhost".to_owned(),
        "127.0.0.1:".to_owned(),
        String::new(),
    ];
    for host in &elsewhere {
        for path in ["/", "/events", "/01-tcp.html"] {
            let reply = server.request("GET", path, host);
            assert_eq!(reply.status, 421, "{host} {path}");
            assert!(!reply.body.contains("<html"), "{host}");
        }
    }
    let two = format!("Host: 127.0.0.1:{port}\r\nHost: evil.example\r\n");
    let cases = [
        ("/".to_owned(), String::new()),
        ("/".to_owned(), two),
        (
            "http://evil.example/".into(),
            format!("Host: 127.0.0.1:{port}\r\n"),
        ),
    ];
    for (target, hosts) in cases {
        let request =
            format!("GET {target} HTTP/1.1\r\n{hosts}Connection: close\r\n\r\n");
        let reply = Reply::of(&server.exchange(&request));
        assert!(
            [400, 421].contains(&reply.status),
            "{request}: {}",
            reply.status
        );
    }
}

#[test]
fn only_reads_are_answered() {
    let course = Course::new();
    let server = Server::start(&course);
    let host = format!("127.0.0.1:{}", server.port);
    for method in [
        "POST", "PUT", "DELETE", "PATCH", "OPTIONS", "TRACE", "FETCH",
    ] {
        for path in ["/", "/events", "/nothing"] {
            let reply = server.request(method, path, &host);
            assert_eq!(reply.status, 405, "{method} {path}");
            assert_eq!(reply.header("allow"), Some("get, head"), "{method}");
        }
    }
    let body = format!(
        "POST / HTTP/1.1\r\nHost: {host}\r\nContent-Length: 5\r\n\
         Connection: close\r\n\r\nhello"
    );
    assert_eq!(Reply::of(&server.exchange(&body)).status, 405);
}

#[test]
fn head_has_the_headers_of_get_and_no_body() {
    let course = Course::new();
    let server = Server::start(&course);
    let host = format!("127.0.0.1:{}", server.port);
    for path in ["/01-tcp.html", "/generated/split.svg", "/nothing"] {
        let (get, head) = (server.get(path), server.request("HEAD", path, &host));
        assert_eq!(head.status, get.status);
        assert_eq!(head.header("content-length"), get.header("content-length"));
        assert_eq!(head.body, "", "{path}");
    }
    let events = server.request("HEAD", "/events", &host);
    assert_eq!(events.header("content-type"), Some("text/event-stream"));
    assert_eq!(events.body, "");
}

#[test]
fn no_path_leads_out_of_the_book() {
    let course = Course::new();
    let server = Server::start(&course);
    let folder = course.path("book/book.toml");
    let folder = folder.to_str().unwrap();
    for path in [
        "/../book.toml",
        "/../../book/book.toml",
        "/%2e%2e/book.toml",
        "/..%2fbook.toml",
        "/..%5cbook.toml",
        "/theme/../../book.toml",
        "/./01-tcp.md/../../book.toml",
        "/%00",
        "/01-tcp.html%00.png",
        "/%ff%fe",
        "/.nojekyll",
        "//etc/passwd",
        "/etc/passwd",
        folder,
        &format!("/{folder}"),
        &"/..".repeat(500),
        &format!("/{}", "a".repeat(5000)),
    ] {
        let reply = server.get(path);
        assert!(
            [400, 404].contains(&reply.status),
            "{path}: {}",
            reply.status
        );
        assert!(!reply.body.contains("create-missing"), "{path}");
        assert!(!reply.body.contains("root:"), "{path}");
    }
}

#[test]
fn a_huge_head_is_refused_and_the_next_client_is_served() {
    let course = Course::new();
    let server = Server::start(&course);
    let port = server.port;
    let long = "x".repeat(64 << 10);
    let many = "X-More: 1\r\n".repeat(5000);
    for request in [
        format!("GET / HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nX: {long}\r\n\r\n"),
        format!("GET / HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\n{many}\r\n"),
        format!("GET /{long} HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\n\r\n"),
    ] {
        let mut stream = server.connect();
        // The server may hang up while we are writing, which is an answer too.
        let _ = stream.write_all(request.as_bytes());
        let mut reply = Vec::new();
        let _ = stream.read_to_end(&mut reply);
        let reply = String::from_utf8_lossy(&reply);
        assert!(!reply.starts_with("HTTP/1.1 200"), "{reply}");
        assert_eq!(server.get("/").status, 200);
    }
}

#[test]
fn nonsense_ends_its_own_connection_and_no_other() {
    let course = Course::new();
    let server = Server::start(&course);
    for seed in 0..50 {
        let mut random = fastrand::Rng::with_seed(seed);
        let bytes: Vec<u8> =
            (0..random.usize(1..2000)).map(|_| random.u8(..)).collect();
        let mut stream = server.connect();
        let _ = stream.write_all(&bytes);
        let _ = stream.shutdown(Shutdown::Write);
        let _ = stream.read_to_end(&mut Vec::new());
        assert_eq!(server.get("/").status, 200, "after seed {seed}");
    }
}

#[test]
fn slow_and_silent_clients_keep_nobody_waiting() {
    let course = Course::new();
    let server = Server::start(&course);
    let slow: Vec<_> = (0..100)
        .map(|nr| {
            let mut stream = server.connect();
            let half = "GET /01-tcp.html HTTP/1.1\r\nHost: 127";
            stream
                .write_all(&half.as_bytes()[..nr % half.len()])
                .unwrap();
            stream
        })
        .collect();
    // A page is asked for and not read.
    let unread: Vec<_> = (0..50)
        .map(|_| {
            let mut stream = server.connect();
            let port = server.port;
            let request = format!("GET / HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\n\r\n");
            stream.write_all(request.as_bytes()).unwrap();
            stream
        })
        .collect();
    assert_eq!(server.get("/01-tcp.html").status, 200);
    drop((slow, unread));
}

#[test]
fn clients_that_vanish_leave_their_places_to_others() {
    let course = Course::new();
    let mut server = Server::start(&course);
    server.get("/"); // the book is built
    // More than there are places, in two waves: the second needs those of the first.
    for _ in 0..2 {
        let watching: Vec<_> = (0..200)
            .map(|_| {
                let mut events = server.events();
                heard(&mut events, "book", "");
                events
            })
            .collect();
        assert_eq!(server.get("/").status, 200);
        drop(watching);
    }
    let mut events = server.events();
    server.tell(&line(&failing()));
    heard(&mut events, "tcp/timestamps", "hs-is-failing");
}

#[test]
fn the_server_ends_with_its_standard_input() {
    let course = Course::new();
    let server = Server::start(&course);
    server.get("/");
    let watching = server.events();
    assert_eq!(server.end(), Some(0));
    drop(watching);
    // At once, too: before the first build is done. It cleans up all the same.
    assert_eq!(Server::start(&course).end(), Some(0));
    let left: Vec<_> = fs::read_dir(course.path("."))
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .filter(|name| name.starts_with("handshake-book-"))
        .collect();
    assert_eq!(left, [""; 0]);
}

#[test]
fn a_taken_port_is_replaced_and_said() {
    let taken = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    let port = taken.local_addr().unwrap().port();
    let course = Course::new();
    let server = Server::start_at(&course, port);
    assert_ne!(server.port, port);
    assert_eq!(server.get("/").status, 200);
    server.complains(&format!("port {port} is taken"));
}

#[test]
fn it_listens_on_the_loopback_address_alone() {
    let course = Course::new();
    let server = Server::start(&course);
    // Had it bound every address, this other loopback address would reach it too.
    let other = std::net::TcpStream::connect(("127.0.0.2", server.port));
    assert!(other.is_err(), "it listens on more than 127.0.0.1");
}

#[test]
fn a_verdict_is_in_the_page_without_any_script() {
    let course = Course::new();
    let mut server = Server::start(&course);
    let mut events = server.events();
    assert!(
        server
            .get("/01-tcp.html")
            .body
            .contains("<strong>Not started</strong>")
    );
    server.tell("{\"kind\":\"current\",\"exercise\":\"tcp/timestamps\"}");
    server.tell(&line(&failing()));
    heard(&mut events, "tcp/timestamps", "hs-is-failing");
    let page = server.get("/01-tcp.html").body;
    for wanted in [
        "you are here",
        "<strong>Two answers came to one line</strong>",
        "1 of 3 probes passed",
        "href=\"02-bytes.html#one-read-is-not-one-message\"",
        "blocked in recvfrom on fd 4",
        "What one <code>read</code> brought",
        "src/lib.rs:12:5: index out of bounds",
        "class=\"hs-timeline\"",
        "&lt;script&gt;window.hacked",
    ] {
        assert!(page.contains(wanted), "{wanted}");
    }
    assert!(
        !page.contains("<script>window.hacked"),
        "a program's output is a script"
    );

    server.tell(&line(&passing()));
    heard(&mut events, "tcp/timestamps", "hs-is-passed");
    let page = server.get("/01-tcp.html").body;
    assert!(page.contains("hs-learnt"));
    assert!(!page.contains("hs-is-failing"));
    let start = server.get("/00-start.html").body;
    assert!(
        start.contains("<progress value=\"1\""),
        "no progress at the start"
    );
}

#[test]
fn a_line_that_is_no_message_is_reported_and_ignored() {
    let course = Course::new();
    let mut server = Server::start(&course);
    let mut events = server.events();
    server.tell("{\"kind\":\"state\",\"passed\":[\"tcp/greeting\",\"no/such\"]}");
    heard(&mut events, "tcp/greeting", "hs-is-passed");
    server.tell("garbage");
    server.tell("{\"kind\":\"verdict\"}");
    server.tell("{\"kind\":\"verdict\",\"verdict\":{\"exercise\":1}}");
    server.tell("{\"kind\":\"state\"}");
    server.tell("{\"kind\":\"party\"}");
    server.tell("");
    server.tell_bytes(b"\xff\xfe\x00{\n");
    server.tell(&"[".repeat(100_000));
    server.tell(&format!(
        "{{\"kind\":\"state\",\"more\":{}",
        "[".repeat(100_000)
    ));
    // A line that is too long is skipped to its end: what is there is no new line.
    let mut hidden = passing();
    hidden.exercise = "tcp/repair".into();
    server.tell(&("x".repeat(8 << 20) + &line(&hidden)));
    server.tell(&line(&failing()));
    heard(&mut events, "tcp/timestamps", "hs-is-failing");
    let page = server.get("/01-tcp.html").body;
    let passed = page.matches("hs-is-passed").count();
    assert_eq!(passed, 1, "greeting has passed, and nothing else");
    for wanted in [
        "not a message",
        "a `verdict` that is none",
        "a `state` without a list `passed`",
        "a message of an unknown kind: \"party\"",
        "a line of more than",
    ] {
        server.complains(wanted);
    }
}

#[test]
fn a_changed_chapter_or_source_is_shown() {
    let course = Course::new();
    let server = Server::start(&course);
    assert!(
        !server
            .get("/02-bytes.html")
            .body
            .contains("A new paragraph")
    );
    let mut events = server.events();
    let first = heard(&mut events, "book", "");
    course.append("book/src/02-bytes.md", "A new paragraph.\n");
    let second = events.until(|event| event.contains(BOOK) && event != first);
    assert!(
        server
            .get("/02-bytes.html")
            .body
            .contains("A new paragraph")
    );

    let demo = course.read("crates/01-tcp/demo.txt") + "another line of the demo\n";
    course.write("crates/01-tcp/demo.txt", &demo);
    events.until(|event| event.contains(BOOK) && event != second);
    assert!(
        server
            .get("/01-tcp.html")
            .body
            .contains("another line of the demo")
    );
}

#[test]
fn a_book_that_does_not_build_leaves_the_last_good_one_up() {
    let course = Course::new();
    let server = Server::start(&course);
    let mut events = server.events();
    server.get("/");
    let good = course.read("book/src/02-bytes.md");
    let line = course.append("book/src/02-bytes.md", "[x](none.md)\n");
    let finding = format!("book/src/02-bytes.md:{line}: a dead link: none.html");
    heard(&mut events, "book", &finding);
    let page = server.get("/01-tcp.html");
    assert_eq!(page.status, 200);
    assert!(page.body.contains("A socket of its own"));
    assert!(page.body.contains(&finding), "the page does not say why");
    course.write("book/src/02-bytes.md", &good);
    heard(&mut events, "book", "\"html\":\"\"");
    assert!(!server.get("/01-tcp.html").body.contains(&finding));
}

#[test]
fn a_book_that_never_built_says_why_until_it_does() {
    let course = Course::new();
    let good = course.read("book/src/02-bytes.md");
    course.append("book/src/02-bytes.md", "[x](none.md)\n");
    let server = Server::start(&course);
    let page = server.get("/anything");
    assert_eq!(page.status, 503);
    assert!(page.body.contains("a dead link: none.html"));
    assert!(page.body.contains("http-equiv=\"refresh\""));
    let mut events = server.events();
    course.write("book/src/02-bytes.md", &good);
    heard(&mut events, "book", "\"html\":\"\"");
    assert_eq!(server.get("/").status, 200);
}
