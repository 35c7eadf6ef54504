//! The live book as a reader sees it, in a real browser.
//!
//! `HANDSHAKE_SCREENSHOTS=folder` keeps a picture of every look.

mod support;
#[path = "support/webdriver.rs"]
mod webdriver;

use support::{Course, Server, failing, line, passing};
use webdriver::Browser;

const STATE: &str =
    "document.querySelector('#exercise-timestamps .hs-state').className";

/// A verdict turns a box red and then green, on a page that is never loaded again,
/// that says no error and asks nobody else for anything.
#[test]
fn an_exercise_turns_from_failing_to_passed_before_the_readers_eyes() {
    let Some(browser) = Browser::open() else {
        return;
    };
    let course = Course::new();
    let mut server = Server::start(&course);
    let base = format!("http://127.0.0.1:{}/", server.port);
    browser.look(1280, 900, "light");
    browser.go(&format!("{base}01-tcp.html#exercise-timestamps"));
    browser.wait(&format!("{STATE}.includes('hs-is-not-started')"));
    browser.run("window.neverLoadedAgain = true");
    browser.screenshot("desktop-light-not-started");

    server.tell("{\"kind\":\"current\",\"exercise\":\"tcp/timestamps\"}");
    server.tell(&line(&failing()));
    browser.wait(&format!("{STATE}.includes('hs-is-failing')"));
    let text = browser.run(
        "return document.querySelector('#exercise-timestamps .hs-live').innerText",
    );
    let text = text.as_str().unwrap().to_owned();
    for wanted in ["Failing", "you are here", "One read is not one message"] {
        assert!(text.contains(wanted), "{wanted} in {text}");
    }
    let picture = "document.querySelector('#exercise-timestamps .hs-timeline')";
    let width =
        browser.run(&format!("return {picture}.getBoundingClientRect().width"));
    assert!(
        width.as_f64().unwrap() > 300.0,
        "the timeline is {width} px wide"
    );
    browser.screenshot("desktop-light-failing");

    browser
        .run("document.querySelector('#exercise-timestamps .hs-probes').open = true");
    server.tell(&line(&passing()));
    browser.wait(&format!("{STATE}.includes('hs-is-passed')"));
    browser.wait("document.querySelector('.hs-count')?.textContent.startsWith('1/')");
    let said = browser.run("return document.getElementById('hs-say').textContent");
    assert!(said.as_str().unwrap().ends_with(": passed"), "{said}");
    let open = browser
        .run("return document.querySelector('#exercise-timestamps .hs-probes').open");
    assert_eq!(open, true, "what the reader had opened is closed again");
    browser.screenshot("desktop-light-passed");

    assert_eq!(browser.run("return window.neverLoadedAgain"), true);
    assert_eq!(browser.log("browser"), [""; 0]);
    let requests = browser.requests();
    assert!(requests.len() > 5, "{requests:?}");
    for url in requests {
        assert!(url.starts_with(&base) || url.starts_with("data:"), "{url}");
    }
}

#[test]
fn a_page_fits_a_telephone_and_every_theme() {
    let Some(browser) = Browser::open() else {
        return;
    };
    let course = Course::new();
    let mut server = Server::start(&course);
    let mut events = server.events();
    server.tell(&line(&failing()));
    server.tell("{\"kind\":\"state\",\"passed\":[\"tcp/greeting\"]}");
    events.until(|event| event.contains("tcp/greeting") && event.contains("passed"));
    let base = format!("http://127.0.0.1:{}/", server.port);
    for (width, scheme) in [
        (360, "light"),
        (360, "dark"),
        (1280, "light"),
        (1280, "dark"),
    ] {
        browser.look(width, 900, scheme);
        for page in ["00-start", "01-tcp", "02-bytes", "symptoms"] {
            browser.go(&format!("{base}{page}.html"));
            browser.run(
                "document.querySelectorAll('details').forEach(d => d.open = true)",
            );
            assert_eq!(too_wide(&browser), "", "{page} at {width} px, {scheme}");
            let kept = ["00-start", "01-tcp"].contains(&page);
            if kept {
                browser.screenshot(&format!("{page}-{width}-{scheme}"));
            }
        }
        browser.go(&format!("{base}01-tcp.html#exercise-timestamps"));
        browser.screenshot(&format!("failing-{width}-{scheme}"));
    }
    browser.look(1280, 900, "light");
    for theme in ["light", "rust", "coal", "navy", "ayu"] {
        browser.run(&format!("localStorage.setItem('mdbook-theme', '{theme}')"));
        browser.go(&format!("{base}01-tcp.html?{theme}#exercise-timestamps"));
        assert_eq!(faint(&browser), "", "hard to read in {theme}");
        browser.screenshot(&format!("theme-{theme}"));
    }
}

