//! What C does wrong beside its results is a finding, with the line of the file.

use std::fs;
use std::path::{Path, PathBuf};

use crate::command::{Said, has_original, run, write};
use tempfile::tempdir;

/// A copy of the original in which each of these texts, that stand in it once, is another.
fn edited(directory: &Path, edits: &[(&str, &str)]) -> PathBuf {
    let mut text = fs::read_to_string(c_reference::original_path().unwrap()).unwrap();
    for (from, to) in edits {
        assert_eq!(text.matches(from).count(), 1, "{from:?}");
        text = text.replace(from, to);
    }
    write(directory, "edited.c", &text)
}

/// The line of the copy in which a text stands first.
fn line_of(file: &Path, text: &str) -> u64 {
    let content = fs::read_to_string(file).unwrap();
    let line = content.lines().position(|line| line.contains(text)).unwrap();
    u64::try_from(line + 1).unwrap()
}

fn replay(directory: &Path, reference: &Path, more: &[&str]) -> Said {
    let corpus = test_support::project("corpus/traces");
    let mut words = vec!["replay", corpus.to_str().unwrap(), "--format", "json", "--reference"];
    words.push(reference.to_str().unwrap());
    words.extend(more);
    run(directory, words)
}

/// Replays the corpus with a copy; the failure whose summary has these words is at this line.
#[track_caller]
fn found(edits: &[(&str, &str)], words: &str, at: &str, more: &[&str]) {
    let directory = tempdir().unwrap();
    let file = edited(directory.path(), edits);
    let report = replay(directory.path(), &file, more).expect(1).report();
    let failures = report["failures"].as_array().unwrap();
    let says = |failure: &&serde_json::Value| failure["summary"].as_str().unwrap().contains(words);
    let failure = failures.iter().find(says).unwrap_or_else(|| panic!("{words}: {failures:#?}"));
    if !at.is_empty() {
        assert_eq!(failure["place"][1], line_of(&file, at), "{failure:#}");
    }
}

#[test]
fn an_error_that_is_not_freed() {
    if has_original() {
        found(&[("    error_free(f->last_error_obj);\n", "")], "error object", "", &[]);
    }
}

#[test]
fn a_stream_that_is_not_freed() {
    if has_original() {
        found(&[("    g_free(f);\n", "")], "1 stream of", "f = g_new0(QEMUFile, 1)", &[]);
    }
}

#[test]
fn a_buffer_that_is_not_freed() {
    if has_original() {
        let put = "void qemu_put_buffer(QEMUFile *f, const uint8_t *buf, size_t size)\n{\n";
        let leaks = format!("{put}    char *kept = g_strdup(\"lost\");\n    (void)kept;\n");
        found(&[(put, &leaks)], "buffer", "g_strdup(\"lost\")", &[]);
    }
}

#[test]
fn a_reference_to_the_channel_that_is_not_dropped() {
    if has_original() {
        found(
            &[("    g_clear_pointer(&f->ioc, object_unref);\n", "")],
            "drops a reference to the channel once less",
            "",
            &[],
        );
    }
}

#[test]
fn a_stream_that_is_freed_twice() {
    if has_original() {
        found(
            &[("    g_free(f);\n", "    g_free(f);\n    g_free((f));\n")],
            "freed twice in qemu_fclose",
            "g_free((f))",
            &["--limit", "5"],
        );
    }
}

#[test]
fn an_error_that_is_used_after_it_was_freed() {
    if has_original() {
        found(
            &[(
                "    error_free(f->last_error_obj);\n",
                "    error_free(f->last_error_obj);\n    if (f->last_error_obj) {\n        error_report_err(f->last_error_obj);\n    }\n",
            )],
            "in qemu_fclose",
            "",
            &[],
        );
    }
}

#[test]
fn a_copy_between_ranges_that_overlap() {
    if has_original() {
        let copy = "        memcpy(f->buf + f->buf_index, buf, l);\n";
        let overlapping = format!("{copy}        memcpy(f->buf + 1, f->buf, 8);\n");
        let back = format!("{overlapping}        memcpy(f->buf + f->buf_index, buf, l);\n");
        found(&[(copy, &back)], "overlap", "memcpy(f->buf + 1, f->buf, 8)", &[]);
    }
}

#[test]
fn what_the_sanitizers_find() {
    if !has_original() {
        return;
    }
    let directory = tempdir().unwrap();
    let same = edited(directory.path(), &[]);
    replay(directory.path(), &same, &["--sanitize", "address,undefined"]).expect(0);
    found(
        &[(
            "    trace_qemu_file_fclose();\n    return ret;\n",
            "    trace_qemu_file_fclose();\n    { char *gone = malloc(4); free(gone); ret += ((volatile char *)gone)[1] * 0; }\n    return ret;\n",
        )],
        "AddressSanitizer: use-after-poison in qemu_fclose",
        "free(gone)",
        &["--sanitize", "address,undefined"],
    );
}

#[test]
fn a_failure_that_does_not_repeat_is_called_flaky() {
    if !has_original() {
        return;
    }
    // Wrong once, in the first process that comes to it.
    let directory = tempdir().unwrap();
    let mark = directory.path().join("mark");
    let put = "void qemu_put_byte(QEMUFile *f, int v)\n{\n";
    let flaky = format!(
        "{put}    if (mkdir(\"{}\", 0700) == 0) {{\n        v++;\n    }}\n",
        mark.display()
    );
    let include = "#include \"qemu/osdep.h\"\n";
    let file = edited(
        directory.path(),
        &[(put, &flaky), (include, &format!("{include}#include <sys/stat.h>\n"))],
    );
    let report = replay(directory.path(), &file, &[]).expect(1).report();
    let failure = &report["failures"][0];
    assert_eq!(failure["flaky"], serde_json::json!([0, 10]), "{failure:#}");
    assert!(failure["summary"].as_str().unwrap().starts_with("flaky, 0 of 10 times again"));
    assert_eq!(report["failures"].as_array().unwrap().len(), 1);
}

#[test]
fn headers_and_flags_reach_the_compiler() {
    if !has_original() {
        return;
    }
    let directory = tempdir().unwrap();
    let header = write(directory.path(), "mine.h", "#define FROM_A_HEADER 0\n");
    let file = edited(
        directory.path(),
        &[("    g_free(f);\n", "    g_free(f);\n    ret += FROM_A_HEADER + FROM_A_FLAG;\n")],
    );
    let said = replay(directory.path(), &file, &[]).expect(2);
    assert!(said.err.contains("FROM_A_FLAG") && said.err.contains("--include"), "{}", said.err);
    let header = header.to_str().unwrap();
    replay(directory.path(), &file, &["--include", header, "--cflags", "-DFROM_A_FLAG=0"])
        .expect(0);
}
