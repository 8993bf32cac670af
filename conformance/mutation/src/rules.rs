//! The rules: small changes that a person could make by mistake, one each.

use std::collections::BTreeMap;
use std::ops::Range;

use super::statements::{Span, Statement, statements};
use super::tokens::{Function, Kind, Token, closing, functions, tokens};
use super::{Edit, Mutant};

/// Signs and what they are exchanged for, with the rule's name.
const EXCHANGES: [(&str, &str, &[&str]); 20] = [
    ("<", "comparison", &["<=", ">="]),
    ("<=", "comparison", &["<", ">"]),
    (">", "comparison", &[">=", "<="]),
    (">=", "comparison", &[">", "<"]),
    ("==", "comparison", &["!="]),
    ("!=", "comparison", &["=="]),
    ("&&", "logic", &["||"]),
    ("||", "logic", &["&&"]),
    ("!", "logic", &[""]),
    ("+", "arithmetic", &["-"]),
    ("-", "arithmetic", &["+"]),
    ("+=", "assignment", &["-=", "="]),
    ("-=", "assignment", &["+=", "="]),
    ("|=", "assignment", &["&=", "="]),
    ("<<", "arithmetic", &[">>"]),
    (">>", "arithmetic", &["<<"]),
    ("++", "arithmetic", &["", "--"]),
    ("true", "constant", &["false"]),
    ("false", "constant", &["true"]),
    ("sizeof", "constant", &["2 * sizeof"]),
];

/// Names of constants that are moved by one either way.
const SIZES: [&str; 2] = ["IO_BUF_SIZE", "MAX_IOV_SIZE"];

/// Names of error codes, and the one that each is exchanged for.
const CODES: [(&str, &str); 2] = [("EIO", "ENOSYS"), ("ENOSYS", "EIO")];

/// Names of pointers to streams.
const STREAMS: [&str; 6] = ["f", "f1", "f2", "f_des", "f_src", "file"];

/// Members that are easily taken for one another.
const MEMBERS: [(&str, &str); 2] = [("buf_index", "buf_size"), ("buf_size", "buf_index")];

/// All mutants that the rules make of `text`, in the order of the text.
pub(super) fn all(text: &str) -> Vec<Mutant> {
    let tokens = tokens(text);
    let mut lines = vec![0];
    lines.extend(text.match_indices('\n').map(|(at, _)| at + 1));
    let mut made = Vec::new();
    for function in functions(&tokens) {
        let mut maker = Maker { text, tokens: &tokens, lines: &lines, function, made: Vec::new() };
        maker.statements();
        maker.signs();
        maker.arguments();
        made.append(&mut maker.made);
    }
    number(&mut made);
    made
}

/// Gives mutants of one place and rule, which would have one name, a number each.
fn number(mutants: &mut [Mutant]) {
    let mut seen: BTreeMap<String, usize> = BTreeMap::new();
    for mutant in mutants {
        let count = seen.entry(mutant.id.clone()).or_default();
        *count += 1;
        if *count > 1 {
            mutant.id = format!("{} #{count}", mutant.id);
        }
    }
}

struct Maker<'a, 'b> {
    text: &'a str,
    tokens: &'b [Token<'a>],
    lines: &'b [usize],
    function: Function<'a>,
    made: Vec<Mutant>,
}

impl Maker<'_, '_> {
    fn push(
        &mut self,
        rule: &'static str,
        what: &str,
        range: Range<usize>,
        with: impl Into<String>,
    ) {
        let line = self.lines.partition_point(|start| *start <= range.start);
        let column = range.start - self.lines.get(line - 1).copied().unwrap_or(0) + 1;
        self.made.push(Mutant {
            id: format!("L{line}:{column} {rule} {what}").trim_end().to_owned(),
            function: self.function.name.to_owned(),
            rule: rule.to_owned(),
            edits: vec![Edit { range, with: with.into() }],
        });
    }

