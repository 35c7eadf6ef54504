//! The experiments, and the programs that are broken on purpose.

use std::time::Duration;

use lesson_2::surprise::Way;
use lesson_2::{broken, flow, seams, surprise};

const PATIENCE: Duration = Duration::from_millis(200);

#[test]
fn two_writes_may_be_one_read_and_one_write_many() {
    let joined = seams::two_writes_one_read(b"good\n", b"morning\n").unwrap();
    assert_eq!(joined, b"good\nmorning\n");
    let pieces = seams::one_write_many_reads(b"good morning\n", 5).unwrap();
    assert_eq!(pieces, [&b"good "[..], b"morni", b"ng\n"]);
}

#[test]
fn a_writer_is_made_to_wait_and_goes_on_when_somebody_reads() {
    let flow = flow::measure(PATIENCE).unwrap();
    assert!(flow.unread > 0 && flow.after_reading > 0, "{flow:?}");
    assert!(flow.small_buffers < flow.unread, "{flow:?}");
}

#[test]
fn a_line_in_pieces_takes_more_writes_and_no_more_answers() {
    for cost in surprise::measure(3).unwrap() {
        let writes = if cost.way == Way::Whole { 1.0 } else { 4.0 };
        assert_eq!(cost.writes, writes, "{cost:?}");
        assert!(cost.reads >= 1.0, "{cost:?}");
        assert!(
            cost.time.low <= cost.time.median && cost.time.median <= cost.time.high
        );
    }
}

#[test]
fn the_server_of_one_read_takes_pieces_for_messages_and_messages_for_one() {
    let answers = broken::one_read().unwrap();
    assert_eq!(answers.direct, ["[good morning]"]);
    assert_eq!(answers.cut, ["[good]", "[morni]", "[ng]"]);
    assert_eq!(answers.joined, [r"[good morning\ngood morning]"]);
}

#[test]
fn the_server_that_decodes_pieces_spoils_characters_and_finds_the_lines() {
    let answers = broken::utf8().unwrap();
    assert_eq!(answers.direct, ["[grüße]"]);
    assert_eq!(answers.cut, ["[gr\u{fffd}\u{fffd}ße]"]);
    assert_eq!(answers.joined, ["[grüße]", "[grüße]"]);
}

#[test]
fn sixty_four_megabytes_stall_and_a_thousand_bytes_do_not() {
    assert!(broken::deadlock(1000, PATIENCE).unwrap().is_none());
    let stall = broken::deadlock(64 << 20, PATIENCE).unwrap().unwrap();
    assert!(stall.sent < 64 << 20, "{stall:?}");
    assert!(stall.returned <= stall.received, "{stall:?}");
    assert!(stall.received <= stall.sent, "{stall:?}");
    assert!(stall.returned > 0, "{stall:?}");
}
