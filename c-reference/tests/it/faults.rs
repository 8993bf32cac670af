//! What a file does wrong beside its results, and what its compiler says.

use std::fs;
use std::time::Duration;

use c_reference::{
    ChannelCall, CompileError, FaultKind, LeakKind, LoadError, Options, Reference, Stop, Toolchain,
    Transfer, Undefined,
};

use crate::support::{Answer, Script, compiled, counting, original, reader, session, writer};

/// The original with `with` instead of the first `find` of a line.
fn changed(edits: &[(usize, &str, &str)]) -> String {
    let path = c_reference::original_path().expect("there is one where an original is linked in");
    let text = fs::read_to_string(path).expect("readable");
    let mut lines: Vec<String> = text.lines().map(str::to_owned).collect();
    for (line, find, with) in edits {
        assert!(lines[line - 1].contains(find), "line {line} has no {find}");
        lines[line - 1] = lines[line - 1].replacen(find, with, 1);
    }
    lines.join("\n") + "\n"
}

fn broken(edits: &[(usize, &str, &str)]) -> Reference {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("changed.c");
    fs::write(&path, changed(edits)).expect("writable");
    compiled(&path)
}

fn fault<T: std::fmt::Debug>(outcome: Result<T, Stop>) -> (FaultKind, String, u32) {
    match outcome {
        Err(Stop::Undefined(Undefined::Fault(fault))) => (fault.kind, fault.function, fault.line),
        other => panic!("{other:?}"),
    }
}

#[test]
fn the_original_leaves_nothing_behind() {
    let Some(reference) = original() else { return };
    let (mut session, stream) = writer(&reference, [Transfer::Failed("gone".to_owned())]);
    session.put_byte(stream, 1).expect("defined");
    assert_eq!(session.fflush(stream), Ok(-5));
    session.get_error_obj(stream).expect("defined");
    session.set_error_obj(stream, -1, Some("second")).expect("defined");
    // Open, with an error of its own: the caller has it still.
    let path = session.get_return_path(stream).expect("defined");
    assert_eq!(session.fclose(stream), Ok(-5));
    let aftermath = session.end();
    assert!(aftermath.is_clean(), "{aftermath:?} of {path}");
}

#[test]
fn an_error_a_stream_and_a_reference_that_are_not_freed_are_named_with_their_lines() {
    let Some(_) = original() else { return };
    let reference = broken(&[(363, "error_free", "(void)("), (363, ");", "));")]);
    let (mut session, stream) = writer(&reference, [Transfer::Failed("gone".to_owned())]);
    session.put_byte(stream, 1).expect("defined");
    session.fclose(stream).expect("defined");
    let leaks = session.end().leaks;
    assert_eq!(leaks.len(), 1, "{leaks:?}");
    assert_eq!((leaks[0].kind, leaks[0].count, leaks[0].line), (LeakKind::Error, 1, 276));
    assert_eq!(leaks[0].function, "qemu_fflush");
    assert!(leaks[0].to_string().contains("1 error object of"), "{}", leaks[0]);

    let reference = broken(&[(364, "g_free(f)", "(void)f")]);
    let (mut session, stream) = reader(&reference, &counting(4), 4);
    session.fclose(stream).expect("defined");
    let leaks = session.end().leaks;
    assert_eq!((leaks[0].kind, leaks[0].line), (LeakKind::Stream, 104));
    assert!(session.end().is_clean(), "the next trace begins anew");

    let reference = broken(&[(362, "object_unref", "(void)")]);
    let (mut session, stream) = reader(&reference, &counting(4), 4);
    session.fclose(stream).expect("defined");
    assert_eq!(session.end().leaks[0].kind, LeakKind::Reference(0));

    let reference =
        broken(&[(605, "int result;", "int result; char *lost = g_malloc(7); lost[0] = 1;")]);
    let (mut session, stream) = reader(&reference, &counting(4), 4);
    session.get_be16(stream).expect("defined");
    let leaks = session.end().leaks;
    let found = (leaks[0].kind, leaks[0].count, leaks[0].bytes, leaks[0].line);
    assert_eq!(found, (LeakKind::Buffer, 2, 14, 605));
}