    fn range(&self, span: Span) -> Range<usize> {
        let Some(last) = span.to.checked_sub(1).filter(|last| *last >= span.from) else {
            let at = self.tokens[span.from].start;
            return at..at;
        };
        self.tokens[span.from].start..self.tokens[last].end()
    }

    /// Statements dropped, conditions forced, values altered.
    fn statements(&mut self) {
        for statement in statements(self.tokens, self.function) {
            match statement {
                Statement::Simple(span) => {
                    if span.to > span.from + 1 {
                        self.push("dropped", "", self.range(span), ";");
                    }
                }
                Statement::Return { whole, value } => {
                    let last = whole.to == self.function.to;
                    if !last {
                        self.push("dropped", "", self.range(whole), ";");
                    }
                    if let Some(value) =
                        value.filter(|value| self.tokens[value.from].kind != Kind::Number)
                    {
                        let range = self.range(value);
                        let text = &self.text[range.clone()];
                        self.push("result", "0", range.clone(), "0");
                        self.push("result", "+1", range, format!("({text}) + 1"));
                    }
                }
                Statement::Declaration { value } => {
                    if let Some(value) = value.filter(|value| value.to > value.from + 1) {
                        self.push("dropped", "value", self.range(value), "0");
                    }
                }
                Statement::If(condition) => {
                    self.forced(condition, &["1", "0"]);
                }
                Statement::Loop(condition) => {
                    self.forced(condition, &["1", "0"]);
                }
            }
        }
    }

    /// A condition is true or false, as a whole and in each part.
    fn forced(&mut self, condition: Span, values: &[&str]) {
        let whole = self.range(condition);
        for value in values {
            // The condition is still evaluated: what it does besides must not be lost with it.
            let text = &self.text[whole.clone()];
            self.push("condition", value, whole.clone(), format!("(({text}), {value})"));
        }
        let parts = self.split(condition, &["&&", "||"]);
        if parts.len() > 1 {
            for part in parts {
                for value in values {
                    self.push("part", value, self.range(part), (*value).to_owned());
                }
            }
        }
    }

    /// The parts between separators that are in no bracket.
    fn split(&self, span: Span, separators: &[&str]) -> Vec<Span> {
        let mut parts = Vec::new();
        let (mut from, mut at) = (span.from, span.from);
        while at < span.to {
            match self.tokens[at].text {
                "(" | "[" | "{" => at = closing(self.tokens, at, span.to),
                text if separators.contains(&text) => {
                    parts.push(Span { from, to: at });
                    from = at + 1;
                }
                _ => {}
            }
            at += 1;
        }
        parts.push(Span { from, to: span.to });
        parts
    }

    /// Signs, numbers and names exchanged.
    fn signs(&mut self) {
        for at in self.function.from..self.function.to {
            let token = self.tokens[at];
            let range = token.start..token.end();
            if let Some((_, rule, others)) =
                EXCHANGES.iter().find(|(sign, _, _)| *sign == token.text)
            {
                for other in *others {
                    self.push(
                        rule,
                        if other.is_empty() { "gone" } else { other },
                        range.clone(),
                        *other,
                    );
                }
            }
            if token.kind == Kind::Number {
                self.push("constant", "+1", range.clone(), format!("({} + 1)", token.text));
                self.push("constant", "-1", range.clone(), format!("({} - 1)", token.text));
            }
            if SIZES.contains(&token.text) {
                self.push("constant", "+1", range.clone(), format!("({} + 1)", token.text));
                self.push("constant", "-1", range.clone(), format!("({} - 1)", token.text));
            }
            if let Some((_, other)) = CODES.iter().find(|(code, _)| *code == token.text) {
                self.push("error code", other, range.clone(), *other);
            }
            let is_member = at > 0 && matches!(self.tokens[at - 1].text, "->" | ".");
            if let Some((_, other)) =
                MEMBERS.iter().find(|(member, _)| is_member && *member == token.text)
            {
                self.push("member", other, range.clone(), *other);
            }
            self.cast(at);
        }
    }

