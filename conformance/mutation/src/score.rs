//! The kill table: what became of every mutant.

use std::collections::BTreeMap;
use std::fmt::{self, Write as _};

use serde::{Deserialize, Serialize};

use super::Mutant;
use super::build::Made;
use super::equivalent::{Equivalents, ListFault, faults_of};
use super::search::Times;
use super::suite::{LEAST, Tried};

/// What became of all mutants.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Score {
    /// All mutants.
    pub total: Counts,
    /// By function, in the order of the file.
    pub functions: Vec<Row>,
    /// By rule.
    pub rules: Vec<Row>,
    /// Those that no trace kills and that are not listed as equivalent.
    pub survivors: Vec<Survivor>,
    /// What is wrong with the list of equivalent mutants, one sentence each.
    pub equivalents: Vec<ListFault>,
    /// The killed ones.
    pub killed: Vec<Killed>,
    /// How long a search from nothing takes, where it was measured.
    pub search: Option<Times>,
    /// Whether only a part of the mutants was run.
    pub partial: bool,
    /// Duration of the run.
    pub seconds: f64,
}

/// Mutants by their end.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Counts {
    /// The compiler refuses them.
    pub refused: usize,
    /// Their object code is the original's.
    pub same: usize,
    /// Their object code is another mutant's.
    pub twins: usize,
    /// A trace tells them from the original.
    pub killed: usize,
    /// No trace does, and the list of equivalent mutants says why none can.
    pub equivalent: usize,
    /// No trace does.
    pub survived: usize,
}

impl Counts {
    /// Mutants that compile.
    #[must_use]
    pub fn compiled(&self) -> usize {
        self.same + self.twins + self.run()
    }

    /// Mutants that were run.
    #[must_use]
    pub fn run(&self) -> usize {
        self.killed + self.equivalent + self.survived
    }
}

/// Counts of one function or rule.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Row {
    /// Its name.
    pub name: String,
    /// Its mutants.
    #[serde(flatten)]
    pub counts: Counts,
}

/// A mutant that was found.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Killed {
    /// Its name.
    pub mutant: String,
    /// The trace.
    pub trace: String,
    /// The operation.
    pub step: usize,
    /// What differed.
    pub difference: String,
}

/// A mutant that no trace kills and that is not listed as equivalent.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Survivor {
    /// Its name.
    pub mutant: String,
    /// The function that is changed.
    pub function: String,
}

impl fmt::Display for Survivor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} in {}", self.mutant, self.function)
    }
}

