//! What a compiler said, cut down to what a reader needs.

use std::path::Path;

/// Messages that are kept.
const MESSAGES: usize = 4;

/// The longest line that is kept, in characters.
const LINE: usize = 300;

/// The first errors of `said`, in which `copy` reads as `file`, and the names that are unknown.
pub(super) fn digest(said: &str, copy: &Path, file: &Path) -> (String, Vec<String>) {
    let (copy, file) = (copy.display().to_string(), file.display().to_string());
    let lines: Vec<String> = said.lines().map(|line| line.replace(&copy, &file)).collect();
    let is_error = |line: &&String| {
        line.contains("error:")
            || line.contains("undefined reference")
            || line.contains("undefined symbol")
    };
    let mut errors: Vec<&String> = lines.iter().filter(is_error).collect();
    if errors.is_empty() {
        errors = lines.iter().filter(|line| !line.trim().is_empty()).collect();
    }
    let mut unknown = Vec::new();
    for name in errors.iter().filter_map(|line| unknown_name(line)) {
        if !unknown.contains(&name) {
            unknown.push(name);
        }
    }
    let kept: Vec<String> =
        errors.iter().take(MESSAGES).map(|line| line.chars().take(LINE).collect()).collect();
    let mut text = kept.join("\n");
    if errors.len() > MESSAGES {
        text.push_str(&format!("\n({} more)", errors.len() - MESSAGES));
    }
    (text, unknown)
}

/// The name that a message calls unknown, as gcc, clang and the linkers put it.
fn unknown_name(line: &str) -> Option<String> {
    const BEFORE: [&str; 7] = [
        "unknown type name ",
        "implicit declaration of function ",
        "call to undeclared function ",
        "use of undeclared identifier ",
        "undefined reference to ",
        "undefined symbol: ",
        "undeclared identifier ",
    ];
    if let Some(at) = line.find("' undeclared") {
        return line[..at].rsplit('\'').next().map(str::to_owned);
    }
    if line.contains("No such file") || line.contains("file not found") {
        let (_, rest) = line.split_once("fatal error: ")?;
        let name = rest.split([':', ' ']).next()?;
        return Some(name.trim_matches('\'').to_owned());
    }
    let rest = BEFORE.iter().find_map(|before| line.split_once(before))?.1;
    let name: String = rest
        .trim_start_matches(['\'', '`', '"'])
        .chars()
        .take_while(|letter| letter.is_ascii_alphanumeric() || *letter == '_')
        .collect();
    (!name.is_empty()).then_some(name)
}

#[cfg(test)]
mod tests {
    use super::digest;
    use std::path::Path;

    #[test]
    fn only_errors_are_kept_and_unknown_names_are_found() {
        let said = "/tmp/x/q.c:7:5: warning: unused\n\
            /tmp/x/q.c:9:1: error: 'frob' undeclared (first use in this function)\n\
            note: each\n\
            /tmp/x/q.c:10:1: error: unknown type name 'Frob'\n\
            q.o: undefined reference to `frob_it'\n\
            /tmp/x/q.c:1:10: fatal error: qemu/frob.h: No such file or directory\n\
            /tmp/x/q.c:12:1: error: implicit declaration of function 'frob' [-Werror]\n";
        let (text, unknown) = digest(said, Path::new("/tmp/x/q.c"), Path::new("mine.c"));
        assert!(text.starts_with("mine.c:9:1: error:"), "{text}");
        assert!(!text.contains("warning") && !text.contains("/tmp"), "{text}");
        assert!(text.ends_with("(1 more)"), "{text}");
        assert_eq!(unknown, ["frob", "Frob", "frob_it", "qemu/frob.h"]);
    }
}
