//! The JSON description at the end of a stream: what the devices wrote, field by field.

use std::fmt;

use serde::Deserialize;
use serde::de::{self, Deserializer, IgnoredAny, MapAccess, Visitor};

/// Bytes at the end of a stream in which its description is looked for.
pub const MAX_DESCRIPTION: usize = 16 << 20;

/// Greatest number of fields of one device, arrays counted out, nested ones included.
const MAX_FIELDS: u64 = 1 << 22;

/// Beginnings of a description that are tried before a stream counts as having none.
const MAX_TRIES: usize = 8;

/// What the sections without a length of their own hold.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct Description {
    /// Bytes in a page of guest memory; absent where the text does not say.
    pub page_size: Option<u64>,
    /// The devices, in the order in which they were written.
    #[serde(default)]
    pub devices: Vec<Device>,
    /// What is odd about it, and does no harm.
    #[serde(skip)]
    pub notes: Vec<String>,
}

/// What stands at the end of a stream.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Found {
    /// No description.
    Nothing,
    /// One that cannot be used, and why. QEMU believes no description, so that the stream may be
    /// good.
    Unusable(String),
    /// One that can be used.
    Usable(Description),
}

/// One device's section.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct Device {
    /// Name of the section.
    pub name: String,
    /// Instance of the section.
    pub instance_id: u64,
    /// What it holds.
    #[serde(flatten)]
    pub content: Structure,
}

/// A structure, or a subsection.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
pub struct Structure {
    /// Its name. Without one it was written by other means, and no subsection can follow.
    pub vmsd_name: Option<String>,
    /// Its version.
    pub version: Option<u32>,
    /// Its length in bytes, where it has no fields.
    pub size: Option<u64>,
    /// Its fields, which follow each other.
    pub fields: Option<Vec<Field>>,
    /// The subsections that follow them.
    #[serde(default)]
    pub subsections: Vec<Structure>,
}

/// A field, or an array of them.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(from = "RawField")]
pub struct Field {
    /// Its name.
    pub name: String,
    /// Its type, as QEMU calls it.
    pub kind: String,
    /// Length of one element, in bytes.
    pub size: u64,
    /// Number of elements; one if absent.
    pub array_len: Option<u64>,
    /// Its place in an array whose elements are described one by one.
    pub index: Option<u64>,
    /// What it is made of.
    pub structure: Option<Box<Structure>>,
    /// What each element of a list (`qtailq`, `qlist`) is made of.
    pub list: Vec<Structure>,
}

/// A field as the text has it. What a temporary structure (`tmp`) and the elements of a list are
/// made of stands in the field itself, for a list over and over.
struct RawField {
    name: String,
    kind: String,
    size: u64,
    array_len: Option<u64>,
    index: Option<u64>,
    structure: Option<Box<Structure>>,
    inside: Vec<Structure>,
}

impl From<RawField> for Field {
    fn from(raw: RawField) -> Self {
        let is_list = matches!(raw.kind.as_str(), "qtailq" | "qlist");
        let mut inside = raw.inside;
        let mut structure = raw.structure;
        if !is_list && structure.is_none() && !inside.is_empty() {
            structure = Some(Box::new(inside.swap_remove(0)));
        }
        Self {
            name: raw.name,
            kind: raw.kind,
            size: raw.size,
            array_len: raw.array_len,
            index: raw.index,
            structure,
            list: if is_list { inside } else { Vec::new() },
        }
    }
}

impl<'de> Deserialize<'de> for RawField {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(FieldVisitor)
    }
}

struct FieldVisitor;

impl<'de> Visitor<'de> for FieldVisitor {
    type Value = RawField;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a field")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<RawField, A::Error> {
        let (mut name, mut kind, mut size) = (None, None, None);
        let (mut array_len, mut index, mut structure) = (None, None, None);
        let mut inside: Vec<Structure> = Vec::new();
        while let Some(key) = map.next_key::<String>()? {
            match key.as_str() {
                "name" => name = Some(map.next_value()?),
                "type" => kind = Some(map.next_value()?),
                "size" => size = Some(map.next_value()?),
                "array_len" => array_len = map.next_value()?,
                "index" => index = map.next_value()?,
                "struct" => structure = map.next_value()?,
                "vmsd_name" => {
                    let vmsd_name = map.next_value()?;
                    inside.push(Structure { vmsd_name, ..Structure::default() });
                }
                "version" | "fields" | "subsections" if inside.is_empty() => {
                    map.next_value::<IgnoredAny>()?;
                }
                "version" => last(&mut inside).version = map.next_value()?,
                "fields" => last(&mut inside).fields = map.next_value()?,
                "subsections" => last(&mut inside).subsections = map.next_value()?,
                _ => {
                    map.next_value::<IgnoredAny>()?;
                }
            }
        }
        let missing = de::Error::missing_field;
        Ok(RawField {
            name: name.ok_or_else(|| missing("name"))?,
            kind: kind.ok_or_else(|| missing("type"))?,
            size: size.ok_or_else(|| missing("size"))?,
            array_len,
            index,
            structure,
            inside,
        })
    }
}

/// The structure that is being read; there is one.
fn last(structures: &mut Vec<Structure>) -> &mut Structure {
    if structures.is_empty() {
        structures.push(Structure::default());
    }
    let end = structures.len() - 1;
    &mut structures[end]
}

