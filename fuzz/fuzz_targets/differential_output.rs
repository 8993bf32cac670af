//! Streams that write: the core against the original.
#![no_main]

qemufile_fuzz::case_target!("differential_output", Output);
