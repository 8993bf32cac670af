//! Settings, and which release has which defect.

use std::num::NonZeroI32;
use std::sync::Arc;

use crate::support::{Event, channel};
use qemufile_core::{
    Config, Error, IO_BUF_SIZE, Misuse, NullChannel, Quirks, Reader, Release, Stream,
    TransferCounter, Writer, compat,
};

use super::support::Later;

const RELEASES: [Release; 7] = [
    Release::V8_2,
    Release::V9_0,
    Release::V9_1,
    Release::V10_0,
    Release::V10_2,
    Release::V11_0,
    Release::V11_1,
];

#[test]
fn releases_are_in_order() {
    assert!(RELEASES.is_sorted());
    let names = RELEASES.map(|release| release.to_string());
    assert_eq!(names, ["8.2", "9.0", "9.1", "10.0", "10.2", "11.0", "11.1"]);
    assert_eq!(Release::default(), Release::V8_2);
}

#[test]
fn each_release_has_its_defects() {
    type Quirk = fn(&Quirks) -> bool;
    let table: [(Quirk, &str); 10] = [
        (|quirks| quirks.stale_peek, "xxxxxxx"),
        (|quirks| quirks.release_unsent, "xxxxxxx"),
        (|quirks| quirks.torn_compression, "xx....."),
        (|quirks| quirks.lossy_put_stream, "xx....."),
        (|quirks| quirks.unchecked_flush, ".xxxxxx"),
        (|quirks| quirks.single_attempt, ".xxxxx."),
        (|quirks| quirks.channel_offset, ".xxxxxx"),
        (|quirks| quirks.descriptor_out_of_step, "...xx.."),
        (|quirks| quirks.end_as_service_byte, ".....xx"),
        (|quirks| quirks.raw_read_failure, "....xxx"),
    ];
    for (quirk, expected) in table {
        let has = |release: &Release| if quirk(&Quirks::faithful(*release)) { 'x' } else { '.' };
        assert_eq!(RELEASES.iter().map(has).collect::<String>(), expected);
        assert!(!quirk(&Quirks::FIXED));
    }
    assert_eq!(Quirks::faithful(Release::V8_2), Quirks::FAITHFUL);
    assert_eq!(Quirks::default(), Quirks::FIXED);
}

#[test]
fn each_switch_has_a_method() {
    let all = Quirks::FIXED
        .stale_peek(true)
        .release_unsent(true)
        .torn_compression(true)
        .lossy_put_stream(true)
        .unchecked_flush(true)
        .single_attempt(true)
        .channel_offset(true)
        .descriptor_out_of_step(true)
        .end_as_service_byte(true)
        .raw_read_failure(true);
    assert!(!format!("{all:?}").contains("false"), "{all:?}");
    assert!(!all.stale_peek(false).stale_peek);
}

#[test]
fn a_setting_is_set_by_its_method() {
    let counter = TransferCounter::default();
    let config = Config::faithful(Release::V9_1).max_pieces(2).transferred(counter.clone());
    assert_eq!((config.release, config.quirks), (Release::V9_1, Quirks::faithful(Release::V9_1)));
    let mut writer = Writer::with_config(Arc::new(NullChannel::new()), &config);
    writer.put_buffer(&[0; IO_BUF_SIZE]).unwrap();
    assert_eq!(counter.get(), IO_BUF_SIZE as u64);
    writer.put_shared(vec![1]).unwrap();
    writer.put_shared(vec![2]).unwrap();
    assert!(writer.is_empty(), "the second piece is the last");
}

#[test]
fn a_shutdown_that_fails_is_reported_since_9_0() {
    for release in [Release::V8_2, Release::V9_0] {
        let scripted = channel([]).shutdown(Err(107)).shared();
        let config = scripted.config(Quirks::FIXED).release(release);
        let reader = Reader::with_config(scripted.clone(), &config);
        assert_eq!(compat::shutdown(&reader), -5);
        let text = std::io::Error::from_raw_os_error(107).to_string();
        let reported = [Event::Shutdown, Event::Report(text)];
        let expected = if release == Release::V8_2 { &reported[..1] } else { &reported };
        assert_eq!(scripted.events(), expected);

        let scripted = channel([]).shared();
        let config = scripted.config(Quirks::FIXED).release(release);
        assert_eq!(compat::shutdown(&Reader::with_config(scripted.clone(), &config)), -38);
        assert_eq!(scripted.events(), [], "a channel without a shutdown never is");
    }
}

#[test]
fn a_failing_read_is_passed_on_raw_since_10_2() {
    let failing = || Later::new([Err(104)]);
    let quirks = Quirks::faithful(Release::V10_2);
    for (quirks, expected) in [(quirks, -1), (Quirks::FIXED, -5)] {
        let mut reader = failing().reader(Release::V10_2, quirks);
        assert_eq!(compat::get_to_fd(&mut reader, &mut Vec::new(), 1), expected);
        assert_eq!(compat::get_to_fd(&mut reader, &mut Vec::new(), 1), -5, "it reads no more");
        let mut reader = failing().task_reader(Release::V10_2, quirks);
        let mut sink = Vec::new();
        let passed = compat::nonblocking::get_to_fd(&mut reader, &mut sink, 1);
        assert_eq!(super::support::block_on(passed), expected);
        let mut reader = Later::new([Ok(0)]).reader(Release::V10_2, quirks);
        assert_eq!(compat::get_to_fd(&mut reader, &mut Vec::new(), 1), -5, "an end is none");
        let reader = failing().reader(Release::V10_2, quirks);
        reader.set_error(NonZeroI32::new(-22).unwrap(), None);
    }
}

#[test]
fn descriptors_need_a_release_that_has_them() {
    for release in RELEASES {
        let later = Later::passing([]);
        let mut writer = later.writer(release, Quirks::FIXED);
        let mut reader = writer.return_path();
        let file = std::fs::File::open("/dev/null").unwrap();
        if release >= Release::V10_0 {
            assert_eq!(later.calls(), ["passes?", "passes?"], "once for each stream");
            writer.send_descriptor(&file).unwrap();
            continue;
        }
        assert_eq!(later.calls(), [""; 0]);
        let errors = [writer.send_descriptor(&file), reader.receive_descriptor().map(drop)];
        for error in errors.map(Result::unwrap_err) {
            assert!(
                matches!(error, Error::Misuse(Misuse::NoDescriptors { release: r }) if r == release)
            );
            assert_eq!(error.errno(), -22);
            assert!(error.to_string().ends_with(&format!("follows {release}")), "{error}");
        }
        assert!(writer.error().is_none() && reader.error().is_none());
    }
}
