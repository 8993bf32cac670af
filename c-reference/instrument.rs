//! Flags of a build under a fuzzer: coverage, so that the engine sees into the original, and UBSan.
//!
//! cargo-fuzz says that it is one by `--cfg fuzzing`; AddressSanitizer is the `cc` crate's own
//! business, which follows rustc's.

use std::env;
use std::path::Path;
use std::process::{Command, Stdio};

/// Compilers that are tried where `CC` names none.
const CLANGS: [&str; 5] = ["clang-21", "clang-20", "clang-19", "clang-18", "clang"];

/// How a build is instrumented.
pub(crate) struct Instruments {
    clang: bool,
    compiler: Option<&'static str>,
    /// A fault is an illegal instruction, not a message: there is no runtime to print one.
    trap: bool,
}

impl Instruments {
    /// Those that this build is to have; none outside a fuzzer's.
    pub(crate) fn wanted() -> Option<Self> {
        println!("cargo::rerun-if-changed=instrument.rs");
        println!("cargo::rerun-if-changed=gcc_coverage");
        println!("cargo::rerun-if-env-changed=CARGO_CFG_FUZZING");
        env::var_os("CARGO_CFG_FUZZING")?;
        let chosen = ["CC", "TARGET_CC"].into_iter().find_map(env::var_os);
        let compiler =
            if chosen.is_none() { CLANGS.into_iter().find(|name| runs(name)) } else { None };
        let clang = compiler.is_some()
            || chosen.is_some_and(|command| command.to_string_lossy().contains("clang"));
        let flags = env::var("CARGO_ENCODED_RUSTFLAGS").unwrap_or_default();
        Some(Self { clang, compiler, trap: !flags.contains("sanitizer=address") })
    }

    /// Shows the engine what is compiled: the original, and not the shim. Which call was made it
    /// sees in the original, and comparisons that are none of the original's mislead it.
    pub(crate) fn show(&self, build: &mut cc::Build, shim: &Path) {
        if self.clang {
            build.flag("-fsanitize=fuzzer-no-link");
        } else {
            build.flag("-fsanitize-coverage=trace-pc,trace-cmp");
            build.flag("-include").flag(self.folder(shim).join("redirect.h"));
        }
    }

    /// What the original and the shim are both compiled with.
    pub(crate) fn apply(&self, build: &mut cc::Build) {
        if let Some(compiler) = self.compiler {
            build.compiler(compiler);
        }
        build.flag("-fsanitize=undefined");
        if self.clang {
            // The shim calls back into Rust, whose functions carry no type for the check to read.
            build.flag("-fno-sanitize=function");
        }
        build.flag(if self.trap {
            "-fsanitize-undefined-trap-on-error"
        } else {
            "-fno-sanitize-recover=all"
        });
    }

    /// Compiles what receives gcc's coverage; it is not instrumented itself.
    pub(crate) fn receiver(&self, shim: &Path) -> Result<Vec<std::path::PathBuf>, String> {
        if self.clang {
            return Ok(Vec::new());
        }
        cc::Build::new()
            .file(self.folder(shim).join("trace_pc.c"))
            .try_compile_intermediates()
            .map_err(|error| error.to_string())
    }

    fn folder(&self, shim: &Path) -> std::path::PathBuf {
        shim.with_file_name("gcc_coverage")
    }
}

fn runs(compiler: &str) -> bool {
    Command::new(compiler)
        .arg("--version")
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status()
        .is_ok_and(|status| status.success())
}
