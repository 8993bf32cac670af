//! Hostile migration streams: the walker refuses them, whole and in pieces alike.
#![no_main]

use qemufile_fuzz::libfuzzer_sys::{Corpus, fuzz_target};

fuzz_target!(|bytes: &[u8]| -> Corpus { qemufile_fuzz::run("stream_walk", bytes) });
