//! Text on its way out. What comes from a file, a name or a message, is escaped here and nowhere
//! else; what gives a text its colours does not go through it.

use std::fmt::{self, Display, Write};

use anstyle::Style;

/// Whether a character is shown as its escape: it controls a terminal, changes the order of what
/// is around it, or has no place in XML.
#[must_use]
pub fn is_escaped(letter: char) -> bool {
    match letter {
        '\n' | '\t' => false,
        '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' => true,
        '\u{feff}' | '\u{fffe}' | '\u{ffff}' | '\u{fdd0}'..='\u{fdef}' => true,
        letter => letter.is_control(),
    }
}

/// A text in which nothing controls a terminal.
#[must_use]
pub fn escaped(text: &str) -> String {
    let mut whole = String::with_capacity(text.len());
    // Writing to a string does not fail.
    let _ = Sheet::plain(&mut whole).write_str(text);
    whole
}

/// As [`escaped`], and in one line.
#[must_use]
pub fn one_line(text: &str) -> String {
    escaped(text).replace('\n', "\\n")
}

/// As [`escaped`], with further lines set off from the first, so that none is taken for another
/// message.
#[must_use]
pub fn message(text: &str) -> String {
    escaped(text.trim_end()).replace('\n', "\n  ")
}

/// A JSON text, whose strings may hold anything, as an equal one that can be shown.
#[must_use]
pub fn json(text: &str) -> String {
    let mut whole = String::with_capacity(text.len());
    for letter in text.chars() {
        if is_escaped(letter) {
            // None is beyond 16 bits.
            let _ = write!(whole, "\\u{:04x}", u32::from(letter));
        } else {
            whole.push(letter);
        }
    }
    whole
}

/// What a text is written to.
pub struct Sheet<'a> {
    to: &'a mut String,
    styled: bool,
}

impl<'a> Sheet<'a> {
    /// One with colours, as escape codes.
    pub fn styled(to: &'a mut String) -> Self {
        Self { to, styled: true }
    }

    /// One without.
    pub fn plain(to: &'a mut String) -> Self {
        Self { to, styled: false }
    }

    /// Writes `text` in a style.
    ///
    /// # Errors
    ///
    /// Those of the text.
    pub fn paint(&mut self, style: Style, text: impl Display) -> fmt::Result {
        if !self.styled {
            return write!(self, "{text}");
        }
        write!(self.to, "{style}")?;
        write!(self, "{text}")?;
        write!(self.to, "{style:#}")
    }
}

impl Write for Sheet<'_> {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        for letter in text.chars() {
            if is_escaped(letter) {
                self.to.extend(letter.escape_default());
            } else {
                self.to.push(letter);
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const HOSTILE: &str = "a\u{1b}[31mb\u{9b}2Jc\u{202e}d\re\u{7f}\nf";

    #[test]
    fn nothing_that_controls_a_terminal_is_left() {
        let shown = escaped(HOSTILE);
        assert_eq!(shown, "a\\u{1b}[31mb\\u{9b}2Jc\\u{202e}d\\re\\u{7f}\nf");
        assert_eq!(escaped(&shown), shown);
        assert!(!one_line(HOSTILE).contains('\n'));
        let read: String =
            serde_json::from_str(&json(&serde_json::to_string(HOSTILE).unwrap())).unwrap();
        assert_eq!(read, HOSTILE);
    }

    #[test]
    fn a_style_of_ours_passes_and_one_of_a_file_does_not() {
        let mut text = String::new();
        Sheet::styled(&mut text).paint(Style::new().bold(), "\u{1b}[31mx").unwrap();
        assert_eq!(text, "\u{1b}[1m\\u{1b}[31mx\u{1b}[0m");
    }
}
