//! Several streams, return path, queue to queue, shutdown: the core against the original.
#![no_main]

qemufile_fuzz::case_target!("differential_duplex", Duplex);