/// How a loader takes one element of a field.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Access {
    Byte,
    Be16,
    /// So many words of 32 bits.
    Be32(u64),
    /// So many words of 64 bits.
    Be64(u64),
    /// So many bytes, by small pieces.
    Unused(u64),
    /// So many bytes at once.
    Buffer(u64),
    /// So many bytes whose parts the description does not have.
    Undescribed(u64),
}

impl Field {
    pub(crate) fn access(&self) -> Access {
        match (self.kind.as_str(), self.size) {
            ("uint8" | "int8" | "bool" | "uint8 equal" | "nullptr", 1) => Access::Byte,
            ("uint16" | "int16" | "uint16 equal", 2) => Access::Be16,
            ("uint32" | "int32" | "uint32 equal" | "int32 equal" | "int32 le", 4) => {
                Access::Be32(1)
            }
            ("CPU_Double_U", 8) => Access::Be32(2),
            ("pci irq state", size) if size % 4 == 0 => Access::Be32(size / 4),
            ("uint64" | "int64" | "uint64 equal" | "int64 equal" | "timer", 8) => Access::Be64(1),
            ("bitmap", size) if size % 8 == 0 => Access::Be64(size / 8),
            ("unused_buffer", size) => Access::Unused(size),
            ("buffer" | "pci config", size) => Access::Buffer(size),
            (_, size) => Access::Undescribed(size),
        }
    }

    /// Number of elements.
    pub(crate) fn elements(&self) -> u64 {
        self.array_len.unwrap_or(1)
    }
}

/// Whether some machine has pages of that size, in bytes.
pub(crate) fn is_page_size(size: u64) -> bool {
    size.is_power_of_two() && (1 << 8..=1 << 16).contains(&size)
}

/// Fields of a structure, arrays counted out.
fn count(structure: &Structure) -> u64 {
    let fields = structure.fields.iter().flatten().map(|field| {
        let inner = field.structure.iter().map(|inner| count(inner));
        let inner = inner.chain(field.list.iter().map(count)).fold(0, u64::saturating_add);
        field.elements().saturating_mul(inner.saturating_add(1))
    });
    let subsections = structure.subsections.iter().map(count);
    fields.chain(subsections).fold(1, u64::saturating_add)
}

impl Description {
    /// Reads a description from the front of a text; what follows it does not matter.
    ///
    /// # Errors
    ///
    /// What is wrong with the text, with line and column, or with what it says.
    pub fn parse(text: &[u8]) -> Result<Self, String> {
        Self::parse_front(text).map(|(description, _)| description)
    }

    /// As [`parse`](Self::parse), with the length of the text in bytes.
    fn parse_front(text: &[u8]) -> Result<(Self, usize), String> {
        let mut values = serde_json::Deserializer::from_slice(text).into_iter::<Self>();
        let mut description = match values.next() {
            Some(Ok(description)) => description,
            Some(Err(error)) => return Err(error.to_string()),
            None => return Err("there is no JSON text".to_owned()),
        };
        if let Some(size) = description.page_size.filter(|size| !is_page_size(*size)) {
            return Err(format!("page_size {size} is no page size"));
        }
        for device in &description.devices {
            let fields = count(&device.content);
            if fields > MAX_FIELDS {
                return Err(format!(
                    "device {}: {fields} fields, at most {MAX_FIELDS} are taken on",
                    device.name
                ));
            }
        }
        if description.page_size.is_none() {
            description.notes.push("the description does not say the page size".to_owned());
        }
        Ok((description, values.byte_offset()))
    }

    /// The description of a stream that ends in `tail`, if it can be used: see [`look`](Self::look).
    #[must_use]
    pub fn find(tail: &[u8]) -> Option<Self> {
        match Self::look(tail) {
            Found::Usable(description) => Some(description),
            Found::Nothing | Found::Unusable(_) => None,
        }
    }

    /// What is at the end of a stream that ends in `tail`: the last `00 06`, length and `{"` after
    /// which a whole description stands. Neither its length nor what follows it is looked at, as
    /// loaders do not look at them either.
    #[must_use]
    pub fn look(tail: &[u8]) -> Found {
        const LEAD: usize = 6;
        let begins = |at: &usize| {
            tail[*at] == 0
                && tail[*at + 1] == crate::format::record::DESCRIPTION
                && tail[*at + LEAD..].starts_with(b"{\"")
        };
        let mut wrong = None;
        for at in (0..tail.len().saturating_sub(LEAD + 1)).rev().filter(begins).take(MAX_TRIES) {
            match Self::parse_front(&tail[at + LEAD..]) {
                Ok((mut description, len)) => {
                    let said = tail[at + 2..at + LEAD].iter();
                    let said = said.fold(0_usize, |word, byte| word << 8 | usize::from(*byte));
                    if said != len {
                        description.notes.push(format!(
                            "the description says that it has {said} bytes, and its text has {len}"
                        ));
                    }
                    return Found::Usable(description);
                }
                Err(reason) => wrong = wrong.or(Some(reason)),
            }
        }
        wrong.map_or(Found::Nothing, Found::Unusable)
    }

    /// The device of a section.
    #[must_use]
    pub fn device(&self, name: &str, instance: u32) -> Option<&Device> {
        self.devices
            .iter()
            .find(|device| device.name == name && device.instance_id == u64::from(instance))
    }
}
