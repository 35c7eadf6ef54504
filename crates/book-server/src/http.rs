//! The server: pages and events, for browsers on this machine.
//!
//! It only ever answers reads, so nothing on a page can change a file or run a
//! command. Any site that the learner visits may send requests to it: the `Host`
//! header tells whether the browser believes to talk to us or, its name server having
//! been lied to, to somebody else.

use std::collections::HashMap;
use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use http_body_util::channel::Sender as BodySender;
use http_body_util::combinators::BoxBody;
use http_body_util::{BodyExt, Channel, Full};
use hyper::body::Bytes;
use hyper::header::{
    ALLOW, CACHE_CONTROL, CONTENT_SECURITY_POLICY, CONTENT_TYPE, HOST, HeaderName,
    REFERRER_POLICY, X_CONTENT_TYPE_OPTIONS,
};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Method, Request, Response, StatusCode};
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{Semaphore, watch};
use tokio::time;

use crate::links::decode;
use crate::live::Live;
use crate::site::{File, HTML};

/// Connections at a time. A page that is looked at holds one for its events, and a
/// browser opens six more at most; the rest is room for many windows.
const MOST_CONNECTIONS: usize = 256;

/// The longest request head. Browsers send less than one kilobyte to us; cookies of
/// other programs on this machine's ports may add some.
const LONGEST_HEAD: usize = 32 << 10;

/// How long a client may take for a request's head, and stay silent between two.
const PATIENCE: Duration = Duration::from_secs(15);

/// How often an idle event stream gets a sign of life: it shows who has gone.
const SIGN_OF_LIFE: Duration = Duration::from_secs(15);

type Body = BoxBody<Bytes, Infallible>;

/// Serves for ever.
pub async fn serve(listener: TcpListener, live: watch::Receiver<Live>) {
    let port = listener.local_addr().map_or(0, |address| address.port());
    let places = Arc::new(Semaphore::new(MOST_CONNECTIONS));
    loop {
        // The semaphore is never closed, so there is always a place to come.
        let place = Arc::clone(&places).acquire_owned().await;
        match listener.accept().await {
            Ok((stream, _)) => {
                let live = live.clone();
                tokio::spawn(async move {
                    visit(stream, port, live).await;
                    drop(place);
                });
            }
            Err(error) => {
                // Out of descriptors, most likely: trying again at once would spin.
                eprintln!("book-server: cannot accept a connection: {error}");
                time::sleep(Duration::from_millis(100)).await;
            }
        }
    }
}

async fn visit(stream: TcpStream, port: u16, live: watch::Receiver<Live>) {
    let answers = service_fn(move |request| {
        let live = live.clone();
        async move { Ok::<_, Infallible>(answer(&request, port, live).await) }
    });
    let visit = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(PATIENCE)
        .max_buf_size(LONGEST_HEAD)
        .serve_connection(TokioIo::new(stream), answers);
    // A visitor who breaks off or talks nonsense ends its own visit, no other.
    let _ = visit.await;
}

async fn answer<B>(
    request: &Request<B>,
    port: u16,
    mut live: watch::Receiver<Live>,
) -> Response<Body> {
    if !is_for_us(request, port) {
        let text = format!("This is http://127.0.0.1:{port}/ and nobody else.\n");
        return plain(StatusCode::MISDIRECTED_REQUEST, text);
    }
    if request.method() != Method::GET && request.method() != Method::HEAD {
        let text = "This server can only be read: GET or HEAD.\n";
        let mut response = plain(StatusCode::METHOD_NOT_ALLOWED, text);
        let allowed = hyper::header::HeaderValue::from_static("GET, HEAD");
        response.headers_mut().insert(ALLOW, allowed);
        return response;
    }
    if request.uri().path() == "/events" {
        return events(request.method(), live);
    }
    // The first build takes a moment: a browser that comes early waits for it.
    match live.wait_for(Live::is_ready).await {
        Ok(live) => file(&live, request.uri().path()),
        Err(_) => plain(StatusCode::SERVICE_UNAVAILABLE, "The server is ending.\n"),
    }
}

/// Whether the client means this server: by every name that it used for it.
fn is_for_us<B>(request: &Request<B>, port: u16) -> bool {
    let ours = |name: &str| {
        ["127.0.0.1", "localhost", "[::1]"].iter().any(|host| {
            match name.strip_prefix(host) {
                Some("") => port == 80,
                Some(rest) => rest == format!(":{port}"),
                None => false,
            }
        })
    };
    let mut hosts = request.headers().get_all(HOST).iter();
    let (Some(host), None) = (hosts.next(), hosts.next()) else {
        return false;
    };
    let host = host.to_str().unwrap_or_default().to_ascii_lowercase();
    let target = request.uri().authority();
    ours(&host) && target.is_none_or(|name| ours(name.as_str()))
}

