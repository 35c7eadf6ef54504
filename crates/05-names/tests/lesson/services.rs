//! The parser of services(5), and the C library beside it.

use std::fs;

use lesson_5::services::{FILE, ask_libc, find, parse};

#[test]
fn an_entry_has_a_name_a_port_a_protocol_and_aliases() {
    let entry = parse(b"http\t80/tcp  www\twww-http # the web").unwrap();
    assert_eq!(entry.names, [&b"http"[..], b"www", b"www-http"]);
    assert_eq!((entry.port, entry.protocol), (80, &b"tcp"[..]));
    assert_eq!(parse(b"  ssh 22/tcp\r").unwrap().names, [&b"ssh"[..]]);
}

#[test]
fn what_is_no_entry_is_none() {
    for line in [
        &b""[..],
        b"   \t",
        b"# http 80/tcp",
        b"http",
        b"http # 80/tcp",
        b"http 80",
        b"http 80/",
        b"http /tcp",
        b"http +80/tcp",
        b"http -1/tcp",
        b"http 0/tcp",
        b"http 65536/tcp",
        b"http 99999999999999999999/tcp",
        b"http eighty/tcp",
        b"http \xff/tcp",
    ] {
        assert_eq!(parse(line), None, "{}", line.escape_ascii());
    }
}

#[test]
fn the_first_entry_that_fits_is_found_by_name_or_alias_and_protocol() {
    let file = b"# syslog 1/udp\nshell 514/tcp cmd\nsyslog 514/udp\nsyslog 9/udp";
    let port = |name: &str, protocol: Option<&str>| {
        let found = find(file, name.as_bytes(), protocol.map(str::as_bytes));
        found.map(|entry| entry.port)
    };
    assert_eq!(port("syslog", Some("udp")), Some(514));
    assert_eq!(port("syslog", None), Some(514));
    assert_eq!(port("syslog", Some("tcp")), None);
    assert_eq!(port("cmd", Some("tcp")), Some(514));
    assert_eq!(port("CMD", Some("tcp")), None);
}

#[test]
fn a_line_that_cannot_be_read_hides_no_other() {
    let file = b"broken 99999/tcp\n\xff\xfe\nhttp 80/tcp # caf\xe9\n";
    assert_eq!(find(file, b"http", Some(b"tcp")).unwrap().port, 80);
}

#[test]
fn any_bytes_are_read_without_a_panic_and_no_more_is_found_than_is_there() {
    for seed in 0..500 {
        let mut random = fastrand::Rng::with_seed(seed);
        let special = b"a1/#\n\t \r0+\xff";
        let file: Vec<u8> = (0..random.usize(..200))
            .map(|_| match random.u8(..4) {
                0 => random.u8(..),
                _ => special[random.usize(..special.len())],
            })
            .collect();
        for entry in file.split(|byte| *byte == b'\n').filter_map(parse) {
            assert!(entry.port > 0 && !entry.protocol.is_empty(), "seed {seed}");
            for name in &entry.names {
                assert!(!name.is_empty() && !name.contains(&b'#'), "seed {seed}");
                let found = find(&file, name, Some(entry.protocol));
                assert!(found.unwrap().names.contains(name), "seed {seed}");
            }
        }
    }
}

#[test]
fn an_entry_that_is_written_down_is_read_again() {
    for seed in 0..200 {
        let mut random = fastrand::Rng::with_seed(seed);
        let mut word = || -> String {
            let length = random.usize(1..9);
            (0..length).map(|_| random.lowercase()).collect()
        };
        let names: Vec<String> = (0..4).map(|_| word()).collect();
        let protocol = word();
        let port = random.u16(1..);
        let space = [" ", "\t", "  \t "][random.usize(..3)];
        let aliases = names[1..].join(space);
        let line = format!("{}{space}{port}/{protocol}{space}{aliases}#x", names[0]);
        let entry = parse(line.as_bytes()).unwrap();
        let wanted: Vec<&[u8]> = names.iter().map(String::as_bytes).collect();
        assert_eq!(entry.names, wanted, "seed {seed}");
        assert_eq!((entry.port, entry.protocol), (port, protocol.as_bytes()));
    }
}

#[test]
fn where_the_machine_has_the_file_the_c_library_finds_what_we_find() {
    // What nsswitch.conf(5) may add cannot be told here, so only one way is compared.
    let Ok(file) = fs::read(FILE) else { return };
    for (name, protocol) in [("http", "tcp"), ("smtp", "tcp"), ("domain", "udp")] {
        let ours = find(&file, name.as_bytes(), Some(protocol.as_bytes()));
        if let (Some(ours), Some(theirs)) = (ours, ask_libc(name, Some(protocol))) {
            assert_eq!(ours.port, theirs, "{name}/{protocol}");
        }
    }
    assert_eq!(ask_libc("no such service", Some("tcp")), None);
    assert_eq!(ask_libc("a\0b", None), None);
}
