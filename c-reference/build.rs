//! Finds the original, checks it against the pin and compiles it behind the shim.

#[path = "src/flags.rs"]
mod flags;
mod instrument;
#[path = "build/shim_files.rs"]
mod shim_files;

use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::{env, fs};

const VERSION: &str = flags::pinned(include_str!("original.pin"), "version");
const SHA256: &str = flags::pinned(include_str!("original.pin"), "sha256");

/// What the search for the file came to.
enum Original {
    At(PathBuf),
    Declined,
    Absent,
}

fn main() -> ExitCode {
    println!("cargo::rustc-check-cfg=cfg(have_original)");
    println!("cargo::rerun-if-changed=build.rs");
    println!("cargo::rerun-if-changed=build");
    println!("cargo::rerun-if-changed=original.pin");
    println!("cargo::rerun-if-changed=src/flags.rs");
    println!("cargo::rerun-if-changed=shim");
    println!("cargo::rerun-if-changed=bench");
    println!("cargo::rerun-if-env-changed=QEMU_FILE_C");
    println!("cargo::rerun-if-env-changed=QEMU_FILE_C_UNPINNED");
    match build() {
        Ok(()) => ExitCode::SUCCESS,
        Err(message) => {
            for line in message.lines() {
                println!("cargo::error={line}");
            }
            ExitCode::FAILURE
        }
    }
}

fn build() -> Result<(), String> {
    let headers = shim_files::write(&crate_folder()?, &out_folder()?)?;
    match find()? {
        Original::At(path) => {
            let text = fs::read(&path).map_err(|error| format!("{}: {error}", path.display()))?;
            let sha256 = flags::sha256_hex(&text);
            check(&path, &sha256)?;
            let copy = compile(&text, &sha256, &headers)?;
            println!("cargo::rustc-env=C_REFERENCE_ORIGINAL={}", copy.display());
            println!("cargo::rustc-cfg=have_original");
        }
        Original::Declined => absent(
            "built with QEMU_FILE_C=none: run ci/original and build again without that variable",
        ),
        Original::Absent => {
            absent("the original is not here: run ci/original and build again");
            println!(
                "cargo::warning=without QEMU's original qemu-file.c: run ci/original to have it, or set QEMU_FILE_C=none to build without"
            );
        }
    }
    Ok(())
}

fn absent(why: &str) {
    println!("cargo::rustc-env=C_REFERENCE_ABSENCE={why}");
}

/// `QEMU_FILE_C`, then this crate's ignored folder, then the folder beside the checkout.
fn find() -> Result<Original, String> {
    match env::var_os("QEMU_FILE_C").filter(|value| !value.is_empty()) {
        Some(value) if value == "none" => return Ok(Original::Declined),
        Some(value) => {
            // A relative path counts from where the caller stands, which cargo does not tell: it
            // is tried from the workspace, where cargo is called as a rule.
            let path = crate_folder()?.join("..").join(value);
            println!("cargo::rerun-if-changed={}", path.display());
            if path.is_file() {
                return Ok(Original::At(path));
            }
            return Err(format!(
                "QEMU_FILE_C names {}, which is not a file.\n\
                 Name QEMU {VERSION}'s migration/qemu-file.c, or unset the variable and run ci/original, \
                 or set it to `none` to build without.",
                path.display()
            ));
        }
        None => {}
    }
    let folder = crate_folder()?;
    let placed = folder.join("original").join(flags::ORIGINAL_NAME);
    let beside = folder.join("../../shared/original").join(flags::ORIGINAL_NAME);
    for (path, watch_from) in [(placed, folder.clone()), (beside, folder.join("../../shared"))] {
        if path.is_file() {
            println!("cargo::rerun-if-changed={}", path.display());
            return Ok(Original::At(path));
        }
        watch(&path, &watch_from);
    }
    Ok(Original::Absent)
}

fn crate_folder() -> Result<PathBuf, String> {
    env::var_os("CARGO_MANIFEST_DIR")
        .map(PathBuf::from)
        .ok_or_else(|| "cargo gave no CARGO_MANIFEST_DIR".to_owned())
}

