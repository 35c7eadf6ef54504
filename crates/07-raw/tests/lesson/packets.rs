//! The parsers and builders, over packets that are right, wrong, and arbitrary.

use std::net::{Ipv4Addr, SocketAddrV4};

use lesson_7::checksum::{checksum, holds};
use lesson_7::icmp::{self, Message};
use lesson_7::{igmp, ipv4, layers, udp};

const SOURCE: SocketAddrV4 = SocketAddrV4::new(Ipv4Addr::new(192, 0, 2, 1), 5000);
const TARGET: SocketAddrV4 = SocketAddrV4::new(Ipv4Addr::new(192, 0, 2, 2), 53);

fn packet(options: &[u8]) -> Vec<u8> {
    let datagram = udp::build(SOURCE, TARGET, b"hello").unwrap();
    ipv4::build((*SOURCE.ip(), *TARGET.ip()), ipv4::UDP, options, &datagram).unwrap()
}

#[test]
fn a_checksum_put_behind_what_it_covers_holds() {
    let mut random = fastrand::Rng::with_seed(7);
    for _ in 0..2000 {
        let length = 2 * random.usize(..50);
        let mut bytes: Vec<u8> = (0..length).map(|_| random.u8(..)).collect();
        bytes.extend(checksum(&bytes).to_be_bytes());
        assert!(holds(&bytes), "{bytes:?}");
        let bit = random.usize(..8 * bytes.len());
        bytes[bit / 8] ^= 1 << (bit % 8);
        assert!(!holds(&bytes), "{bytes:?}");
    }
}

#[test]
fn carries_come_in_again_and_an_odd_end_is_padded() {
    assert_eq!(checksum(&[]), 0xFFFF);
    assert_eq!(checksum(&[0xFF, 0xFF, 0xFF, 0xFF, 0, 1]), !1);
    assert_eq!(checksum(&[0x12]), checksum(&[0x12, 0]));
    assert_eq!(checksum(&vec![0xFF; 1 << 20]), 0);
}

#[test]
fn a_packet_that_is_built_is_read_again_with_and_without_options() {
    for options in [&[][..], &[1; 4], &[1; 40]] {
        let packet = packet(options);
        let ip = ipv4::parse(&packet).unwrap();
        assert_eq!(ip.header.len(), 20 + options.len());
        assert_eq!((ip.source, ip.destination), (*SOURCE.ip(), *TARGET.ip()));
        let datagram = udp::parse(ip.payload).unwrap();
        assert_eq!((datagram.source, datagram.destination), (5000, 53));
        assert_eq!(datagram.data, b"hello");
        assert!(datagram.holds(ip.source, ip.destination));
        assert!(!datagram.holds(ip.source, Ipv4Addr::new(192, 0, 2, 3)));
    }
}

#[test]
fn padding_of_the_link_is_no_part_of_the_packet() {
    let mut padded = packet(&[]);
    padded.extend([0xEE; 9]);
    assert_eq!(ipv4::parse(&padded).unwrap().payload.len(), 13);
}

#[test]
fn what_is_wrong_is_told_by_its_field() {
    let whole = packet(&[]);
    let with = |at: usize, byte: u8| {
        let mut packet = whole.clone();
        packet[at] = byte;
        packet
    };
    let short_total = {
        let mut packet = with(3, 19);
        packet[10..12].fill(0);
        let sum = checksum(&packet[..20]).to_be_bytes();
        packet[10..12].copy_from_slice(&sum);
        packet
    };
    for (packet, field) in [
        (whole[..19].to_vec(), "IPv4 header"),
        (with(0, 0x65), "IPv4 version"),
        (with(0, 0x44), "IPv4 header length"),
        (with(0, 0x4F), "IPv4 header length"),
        (with(12, 9), "IPv4 header checksum"),
        (short_total, "IPv4 total length"),
        (whole[..32].to_vec(), "IPv4 total length"),
    ] {
        assert_eq!(ipv4::parse(&packet).unwrap_err().field, field);
    }
    for (bytes, field) in [
        (&[0, 1, 0, 2, 0, 9, 0][..], "UDP header"),
        (&[0, 1, 0, 2, 0, 9, 0, 0], "UDP length"),
        (&[0, 1, 0, 2, 0, 7, 0, 0], "UDP length"),
    ] {
        assert_eq!(udp::parse(bytes).unwrap_err().field, field);
    }
    assert_eq!(icmp::parse(&[8; 7]).unwrap_err().field, "ICMP header");
    assert_eq!(icmp::parse(&[8; 8]).unwrap_err().field, "ICMP checksum");
    let error = ipv4::parse(&whole[..32]).unwrap_err().to_string();
    let words = "IPv4 total length: 33 bytes, with 32 that came and a header of 20";
    assert_eq!(error, words);
}

#[test]
fn a_packet_cut_short_anywhere_is_refused() {
    let whole = packet(&[1; 8]);
    for length in 0..whole.len() {
        assert!(ipv4::parse(&whole[..length]).is_err(), "{length} bytes");
    }
}

#[test]
fn too_much_data_is_refused_and_the_most_is_not() {
    assert!(udp::build(SOURCE, TARGET, &vec![0; 65_507]).is_ok());
    let error = udp::build(SOURCE, TARGET, &vec![0; 65_508]).unwrap_err();
    assert_eq!(error.field, "UDP length");
    let ends = (*SOURCE.ip(), *TARGET.ip());
    assert!(ipv4::build(ends, 17, &[], &vec![0; 65_515]).is_ok());
    assert!(ipv4::build(ends, 17, &[], &vec![0; 65_516]).is_err());
    assert!(ipv4::build(ends, 17, &[1; 44], &[]).is_err());
    assert!(ipv4::build(ends, 17, &[1; 3], &[]).is_err());
}

