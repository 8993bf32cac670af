//! Lets a subject carry out a trace.

use crate::domain::Domain;
use crate::observation::Observation;
use crate::subject::Subject;
use crate::survey::Survey;
use crate::trace::{Op, Trace};
use crate::transcript::Transcript;
use crate::verdict::{Reason, Verdict, compare};

/// What `subject` does with `trace`.
///
/// Nothing is sent to it that the survey found undefined or not applicable.
///
/// # Errors
///
/// [`Reason::Undefined`] and [`Reason::Unready`].
pub fn run(
    subject: &mut dyn Subject,
    trace: &Trace,
    survey: &Survey,
) -> Result<Transcript, Reason> {
    if let Some(forbidden) = survey.forbidden {
        return Err(forbidden.into());
    }
    subject.begin(&trace.world)?;
    let applicable = |domain: &Domain| *domain != Domain::NotApplicable;
    let asked: Vec<&Op> = trace
        .ops
        .iter()
        .zip(&survey.domains)
        .filter(|(_, domain)| applicable(domain))
        .map(|(op, _)| op)
        .collect();
    let mut answers = subject.steps(&asked).into_iter();
    let unanswered = || Observation::broken("the subject gave no answer");
    let mut steps: Vec<Observation> = survey
        .domains
        .iter()
        .map(|domain| match domain {
            Domain::NotApplicable => Observation::stepped_over(),
            _ => answers.next().unwrap_or_else(unanswered),
        })
        .collect();
    let late = subject.finish();
    if let Some(last) = steps.last_mut() {
        last.events.extend(late);
    }
    Ok(Transcript { subject: subject.name().to_owned(), steps })
}

/// What the model with every defect does with `trace`: the survey has it already.
#[must_use]
pub fn surveyed(survey: &Survey) -> Transcript {
    Transcript { subject: crate::model::Model::FAITHFUL.to_owned(), steps: survey.steps.clone() }
}

/// Lets `subject` carry out `trace` and compares it with what `oracle` did.
#[must_use]
pub fn judge(
    subject: &mut dyn Subject,
    trace: &Trace,
    survey: &Survey,
    oracle: &Transcript,
) -> Verdict {
    match run(subject, trace, survey) {
        Ok(transcript) => compare(trace, oracle, &transcript),
        Err(reason) => Verdict::Inconclusive(reason),
    }
}
