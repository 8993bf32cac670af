//! What makes two failures the same one.

use std::fmt;

use crate::compare::verdict::Divergence;
use crate::observation::{Event, Observation, StreamState, Value};

/// The kind of a failure. Two traces fail in the same way where this is equal: the subject, the
/// function in which it shows, and what is different about it.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Signature {
    /// Name of the subject.
    pub subject: String,
    /// Name of the operation, e.g. `GetBuffer`.
    pub op: String,
    /// What differs.
    pub difference: Difference,
}

/// The first thing that differs between two observations, by kind: not its numbers, which change
/// while a trace is made smaller.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Difference {
    /// The result, by the kinds of both.
    Value(String, String),
    /// The events, by the kinds of the first two that differ; a missing one is empty.
    Event(String, String),
    /// What C did wrong beside its results, without its numbers.
    Defect(String),
    /// A state, by the name of its field.
    State(&'static str),
    /// Nothing that can be named.
    None,
}

impl Signature {
    /// The kind of a divergence.
    #[must_use]
    pub fn of(divergence: &Divergence) -> Self {
        Self {
            subject: divergence.subject.clone(),
            op: place(divergence),
            difference: Difference::between(&divergence.expected, &divergence.actual),
        }
    }
}

/// Where it shows: in an operation; what is left at the end of a trace, in a function of the file.
fn place(divergence: &Divergence) -> String {
    match Difference::between(&divergence.expected, &divergence.actual) {
        Difference::Defect(_) => divergence.expected.events.iter().find_map(|event| match event {
            Event::Defect { function, .. } => Some(function.clone()),
            _ => None,
        }),
        _ => None,
    }
    .unwrap_or_else(|| divergence.op.kind().name.to_owned())
}

impl fmt::Display for Signature {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} differs in {}", self.subject, self.what())
    }
}

impl Signature {
    /// The operation and what differs in it, whoever the subject is.
    #[must_use]
    pub fn what(&self) -> String {
        format!("{}: {}", self.op, self.difference)
    }
}

impl fmt::Display for Difference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Value(expected, actual) if expected == actual => {
                write!(f, "another {expected}")
            }
            Self::Value(expected, actual) => write!(f, "{actual} instead of {expected}"),
            Self::Event(expected, actual) if expected == actual => {
                write!(f, "another {expected}")
            }
            Self::Event(expected, actual) if expected.is_empty() => {
                write!(f, "one {actual} too many")
            }
            Self::Event(expected, actual) if actual.is_empty() => {
                write!(f, "{expected} is missing")
            }
            Self::Event(expected, actual) => write!(f, "{actual} instead of {expected}"),
            Self::Defect(what) => f.write_str(what),
            Self::State(field) => write!(f, "the state's {field}"),
            Self::None => f.write_str("nothing that has a name"),
        }
    }
}

impl Difference {
    /// What `actual` does otherwise than `expected`.
    #[must_use]
    pub fn between(expected: &Observation, actual: &Observation) -> Self {
        let values = Observation { events: Vec::new(), states: Vec::new(), ..actual.clone() };
        if !values.conforms_to(&Observation {
            events: Vec::new(),
            states: Vec::new(),
            ..expected.clone()
        }) {
            return Self::Value(value(&expected.value), value(&actual.value));
        }
        let (ours, theirs) = (&actual.events, &expected.events);
        if let Some(at) =
            (0..ours.len().max(theirs.len())).find(|at| ours.get(*at) != theirs.get(*at))
        {
            if let Some(Event::Defect { what, .. }) = theirs.get(at) {
                return Self::Defect(without_numbers(what));
            }
            let kind = |events: &[Event]| events.get(at).map(head).unwrap_or_default();
            return Self::Event(kind(theirs), kind(ours));
        }
        if expected.states.len() != actual.states.len() {
            return Self::State("streams");
        }
        let field = expected
            .states
            .iter()
            .zip(&actual.states)
            .find_map(|(theirs, ours)| field(theirs, ours));
        field.map_or(Self::None, Self::State)
    }
}

fn field(expected: &StreamState, actual: &StreamState) -> Option<&'static str> {
    [
        ("stream", expected.stream != actual.stream),
        ("error", expected.error != actual.error),
        ("text", expected.text != actual.text),
        ("transferred", expected.transferred != actual.transferred),
        ("empty", expected.empty != actual.empty),
    ]
    .into_iter()
    .find_map(|(name, differs)| differs.then_some(name))
}

/// Kind of a result. How a subject broke is part of it: a crash is not a hang.
fn value(value: &Value) -> String {
    match value {
        Value::Broken(text) | Value::BrokenOnce(text) => without_numbers(text),
        Value::Assertion { line } => format!("assertion of line {line}"),
        Value::Code(code) if *code < 0 => "negative Code".to_owned(),
        other => head(other),
    }
}

/// A text with `#` for each number.
fn without_numbers(text: &str) -> String {
    let mut plain = String::with_capacity(text.len());
    for letter in text.chars() {
        let letter = if letter.is_ascii_digit() { '#' } else { letter };
        if letter != '#' || !plain.ends_with('#') {
            plain.push(letter);
        }
    }
    plain
}

/// Name of a variant, from its debug form.
fn head(value: &impl fmt::Debug) -> String {
    /// Takes what is written up to the first character that is not of a name.
    struct Name(String);

    impl fmt::Write for Name {
        fn write_str(&mut self, text: &str) -> fmt::Result {
            let end = text.find(|letter: char| !letter.is_alphanumeric());
            self.0.push_str(&text[..end.unwrap_or(text.len())]);
            if end.is_some() { Err(fmt::Error) } else { Ok(()) }
        }
    }

    let mut name = Name(String::new());
    // The error only says that the name is complete.
    let _ = fmt::Write::write_fmt(&mut name, format_args!("{value:?}"));
    name.0
}