#[test]
fn a_line_of_86_columns_needs_no_scrolling() {
    let Some(browser) = Browser::open() else {
        return;
    };
    let course = Course::new();
    let server = Server::start(&course);
    browser.look(1280, 900, "light");
    browser.go(&format!("http://127.0.0.1:{}/02-bytes.html", server.port));
    let hidden = browser.run(
        "document.querySelectorAll('details').forEach(d => d.open = true);
         return [...document.querySelectorAll('pre > code')]
             .map(code => code.scrollWidth - code.clientWidth);",
    );
    assert_eq!(
        hidden,
        serde_json::json!([0, 0]),
        "hidden pixels, box by box"
    );
}

/// What makes the page itself scroll sideways: names what sticks out, or nothing.
fn too_wide(browser: &Browser) -> String {
    let script = "
        const page = document.documentElement;
        if (page.scrollWidth <= page.clientWidth &&
            [...document.querySelectorAll('main *')].every(element =>
                element.getBoundingClientRect().right <= page.clientWidth + 1 ||
                element.closest('pre, .table-wrapper, svg, .hs-unseen, .hs-word'))
            ) return '';
        return [...document.querySelectorAll('main *')]
            .filter(e => e.getBoundingClientRect().right > page.clientWidth)
            .map(e => e.tagName + '.' + e.className).join(' ') || 'page';";
    browser.run(script).as_str().expect("a text").to_owned()
}

/// Texts of the course's own whose contrast is below 4.5 to 1 (WCAG 2.2, 1.4.3).
fn faint(browser: &Browser) -> String {
    let script = "
        const canvas = document.createElement('canvas').getContext('2d',
            {willReadFrequently: true});
        const rgb = (color, below) => {
            canvas.fillStyle = below; canvas.fillRect(0, 0, 1, 1);
            canvas.fillStyle = color; canvas.fillRect(0, 0, 1, 1);
            return [...canvas.getImageData(0, 0, 1, 1).data].slice(0, 3);
        };
        const light = ([r, g, b]) => [r, g, b].map(v => v / 255)
            .map(v => v <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4)
            .reduce((sum, v, i) => sum + v * [0.2126, 0.7152, 0.0722][i], 0);
        const background = element => {
            let color = getComputedStyle(document.documentElement).backgroundColor;
            const up = [];
            for (let e = element; e; e = e.parentElement) up.unshift(e);
            for (const e of up) {
                const [r, g, b] = rgb(getComputedStyle(e).backgroundColor, color);
                color = `rgb(${r}, ${g}, ${b})`;
            }
            return color;
        };
        const faint = [];
        for (const element of document.querySelectorAll(
            '.hs-exercise *:not(svg, svg *), main p, main a, summary')) {
            const own = [...element.childNodes]
                .some(node => node.nodeType === 3 && node.data.trim());
            if (!own || !element.checkVisibility()) continue;
            const below = background(element);
            const [a, b] = [light(rgb(getComputedStyle(element).color, below)),
                light(rgb(below, '#fff'))];
            const contrast = (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05);
            if (contrast < 4.5) faint.push(`${element.tagName}.${element.className} `
                + `${contrast.toFixed(2)}: ${element.textContent.slice(0, 20)}`);
        }
        return faint.join('; ');";
    browser.run(script).as_str().expect("a text").to_owned()
}

