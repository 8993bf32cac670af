//! Outside what the original defines: the core alone must stay safe.
#![no_main]

qemufile_fuzz::case_target!("undefined_ops", All);
