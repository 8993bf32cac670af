//! References: the original that is linked in, and others that are loaded at run time.

use std::ffi::CStr;
use std::fmt;
use std::path::{Path, PathBuf};
use std::ptr::NonNull;
use std::sync::Arc;

use libloading::os::unix::{Library, RTLD_LOCAL, RTLD_NOW};
use tempfile::TempDir;

use crate::PIN;
use crate::ffi::{Call, HostTable, INTERFACE, Kinds, Layout, NAMES, Table};
use crate::release::Release;
use crate::toolchain::{CompileError, Options, Toolchain};

#[cfg(have_original)]
unsafe extern "C" {
    static qemu_file_reference: Table;
}

/// Something that behaves as QEMU's file does: the original, another version, a patched copy.
///
/// Clones are handles to the same code. Streams belong to a [`Session`](crate::Session), so any
/// number of threads may use one reference.
#[derive(Clone)]
pub struct Reference {
    table: NonNull<Table>,
    origin: Origin,
    /// What the caller says that it is.
    told: Option<Release>,
}

#[derive(Clone)]
enum Origin {
    #[cfg_attr(
        not(have_original),
        expect(dead_code, reason = "made only where the original is linked in")
    )]
    Linked,
    Loaded(Arc<Loaded>),
}

/// A shared object, and the directory that it was compiled into for this process alone.
struct Loaded {
    path: PathBuf,
    _library: Library,
    _directory: Option<TempDir>,
}

// SAFETY: the table and all that it points to are constants of the object file, kept loaded by
// `origin`; its functions keep their state in thread-local variables and in their arguments.
unsafe impl Send for Reference {}
// SAFETY: as for `Send`.
unsafe impl Sync for Reference {}

/// Why a file is no reference.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum LoadError {
    /// The file cannot be read.
    #[error("{path}: {source}; name a readable .c or .so file", path = path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// The name says neither C nor shared object.
    #[error("{path}: a reference is a .c file to compile or a .so file to load", path = path.display())]
    UnknownKind {
        /// The file.
        path: PathBuf,
    },
    /// The dynamic linker refuses the file.
    #[error("{path}: not a shared object that loads here: {source}", path = path.display())]
    Open {
        /// The file.
        path: PathBuf,
        /// What the dynamic linker said.
        source: libloading::Error,
    },
    /// The shared object was not made with the shim.
    #[error("{path}: exports no `qemu_file_reference`; compile the .c file with this tool", path = path.display())]
    NotAReference {
        /// The file.
        path: PathBuf,
    },
    /// The shared object was made with a shim of another version.
    #[error("{path}: made for interface {found}, this is {INTERFACE}; compile it again", path = path.display())]
    Interface {
        /// The file.
        path: PathBuf,
        /// The interface that it was made for.
        found: u32,
    },
    /// The C file does not compile.
    #[error(transparent)]
    Compile(#[from] CompileError),
}

impl Reference {
    /// The original that is linked in; `None` where the crate was built without it.
    #[must_use]
    pub fn linked() -> Option<Self> {
        #[cfg(have_original)]
        {
            let table = NonNull::new((&raw const qemu_file_reference).cast_mut())?;
            Some(Self { table, origin: Origin::Linked, told: None })
        }
        #[cfg(not(have_original))]
        None
    }

    /// A `.c` file, compiled for this process, or a `.so` file.
    ///
    /// # Errors
    ///
    /// [`LoadError`], naming the file and what to do.
    pub fn open(path: &Path) -> Result<Self, LoadError> {
        match path.extension().and_then(|extension| extension.to_str()) {
            Some("so") => Self::load(path),
            Some("c") => {
                let directory =
                    tempfile::tempdir().map_err(|source| CompileError::Directory { source })?;
                let object = directory.path().join("reference.so");
                Self::compile(path, &[], &object)?;
                Self::load_from(path.to_owned(), &object, Some(directory))
            }
            _ => Err(LoadError::UnknownKind { path: path.to_owned() }),
        }
    }

    /// Loads a shared object that [`compile`](Self::compile) has made.
    ///
    /// The file is code that runs in this process from here on: load what you trust as you trust
    /// the program itself, or load it in a child process.
    ///
    /// # Errors
    ///
    /// [`LoadError`], naming the file and what to do.
    pub fn load(path: &Path) -> Result<Self, LoadError> {
        Self::load_from(path.to_owned(), path, None)
    }

    /// Compiles a C file with the shim into the shared object `out`, written aside and renamed: a
    /// [`Toolchain`] of default [`Options`] and `extra_flags`.
    ///
    /// # Errors
    ///
    /// [`CompileError`], with what the compiler said.
    pub fn compile(source: &Path, extra_flags: &[&str], out: &Path) -> Result<(), CompileError> {
        let mut options = Options::default();
        options.cflags.extend(extra_flags.iter().map(|flag| (*flag).to_owned()));
        Toolchain::open(&options)?.compile(source, out)
    }