#[test]
fn a_page_is_whole_without_scripts() {
    let Some(browser) = Browser::open() else {
        return;
    };
    let course = Course::new();
    let mut server = Server::start(&course);
    let mut events = server.events();
    server.tell(&line(&failing()));
    events.until(|event| event.contains("hs-is-failing"));
    let base = format!("http://127.0.0.1:{}/", server.port);
    for (width, scheme) in [(1280, "light"), (360, "dark")] {
        browser.look(width, 900, scheme);
        browser.scripts(false);
        browser.go(&format!("{base}01-tcp.html#exercise-timestamps"));
        browser.screenshot(&format!("no-script-{width}-{scheme}"));
        // The driver's own scripts need them on; the page's have had their chance.
        browser.scripts(true);
        assert_eq!(browser.run("return typeof path_to_root"), "undefined");
        assert_eq!(too_wide(&browser), "", "{width} px without scripts");
        let box_text = browser
            .run("return document.querySelector('#exercise-timestamps').innerText");
        assert!(
            box_text
                .as_str()
                .unwrap()
                .contains("Two answers came to one line")
        );
        let shade = browser
            .run("return getComputedStyle(document.documentElement).backgroundColor");
        let white = shade == "rgb(255, 255, 255)";
        assert_eq!(white, scheme == "light", "{scheme}: {shade}");
    }
}

#[test]
fn a_page_can_be_used_with_the_keyboard_alone() {
    let Some(browser) = Browser::open() else {
        return;
    };
    const TAB: &str = "\u{e004}";
    const ENTER: &str = "\u{e007}";
    let course = Course::new();
    let server = Server::start(&course);
    browser.look(1000, 900, "light");
    browser.go(&format!("http://127.0.0.1:{}/01-tcp.html", server.port));
    let focus = |what: &str| {
        for _ in 0..60 {
            browser.press(TAB);
            let here = format!("return document.activeElement.matches('{what}')");
            if browser.run(&here) == true {
                let outline =
                    "return getComputedStyle(document.activeElement).outlineStyle";
                assert_ne!(
                    browser.run(outline),
                    "none",
                    "no focus to be seen on {what}"
                );
                return;
            }
        }
        panic!("no key leads to {what}");
    };
    focus("#mdbook-sidebar-toggle");
    browser.press(ENTER);
    browser.wait("document.documentElement.classList.contains('sidebar-visible')");
    browser.press(ENTER);
    browser.wait("!document.documentElement.classList.contains('sidebar-visible')");
    focus("main details > summary");
    browser.press(ENTER);
    browser.wait("document.querySelector('main details').open");
    // A wide box scrolls with the arrow keys, and the page is not turned.
    focus("main pre > code");
    browser.press("\u{e014}");
    browser.wait("document.activeElement.matches('pre > code')");
    assert_eq!(
        browser.run("return location.pathname"),
        "/01-tcp.html",
        "an arrow key in a code block turned the page"
    );
}

#[test]
fn a_page_says_that_the_book_has_changed_or_that_the_server_has_ended() {
    let Some(browser) = Browser::open() else {
        return;
    };
    let course = Course::new();
    let server = Server::start(&course);
    browser.look(1000, 900, "light");
    browser.go(&format!("http://127.0.0.1:{}/01-tcp.html", server.port));
    let good = course.read("book/src/02-bytes.md");
    course.append("book/src/02-bytes.md", "[x](none.md)\n");
    browser.wait(
        "document.querySelector('.hs-trouble')?.innerText.includes('none.html')",
    );
    browser.screenshot("trouble");
    course.write("book/src/02-bytes.md", &(good + "\nMore.\n"));
    browser.wait("!document.querySelector('.hs-trouble')");
    browser.wait("document.querySelector('.hs-outdated a')");
    assert_eq!(server.end(), Some(0));
    browser.wait("document.querySelector('.hs-lost')");
    browser.screenshot("lost");
}