impl Score {
    /// From what was made and what was run. `functions` are those of the original.
    #[must_use]
    pub fn new(
        functions: &[String],
        made: &[(&Mutant, Made)],
        tried: &[Tried<'_>],
        equivalents: &Equivalents,
    ) -> Self {
        let mut table = Self {
            total: Counts::default(),
            functions: Vec::new(),
            rules: Vec::new(),
            survivors: Vec::new(),
            equivalents: Vec::new(),
            killed: Vec::new(),
            search: None,
            partial: false,
            seconds: 0.0,
        };
        let mut by_function: BTreeMap<String, Counts> = BTreeMap::new();
        let mut by_rule: BTreeMap<String, Counts> = BTreeMap::new();
        let mut total = Counts::default();
        let mut count = |mutant: &Mutant, add: fn(&mut Counts)| {
            add(&mut total);
            add(by_function.entry(mutant.function.clone()).or_default());
            add(by_rule.entry(mutant.rule.clone()).or_default());
        };
        for (mutant, made) in made {
            match made {
                Made::Refused => count(mutant, |counts| counts.refused += 1),
                Made::Same => count(mutant, |counts| counts.same += 1),
                Made::Twin { .. } => count(mutant, |counts| counts.twins += 1),
                Made::Object(_) => {}
            }
        }
        for (mutant, kill) in tried {
            match kill {
                Some(kill) => {
                    count(mutant, |counts| counts.killed += 1);
                    table.killed.push(Killed {
                        mutant: mutant.id.clone(),
                        trace: kill.trace.clone(),
                        step: kill.step,
                        difference: kill.difference.clone(),
                    });
                }
                None if equivalents.contains_key(&mutant.id) => {
                    count(mutant, |counts| counts.equivalent += 1);
                }
                None => {
                    count(mutant, |counts| counts.survived += 1);
                    table.survivors.push(Survivor {
                        mutant: mutant.id.clone(),
                        function: mutant.function.clone(),
                    });
                }
            }
        }
        table.total = total;
        let row = |(name, counts): (&String, &Counts)| Row { name: name.clone(), counts: *counts };
        table.functions =
            functions.iter().filter_map(|name| by_function.get_key_value(name)).map(row).collect();
        table.rules = by_rule.iter().map(row).collect();
        table.equivalents = faults_of(equivalents, made, tried);
        for name in functions.iter().filter(|name| !by_function.contains_key(*name)) {
            table.equivalents.push(ListFault::NoMutant(name.clone()));
        }
        if table.total.compiled() < LEAST {
            table.equivalents.push(ListFault::TooFew(table.total.compiled()));
        }
        table
    }

    /// Whether every mutant is killed or equivalent, the list of equivalent mutants is right, and a search that
    /// was made reached its goal.
    #[must_use]
    pub fn passes(&self) -> bool {
        self.survivors.is_empty()
            && self.equivalents.is_empty()
            && self.search.as_ref().is_none_or(|search| search.faults().is_empty())
    }

    /// Killed mutants in a hundred of those that were run and are not equivalent.
    #[must_use]
    #[expect(clippy::cast_precision_loss, reason = "a few thousand at most")]
    pub fn share(&self) -> f64 {
        let counted = self.total.killed + self.total.survived;
        if counted == 0 { 0.0 } else { 100.0 * self.total.killed as f64 / counted as f64 }
    }

    /// The table as text.
    #[must_use]
    pub fn text(&self) -> String {
        let mut text = String::new();
        let mut line = |line: std::fmt::Arguments<'_>| {
            // Writing to a string cannot fail.
            let _ = writeln!(text, "{line}");
        };
        let rows = [("function", &self.functions), ("rule", &self.rules)];
        for (title, rows) in rows {
            line(format_args!(""));
            line(format_args!("{}", heading(title)));
            rows.iter().for_each(|row| line(format_args!("{}", formatted(&row.name, &row.counts))));
        }
        line(format_args!("{}", formatted("all", &self.total)));
        line(format_args!(""));
        for survivor in &self.survivors {
            line(format_args!("survived: {survivor}"));
        }
        for fault in &self.equivalents {
            line(format_args!("wrong: {fault}"));
        }
        if let Some(search) = &self.search {
            line(format_args!("{}", search.text()));
            search.faults().iter().for_each(|fault| line(format_args!("missed: {fault}")));
        }
        line(format_args!("{}", self.summary()));
        line(format_args!(
            "in {:.0} s{}",
            self.seconds,
            if self.partial { "; only a part of the mutants was run" } else { "" },
        ));
        text
    }

    /// The totals in one line.
    #[must_use]
    pub fn summary(&self) -> String {
        format!(
            "{} compile, {} differ in their code, {} killed, {} equivalent, {} survive: {:.2} %",
            self.total.compiled(),
            self.total.run(),
            self.total.killed,
            self.total.equivalent,
            self.total.survived,
            self.share(),
        )
    }
}

const WIDTH: usize = 30;

fn heading(title: &str) -> String {
    format!(
        "{title:WIDTH$} {:>8} {:>8} {:>8} {:>8} {:>8} {:>8}",
        "refused", "same", "twins", "killed", "equivalent", "survived"
    )
}

fn formatted(name: &str, counts: &Counts) -> String {
    let Counts { refused, same, twins, killed, equivalent, survived } = counts;
    format!(
        "{name:WIDTH$} {refused:>8} {same:>8} {twins:>8} {killed:>8} {equivalent:>8} {survived:>8}"
    )
}
