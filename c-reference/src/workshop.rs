//! Compiling many changed copies of the original, quickly.

use std::ffi::OsString;
use std::fs;
use std::path::{Path, PathBuf};

use tempfile::TempDir;

use crate::compile::{CompileError, SHIM, in_directory, run_compiler, write};
use crate::recipe::{self, FLAGS, ORIGINAL_NAME, SOURCES, UNIT, VISIBILITY};

/// Beside the recipe's flags. There is no debugging information, so that the same code is the same
/// object file, byte for byte; and what would be a warning about types in another compiler is an
/// error, so that a copy with arguments exchanged compiles only where it could be meant.
const QUICK: [&str; 5] =
    ["-c", "-fPIC", "-O1", "-Werror=int-conversion", "-Werror=incompatible-pointer-types"];

/// A directory in which the shim is compiled once, for any number of references.
#[derive(Debug)]
pub struct Workshop {
    directory: TempDir,
    recipe: String,
}

impl Workshop {
    /// Compiles the shim.
    ///
    /// # Errors
    ///
    /// [`CompileError`], with what the compiler said.
    pub fn open() -> Result<Self, CompileError> {
        let directory = tempfile::tempdir().map_err(|source| CompileError::Directory { source })?;
        let shim = directory.path().join("shim");
        let mut recipe = QUICK.concat() + &FLAGS.concat();
        for (name, content) in SHIM {
            write(&shim.join(name), content.as_bytes())?;
            recipe.push_str(content);
        }
        let (compiler, version) = run_compiler(&["--version".into()])?;
        recipe.push_str(&compiler);
        recipe.push_str(&String::from_utf8_lossy(&version.stdout));
        let workshop = Self { recipe: recipe::sha256_hex(recipe.as_bytes()), directory };
        for name in SOURCES {
            let mut arguments = workshop.arguments();
            arguments.push(recipe::identity("not told apart").into());
            arguments.push(shim.join(name).into());
            workshop.run(arguments, &workshop.shim_object(name), &shim.join(name))?;
        }
        Ok(workshop)
    }

    /// SHA-256 of what all references of this workshop have in common: shim, flags, compiler.
    #[must_use]
    pub fn recipe(&self) -> &str {
        &self.recipe
    }

    /// Compiles the text of a C file to an object file, and gives its path and its bytes. `name` is
    /// one of the caller's, different for each.
    ///
    /// # Errors
    ///
    /// [`CompileError::Refused`] with what the compiler said.
    pub fn object(&self, name: &str, text: &str) -> Result<(PathBuf, Vec<u8>), CompileError> {
        let place = self.directory.path().join(name);
        let source = place.join(ORIGINAL_NAME);
        write(&source, text.as_bytes())?;
        let mut arguments = self.arguments();
        arguments.extend(["-I".into(), place.clone().into()]);
        arguments.push(self.directory.path().join("shim").join(UNIT).into());
        let object = place.join("unit.o");
        self.run(arguments, &object, &source)?;
        let bytes = fs::read(&object)
            .map_err(|source| CompileError::Read { path: object.clone(), source })?;
        Ok((object, bytes))
    }

    /// Links an object file with the shim into the shared object `out`, written aside and renamed.
    ///
    /// # Errors
    ///
    /// [`CompileError`], with what the linker said.
    pub fn link(&self, object: &Path, out: &Path) -> Result<(), CompileError> {
        let aside = in_directory(out)?;
        let mut arguments: Vec<OsString> =
            ["-shared", "-Wl,-Bsymbolic", "-Wl,-z,defs"].into_iter().map(OsString::from).collect();
        arguments.push(object.into());
        arguments.extend(SOURCES.iter().map(|name| self.shim_object(name).into()));
        self.run(arguments, aside.path(), object)?;
        aside
            .persist(out)
            .map_err(|error| CompileError::Write { path: out.to_owned(), source: error.error })?;
        Ok(())
    }

    fn arguments(&self) -> Vec<OsString> {
        let mut arguments: Vec<OsString> =
            QUICK.iter().chain(&FLAGS).chain([&VISIBILITY]).map(OsString::from).collect();
        arguments.extend(["-I".into(), self.directory.path().join("shim").into()]);
        arguments
    }

    fn shim_object(&self, name: &str) -> PathBuf {
        self.directory.path().join(name).with_extension("o")
    }

    fn run(
        &self,
        mut arguments: Vec<OsString>,
        out: &Path,
        source: &Path,
    ) -> Result<(), CompileError> {
        arguments.extend(["-o".into(), out.into()]);
        let (compiler, output) = run_compiler(&arguments)?;
        if output.status.success() {
            return Ok(());
        }
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        Err(CompileError::Refused { path: source.to_owned(), compiler, said })
    }
}
