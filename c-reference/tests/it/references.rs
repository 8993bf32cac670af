//! References that are compiled and loaded at run time, beside the one that is linked in.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Mutex;

use crate::support::{Script, compiled, counting, original, reader, session, writer};
use c_reference::{CompileError, LoadError, PIN, Reference, Stop, Undefined};

/// Functions that came with 9.0 and 10.0.
const LATER: [&str; 7] = [
    "qemu_file_is_seekable",
    "qemu_put_buffer_at",
    "qemu_get_buffer_at",
    "qemu_set_offset",
    "qemu_get_offset",
    "qemu_file_put_fd",
    "qemu_file_get_fd",
];

/// Where the C file lies that was linked in.
fn source() -> &'static Path {
    c_reference::original_path().expect("there is one where an original is linked in")
}

/// A copy of the original, with `change` made to the line of that number.
fn changed(folder: &Path, number: usize, change: impl Fn(&str) -> String) -> PathBuf {
    let text = fs::read_to_string(source()).expect("readable");
    let lines: Vec<String> = (1..)
        .zip(text.lines())
        .map(|(at, line)| if at == number { change(line) } else { line.to_owned() })
        .collect();
    let changed = lines.join("\n") + "\n";
    assert_ne!(changed, text, "line {number} has nothing to change");
    let path = folder.join("changed.c");
    fs::write(&path, changed).expect("writable");
    path
}

/// The original, with `change` made to the line of that number.
fn broken(number: usize, change: impl Fn(&str) -> String) -> Reference {
    let folder = tempfile::tempdir().expect("a folder");
    compiled(&changed(folder.path(), number, change))
}

#[test]
fn the_linked_original_is_the_pinned_one() {
    let Some(reference) = original() else { return };
    assert!(c_reference::available());
    assert_eq!(c_reference::absence(), None);
    assert_eq!(reference.missing(), LATER);
    if std::env::var_os("QEMU_FILE_C_UNPINNED").is_none() {
        assert!(reference.pinned());
        assert_eq!(reference.sha256(), PIN.sha256);
        assert_eq!(reference.name(), "original v8.2.0");
    }
}

#[test]
#[cfg(all(target_arch = "x86_64", target_pointer_width = "64"))]
fn streams_are_laid_out_as_upstream_lays_them_out() {
    let Some(reference) = original() else { return };
    let layout = reference.layout();
    let places = [layout.buf, layout.buf_len, layout.may_free, layout.iov, layout.file];
    assert_eq!(places, [20, 32768, 32792, 32800, 33840]);
}

#[test]
fn a_compiled_copy_behaves_as_the_linked_one_and_both_run_at_once() {
    let Some(linked) = original() else { return };
    let loaded = Reference::open(source()).expect("compiles");
    assert!(!loaded.pinned(), "what is named at run time never is");
    assert_eq!(loaded.sha256(), linked.sha256());
    assert_eq!(loaded.name(), source().display().to_string());

    let (mut one, first) = writer(&linked, []);
    let (mut two, second) = writer(&loaded, []);
    for value in 0..40_000 {
        one.put_byte(first, value).expect("defined");
        two.put_byte(second, value).expect("defined");
    }
    let (ours, theirs) = (one.add_compressor(6), two.add_compressor(6));
    let (ours, theirs) = (ours.expect("a level"), theirs.expect("a level"));
    let page = counting(4096);
    assert_eq!(
        one.put_compression_data(first, ours, &page),
        two.put_compression_data(second, theirs, &page)
    );
    assert_eq!(one.fclose(first), two.fclose(second));
    assert_eq!(one.host().events, two.host().events);

    let outcome = two.new_input(0).and_then(|stream| two.transferred(stream));
    assert!(matches!(outcome, Err(Stop::Asserted { line: 617, .. })), "{outcome:?}");
}

#[test]
fn a_copy_with_one_comparison_changed_behaves_differently() {
    let Some(linked) = original() else { return };
    // A skip to the very end of the buffer is refused then, so the last byte comes for ever.
    let broken = broken(462, |line| line.replace("<=", "<"));
    assert_ne!(broken.sha256(), linked.sha256());
    let taken = |reference: &Reference| {
        let (mut session, stream) = reader(reference, &[1, 2], 2);
        [(); 3].map(|()| session.get_byte(stream))
    };
    assert_eq!(taken(&linked), [Ok(1), Ok(2), Ok(0)]);
    assert_eq!(taken(&broken), [Ok(1), Ok(2), Ok(2)]);
}

#[test]
fn a_cursor_that_a_broken_copy_leaves_outside_is_refused() {
    let Some(_) = original() else { return };
    let broken = broken(462, |line| line.replace("<=", ">="));
    let (mut session, stream) = reader(&broken, &[1, 2], 2);
    session.skip(stream, 9).expect("made: the cursor was sound before");
    let refused = session.get_byte(stream);
    assert_eq!(refused, Err(Undefined::Cursor { stream, index: 9, size: 0 }.into()));
}

#[test]
fn a_copy_that_writes_past_what_it_was_given_is_named() {
    let Some(_) = original() else { return };
    let broken = broken(536, |line| line.replace("res)", "res + 1)"));
    let (mut session, stream) = reader(&broken, &counting(10), 10);
    let found = session.get_buffer(stream, 2, Vec::new());
    assert_eq!(found, Err(Undefined::Overrun { len: 2 }.into()));
}

