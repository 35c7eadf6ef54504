// What a live page adds to itself. Without this script, and in the static book, every
// page is complete: the server renders the learner's state into it. The script keeps
// it up to date between two visits.
(() => {
    'use strict';

    // A wide code block scrolls in its own box. Reached with Tab, the arrow keys
    // scroll it; mdBook would turn the page.
    for (const code of document.querySelectorAll('main pre > code, main .hs-output pre')) {
        if (code.scrollWidth > code.clientWidth) {
            code.tabIndex = 0;
        }
        code.addEventListener('keydown', event => {
            if (event.key === 'ArrowLeft' || event.key === 'ArrowRight') {
                event.stopPropagation();
            }
        });
    }

    // mdBook's button for the table of contents is a label: no key reaches it.
    const contents = document.getElementById('mdbook-sidebar-toggle');
    contents.tabIndex = 0;
    contents.setAttribute('role', 'button');
    contents.addEventListener('keydown', event => {
        if (event.key === 'Enter' || event.key === ' ') {
            event.preventDefault();
            contents.click();
        }
    });

    const notice = document.getElementById('hs-notice');
    if (!notice) {
        return; // the static book
    }
    const known = JSON.parse(notice.dataset.known);
    const say = document.getElementById('hs-say');
    let events = null;

    // Puts "1/4" beside each lesson in the table of contents.
    function count(lessons) {
        for (const {stem, passed, of} of lessons) {
            const links = document.querySelectorAll('#mdbook-sidebar .chapter-item a[href]');
            for (const link of links) {
                if (link.getAttribute('href').split('/').pop() !== `${stem}.html`) {
                    continue;
                }
                let mark = link.querySelector('.hs-count');
                if (!mark) {
                    mark = document.createElement('span');
                    mark.className = 'hs-count';
                    link.append(mark);
                }
                mark.textContent = `${passed}/${of}`;
                mark.title = `${passed} of ${of} exercises passed`;
                mark.classList.toggle('hs-all', passed === of);
            }
        }
    }

    // Replaces a piece of the page, unless it is the one that is there already.
    function replace(piece, {version, html, say: words}) {
        if (piece.dataset.version === version) {
            return;
        }
        const open = [...piece.querySelectorAll('details[open]')].map(d => d.className);
        const focused = piece.contains(document.activeElement);
        piece.innerHTML = html;
        piece.dataset.version = version;
        for (const details of piece.querySelectorAll('details')) {
            details.open ||= open.includes(details.className);
        }
        if (focused) {
            piece.tabIndex = -1;
            piece.focus({preventScroll: true});
        }
        piece.classList.remove('hs-new');
        void piece.offsetWidth; // so that the animation starts again
        piece.classList.add('hs-new');
        if (words) {
            say.textContent = words;
        }
    }

    function put(name, html) {
        let place = notice.querySelector(`.${name}`);
        if (!html) {
            place?.remove();
        } else if (place?.innerHTML !== html) {
            if (!place) {
                place = document.createElement('div');
                place.className = name;
                notice.append(place);
            }
            place.innerHTML = html;
        }
    }

    function take(piece) {
        if (piece.key === 'book') {
            put('hs-trouble', piece.html);
            put('hs-outdated', piece.version && piece.version !== known.book
                ? '<p>The book has changed. <a href="">Show the new page</a></p>' : '');
            return;
        }
        if (piece.lessons) {
            count(piece.lessons);
        }
        const key = CSS.escape(piece.key);
        for (const place of document.querySelectorAll(`.hs-live[data-key="${key}"] > .hs-piece`)) {
            replace(place, piece);
        }
    }

    function connect() {
        events?.close();
        events = new EventSource(notice.dataset.events);
        events.onopen = () => put('hs-lost', '');
        events.onmessage = event => take(JSON.parse(event.data));
        events.onerror = () => {
            put('hs-outdated', '');
            put('hs-lost', '<p>No connection: <code>cargo learn</code> has ended. This '
                + 'page goes on by itself when you start it again.</p>');
            if (events.readyState === EventSource.CLOSED) {
                setTimeout(watch, 3000);
            }
        };
    }

    // A browser opens six connections to a server and no more. A page that nobody
    // looks at must not keep one, or the seventh window would never load.
    function watch() {
        if (document.visibilityState === 'visible') {
            connect();
        } else {
            events?.close();
            events = null;
        }
    }

    count(known.lessons);
    document.addEventListener('visibilitychange', watch);
    window.addEventListener('pagehide', () => events?.close());
    window.addEventListener('pageshow', event => event.persisted && watch());
    watch();
})();
