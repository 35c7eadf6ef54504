//! From a name to addresses: `getaddrinfo`, with all its hints and all its results.
//!
//! [`ToSocketAddrs`](std::net::ToSocketAddrs) makes the same call with one hint (a
//! stream) and returns the addresses alone. This one shows what there is.

use std::ffi::{CStr, CString};
use std::io;
use std::net::SocketAddr;
use std::{error, fmt, mem, ptr};

use libc::addrinfo;
use socket2::SockAddr;

// ANCHOR: hints
/// What we tell the resolver about the addresses that we want.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Hints {
    /// `AF_INET`, `AF_INET6`, or `AF_UNSPEC` for both.
    pub family: i32,
    /// `SOCK_STREAM` and so on; 0 for all, each address then comes once per type.
    pub kind: i32,
    /// `IPPROTO_TCP` and so on; 0 for all.
    pub protocol: i32,
    /// `AI_PASSIVE`, `AI_CANONNAME`, `AI_NUMERICHOST`, `AI_NUMERICSERV`,
    /// `AI_V4MAPPED`, `AI_ALL`, `AI_ADDRCONFIG`, put together with `|`.
    pub flags: i32,
}

impl Default for Hints {
    fn default() -> Self {
        Self {
            family: libc::AF_UNSPEC,
            kind: 0,
            protocol: 0,
            flags: 0,
        }
    }
}

/// One line of the answer: what `socket` and `connect` need to be told.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Found {
    /// Address and port; for IPv6 with its scope.
    pub address: SocketAddr,
    /// `SOCK_STREAM` and so on.
    pub kind: i32,
    /// `IPPROTO_TCP` and so on.
    pub protocol: i32,
    /// The name's official form: in the first line, if it was asked for.
    pub canonical: Option<String>,
}
// ANCHOR_END: hints

/// Why there is no answer.
#[derive(Debug)]
pub struct LookupError {
    asked: String,
    why: Why,
}

#[derive(Debug)]
enum Why {
    /// `EAI_NONAME` and so on, which is no errno; and the library's words for it.
    Code(i32, String),
    System(io::Error),
}

impl LookupError {
    /// The `EAI_` code, unless the system failed with an errno.
    pub fn code(&self) -> Option<i32> {
        match self.why {
            Why::Code(code, _) => Some(code),
            Why::System(_) => None,
        }
    }
}

impl fmt::Display for LookupError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { asked, why } = self;
        match why {
            Why::Code(_, words) => write!(f, "cannot look up {asked}: {words}"),
            Why::System(error) => write!(f, "cannot look up {asked}: {error}"),
        }
    }
}

impl error::Error for LookupError {}

// ANCHOR: lookup
/// Asks for all addresses of `host` at the port of `service`, in the order in which
/// they are to be tried (RFC 6724): `getaddrinfo`.
///
/// Without a `host` the answer is loopback, or with `AI_PASSIVE` the wildcard.
///
/// # Errors
///
/// If there is no such name or service, or nobody could be asked.
pub fn lookup(
    host: Option<&str>,
    service: Option<&str>,
    hints: Hints,
) -> Result<Vec<Found>, LookupError> {
    let asked = asked(host, service);
    let fail = |why| LookupError {
        asked: asked.clone(),
        why,
    };
    let c = |text: &str| {
        CString::new(text).map_err(|e| fail(Why::System(io::Error::other(e))))
    };
    let host = host.map(c).transpose()?;
    let service = service.map(c).transpose()?;
    match List::ask(host.as_deref(), service.as_deref(), hints) {
        Ok(list) => Ok(list.found()),
        Err(libc::EAI_SYSTEM) => Err(fail(Why::System(io::Error::last_os_error()))),
        Err(code) => Err(fail(Why::Code(code, words(code)))),
    }
}
// ANCHOR_END: lookup

fn asked(host: Option<&str>, service: Option<&str>) -> String {
    let host = host.map_or("no name".into(), |host| format!("{host:?}"));
    match service {
        Some(service) => format!("{host} with the service {service:?}"),
        None => host,
    }
}

// ANCHOR: list
/// The resolver's answer: a linked list that is the C library's until it is given back.
struct List(*mut addrinfo);

