//! Places in texts, and bytes as text.

/// A place in a text, counted from 1.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Position {
    /// Line.
    pub line: usize,
    /// Column, in characters.
    pub column: usize,
}

/// Lower-case hexadecimal, two digits a byte.
#[must_use]
pub fn hex(bytes: &[u8]) -> String {
    const DIGITS: [char; 16] =
        ['0', '1', '2', '3', '4', '5', '6', '7', '8', '9', 'a', 'b', 'c', 'd', 'e', 'f'];
    bytes
        .iter()
        .flat_map(|byte| [DIGITS[usize::from(byte >> 4)], DIGITS[usize::from(byte & 15)]])
        .collect()
}

/// A text that a stream brought, so that a terminal shows it and does not obey it: control
/// characters become escapes. Texts are handed on as they came; whoever prints them calls this.
#[must_use]
pub fn escaped(text: &str) -> String {
    let shown = |c: char| {
        let harmless = !c.is_control()
            && !matches!(c, '\u{200e}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}');
        if harmless { c.to_string() } else { c.escape_default().to_string() }
    };
    text.chars().map(shown).collect()
}

#[cfg(test)]
mod tests {
    #[test]
    fn what_a_terminal_would_obey_is_escaped() {
        assert_eq!(
            super::escaped("pc.ram \u{1b}[2J\u{7}\u{202e}é"),
            "pc.ram \\u{1b}[2J\\u{7}\\u{202e}é"
        );
    }

    #[test]
    fn bytes_become_two_digits_each() {
        assert_eq!(super::hex(&[0, 0x9f, 0xff]), "009fff");
    }
}