#[test]
fn a_second_free_and_a_use_of_freed_memory_are_faults() {
    let Some(_) = original() else { return };
    let failing = || [Transfer::Failed("gone".to_owned())];
    let twice = broken(&[(363, ";", "; error_free(f->last_error_obj);")]);
    let (mut session, stream) = writer(&twice, failing());
    session.put_byte(stream, 1).expect("defined");
    let (kind, function, line) = fault(session.fclose(stream));
    assert_eq!((kind, &*function, line), (FaultKind::DoubleFree, "qemu_fclose", 363));

    let twice = broken(&[(364, ";", "; g_free(f);")]);
    let (mut session, stream) = writer(&twice, []);
    assert_eq!(fault(session.fclose(stream)).0, FaultKind::DoubleFree);

    let after = broken(&[(363, ";", "; error_report_err(f->last_error_obj);")]);
    let (mut session, stream) = writer(&after, failing());
    session.put_byte(stream, 1).expect("defined");
    assert_eq!(fault(session.fclose(stream)).0, FaultKind::UseAfterFree);

    let after = broken(&[(366, " ret;", " f->buf_index;")]);
    let (mut session, stream) = writer(&after, []);
    assert_eq!(fault(session.fclose(stream)).0, FaultKind::UseAfterFree);

    let after = broken(&[(364, ";", "; f->buf_size = 1;")]);
    let (mut session, stream) = writer(&after, []);
    session.fclose(stream).expect("the write is seen at the end");
    let fault = session.end().fault.expect("seen");
    assert_eq!((fault.kind, fault.line), (FaultKind::WriteAfterFree, 104));
}

#[test]
fn bytes_behind_an_allocation_and_an_overlapping_copy_are_faults() {
    let Some(_) = original() else { return };
    let behind = broken(&[(
        605,
        "int result;",
        "int result; char *room = g_malloc(7); room[7] = 1; g_free(room);",
    )]);
    let (mut session, stream) = reader(&behind, &counting(4), 4);
    assert_eq!(fault(session.get_byte(stream)).0, FaultKind::WriteBehindBlock);

    // What remains is moved to the front of the buffer that it is in.
    let overlapping = broken(&[(311, "memmove", "memcpy")]);
    let (mut session, stream) = reader(&overlapping, &counting(10), 5);
    session.get_byte(stream).expect("defined");
    let (kind, function, line) = fault(session.peek_buffer(stream, 9, 0, Vec::new()));
    assert_eq!((kind, &*function, line), (FaultKind::OverlappingCopy, "qemu_fill_buffer", 311));
    // The stream is left in the middle of the call, and nothing of it is called a leak.
    let refused = session.get_byte(stream);
    assert_eq!(refused, Err(Undefined::BrokenStream { stream }.into()));
    assert!(session.end().is_clean());
}

#[test]
fn what_another_thread_sees_at_a_shutdown_tells_the_order() {
    let Some(linked) = original() else { return };
    let seen = |reference: &Reference| {
        let script = Script { shutdown: Some(Ok(())), ..Script::default() };
        let mut session = session(reference, script);
        let stream = session.new_output(0).expect("a stream");
        assert_eq!(session.shutdown(stream), Ok(0));
        assert_eq!(session.get_error(stream), Ok(-5));
        session.host().seen.clone()
    };
    assert_eq!(seen(&linked), [(ChannelCall::Shutdown, -5)]);
    let late = broken(&[
        (84, "!f->last_error", "0"),
        (97, "return 0;", "if (!f->last_error) { qemu_file_set_error(f, -EIO); } return 0;"),
    ]);
    assert_eq!(seen(&late), [(ChannelCall::Shutdown, 0)]);
}

#[test]
fn an_assertion_is_the_same_one_wherever_it_stands() {
    let Some(_) = original() else { return };
    let moved = broken(&[(1, "/*", "\n\n\n/*"), (481, "offset <", "/* in it */ (size_t)offset <")]);
    let (mut session, stream) = reader(&moved, &counting(4), 4);
    match session.peek_buffer(stream, 0, 32768, Vec::new()) {
        Err(Stop::Asserted { line: 481, site, .. }) => {
            assert_eq!((&*site.function, site.ordinal, site.of), ("qemu_peek_buffer", 1, 3));
            assert_eq!(site.line, 484);
        }
        other => panic!("{other:?}"),
    }
    // None of 8.2.0's: no line of it.
    let more = broken(&[(462, "if", "assert(size < 9); if")]);
    let (mut session, stream) = reader(&more, &counting(40), 40);
    session.get_byte(stream).expect("defined");
    assert!(matches!(session.skip(stream, 9), Err(Stop::Asserted { line: 0, .. })));
}

