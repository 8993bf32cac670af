//! Commands that can be pasted into a shell.

use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt as _;
use std::path::Path;

use shell_quote::{Bash, Sh};

/// How this program was started, for the beginning of a command that somebody is to run.
pub(crate) fn name() -> String {
    let says = |variable: &str| std::env::var_os(variable);
    if says("CARGO").is_some()
        && says("CARGO_PKG_NAME").is_some_and(|name| name == env!("CARGO_PKG_NAME"))
    {
        return "cargo run --release --".to_owned();
    }
    match std::env::args_os().next() {
        Some(program) if !program.is_empty() => quoted(&program),
        _ => env!("CARGO_PKG_NAME").to_owned(),
    }
}

/// A word as a shell takes it: every POSIX shell, as long as it can be printed; bash or zsh otherwise.
pub(crate) fn quoted(word: &OsStr) -> String {
    let printable =
        word.to_str().is_some_and(|text| !text.chars().any(crate::report::sheet::is_escaped));
    let quoted =
        if printable { Sh::quote_vec(word.as_bytes()) } else { Bash::quote_vec(word.as_bytes()) };
    String::from_utf8_lossy(&quoted).into_owned()
}

/// A path as a word that is not taken for an option.
pub(crate) fn quoted_path(path: &Path) -> String {
    if path.as_os_str().as_bytes().starts_with(b"-") {
        return quoted(Path::new(".").join(path).as_os_str());
    }
    quoted(path.as_os_str())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_shell_takes_a_quoted_word_for_what_it_was() {
        for word in [
            &b"plain/path.ron"[..],
            b"a b",
            b"it's",
            b"$HOME `x` \"y\" \\ * ?",
            b"\x1b[31m",
            b"a\nb",
            b"\xff\xfe",
            b"-x",
            "\u{fc}".as_bytes(),
        ] {
            let word = OsStr::from_bytes(word);
            let said = std::process::Command::new("bash")
                .arg("-c")
                .arg(format!("printf %s {}", quoted_path(Path::new(word))))
                .output()
                .unwrap();
            let read = said.stdout.strip_prefix(b"./").unwrap_or(&said.stdout);
            assert_eq!(OsStr::from_bytes(read), word, "{said:?}");
        }
        assert_eq!(quoted_path(Path::new("plain/path.ron")), "plain/path.ron");
    }
}
