//! Compressed data among other data: the core against the original.
#![no_main]

qemufile_fuzz::case_target!("compression", Compression);
