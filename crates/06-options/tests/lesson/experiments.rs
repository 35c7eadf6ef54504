//! The experiments, and the programs that are broken on purpose.

use std::fs::File;
use std::time::Duration;

use lesson_6::nagle::{self, Way};
use lesson_6::options::{self, Kind};
use lesson_6::{broken, copies, file, kinds, linger, names, packets};

use crate::Scratch;

#[test]
fn tcp_has_every_option_and_the_others_say_what_they_lack() {
    let tcp = options::table(Kind::Tcp).unwrap();
    assert!(tcp.iter().all(|row| !row.first.starts_with('E')), "{tcp:?}");
    for kind in [Kind::Udp, Kind::Unix] {
        for row in options::table(kind).unwrap() {
            let lacks = ["EOPNOTSUPP", "ENOPROTOOPT"];
            let lacks = lacks.contains(&row.first.as_str());
            assert!(row.level != "TCP" || lacks, "{row:?}");
            assert!(row.level != "SOCKET" || !lacks, "{row:?}");
        }
    }
}

#[cfg(target_os = "linux")]
#[test]
fn a_buffer_comes_back_doubled_and_no_smaller_than_the_least() {
    let rows = options::table(Kind::Tcp).unwrap();
    let then = |name| -> u32 {
        let row = rows.iter().find(|row| row.name == name).unwrap();
        row.then.parse().unwrap()
    };
    assert_eq!(then("SO_RCVBUF"), 40_000);
    assert!(then("SO_SNDBUF") > 2, "one byte was asked for");
}

#[test]
fn each_way_makes_as_many_writes_as_it_says() {
    for cost in nagle::measure(3).unwrap() {
        let writes = match cost.way {
            Way::TwoWrites | Way::NoDelay => 2.0,
            Way::OneWrite | Way::Vectored => 1.0,
        };
        assert_eq!(cost.writes, writes, "{cost:?}");
        assert!(cost.low <= cost.median && cost.median <= cost.high);
    }
}

#[test]
fn only_a_linger_of_0_seconds_is_a_reset() {
    let over = |time| linger::say_and_close(time).unwrap().1;
    assert_eq!(over(None), "the end");
    assert_eq!(over(Some(Duration::from_secs(5))), "the end");
    assert_eq!(over(Some(Duration::ZERO)), "ECONNRESET");
}

#[cfg(target_os = "linux")]
#[test]
fn seqpacket_is_there_and_rdm_is_not() {
    let made = kinds::everywhere();
    let answer = |family, kind| {
        let it = made
            .iter()
            .find(|it| it.family == family && it.kind == kind);
        it.unwrap().answer.as_str()
    };
    assert_eq!(answer("AF_UNIX", "SOCK_SEQPACKET"), "yes");
    assert_eq!(answer("AF_UNIX", "SOCK_RDM"), "ESOCKTNOSUPPORT");
    assert_eq!(answer("AF_INET", "SOCK_RDM"), "ESOCKTNOSUPPORT");
}

#[cfg(target_os = "linux")]
#[test]
fn a_stream_joins_messages_and_packets_are_cut() {
    let stories = packets::all().unwrap();
    let reads = |at: usize| stories[at].reads.clone();
    let stream: String = reads(0).into_iter().map(|(bytes, _)| bytes).collect();
    assert_eq!(stream, "good morningagain");
    for at in [1, 2] {
        let expected = [("good mor".to_string(), true), ("again".into(), false)];
        assert_eq!(reads(at), expected);
    }
    assert_eq!(packets::empty_and_end().unwrap(), (0, 0));
}

#[test]
fn what_is_shared_by_copies_is_what_the_book_says() {
    let facts = copies::facts().unwrap();
    let answers: Vec<&str> =
        facts.iter().map(|(_, answer)| answer.as_str()).collect();
    let heard = "\"still here\\n\", then the end";
    assert_eq!(answers, ["yes", "no", "yes", "yes", "ok", "EPIPE", heard]);
}

#[test]
fn a_socket_file_outlives_its_listener() {
    let life = names::life_of_a_file().unwrap();
    let answers: Vec<&str> = life.iter().map(|(_, answer)| answer.as_str()).collect();
    let expected = [
        "ENOENT",
        "yes",
        "EADDRINUSE",
        "there",
        "ECONNREFUSED",
        "EADDRINUSE",
        "yes",
    ];
    assert_eq!(answers, expected);
}

#[test]
fn both_ways_send_the_whole_file_and_sendfile_reads_it_less_often() {
    let scratch = Scratch::new("sendfile");
    let path = scratch.path("file");
    std::fs::write(&path, vec![7; 300_000]).unwrap();
    let mut file = File::open(&path).unwrap();
    let [copied, sent] = file::both_ways(&mut file).unwrap();
    assert_eq!((copied.bytes, sent.bytes), (300_000, 300_000));
    if let (Some(copied), Some(sent)) = (copied.reads, sent.reads) {
        assert!(sent < copied, "{sent} and {copied}");
    }
}

#[test]
fn the_second_server_takes_the_name_and_leaves_nobody() {
    let story = broken::takes_the_name().unwrap();
    let who: Vec<&str> = story.iter().map(|(_, who)| who.as_str()).collect();
    assert_eq!(who, ["the first", "the second", "nobody: ECONNREFUSED"]);
}

#[test]
fn a_copy_in_a_list_keeps_the_connection_open() {
    let story = broken::keeps_a_copy().unwrap();
    let heard: Vec<&str> = story.iter().map(|(_, heard)| heard.as_str()).collect();
    assert_eq!(heard, ["hello", "nothing (EAGAIN)", "the end"]);
}
