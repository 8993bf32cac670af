//! Two streams, field by field and block by block.

use std::fmt;

use serde::Serialize;

use super::value::FieldInfo;
use super::{DeviceInfo, Inspection};
use crate::text::escaped;

/// One difference between two streams.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Difference {
    /// What differs, e.g. `cpu/0: env.eip`.
    pub what: String,
    /// What the first stream has; absent where it has nothing.
    pub left: Option<String>,
    /// What the second one has.
    pub right: Option<String>,
}

impl fmt::Display for Difference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let side = |side: &Option<String>| side.as_deref().map_or_else(|| "-".to_owned(), escaped);
        write!(f, "{}: {} | {}", escaped(&self.what), side(&self.left), side(&self.right))
    }
}

struct Differences(Vec<Difference>);

impl Differences {
    fn compare(
        &mut self,
        what: impl FnOnce() -> String,
        left: Option<String>,
        right: Option<String>,
    ) {
        if left != right {
            self.0.push(Difference { what: what(), left, right });
        }
    }
}

/// What differs between two streams: machine, blocks, pages, devices, versions, subsections,
/// fields. Nothing where they would leave the same machine behind, as far as can be seen.
#[must_use]
pub fn diff(left: &Inspection, right: &Inspection) -> Vec<Difference> {
    let mut all = Differences(Vec::new());
    let machine = |of: &Inspection| of.summary.machine.clone();
    all.compare(|| "machine".to_owned(), machine(left), machine(right));
    blocks(&mut all, left, right);
    for (device, other) in
        pairs(&left.devices, &right.devices, |device| (device.name.clone(), device.instance))
    {
        devices(&mut all, device, other);
    }
    let end = |of: &Inspection| of.breakage.as_ref().map(|breakage| breakage.reason.clone());
    all.compare(|| "breaks".to_owned(), end(left), end(right));
    all.0
}

/// Those of both sides that have the same key, in the order of the left one, and then what only
/// the right one has.
fn pairs<'a, T, K: PartialEq + std::hash::Hash + Eq>(
    left: &'a [T],
    right: &'a [T],
    key: impl Fn(&T) -> K,
) -> Vec<(Option<&'a T>, Option<&'a T>)> {
    let mut others: std::collections::HashMap<K, std::collections::VecDeque<usize>> =
        std::collections::HashMap::new();
    for (number, item) in right.iter().enumerate() {
        others.entry(key(item)).or_default().push_back(number);
    }
    let mut taken = vec![false; right.len()];
    let mut pairs = Vec::new();
    for item in left {
        let other = others.get_mut(&key(item)).and_then(std::collections::VecDeque::pop_front);
        if let Some(other) = other {
            taken[other] = true;
        }
        pairs.push((Some(item), other.map(|other| &right[other])));
    }
    let rest = right.iter().zip(&taken).filter(|(_, taken)| !**taken);
    pairs.extend(rest.map(|(item, _)| (None, Some(item))));
    pairs
}

fn blocks(all: &mut Differences, left: &Inspection, right: &Inspection) {
    for (block, other) in pairs(&left.blocks, &right.blocks, |block| block.name.clone()) {
        let len =
            |block: Option<&super::BlockInfo>| block.map(|block| format!("{} bytes", block.len));
        let Some(name) = block.or(other).map(|block| block.name.as_str()) else { continue };
        all.compare(|| format!("block {name}"), len(block), len(other));
        let (count, places) = left.pages.differing(&right.pages, name);
        if count > 0 {
            let places: Vec<String> = places.iter().map(|place| format!("{place:#x}")).collect();
            let more = if count > places.len() as u64 { " and more" } else { "" };
            all.0.push(Difference {
                what: format!("block {name}, pages {}{more}", places.join(" ")),
                left: Some(format!("{count} pages")),
                right: Some("other content".to_owned()),
            });
        }
    }
}

fn devices(all: &mut Differences, left: Option<&DeviceInfo>, right: Option<&DeviceInfo>) {
    let Some(device) = left.or(right) else { return };
    let name = format!("{}/{}", device.name, device.instance);
    let version =
        |device: Option<&DeviceInfo>| device.map(|device| format!("version {}", device.version));
    all.compare(|| name.clone(), version(left), version(right));
    let (Some(left), Some(right)) = (left, right) else { return };
    for (part, other) in pairs(&left.subsections, &right.subsections, |part| part.name.clone()) {
        let version = |part: Option<&super::SubsectionInfo>| {
            part.map(|part| format!("version {}", part.version))
        };
        let Some(part_name) = part.or(other).map(|part| &part.name) else { continue };
        all.compare(|| format!("{name}: subsection {part_name}"), version(part), version(other));
    }
    for (field, other) in pairs(&left.fields, &right.fields, |field| field.path.clone()) {
        let value = |field: Option<&FieldInfo>| {
            field.map(|field| format!("{} ({})", field.value, field.kind))
        };
        let Some(path) = field.or(other).map(|field| &field.path) else { continue };
        all.compare(|| format!("{name}: {path}"), value(field), value(other));
    }
}