    fn load_from(
        name: PathBuf,
        object: &Path,
        directory: Option<TempDir>,
    ) -> Result<Self, LoadError> {
        // A bare name would be looked for in the dynamic linker's directories.
        let object = object
            .canonicalize()
            .map_err(|source| LoadError::Read { path: name.clone(), source })?;
        // SAFETY: what the object's initialisers do is the caller's trust, as `load` says; objects
        // made by `compile` have none.
        let library = unsafe { Library::open(Some(&object), RTLD_NOW | RTLD_LOCAL) }
            .map_err(|source| LoadError::Open { path: name.clone(), source })?;
        // SAFETY: the symbol is used as an address only, until `interface` was seen to fit.
        let symbol = unsafe { library.get::<*mut Table>(b"qemu_file_reference\0") };
        let table = symbol
            .ok()
            .and_then(|symbol| NonNull::new(symbol.into_raw().cast::<Table>()))
            .ok_or_else(|| LoadError::NotAReference { path: name.clone() })?;
        // SAFETY: every interface begins with its number; the whole table is looked at only
        // behind the comparison.
        let found = unsafe { table.cast::<u32>().read() };
        if found != INTERFACE {
            return Err(LoadError::Interface { path: name, found });
        }
        let loaded = Loaded { path: name, _library: library, _directory: directory };
        let reference = Self { table, origin: Origin::Loaded(Arc::new(loaded)), told: None };
        if reference.fits() { Ok(reference) } else { Err(reference.misfit()) }
    }

    fn fits(&self) -> bool {
        let table = self.table();
        table.host_len == size_of::<HostTable>()
            && table.call_len == size_of::<Call>()
            && table.functions as usize == NAMES.len()
    }

    fn misfit(self) -> LoadError {
        let path = match self.origin {
            Origin::Linked => PathBuf::new(),
            Origin::Loaded(loaded) => loaded.path.clone(),
        };
        LoadError::Interface { path, found: INTERFACE }
    }

    /// What reports call it: `original v8.2.0`, or the path that was given.
    #[must_use]
    pub fn name(&self) -> String {
        match &self.origin {
            Origin::Linked if self.pinned() => format!("original {}", PIN.version),
            Origin::Linked => "original".to_owned(),
            Origin::Loaded(loaded) => loaded.path.display().to_string(),
        }
    }

    /// Whether it is the pinned original. A file named at run time never is: nothing but the
    /// build has checked it.
    #[must_use]
    pub fn pinned(&self) -> bool {
        matches!(self.origin, Origin::Linked) && self.sha256() == PIN.sha256
    }

    /// The SHA-256 of the C file it was made from, in hexadecimal, as that build recorded it.
    #[must_use]
    pub fn sha256(&self) -> &str {
        // SAFETY: the table points to a string constant of the same object file.
        unsafe { CStr::from_ptr(self.table().sha256) }.to_str().unwrap_or_default()
    }

    /// Where its compiler has put the parts of a stream.
    #[must_use]
    pub fn layout(&self) -> Layout {
        // SAFETY: the table points to a constant of the same object file.
        unsafe { *self.table().layout }
    }

    /// The release whose behaviour it has: what [`as_release`](Self::as_release) was told, else
    /// that of a text that is known by its SHA-256, else what its functions and their types say.
    #[must_use]
    pub fn release(&self) -> Release {
        self.told
            .or_else(|| Release::of_sha256(self.sha256()))
            .unwrap_or_else(|| self.inferred_release())
    }

    /// The same reference, taken for one of `release`.
    #[must_use]
    pub fn as_release(self, release: Release) -> Self {
        Self { told: Some(release), ..self }
    }

    /// The release that its functions and their types say, without a look at its hash.
    #[must_use]
    pub fn inferred_release(&self) -> Release {
        let kinds = self.kinds();
        let has_beside = self.table().has_beside;
        // SAFETY: a pure function of a number.
        let beside = |which| unsafe { has_beside(which) } != 0;
        let has = |name| !self.missing().contains(&name);
        if beside(1) {
            return if has("qemu_file_get_to_fd") { Release::V8_0 } else { Release::V7_2 };
        }
        if beside(0) {
            return Release::V8_1;
        }
        if !has("qemu_put_buffer_at") {
            return Release::V8_2;
        }
        if has("qemu_put_compression_data") {
            return Release::V9_0;
        }
        if !has("qemu_file_put_fd") {
            return Release::V9_1;
        }
        match (kinds.set_blocking_returns, kinds.get_fd_fills, kinds.get_buffer_at_errp) {
            (0, ..) => Release::V10_0,
            (_, 0, _) => Release::V10_2,
            (_, _, 1) => Release::Next,
            _ if kinds.get_buffer_at_is_const != 0 => Release::V11_0,
            _ => Release::V11_1,
        }
    }

    pub(crate) fn kinds(&self) -> Kinds {
        // SAFETY: the table points to a constant of the same object file.
        unsafe { *self.table().kinds }
    }

    /// Names of the functions that it lacks, as C spells them, of the 42 that any version from 7.2
    /// on has and that [`Session`](crate::Session) calls. The pinned original lacks the seven of
    /// later versions.
    #[must_use]
    pub fn missing(&self) -> Vec<&'static str> {
        let has = self.table().has;
        // SAFETY: a pure function of a number.
        (0_u32..)
            .zip(NAMES)
            .filter(|(function, _)| unsafe { has(*function) } == 0)
            .map(|(_, name)| name)
            .collect()
    }

    pub(crate) fn table(&self) -> &Table {
        // SAFETY: a constant of the program, or of the object file that `origin` keeps loaded.
        unsafe { self.table.as_ref() }
    }
}

impl fmt::Debug for Reference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Reference")
            .field("name", &self.name())
            .field("sha256", &self.sha256())
            .finish_non_exhaustive()
    }
}
