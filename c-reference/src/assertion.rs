//! Assertions, by what they are: a function, and which of that function's.

/// An assertion that failed.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Assertion {
    /// The function that it stands in.
    pub function: String,
    /// Which one it is of that function's, counted from 0 in the order of the text.
    pub ordinal: usize,
    /// How many that function has.
    pub of: usize,
    /// The line of the file given.
    pub line: u32,
}

/// The assertions of QEMU 8.2.0: functions, and lines in the order of the text.
const PINNED: [(&str, &[u32]); 7] = [
    ("qemu_fill_buffer", &[307]),
    ("add_to_iovec", &[389]),
    ("qemu_peek_buffer", &[480, 481, 482]),
    ("qemu_peek_byte", &[590, 591]),
    ("qemu_file_transferred", &[617]),
    ("qemu_file_buffer_empty", &[745]),
    ("qemu_put_counted_string", &[775]),
];

impl Assertion {
    /// The lines of QEMU 8.2.0 that it can stand for, the likeliest first: one where the function
    /// has as many assertions as it has there. Where it has others beside them, or fewer, the
    /// order leaves more than one open; where 8.2.0 has none in that function, there is none.
    #[must_use]
    pub fn pinned_lines(&self) -> Vec<u32> {
        let Some((_, lines)) = PINNED.iter().find(|(name, _)| *name == self.function) else {
            return Vec::new();
        };
        // Those before it and behind it take places of their own.
        let (first, last) = if self.of >= lines.len() {
            (self.ordinal.saturating_sub(self.of - lines.len()), self.ordinal)
        } else {
            (self.ordinal, self.ordinal + lines.len() - self.of)
        };
        lines.iter().skip(first).take(last + 1 - first).copied().collect()
    }
}

#[cfg(test)]
mod tests {
    use super::Assertion;

    fn lines(function: &str, ordinal: usize, of: usize) -> Vec<u32> {
        Assertion { function: function.to_owned(), ordinal, of, line: 1 }.pinned_lines()
    }

    #[test]
    fn as_many_as_there_are_stand_for_one_line_each() {
        assert_eq!(lines("qemu_peek_buffer", 0, 3), [480]);
        assert_eq!(lines("qemu_peek_buffer", 2, 3), [482]);
        assert_eq!(lines("qemu_peek_byte", 1, 2), [591]);
    }

    #[test]
    fn one_more_or_one_less_leaves_two_open() {
        assert_eq!(lines("qemu_peek_byte", 1, 3), [590, 591]);
        assert_eq!(lines("qemu_peek_byte", 2, 3), [591]);
        assert_eq!(lines("qemu_peek_byte", 0, 3), [590]);
        assert_eq!(lines("qemu_peek_byte", 0, 1), [590, 591]);
        assert_eq!(lines("qemu_put_counted_string", 1, 2), [775]);
    }

    #[test]
    fn a_function_without_any_has_none() {
        assert_eq!(lines("check_reader", 0, 1), Vec::<u32>::new());
    }
}