    /// A cast to a number is gone.
    fn cast(&mut self, at: usize) {
        const NUMBERS: [&str; 3] = ["unsigned", "uint64_t", "int"];
        let next = |step: usize| self.tokens.get(at + step).map(|token| token.text);
        if self.tokens[at].text == "(" && next(1).is_some_and(|text| NUMBERS.contains(&text)) {
            let close = closing(self.tokens, at, self.function.to);
            if close <= at + 3 {
                self.push("cast", "gone", self.range(Span { from: at, to: close + 1 }), "");
            }
        }
    }

    /// Arguments of calls altered, and exchanged with their neighbours.
    fn arguments(&mut self) {
        const NOT_CALLED: [&str; 6] = ["if", "while", "for", "return", "sizeof", "strerror"];
        for at in self.function.from..self.function.to.saturating_sub(1) {
            let name = self.tokens[at];
            if name.kind != Kind::Word
                || self.tokens[at + 1].text != "("
                || NOT_CALLED.contains(&name.text)
            {
                continue;
            }
            let close = closing(self.tokens, at + 1, self.function.to);
            let arguments = self.split(Span { from: at + 2, to: close }, &[","]);
            for argument in &arguments {
                self.altered(*argument);
            }
            for pair in arguments.windows(2) {
                let (first, second) = (self.range(pair[0]), self.range(pair[1]));
                if first.is_empty() || second.is_empty() {
                    continue;
                }
                let exchanged =
                    format!("{}, {}", &self.text[second.clone()], &self.text[first.clone()]);
                self.push("exchanged", "", first.start..second.end, exchanged);
            }
        }
    }

    fn altered(&mut self, argument: Span) {
        let range = self.range(argument);
        let Some(first) = self.tokens.get(argument.from).filter(|_| !range.is_empty()) else {
            return;
        };
        let single = argument.to == argument.from + 1;
        let has_its_own_rule = first.kind == Kind::Number
            || SIZES.contains(&first.text)
            || matches!(first.text, "true" | "false");
        // A function is no number: what is one byte behind its beginning is chance.
        let is_function = first.text == "object_unref";
        if first.kind == Kind::Text || (single && has_its_own_rule) || is_function {
            return;
        }
        let text = &self.text[range.clone()];
        if first.text != "NULL" {
            self.push("argument", "0", range.clone(), "0");
        }
        // What lies behind a stream is chance, and so is what a mutant that looks there does.
        if !single || !STREAMS.contains(&first.text) {
            self.push("argument", "+1", range, format!("({text}) + 1"));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ids(text: &str) -> Vec<String> {
        all(text).into_iter().map(|mutant| mutant.id).collect()
    }

    fn texts(text: &str) -> Vec<String> {
        all(text).iter().map(|mutant| mutant.apply(text)).collect()
    }

    #[test]
    fn a_condition_is_forced_as_a_whole_and_in_parts() {
        let text = "void f(void)\n{\n    if (a && !b) {\n        g();\n    }\n}\n";
        let found = ids(text);
        for id in [
            "L3:9 condition 1",
            "L3:9 condition 0",
            "L3:9 part 0",
            "L3:14 part 1",
            "L3:11 logic ||",
            "L4:9 dropped",
        ] {
            assert!(found.iter().any(|found| found == id), "{id} is not in {found:?}");
        }
    }

    #[test]
    fn every_mutant_differs_and_has_a_name_of_its_own() {
        let text = "int f(int a)\n{\n    int b = g(a, 2);\n    while (b < a) { b += 1; }\n    return b;\n}\n";
        let mut names = ids(text);
        assert!(texts(text).iter().all(|mutant| mutant != text));
        let count = names.len();
        names.sort();
        names.dedup();
        assert_eq!(names.len(), count);
    }

    #[test]
    fn a_last_return_is_not_dropped() {
        let found =
            ids("int f(int a)\n{\n    if (a) {\n        return 2;\n    }\n    return a;\n}\n");
        assert!(found.contains(&"L4:9 dropped".to_owned()));
        assert!(!found.contains(&"L6:5 dropped".to_owned()));
    }
}