impl List {
    #[expect(unsafe_code, reason = "std and nix have no getaddrinfo with hints")]
    fn ask(
        host: Option<&CStr>,
        service: Option<&CStr>,
        hints: Hints,
    ) -> Result<Self, i32> {
        // SAFETY: `addrinfo` is numbers and pointers: all zeros are a valid value, and
        // the one in which POSIX wants the fields that are no hints.
        let mut wanted: addrinfo = unsafe { mem::zeroed() };
        wanted.ai_family = hints.family;
        wanted.ai_socktype = hints.kind;
        wanted.ai_protocol = hints.protocol;
        wanted.ai_flags = hints.flags;
        let pointer = |text: Option<&CStr>| text.map_or(ptr::null(), CStr::as_ptr);
        let mut first = ptr::null_mut();
        // SAFETY: both texts end with a NUL and outlive the call, as `wanted` does; it
        // writes nothing but `first`, and that only where it succeeds.
        let code = unsafe {
            libc::getaddrinfo(pointer(host), pointer(service), &wanted, &mut first)
        };
        if code == 0 {
            Ok(Self(first))
        } else {
            Err(code)
        }
    }

    #[expect(unsafe_code, reason = "the list is linked by raw pointers")]
    fn found(&self) -> Vec<Found> {
        let mut found = Vec::new();
        let mut next = self.0;
        // SAFETY: the list is ours until `drop`, its last pointer is null, and each
        // other one leads to an `addrinfo` that nobody changes.
        while let Some(info) = unsafe { next.as_ref() } {
            if let Some(address) = address(info) {
                found.push(Found {
                    address,
                    kind: info.ai_socktype,
                    protocol: info.ai_protocol,
                    // SAFETY: null, or a text with a NUL at its end, part of the list.
                    canonical: unsafe { text(info.ai_canonname) },
                });
            }
            next = info.ai_next;
        }
        found
    }
}

impl Drop for List {
    #[expect(unsafe_code, reason = "who asked has to give the list back")]
    fn drop(&mut self) {
        // SAFETY: it came from getaddrinfo, is given back once, and nothing that
        // `found` returned points into it.
        unsafe { libc::freeaddrinfo(self.0) };
    }
}
// ANCHOR_END: list

/// The address in one line of the list; none for a family that std does not know.
#[expect(unsafe_code, reason = "a sockaddr is bytes of a length that C tells")]
fn address(info: &addrinfo) -> Option<SocketAddr> {
    let length = usize::try_from(info.ai_addrlen).ok()?;
    let known = matches!(info.ai_family, libc::AF_INET | libc::AF_INET6);
    if !known || info.ai_addr.is_null() {
        return None;
    }
    // SAFETY: `ai_addr` leads to `ai_addrlen` bytes of an address of `ai_family`, which
    // is one of two that fit into the storage; no more than its size is copied.
    let filled = unsafe {
        SockAddr::try_init(|storage, room| {
            let length = length.min(mem::size_of_val(&*storage));
            ptr::copy_nonoverlapping(
                info.ai_addr.cast::<u8>(),
                storage.cast::<u8>(),
                length,
            );
            *room = info.ai_addrlen;
            Ok(())
        })
    };
    filled.ok()?.1.as_socket()
}

/// A C text as ours.
///
/// # Safety
///
/// `text` is null, or leads to bytes with a NUL at their end that stay as they are.
#[expect(unsafe_code, reason = "C texts end where a NUL is")]
unsafe fn text(text: *const libc::c_char) -> Option<String> {
    if text.is_null() {
        return None;
    }
    // SAFETY: as promised above.
    let text = unsafe { CStr::from_ptr(text) };
    Some(text.to_string_lossy().into_owned())
}

/// The library's words for an `EAI_` code.
#[expect(unsafe_code, reason = "gai_strerror is a C function")]
pub(crate) fn words(code: i32) -> String {
    // SAFETY: it returns a constant text for any number.
    let words = unsafe { text(libc::gai_strerror(code)) };
    words.unwrap_or_else(|| format!("error {code}"))
}

/// The name of a socket type, as C programs write it.
pub fn kind_name(kind: i32) -> String {
    match kind {
        libc::SOCK_STREAM => "SOCK_STREAM".into(),
        libc::SOCK_DGRAM => "SOCK_DGRAM".into(),
        libc::SOCK_RAW => "SOCK_RAW".into(),
        other => format!("type {other}"),
    }
}

/// The name of a protocol, as C programs write it.
pub fn protocol_name(protocol: i32) -> String {
    match protocol {
        libc::IPPROTO_IP => "any".into(),
        libc::IPPROTO_TCP => "IPPROTO_TCP".into(),
        libc::IPPROTO_UDP => "IPPROTO_UDP".into(),
        other => format!("protocol {other}"),
    }
}
