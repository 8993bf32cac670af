//! Hostile trace files: parsed and written again, or refused with a reason.
#![no_main]

use qemufile_fuzz::libfuzzer_sys::{Corpus, fuzz_target};

fuzz_target!(|bytes: &[u8]| -> Corpus { qemufile_fuzz::run("trace_text", bytes) });
