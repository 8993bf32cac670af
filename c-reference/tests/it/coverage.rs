//! Which lines of its file a reference passes through.

use std::fs;

use c_reference::{Options, Reference, Toolchain, lines_of};

use crate::support::{counting, original, reader};

#[test]
fn lines_that_are_passed_through_are_told_once_and_others_are_not() {
    let Some(linked) = original() else { return };
    let (mut session, _) = reader(&linked, &counting(4), 4);
    assert_eq!(session.take_blocks(), None, "the linked one does not tell");

    let folder = tempfile::tempdir().expect("a folder");
    let object = folder.path().join("told.so");
    let toolchain = Toolchain::open(&Options { coverage: true, ..Options::default() });
    let path = c_reference::original_path().expect("there is one where an original is linked in");
    toolchain.expect("compiles").compile(path, &object).expect("compiles");
    let reference = Reference::load(&object).expect("loads");
    let (mut session, stream) = reader(&reference, &counting(4), 4);
    session.take_blocks().expect("told");
    session.get_be16(stream).expect("defined");
    let blocks = session.take_blocks().expect("told");
    let lines = lines_of(&object, &blocks).expect("readable");
    let in_function = |first: u32, last: u32| lines.range(first..=last).count();
    let text = fs::read_to_string(path).expect("readable");
    let last = u32::try_from(text.lines().count()).expect("few");
    assert!(lines.iter().all(|line| *line <= last), "{lines:?}");
    assert!(in_function(301, 345) > 0, "the buffer is filled: {lines:?}");
    assert!(in_function(586, 601) > 0, "a byte is looked at: {lines:?}");
    assert_eq!(in_function(417, 458), 0, "nothing is put: {lines:?}");
    assert_eq!(session.take_blocks(), Some(Vec::new()), "each is told once");
}
