//! One server, two families.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, SocketAddrV6, TcpStream};
use std::thread;

use lesson_5::broken;
use lesson_5::dual::{ask, caller, line, listen, serve};

use crate::ipv6;

fn start(ip: IpAddr) -> u16 {
    let listener = listen(SocketAddr::new(ip, 0)).unwrap();
    let port = listener.local_addr().unwrap().port();
    thread::spawn(move || serve(&listener, |_| {}));
    port
}

fn says(ip: IpAddr, port: u16) -> String {
    String::from_utf8(ask(SocketAddr::new(ip, port)).unwrap()).unwrap()
}

const V4: IpAddr = IpAddr::V4(Ipv4Addr::LOCALHOST);
const V6: IpAddr = IpAddr::V6(Ipv6Addr::LOCALHOST);

#[test]
fn callers_of_both_families_are_told_their_own_address() {
    if !ipv6() {
        return;
    }
    let port = start(Ipv6Addr::UNSPECIFIED.into());
    for _ in 0..2 {
        assert!(says(V4, port).starts_with("you are 127.0.0.1:"));
        assert!(says(V4, port).ends_with(" over IPv4\n"));
        assert!(says(V6, port).starts_with("you are [::1]:"));
    }
}

#[test]
fn a_server_at_loopback_is_at_no_other_address() {
    let port = start(V4);
    assert!(says(V4, port).starts_with("you are 127.0.0.1:"));
    if cfg!(target_os = "linux") {
        let other = Ipv4Addr::new(127, 0, 0, 2);
        TcpStream::connect((other, port)).unwrap_err();
    }
}

#[test]
fn only_mapped_addresses_are_changed() {
    for (peer, known) in [
        ("[::ffff:192.0.2.7]:1", "192.0.2.7:1"),
        ("192.0.2.7:1", "192.0.2.7:1"),
        ("[::1]:1", "[::1]:1"),
        ("[::192.0.2.7]:1", "[::c000:207]:1"),
        ("[2001:db8::1]:1", "[2001:db8::1]:1"),
    ] {
        assert_eq!(caller(peer.parse().unwrap()).to_string(), known);
    }
}

#[test]
fn every_ipv4_address_comes_back_from_its_ipv6_form_and_scopes_stay() {
    let mut random = fastrand::Rng::with_seed(5);
    for _ in 0..1000 {
        let v4 = Ipv4Addr::from(random.u32(..));
        let port = random.u16(..);
        let mapped = SocketAddr::from((v4.to_ipv6_mapped(), port));
        assert_eq!(caller(mapped), SocketAddr::from((v4, port)));
        assert!(line(mapped).starts_with(&format!("you are {v4}:{port} over IPv4")));

        let local = Ipv6Addr::from(random.u128(..) >> 16 | 0xfe80 << 112);
        let local = SocketAddrV6::new(local, port, 0, random.u32(..)).into();
        assert_eq!(caller(local), local);
    }
}

#[test]
fn a_caller_that_resets_does_not_stop_the_server() {
    let port = start(V4);
    for _ in 0..20 {
        let stream = TcpStream::connect((V4, port)).unwrap();
        socket2::SockRef::from(&stream)
            .set_linger(Some(std::time::Duration::ZERO))
            .unwrap();
    }
    assert!(says(V4, port).starts_with("you are 127.0.0.1:"));
}

#[test]
fn the_broken_servers_are_broken_as_the_book_says() {
    if !ipv6() {
        return;
    }
    let [alone, dual] = broken::mapped().unwrap();
    assert!(alone.let_in && !dual.let_in);
    assert_eq!(dual.peer.to_string(), "::ffff:127.0.0.1");
    let [(_, v6), (_, v4)] = broken::v6only().unwrap();
    v6.unwrap();
    v4.unwrap_err();
}
