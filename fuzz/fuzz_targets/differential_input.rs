//! Streams that read: the core against the original.
#![no_main]

qemufile_fuzz::case_target!("differential_input", Input);
