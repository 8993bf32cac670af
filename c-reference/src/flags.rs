//! Flags, source files and thin headers of a reference: the one list for the build and for run time.

/// Flags of upstream's build that give the file its meaning.
///
/// Without `-fwrapv` a sum of the original (L462) is undefined instead of wrapping. `NDEBUG` is
/// never defined, and the shim's assertions do not look at it.
pub(crate) const FLAGS: [&str; 6] = [
    "-std=gnu11",
    "-fwrapv",
    "-fno-strict-aliasing",
    "-fno-common",
    "-D_GNU_SOURCE",
    "-D_FILE_OFFSET_BITS=64",
];

/// Symbols stay inside, so that references do not see one another's.
pub(crate) const VISIBILITY: &str = "-fvisibility=hidden";

/// The source file that takes in the original. It is compiled without warnings (`-w`): the
/// original is not ours to mend, and its glib sort of C trips what its own build turns off.
pub(crate) const UNIT: &str = "translation_unit.c";

/// The shim's own source files.
pub(crate) const SOURCES: [&str; 9] = [
    "channels.c",
    "dispatch.c",
    "format.c",
    "glib.c",
    "iov.c",
    "memory.c",
    "qemu_stubs.c",
    "since_9_0.c",
    "zlib.c",
];

/// All of them.
#[allow(dead_code, reason = "the build compiles them one by one")]
pub(crate) const ALL_SOURCES: [&str; 10] = {
    let mut all = [UNIT; 10];
    let mut at = 0;
    while at < SOURCES.len() {
        all[at + 1] = SOURCES[at];
        at += 1;
    }
    all
};

/// The source file that is compiled where lines are to be told.
#[allow(dead_code, reason = "the build never asks for lines")]
pub(crate) const COVERAGE: &str = "coverage.c";

/// The name under which [`UNIT`] includes the original.
pub(crate) const ORIGINAL_NAME: &str = "qemu-file.c";

/// Folder, in that of the shim, of headers that carry nothing of their own.
pub(crate) const THIN_FOLDER: &str = "thin";

/// Folder, in that of the shim, of zlib's own headers.
pub(crate) const ZLIB_FOLDER: &str = "zlib";

/// The definition that tells a reference which file it was made from.
pub(crate) fn identity(sha256: &str) -> String {
    format!("-DREFERENCE_SHA256=\"{sha256}\"")
}

/// The SHA-256 of a file's bytes, in lower-case hexadecimal.
pub(crate) fn sha256_hex(bytes: &[u8]) -> String {
    use sha2::{Digest, Sha256};

    Sha256::digest(bytes).iter().map(|byte| format!("{byte:02x}")).collect()
}

/// The value of `key` in the pin file: lines of `key = "value"`, `#` before a comment.
pub(crate) const fn pinned<'a>(pin: &'a str, key: &str) -> &'a str {
    let (text, name) = (pin.as_bytes(), key.as_bytes());
    let mut at = 0;
    while at < text.len() {
        let mut same = 0;
        while same < name.len() && at + same < text.len() && text[at + same] == name[same] {
            same += 1;
        }
        let mut end = at;
        while end < text.len() && text[end] != b'\n' {
            end += 1;
        }
        if same == name.len() && at + same + 4 < end {
            let (_, rest) = pin.split_at(at + same + 4);
            let (value, _) = rest.split_at(end - 1 - (at + same + 4));
            return value;
        }
        at = end + 1;
    }
    panic!("original.pin lacks a key; restore it from the repository")
}

/// The header in which [`trace_header`] stands, beside the original.
pub(crate) const TRACE_NAME: &str = "reference_trace.h";

/// Trace events that `shim/trace.h` knows by itself.
const TRACES: [&str; 5] = [
    "trace_event_get_state",
    "trace_event_get_state_backends",
    "trace_qemu_file_fclose",
    "trace_qemu_file_get_fd",
    "trace_qemu_file_put_fd",
];

/// Declares the trace events that a C file names, each a word that begins with `trace_`: upstream
/// generates them from a list that is not here, and a patch may add one.
pub(crate) fn trace_header(text: &[u8]) -> String {
    let is_word = |byte: &u8| byte.is_ascii_alphanumeric() || *byte == b'_';
    let mut names: Vec<String> = text
        .split(|byte| !is_word(byte))
        .filter(|word| word.starts_with(b"trace_"))
        .map(|word| String::from_utf8_lossy(word).into_owned())
        .filter(|word| !TRACES.contains(&word.as_str()))
        .collect();
    names.sort();
    names.dedup();
    names
        .iter()
        .map(|name| format!("#define {name}(...) reference_trace(0, ##__VA_ARGS__)\n"))
        .collect()
}