#[test]
fn a_udp_checksum_of_zero_is_sent_as_ffff() {
    let found = (0..=u16::MAX).find(|word| {
        let datagram = udp::build(SOURCE, TARGET, &word.to_be_bytes()).unwrap();
        datagram[6..8] == [0xFF, 0xFF]
    });
    let word = found
        .expect("some word makes the sum come out as 0")
        .to_be_bytes();
    let datagram = udp::build(SOURCE, TARGET, &word).unwrap();
    let datagram = udp::parse(&datagram).unwrap();
    assert!(datagram.holds(*SOURCE.ip(), *TARGET.ip()));
}

#[test]
fn an_echo_request_is_read_again() {
    let message = icmp::echo_request(0x1234, 0x0102, b"data");
    let Ok(Message::EchoRequest(echo)) = icmp::parse(&message) else {
        panic!("{message:?}");
    };
    assert_eq!((echo.identifier, echo.sequence), (0x1234, 0x0102));
    assert_eq!(echo.data, b"data");
}

#[test]
fn a_quoted_request_is_found_behind_a_header_of_any_length() {
    let message = icmp::echo_request(7, 9, b"");
    let ends = (*SOURCE.ip(), *TARGET.ip());
    for options in [&[][..], &[1; 12], &[1; 40]] {
        let quote = ipv4::build(ends, ipv4::ICMP, options, &message).unwrap();
        assert_eq!(icmp::quoted_request(&quote), Some((7, 9)));
        for length in 0..quote.len() {
            assert_eq!(icmp::quoted_request(&quote[..length]), None);
        }
        let quote = ipv4::build(ends, ipv4::UDP, options, &message).unwrap();
        assert_eq!(icmp::quoted_request(&quote), None);
    }
}

/// A report of one group with a list of two senders, and of another with none.
fn report() -> Vec<u8> {
    let mut bytes = vec![0x22, 0, 0, 0, 0, 0, 0, 2];
    bytes.extend([5, 0, 0, 2, 239, 1, 2, 3, 192, 0, 2, 1, 192, 0, 2, 2]);
    bytes.extend([4, 0, 0, 0, 239, 9, 9, 9]);
    let sum = checksum(&bytes).to_be_bytes();
    bytes[2..4].copy_from_slice(&sum);
    bytes
}

#[test]
fn a_report_is_read_over_lists_of_senders() {
    let records = igmp::report(&report()).unwrap();
    let groups = [(5, [239, 1, 2, 3]), (4, [239, 9, 9, 9])];
    let expected = groups.map(|(kind, group)| igmp::Record {
        kind,
        group: group.into(),
    });
    assert_eq!(records, expected);
    for length in 0..report().len() {
        assert!(igmp::report(&report()[..length]).is_err(), "{length} bytes");
    }
}

#[test]
fn a_report_that_promises_more_records_than_there_are_is_refused() {
    for (at, value) in [(7, 3), (9, 9), (10, 1), (27, 1)] {
        let mut bytes = report();
        bytes[at] = value;
        bytes[2..4].fill(0);
        let sum = checksum(&bytes).to_be_bytes();
        bytes[2..4].copy_from_slice(&sum);
        let error = igmp::report(&bytes).unwrap_err();
        assert_eq!(error.field, "IGMP report", "byte {at}");
    }
}

#[test]
fn no_bytes_make_a_parser_panic() {
    let mut random = fastrand::Rng::with_seed(791);
    for round in 0..20_000 {
        let mut bytes: Vec<u8> =
            (0..random.usize(..90)).map(|_| random.u8(..)).collect();
        if round % 2 == 0 && bytes.len() >= 34 {
            bytes[12..14].copy_from_slice(&[8, 0]);
            bytes[14] = 0x40 | random.u8(5..8);
        }
        let _ = layers::rows(&bytes);
        let _ = ipv4::parse(&bytes);
        let _ = icmp::parse(&bytes);
        let _ = icmp::quoted_request(&bytes);
        let _ = udp::parse(&bytes);
        if round % 2 == 1 && bytes.len() >= 8 {
            bytes[0] = 0x22;
            bytes[6] = 0;
            bytes[2..4].fill(0);
            let sum = checksum(&bytes).to_be_bytes();
            bytes[2..4].copy_from_slice(&sum);
        }
        let _ = igmp::report(&bytes);
    }
    // And whole packets with a byte or two of chance in them.
    let frame = [&[0; 12][..], &[8, 0], &packet(&[1; 4])].concat();
    for _ in 0..20_000 {
        let mut bytes = frame.clone();
        for _ in 0..random.usize(1..3) {
            let at = random.usize(..bytes.len());
            bytes[at] = random.u8(..);
        }
        bytes.truncate(random.usize(..=bytes.len()));
        let _ = layers::rows(&bytes);
    }
}

#[test]
fn the_rows_of_a_frame_hold_all_its_bytes_in_order() {
    let frame = [&[0; 12][..], &[8, 0], &packet(&[1; 4])].concat();
    let rows = layers::rows(&frame).unwrap();
    let bytes: Vec<u8> = rows.iter().flat_map(|row| row.bytes.clone()).collect();
    assert_eq!(bytes, frame);
    let plain = layers::text(&rows, false);
    assert!(!plain.contains('\x1b'));
    assert!(plain.contains("\"hello\""), "{plain}");
    assert!(layers::text(&rows, true).contains("\x1b[36mNETWORK"));
}
