//! What of the core its tests reach: lines and branches.
//!
//! The list of what no test can reach goes by the text of the lines, which stays the same when
//! lines are added above them.

use std::fmt;
use std::path::Path;

use serde::{Deserialize, Serialize};

use super::{
    Coverage, CoverageError, FORMAT, Measure, Missed, exported, judged, list, read, reasoned, wrong,
};

/// What the names of the core's files have in common.
const SOURCES: &str = "qemufile-core/src/";

/// A place of the core.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Place {
    /// The file, from `qemufile-core/src`.
    pub file: String,
    /// What is counted.
    pub measure: Measure,
    /// The line's text, without the space around it.
    pub code: String,
    /// Which way of the branch: `true` or `false`. Empty for a line.
    pub way: String,
    /// Line, from 1; not known of what is listed, and not compared.
    #[serde(skip)]
    at: At,
}

/// A line number that is shown and not compared.
#[derive(Clone, Copy, Debug, Default)]
struct At(u64);

impl PartialEq for At {
    fn eq(&self, _: &Self) -> bool {
        true
    }
}

impl Eq for At {}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { file, measure, code, way, at } = self;
        write!(f, "{SOURCES}{file}:{} {measure:?} {way} `{code}`", at.0)
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct List {
    format: u32,
    places: Vec<Entry>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Entry {
    reason: String,
    missed: Vec<(String, Measure, String, String)>,
}

/// Reads the export at `path` and compares what it says of the core with the list at `list`. The
/// files that it counted are read again: their lines name the places.
///
/// # Errors
///
/// [`CoverageError`], with the file and the place.
pub fn measure(path: &Path, listed: &Path) -> Result<Coverage<Place>, CoverageError> {
    let mut found = Vec::new();
    for counted in exported(path)? {
        let Some(start) = counted.filename.rfind(SOURCES) else { continue };
        let file = counted.filename[start + SOURCES.len()..].to_owned();
        let text = read(Path::new(&counted.filename))?;
        let code: Vec<&str> = text.lines().collect();
        for (missed, reached) in counted.places() {
            found.push((place(&file, &code, &missed), reached));
        }
    }
    if found.is_empty() {
        return Err(CoverageError::Absent { path: path.to_owned(), file: SOURCES.to_owned() });
    }
    let reached = |(place, reached): &(Place, bool)| (place.clone(), place.measure, *reached);
    Ok(judged(&[Measure::Line, Measure::Branch], &found, reached, &equivalent(listed)?))
}

fn place(file: &str, code: &[&str], missed: &Missed) -> Place {
    let line = usize::try_from(missed.line).unwrap_or(usize::MAX);
    let code = code.get(line.wrapping_sub(1)).map_or("", |code| code.trim());
    Place {
        file: file.to_owned(),
        measure: missed.measure,
        code: code.to_owned(),
        way: missed.which.split(' ').next_back().unwrap_or_default().to_owned(),
        at: At(missed.line),
    }
}

fn equivalent(path: &Path) -> Result<Vec<Place>, CoverageError> {
    let list: List = list(path)?;
    if list.format != FORMAT {
        return Err(wrong(path, format!("expected format {FORMAT}")));
    }
    reasoned(path, list.places.iter().map(|entry| (&entry.reason, &entry.missed)))?;
    let places = list.places.into_iter().flat_map(|entry| entry.missed);
    Ok(places
        .map(|(file, measure, code, way)| Place { file, measure, code, way, at: At::default() })
        .collect())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test")]

    use super::*;

    /// An export of one file with a line that never runs and a branch that goes one way.
    fn export(directory: &Path) -> std::path::PathBuf {
        let source = directory.join(SOURCES);
        std::fs::create_dir_all(&source).unwrap();
        let file = source.join("a.rs");
        std::fs::write(&file, "fn f() {\n    if all {\n        rest\n    }\n}\n").unwrap();
        let segments = "[[1,1,1,true,true,false],[2,12,0,true,true,false],[3,13,1,true,false,false],[5,2,0,false,false,false]]";
        let json = format!(
            r#"{{"data":[{{"files":[{{"filename":{:?},"segments":{segments},"branches":[[2,8,2,11,0,3,0,0,4]]}},{{"filename":"other.rs","segments":[[1,1,0,true,true,false],[2,1,0,false,false,false]]}}]}}]}}"#,
            file.to_str().unwrap(),
        );
        let path = directory.join("export.json");
        std::fs::write(&path, json).unwrap();
        path
    }

    fn judge(places: &str) -> Result<Coverage<Place>, CoverageError> {
        let directory = tempfile::tempdir().unwrap();
        let listed = directory.path().join("core.ron");
        std::fs::write(&listed, format!("(format: 1, places: [{places}])")).unwrap();
        measure(&export(directory.path()), &listed)
    }

    #[test]
    fn places_are_named_by_their_text() {
        let coverage = judge("").unwrap();
        let missed: Vec<String> = coverage.missed.iter().map(ToString::to_string).collect();
        let expected = [
            "qemufile-core/src/a.rs:3 Line  `rest`",
            "qemufile-core/src/a.rs:2 Branch true `if all {`",
        ];
        assert_eq!(missed, expected, "and nothing of other files");
        assert!(!coverage.passes());
    }

    #[test]
    fn a_list_excuses_with_a_reason() {
        let both = r#"[("a.rs", Line, "rest", ""), ("a.rs", Branch, "if all {", "true")]"#;
        assert!(judge(&format!(r#"(reason: "why", missed: {both})"#)).unwrap().passes());
        let error = judge(&format!(r#"(reason: " ", missed: {both})"#)).unwrap_err().to_string();
        assert!(error.contains("no reason"), "{error}");
        let gone = r#"(reason: "why", missed: [("a.rs", Line, "gone", "")])"#;
        assert_eq!(judge(gone).unwrap().needless, ["qemufile-core/src/a.rs:0 Line  `gone`"]);
    }
}
