//! The little of C that the rules must see: tokens, brackets, functions.

/// What a token is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// A name or a keyword.
    Word,
    /// A number.
    Number,
    /// A string or a character.
    Text,
    /// Anything else.
    Sign,
}

/// One token of the text.
#[derive(Clone, Copy, Debug)]
pub(super) struct Token<'a> {
    /// What it is.
    pub(super) kind: Kind,
    /// Its text.
    pub(super) text: &'a str,
    /// Offset of its first byte.
    pub(super) start: usize,
}

impl Token<'_> {
    /// Offset behind its last byte.
    pub(super) fn end(&self) -> usize {
        self.start + self.text.len()
    }
}

/// Signs of more than one character, the longer first.
const SIGNS: [&str; 22] = [
    "<<=", ">>=", "...", "->", "++", "--", "<<", ">>", "<=", ">=", "==", "!=", "&&", "||", "+=",
    "-=", "*=", "/=", "%=", "&=", "|=", "^=",
];

/// The tokens of a C file: no comments, no lines of the preprocessor.
pub(super) fn tokens(text: &str) -> Vec<Token<'_>> {
    let mut found = Vec::new();
    let mut at = 0;
    let mut fresh_line = true;
    while let Some(first) = text[at..].chars().next() {
        let rest = &text[at..];
        let skipped = if first == '\n' {
            fresh_line = true;
            1
        } else if first.is_whitespace() {
            first.len_utf8()
        } else if rest.starts_with("/*") {
            rest.find("*/").map_or(rest.len(), |end| end + 2)
        } else if rest.starts_with("//") || (first == '#' && fresh_line) {
            rest.find('\n').unwrap_or(rest.len())
        } else {
            0
        };
        if skipped > 0 {
            at += skipped;
            continue;
        }
        fresh_line = false;
        let (kind, len) = token(rest, first);
        found.push(Token { kind, text: &rest[..len], start: at });
        at += len;
    }
    found
}

fn token(rest: &str, first: char) -> (Kind, usize) {
    let while_in = |fits: fn(char) -> bool| rest.find(|letter| !fits(letter)).unwrap_or(rest.len());
    let of_name = |letter: char| letter.is_ascii_alphanumeric() || letter == '_';
    if first.is_ascii_digit() {
        (Kind::Number, while_in(of_name))
    } else if of_name(first) {
        (Kind::Word, while_in(of_name))
    } else if first == '"' || first == '\'' {
        let mut escaped = false;
        let end = rest.char_indices().skip(1).find(|(_, letter)| {
            let ends = !escaped && *letter == first;
            escaped = !escaped && *letter == '\\';
            ends
        });
        (Kind::Text, end.map_or(rest.len(), |(end, _)| end + 1))
    } else {
        let sign = SIGNS.iter().find(|sign| rest.starts_with(**sign));
        (Kind::Sign, sign.map_or(first.len_utf8(), |sign| sign.len()))
    }
}

/// Index of the bracket that closes the one at `open`; `to` where none does.
pub(super) fn closing(tokens: &[Token<'_>], open: usize, to: usize) -> usize {
    let mut depth = 0_usize;
    for (at, token) in tokens.iter().enumerate().take(to).skip(open) {
        match token.text {
            "(" | "[" | "{" => depth += 1,
            ")" | "]" | "}" => {
                depth = depth.saturating_sub(1);
                if depth == 0 {
                    return at;
                }
            }
            _ => {}
        }
    }
    to
}

/// A function: its name, and the tokens between the braces of its body.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Function<'a> {
    /// Its name.
    pub(super) name: &'a str,
    /// Index of the first token of the body.
    pub(super) from: usize,
    /// Index behind its last token.
    pub(super) to: usize,
    /// Whether it returns nothing.
    pub(super) void: bool,
}

/// The functions that a file defines, in its order.
pub(super) fn functions<'a>(tokens: &[Token<'a>]) -> Vec<Function<'a>> {
    let mut found = Vec::new();
    let (mut at, mut began) = (0, 0);
    while at < tokens.len() {
        match tokens[at].text {
            "(" => {
                let close = closing(tokens, at, tokens.len());
                let named = at
                    .checked_sub(1)
                    .map(|name| tokens[name])
                    .filter(|name| name.kind == Kind::Word);
                let body = tokens.get(close + 1).is_some_and(|next| next.text == "{");
                if let (Some(name), true) = (named, body) {
                    let end = closing(tokens, close + 1, tokens.len());
                    let head = &tokens[began..at];
                    let void = head.iter().any(|word| word.text == "void")
                        && !head.iter().any(|word| word.text == "*");
                    found.push(Function { name: name.text, from: close + 2, to: end, void });
                    at = end + 1;
                    began = at;
                } else {
                    at = close + 1;
                }
            }
            "{" => at = closing(tokens, at, tokens.len()) + 1,
            ";" => {
                at += 1;
                began = at;
            }
            _ => at += 1,
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str = "\
#include <a.h>
struct s { int x; };
/* f() { */
static void f(int a)
{
    g(\"(\\\"\", a >>= 1);
}
int *h(void) { return 0x1f; }
";

    #[test]
    fn comments_and_the_preprocessor_are_no_tokens() {
        let texts: Vec<&str> =
            tokens("a/* b */ c // d\n# e\nf#g").iter().map(|token| token.text).collect();
        assert_eq!(texts, ["a", "c", "f", "#", "g"]);
    }

    #[test]
    fn functions_have_their_bodies() {
        let tokens = tokens(TEXT);
        let functions = functions(&tokens);
        let names: Vec<&str> = functions.iter().map(|function| function.name).collect();
        assert_eq!(names, ["f", "h"]);
        let body: Vec<&str> =
            tokens[functions[0].from..functions[0].to].iter().map(|token| token.text).collect();
        assert_eq!(body, ["g", "(", "\"(\\\"\"", ",", "a", ">>=", "1", ")", ";"]);
        assert!(functions[0].void && !functions[1].void);
    }
}