#[test]
fn a_version_without_a_function_says_so_by_name() {
    let Some(_) = original() else { return };
    let folder = tempfile::tempdir().expect("a folder");
    let older =
        changed(folder.path(), 743, |line| line.replace("qemu_file_buffer_empty", "renamed"));
    let older = Reference::open(&older).expect("compiles");
    assert_eq!(older.missing()[0], "qemu_file_buffer_empty");
    let (mut session, stream) = writer(&older, []);
    let refused = session.buffer_empty(stream);
    assert_eq!(refused, Err(Undefined::NoFunction { function: "qemu_file_buffer_empty" }.into()));
    session.put_byte(stream, 1).expect("the rest is there");
}

#[test]
fn names_that_later_versions_use_are_there() {
    let Some(_) = original() else { return };
    let folder = tempfile::tempdir().expect("a folder");
    let later = folder.path().join("later.c");
    let mut text = fs::read_to_string(source()).expect("readable");
    text.push_str(
        "#include \"io/channel-file.h\"\n\
         off_t seek(QEMUFile *f, void *bytes) {\n\
             Error *error = NULL;\n\
             if (qio_channel_has_feature(f->ioc, QIO_CHANNEL_FEATURE_SEEKABLE)) { return 1; }\n\
             error_setg(&error, \"%zu\", sizeof(*f));\n\
             return qio_channel_pread(f->ioc, bytes, 1, 0, &error)\n\
                 + qio_channel_pwrite(f->ioc, bytes, 1, 0, &error)\n\
                 + qio_channel_io_seek(f->ioc, 0, SEEK_CUR, &error);\n\
         }\n",
    );
    fs::write(&later, text).expect("writable");
    Reference::open(&later).expect("compiles");
}

#[test]
fn a_shared_object_is_made_once_and_loaded_again() {
    let Some(_) = original() else { return };
    let folder = tempfile::tempdir().expect("a folder");
    let object = folder.path().join("reference.so");
    Reference::compile(source(), &["-O0"], &object).expect("compiles");
    assert_eq!(fs::read_dir(folder.path()).expect("readable").count(), 1, "nothing is left aside");
    let reference = Reference::open(&object).expect("loads");
    drop(folder);
    let (mut session, stream) = reader(&reference, &[1, 2], 2);
    assert_eq!(session.get_be16(stream), Ok(0x0102));
}

#[test]
fn headers_beside_the_file_are_not_taken() {
    let Some(_) = original() else { return };
    let folder = tempfile::tempdir().expect("a folder");
    let copy = folder.path().join("qemu-file.c");
    fs::copy(source(), &copy).expect("writable");
    fs::write(folder.path().join("migration.h"), "#error taken from beside the file\n")
        .expect("writable");
    Reference::open(&copy).expect("compiles with the shim's headers");
}

#[test]
fn files_that_are_no_reference_are_refused_by_name() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = |name: &str| folder.path().join(name);
    fs::write(path("broken.c"), "int nothing(void) { return missing; }\n").expect("writable");
    fs::write(path("broken.so"), "not an object").expect("writable");

    let refused = Reference::open(&path("broken.c")).expect_err("does not compile");
    assert!(matches!(refused, LoadError::Compile(CompileError::Refused { .. })), "{refused}");
    assert!(refused.to_string().contains("missing"), "the compiler's words are in it: {refused}");
    let refused = Reference::open(&path("absent.c")).expect_err("is not there");
    assert!(matches!(refused, LoadError::Compile(CompileError::Read { .. })), "{refused}");
    let refused = Reference::open(&path("absent.so")).expect_err("is not there");
    assert!(matches!(refused, LoadError::Read { .. }), "{refused}");
    let refused = Reference::open(&path("broken.so")).expect_err("is no object");
    assert!(matches!(refused, LoadError::Open { .. }), "{refused}");
    let refused = Reference::open(&path("notes.txt")).expect_err("is neither");
    assert!(matches!(refused, LoadError::UnknownKind { .. }), "{refused}");
    for refused in ["broken.c", "broken.so", "absent.c", "notes.txt"] {
        let message = Reference::open(&path(refused)).expect_err("is no reference").to_string();
        assert!(message.contains(refused), "the file is named: {message}");
    }
    let refused = Reference::compile(source_or(&path("broken.c")), &[], &path("none/out.so"));
    assert!(refused.is_err(), "the folder of the object is not there");
}

/// The original where it is here, else another file that can be read.
fn source_or(other: &Path) -> &Path {
    c_reference::original_path().unwrap_or(other)
}

#[test]
fn sessions_on_many_threads_do_not_see_one_another() {
    let Some(linked) = original() else { return };
    let loaded = Reference::open(source()).expect("compiles");
    let seen = Mutex::new(Vec::new());
    std::thread::scope(|scope| {
        for at in 0..4_u8 {
            let (seen, reference) = (&seen, if at % 2 == 0 { &linked } else { &loaded });
            scope.spawn(move || {
                for _ in 0..500 {
                    let mut session = session(reference, Script::default());
                    let stream = session.new_output(at.into()).expect("a stream");
                    session.put_buffer(stream, &vec![at; 3 + usize::from(at)]).expect("defined");
                    let asserted = session.get_byte(stream);
                    assert!(matches!(asserted, Err(Stop::Asserted { line: 590, .. })));
                    assert_eq!(session.fclose(stream), Ok(0));
                    assert_eq!(session.host().written(), vec![at; 3 + usize::from(at)]);
                    assert_eq!(session.counter(), 3 + u64::from(at));
                }
                seen.lock().expect("no panic").push(at);
            });
        }
    });
    assert_eq!(seen.into_inner().expect("no panic").len(), 4);
}
