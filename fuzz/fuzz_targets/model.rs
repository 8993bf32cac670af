//! The core in both settings against the model, without the original.
#![no_main]

qemufile_fuzz::case_target!("model", All);
