//! From a mutant to a shared object.
//!
//! What was compiled once is kept, by the hash of the text and of everything else that goes into
//! it, so that only the changes of a new list or rule are compiled again.

use std::collections::BTreeMap;
use std::num::NonZeroUsize;
use std::path::{Path, PathBuf};
use std::{fs, io};

use c_reference::{CompileError, Options, Toolchain};
use sha2::{Digest as _, Sha256};

use super::Mutant;
use conformance::parallel;
use conformance::record::write_whole;
use conformance::trace::hex;

/// What became of a mutant.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Made {
    /// The compiler refuses it.
    Refused,
    /// Its object code is the original's.
    Same,
    /// Its object code is that of an earlier mutant.
    Twin {
        /// Name of that one.
        of: String,
    },
    /// It is this shared object.
    Object(PathBuf),
}

/// Why no mutants can be made.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum MakeError {
    /// The shim or the original itself does not compile.
    #[error(transparent)]
    Compile(#[from] CompileError),
    /// What is compiled cannot be kept.
    #[error("{path}: {source}; name a directory that can be written", path = path.display())]
    Keep {
        /// The file or directory.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
}

/// What a compiled text came to, before it is compared with others.
#[derive(Clone)]
enum Compiled {
    Refused,
    Object(String),
}

const REFUSED: &str = "refused";

struct Maker<'a> {
    toolchain: &'a Toolchain,
    kept: &'a Path,
}

impl Maker<'_> {
    fn compile(&self, name: &str, text: &str) -> Result<Compiled, MakeError> {
        let key = hex(&Sha256::digest(format!("{}{text}", self.toolchain.recipe())));
        let note = self.kept.join(format!("{key}.txt"));
        if let Ok(known) = fs::read_to_string(&note) {
            if known == REFUSED {
                return Ok(Compiled::Refused);
            }
            if self.object(&known).exists() {
                return Ok(Compiled::Object(known));
            }
        }
        let (compiled, said) = match self.toolchain.object(name, text) {
            Ok((object, bytes)) => {
                let hash = hex(&Sha256::digest(bytes));
                if !self.object(&hash).exists() {
                    self.toolchain.link(&object, &self.object(&hash))?;
                }
                (Compiled::Object(hash.clone()), hash)
            }
            Err(CompileError::Refused { .. }) => (Compiled::Refused, REFUSED.to_owned()),
            Err(error) => return Err(error.into()),
        };
        write_whole(&note, &said).map_err(|source| MakeError::Keep { path: note, source })?;
        Ok(compiled)
    }

    fn object(&self, hash: &str) -> PathBuf {
        self.kept.join(format!("{hash}.so"))
    }
}

/// Compiles the mutants of `text`, `jobs` at a time, and keeps what comes of them in `kept`. One
/// entry for each mutant, in their order.
///
/// # Errors
///
/// [`MakeError`]. A mutant that does not compile is none.
pub fn make(
    text: &str,
    mutants: &[Mutant],
    kept: &Path,
    jobs: NonZeroUsize,
) -> Result<Vec<Made>, MakeError> {
    let toolchain = Toolchain::open(&Options { reproducible: true, ..Options::default() })?;
    fs::create_dir_all(kept).map_err(|source| MakeError::Keep { path: kept.to_owned(), source })?;
    let maker = Maker { toolchain: &toolchain, kept };
    let original = match maker.compile("original", text)? {
        Compiled::Object(hash) => hash,
        // Again, for what the compiler said.
        Compiled::Refused => toolchain.object("refused", text).map(|_| String::new())?,
    };
    let compiled = parallel::map(
        jobs,
        mutants,
        || (),
        |(), number, mutant| maker.compile(&format!("mutant-{number}"), &mutant.apply(text)),
    );
    let mut first: BTreeMap<String, String> = BTreeMap::new();
    compiled
        .into_iter()
        .zip(mutants)
        .map(|(compiled, mutant)| {
            Ok(match compiled? {
                Compiled::Refused => Made::Refused,
                Compiled::Object(hash) if hash == original => Made::Same,
                Compiled::Object(hash) => match first.get(&hash) {
                    Some(of) => Made::Twin { of: of.clone() },
                    None => {
                        let object = maker.object(&hash);
                        first.insert(hash, mutant.id.clone());
                        Made::Object(object)
                    }
                },
            })
        })
        .collect()
}