fn refused(text: &str, options: &Options) -> CompileError {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("mine.c");
    fs::write(&path, text).expect("writable");
    let toolchain = Toolchain::open(options).expect("the shim compiles");
    let out = folder.path().join("mine.so");
    let error = toolchain.compile(&path, &out).expect_err("does not compile");
    assert!(!out.exists());
    let left = fs::read_dir(folder.path()).expect("readable").count();
    assert_eq!(left, 1, "nothing is left aside");
    error
}

#[test]
fn a_compilers_error_names_the_line_and_what_to_do() {
    let Some(_) = original() else { return };
    let text = changed(&[(605, "int result;", "int result; frob_the_stream(f);")]);
    let error = refused(&text, &Options::default());
    let said = error.to_string();
    assert!(said.contains("mine.c:605:"), "{said}");
    assert!(said.contains("The shim has no frob_the_stream"), "{said}");
    assert!(said.contains("--include FILE") && said.lines().count() < 8, "{said}");
    assert!(
        matches!(&error, CompileError::Refused { unknown, .. } if *unknown == ["frob_the_stream"])
    );

    let text = changed(&[(30, "#include", "#include \"hw/frob.h\"\n#include")]);
    let said = refused(&text, &Options::default()).to_string();
    assert!(said.contains("The shim has no hw/frob.h"), "{said}");

    let noise: String = (0..2000).map(|number| format!("int {number};\n")).collect();
    let said = refused(&noise, &Options::default()).to_string();
    assert!(said.len() < 2000, "{}", said.len());
}

#[test]
fn a_header_and_flags_of_the_callers_are_taken() {
    let Some(_) = original() else { return };
    let folder = tempfile::tempdir().expect("a folder");
    let header = folder.path().join("frob.h");
    fs::write(&header, "static inline int frob(int v) { return v; }\n").expect("writable");
    let source = folder.path().join("mine.c");
    let text = changed(&[(609, "result", "frob(result) + MORE")]);
    fs::write(&source, text).expect("writable");
    let options = Options {
        include: vec![header],
        cflags: vec!["-DMORE=1".to_owned()],
        ..Options::default()
    };
    let object = folder.path().join("mine.so");
    let toolchain = Toolchain::open(&options).expect("compiles");
    toolchain.compile(&source, &object).expect("compiles");
    let reference = Reference::open(&object).expect("loads");
    let (mut session, stream) = reader(&reference, &[7], 1);
    assert_eq!(session.get_byte(stream), Ok(8));
}

#[test]
fn a_compiler_that_does_not_end_is_ended() {
    let Some(_) = original() else { return };
    // Each name stands for two of the next: more than any memory holds.
    let mut text = String::from("#define M0 0,0\n");
    for level in 1..40 {
        let before = level - 1;
        text.push_str(&format!("#define M{level} M{before},M{before}\n"));
    }
    text.push_str("int all[] = { M39 };\n");
    let options = Options { limit: Duration::from_secs(4), ..Options::default() };
    let error = refused(&text, &options);
    assert!(
        matches!(error, CompileError::TooLong { .. } | CompileError::Refused { .. }),
        "{error}"
    );
    let missing = Options { compiler: "no-such-compiler".to_owned(), ..Options::default() };
    let error = Toolchain::open(&missing).expect_err("no compiler");
    assert!(error.to_string().contains("no-such-compiler"), "{error}");
    assert!(LoadError::from(error).to_string().contains("set CC"));
}

#[test]
fn a_read_that_fails_sets_its_error_in_a_clean_place() {
    let Some(_) = original() else { return };
    let set = broken(&[(321, "len =", "error_setg(&local_error, \"early\"); len =")]);
    let mut script = Script::default();
    script.input.push_back(Answer::Other(Transfer::Failed("gone".to_owned())));
    let mut session = session(&set, script);
    let stream = session.new_input(0).expect("a stream");
    assert_eq!(fault(session.get_byte(stream)).0, FaultKind::ErrorAlreadySet);
}