fn out_folder() -> Result<PathBuf, String> {
    env::var_os("OUT_DIR").map(PathBuf::from).ok_or_else(|| "cargo gave no OUT_DIR".to_owned())
}

/// Looks again when `path` comes to be. Cargo takes a missing path for a changed one and would
/// build everything anew each time, so the nearest folder that exists is watched instead, no
/// higher than `top`.
fn watch(path: &Path, top: &Path) {
    let mut folders = path.ancestors().skip(1).take_while(|folder| folder.starts_with(top));
    if let Some(folder) = folders.find(|folder| folder.is_dir()) {
        println!("cargo::rerun-if-changed={}", folder.display());
    }
}

fn check(path: &Path, sha256: &str) -> Result<(), String> {
    if sha256 == SHA256 {
        return Ok(());
    }
    if env::var_os("QEMU_FILE_C_UNPINNED").is_some_and(|value| value == "1") {
        println!(
            "cargo::warning={}: not the pinned original; what is built is marked unpinned",
            path.display()
        );
        return Ok(());
    }
    Err(format!(
        "{}: not the pinned original.\n\
         expected SHA-256 {SHA256} (QEMU {VERSION}, migration/qemu-file.c)\n\
         found    SHA-256 {sha256}\n\
         Run ci/original to put the right file in place, or set QEMU_FILE_C_UNPINNED=1 to build this one, \
         or QEMU_FILE_C=none to build without.",
        path.display()
    ))
}

/// Compiles the original and the shim into one static library, from a copy of the original that
/// stands alone: beside QEMU's other files their headers would be taken for the shim's. Flags of an instrumented build
/// (`CC`, `CFLAGS`) are the `cc` crate's business.
fn compile(text: &[u8], sha256: &str, headers: &[PathBuf]) -> Result<PathBuf, String> {
    let out = out_folder()?;
    let original = out.join("original");
    let copy = original.join(flags::ORIGINAL_NAME);
    fs::create_dir_all(&original)
        .and_then(|()| fs::write(&copy, text))
        .and_then(|()| fs::write(original.join(flags::TRACE_NAME), flags::trace_header(text)))
        .map_err(|error| format!("{}: {error}", original.display()))?;

    let shim = crate_folder()?.join("shim");
    let instruments = instrument::Instruments::wanted();
    let common = || {
        let mut build = cc::Build::new();
        if let Some(instruments) = &instruments {
            instruments.apply(&mut build);
        }
        build.flag(flags::VISIBILITY).flag(flags::identity(sha256));
        for flag in flags::FLAGS {
            build.flag(flag);
        }
        build.include(&original).include(&shim).includes(headers);
        if benched() {
            // As upstream builds it, whatever the Rust side is built with.
            build.opt_level(2).define("REFERENCE_PLAIN", None);
        }
        build
    };
    let mut unit = common();
    if let Some(instruments) = &instruments {
        instruments.show(&mut unit, &shim);
    }
    unit.warnings(false).flag("-w").file(shim.join(flags::UNIT));
    compiler_is_here(&unit)?;
    let objects = unit.try_compile_intermediates().map_err(|error| error.to_string())?;

    let mut build = common();
    build.warnings(true).extra_warnings(true).objects(objects);
    for source in flags::SOURCES {
        build.file(shim.join(source));
    }
    if benched() {
        build.file(crate_folder()?.join("bench").join("loops.c"));
    }
    if let Some(instruments) = &instruments {
        build.objects(instruments.receiver(&shim)?);
    }
    build.try_compile("qemu_file_reference").map_err(|error| error.to_string())?;
    Ok(copy)
}

/// Whether the loops of the benchmarks are wanted.
fn benched() -> bool {
    env::var_os("CARGO_FEATURE_BENCH").is_some()
}

fn compiler_is_here(build: &cc::Build) -> Result<(), String> {
    let tool = build.try_get_compiler().map_err(|error| error.to_string())?;
    match tool.to_command().arg("--version").output() {
        Ok(_) => Ok(()),
        Err(error) => Err(format!(
            "no C compiler: {}: {error}.\n\
             Install gcc or clang, or set CC to one, or set QEMU_FILE_C=none to build without the original.",
            tool.path().display()
        )),
    }
}
