//! The resolver, with addresses in figures alone: nothing of this machine's files.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};

use lesson_5::resolve::{Hints, lookup};
use lesson_5::reverse::{fqdn, host_name, name_of};

const FIGURES: Hints = Hints {
    family: libc::AF_UNSPEC,
    kind: libc::SOCK_STREAM,
    protocol: 0,
    flags: libc::AI_NUMERICHOST | libc::AI_NUMERICSERV,
};

fn addresses(host: Option<&str>, hints: Hints) -> Vec<String> {
    let found = lookup(host, Some("9006"), hints).unwrap();
    found.iter().map(|one| one.address.to_string()).collect()
}

#[test]
fn figures_become_the_address_that_they_say() {
    assert_eq!(addresses(Some("127.0.0.1"), FIGURES), ["127.0.0.1:9006"]);
    assert_eq!(addresses(Some("::1"), FIGURES), ["[::1]:9006"]);
    assert_eq!(
        addresses(Some("::ffff:192.0.2.7"), FIGURES),
        ["[::ffff:192.0.2.7]:9006"]
    );
}

#[test]
fn the_scope_of_a_link_local_address_is_kept() {
    let found = lookup(Some("fe80::1%1"), Some("9006"), FIGURES).unwrap();
    let SocketAddr::V6(address) = found[0].address else {
        panic!("{found:?}");
    };
    assert_eq!(address.scope_id(), 1);
}

#[test]
fn no_name_is_loopback_and_with_passive_the_wildcard() {
    let v4 = Hints {
        family: libc::AF_INET,
        flags: libc::AI_NUMERICSERV,
        ..FIGURES
    };
    assert_eq!(addresses(None, v4), ["127.0.0.1:9006"]);
    let passive = Hints {
        flags: libc::AI_NUMERICSERV | libc::AI_PASSIVE,
        ..v4
    };
    assert_eq!(addresses(None, passive), ["0.0.0.0:9006"]);
}

#[test]
fn a_family_that_the_figures_are_not_of_is_an_error() {
    let six = Hints {
        family: libc::AF_INET6,
        ..FIGURES
    };
    let error = lookup(Some("127.0.0.1"), None, six).unwrap_err();
    assert!(error.code().is_some(), "{error}");
    assert!(
        error
            .to_string()
            .starts_with("cannot look up \"127.0.0.1\": ")
    );
}

#[test]
fn a_name_where_figures_were_wanted_is_an_error_that_names_it() {
    let error = lookup(Some("not figures"), Some("9006"), FIGURES).unwrap_err();
    assert_eq!(error.code(), Some(libc::EAI_NONAME));
    let words = error.to_string();
    assert!(
        words.contains("\"not figures\" with the service \"9006\""),
        "{words}"
    );
}

#[test]
fn any_text_is_an_answer_or_an_error() {
    for seed in 0..300 {
        let mut random = fastrand::Rng::with_seed(seed);
        let special = ['1', '.', ':', '%', 'f', '\0', '0', 'é', 'x', ' '];
        let text: String = (0..random.usize(..40))
            .map(|_| special[random.usize(..special.len())])
            .collect();
        let _ = lookup(Some(&text), Some("1"), FIGURES);
        let _ = lookup(Some("::1"), Some(&text), FIGURES);
    }
}

#[test]
fn an_address_without_a_name_says_so_and_is_not_given_as_one() {
    // 192.0.2.0/24 is for documentation (RFC 5737): nobody can have given it a name,
    // whatever this machine's resolver does to find that out.
    let address = SocketAddr::from(([192, 0, 2, 1], 0));
    if let Ok(name) = name_of(address) {
        assert!(name.parse::<IpAddr>().is_err(), "{name}");
    }
}

#[test]
fn the_full_name_of_an_address_is_never_empty() {
    let found = fqdn("127.0.0.1").unwrap();
    assert_eq!(found.asked, "127.0.0.1");
    assert_eq!(found.addresses[0].0, IpAddr::V4(Ipv4Addr::LOCALHOST));
    assert!(!found.name.is_empty());
    assert!(!host_name().unwrap().contains('\0'));
}
