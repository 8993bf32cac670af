//! The statements of a function's body.

use super::tokens::{Function, Kind, Token, closing};

/// Tokens `from` to `to`, the last one not included.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Span {
    pub(super) from: usize,
    pub(super) to: usize,
}

/// What a rule can be applied to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Statement {
    /// An expression, a jump: up to and with its semicolon.
    Simple(Span),
    /// A value returned: the span is the value.
    Return { whole: Span, value: Option<Span> },
    /// A declaration, with the value that it begins with.
    Declaration { value: Option<Span> },
    /// The condition of an `if`.
    If(Span),
    /// The condition of a loop.
    Loop(Span),
}

/// Words that begin a declaration.
const TYPES: [&str; 11] = [
    "int", "unsigned", "size_t", "ssize_t", "bool", "struct", "uint8_t", "uint64_t", "Error",
    "QEMUFile", "char",
];

/// The statements of a function, those inside others included, in the order of the text.
pub(super) fn statements(tokens: &[Token<'_>], function: Function<'_>) -> Vec<Statement> {
    let mut parser = Parser { tokens, end: function.to, found: Vec::new() };
    let mut at = function.from;
    while at < function.to {
        at = parser.statement(at);
    }
    parser.found
}

struct Parser<'a, 'b> {
    tokens: &'b [Token<'a>],
    end: usize,
    found: Vec<Statement>,
}

impl Parser<'_, '_> {
    fn text(&self, at: usize) -> &str {
        if at < self.end { self.tokens[at].text } else { "" }
    }

    /// Reads one statement and gives the index behind it.
    fn statement(&mut self, at: usize) -> usize {
        match self.text(at) {
            "{" => {
                let close = closing(self.tokens, at, self.end);
                let mut inner = at + 1;
                while inner < close {
                    inner = self.statement(inner);
                }
                close + 1
            }
            "if" => {
                let close = closing(self.tokens, at + 1, self.end);
                self.found.push(Statement::If(Span { from: at + 2, to: close }));
                let then = self.statement(close + 1);
                if self.text(then) == "else" { self.statement(then + 1) } else { then }
            }
            "while" => {
                let close = closing(self.tokens, at + 1, self.end);
                self.found.push(Statement::Loop(Span { from: at + 2, to: close }));
                self.statement(close + 1)
            }
            "do" => {
                let after = self.statement(at + 1);
                let close = closing(self.tokens, after + 1, self.end);
                self.found.push(Statement::Loop(Span { from: after + 2, to: close }));
                self.semicolon(close) + 1
            }
            "for" => {
                let close = closing(self.tokens, at + 1, self.end);
                let first = self.semicolon(at + 2);
                let second = self.semicolon(first + 1);
                self.found.push(Statement::Loop(Span { from: first + 1, to: second }));
                self.statement(close + 1)
            }
            "return" => {
                let end = self.semicolon(at);
                let value = (end > at + 1).then_some(Span { from: at + 1, to: end });
                self.found.push(Statement::Return { whole: Span { from: at, to: end + 1 }, value });
                end + 1
            }
            _ => {
                let end = self.semicolon(at);
                self.found.push(if self.declares(at) {
                    let value = (at..end).find(|at| self.text(*at) == "=");
                    Statement::Declaration {
                        value: value.map(|sign| Span { from: sign + 1, to: end }),
                    }
                } else {
                    Statement::Simple(Span { from: at, to: end + 1 })
                });
                end + 1
            }
        }
    }

    fn declares(&self, at: usize) -> bool {
        let next = self.tokens.get(at + 1);
        TYPES.contains(&self.text(at))
            && next.is_some_and(|next| next.kind == Kind::Word || next.text == "*")
    }

    /// Index of the next semicolon that is in no bracket; of the end, where there is none.
    fn semicolon(&self, mut at: usize) -> usize {
        while at < self.end {
            match self.text(at) {
                ";" => return at,
                "(" | "[" | "{" => at = closing(self.tokens, at, self.end) + 1,
                _ => at += 1,
            }
        }
        self.end.saturating_sub(1)
    }
}