fn file(live: &Live, path: &str) -> Response<Body> {
    let Some(site) = live.site() else {
        return page(StatusCode::SERVICE_UNAVAILABLE, live.apology(), BARE_POLICY);
    };
    match site.get(&decode(path)) {
        Some(File::Page(found)) => {
            page(StatusCode::OK, live.fill(found), &found.policy)
        }
        Some(File::Asset(kind, bytes)) => {
            // Most names carry a hash of the content, but not all do.
            let cache = "no-cache";
            let headers = [(CONTENT_TYPE, *kind), (CACHE_CONTROL, cache)];
            respond(StatusCode::OK, &headers, bytes.clone())
        }
        None => match site.get("404.html") {
            Some(File::Page(found)) => {
                page(StatusCode::NOT_FOUND, live.fill(found), &found.policy)
            }
            _ => plain(StatusCode::NOT_FOUND, "There is no such page.\n"),
        },
    }
}

/// The policy of a page without scripts.
const BARE_POLICY: &str =
    "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'self'";

fn page(status: StatusCode, html: String, policy: &str) -> Response<Body> {
    let headers = [
        (CONTENT_TYPE, HTML),
        (CONTENT_SECURITY_POLICY, policy),
        // The learner's state is in it: going back must not show an older one.
        (CACHE_CONTROL, "no-store"),
    ];
    respond(status, &headers, html)
}

fn plain(status: StatusCode, text: impl Into<Bytes>) -> Response<Body> {
    let headers = [
        (CONTENT_TYPE, "text/plain; charset=utf-8"),
        (CONTENT_SECURITY_POLICY, BARE_POLICY),
    ];
    respond(status, &headers, text)
}

fn respond(
    status: StatusCode,
    headers: &[(HeaderName, &str)],
    body: impl Into<Bytes>,
) -> Response<Body> {
    with_headers(status, headers, Full::new(body.into()).boxed())
}

fn with_headers(
    status: StatusCode,
    headers: &[(HeaderName, &str)],
    body: Body,
) -> Response<Body> {
    let mut response = Response::new(body);
    *response.status_mut() = status;
    let always = [
        (X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (REFERRER_POLICY, "no-referrer"),
        (SAME_ORIGIN, "same-origin"),
    ];
    for (name, value) in headers.iter().chain(&always) {
        // Every value is made of the constants here and of Base64.
        if let Ok(value) = value.parse() {
            response.headers_mut().insert(name.clone(), value);
        }
    }
    response
}

/// No other site may load anything of ours into its pages.
const SAME_ORIGIN: HeaderName =
    HeaderName::from_static("cross-origin-resource-policy");

/// Server-Sent Events: everything as it is now, then whatever changes.
fn events(method: &Method, live: watch::Receiver<Live>) -> Response<Body> {
    let (sender, body) = Channel::<Bytes, Infallible>::new(1);
    if *method == Method::GET {
        tokio::spawn(tell(live, sender));
    }
    let headers = [
        (CONTENT_TYPE, "text/event-stream"),
        (CACHE_CONTROL, "no-store"),
    ];
    with_headers(StatusCode::OK, &headers, body.boxed())
}

/// Tells one browser of every change until it has gone.
///
/// Nothing is queued: a browser that reads slowly gets the newest state when it is
/// ready for more, and what it missed in between is old.
async fn tell(
    mut live: watch::Receiver<Live>,
    mut browser: BodySender<Bytes, Infallible>,
) {
    let mut told: HashMap<String, String> = HashMap::new();
    // After a break it asks again within a second, not within Chromium's three.
    let mut news = vec![String::from("retry: 1000\n\n")];
    loop {
        for piece in live.borrow_and_update().pieces() {
            let old = told.insert(piece.key.clone(), piece.version.clone());
            if old.as_ref() != Some(&piece.version) {
                news.push(format!("data: {}\n\n", piece.json));
            }
        }
        for event in news.drain(..) {
            if browser.send_data(event.into()).await.is_err() {
                return;
            }
        }
        match time::timeout(SIGN_OF_LIFE, live.changed()).await {
            Ok(Ok(())) => {}
            Ok(Err(_)) => return,
            Err(_) => news.push(String::from(": still here\n\n")),
        }
    }
}
