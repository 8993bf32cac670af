//! The subjects that this crate has, by name.

use std::borrow::Cow;

use c_reference::Reference;

use crate::model::Model;
use crate::subject::{Core, Original, Playback, Subject};
use crate::trace::Quirk;
use crate::transcript::Recording;

/// What [`build`] may need beyond a name.
#[derive(Default)]
pub struct Sources {
    /// The code of the subject `c`.
    pub reference: Option<Reference>,
    /// What the subject `recorded` plays back.
    pub recording: Option<Recording>,
}

impl From<Reference> for Sources {
    fn from(reference: Reference) -> Self {
        Self { reference: Some(reference), recording: None }
    }
}

/// The names that [`build`] knows, and what each is.
pub const NAMES: [(&str, &str); 6] = [
    (Original::NAME, "the original C"),
    (Playback::RECORDED, "a recorded transcript of the original"),
    (Core::FAITHFUL, "the Rust core with every defect of the original"),
    (Core::DEFAULT, "the Rust core in its default setting"),
    (Model::FAITHFUL, "the model with every defect of the original"),
    (Model::FIXED, "the model without any"),
];

/// The subject of a name; `None` where there is no such name, or the source is missing.
#[must_use]
pub fn build(name: &str, sources: &Sources) -> Option<Box<dyn Subject>> {
    Some(match name {
        Original::NAME => Box::new(Original::new(sources.reference.clone()?)),
        Playback::RECORDED => {
            let steps = sources.recording.as_ref()?.steps.clone();
            Box::new(Playback::new(Playback::RECORDED, &Quirk::ALL, Cow::Owned(steps)))
        }
        Core::FAITHFUL => Box::new(Core::faithful()),
        Core::DEFAULT => Box::new(Core::in_default_setting()),
        Model::FAITHFUL => Box::new(Model::faithful()),
        Model::FIXED => Box::new(Model::fixed()),
        _ => return None,
    })
}
