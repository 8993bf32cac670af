//! The JSON description at the end of a stream: what the devices wrote, field by field.

use serde::Deserialize;

/// Bytes at the end of a stream in which its description is looked for.
pub const MAX_DESCRIPTION: usize = 16 << 20;

/// Greatest number of fields of one device, arrays counted out, nested ones included.
const MAX_FIELDS: u64 = 1 << 22;

/// Beginnings of a description that are tried before a stream counts as having none.
const MAX_TRIES: usize = 8;

/// What the sections without a length of their own hold.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct Description {
    /// Bytes in a page of guest memory.
    pub page_size: u64,
    /// The devices, in the order in which they were written.
    #[serde(default)]
    pub devices: Vec<Device>,
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
pub struct Field {
    /// Its name.
    pub name: String,
    /// Its type, as QEMU calls it.
    #[serde(rename = "type")]
    pub kind: String,
    /// Length of one element, in bytes.
    pub size: u64,
    /// Number of elements; one if absent.
    pub array_len: Option<u64>,
    /// What it is made of.
    #[serde(rename = "struct")]
    pub structure: Option<Box<Structure>>,
    /// What a temporary structure (type `tmp`) is made of: the description writes it into the
    /// field itself.
    #[serde(flatten)]
    temporary: Temporary,
}

#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
struct Temporary {
    vmsd_name: Option<String>,
    version: Option<u32>,
    fields: Option<Vec<Field>>,
    #[serde(default)]
    subsections: Vec<Structure>,
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
            (_, size) => Access::Buffer(size),
        }
    }

    pub(crate) fn elements(&self) -> u64 {
        self.array_len.unwrap_or(1)
    }
}

/// Moves what a temporary structure is made of to where other structures have it.
fn settle(structure: &mut Structure) {
    for field in structure.fields.iter_mut().flatten() {
        let temporary = std::mem::take(&mut field.temporary);
        if field.structure.is_none() && temporary.fields.is_some() {
            field.structure = Some(Box::new(Structure {
                vmsd_name: temporary.vmsd_name,
                version: temporary.version,
                size: None,
                fields: temporary.fields,
                subsections: temporary.subsections,
            }));
        }
        if let Some(inner) = &mut field.structure {
            settle(inner);
        }
    }
    structure.subsections.iter_mut().for_each(settle);
}

/// Fields of a structure, arrays counted out.
fn count(structure: &Structure) -> u64 {
    let fields = structure.fields.iter().flatten().map(|field| {
        let inner = field.structure.as_ref().map_or(0, |inner| count(inner));
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
        let mut values = serde_json::Deserializer::from_slice(text).into_iter::<Self>();
        let mut description = match values.next() {
            Some(Ok(description)) => description,
            Some(Err(error)) => return Err(error.to_string()),
            None => return Err("there is no JSON text".to_owned()),
        };
        if !description.page_size.is_power_of_two()
            || !(1 << 10..=1 << 16).contains(&description.page_size)
        {
            return Err(format!("page_size {} is no page size", description.page_size));
        }
        for device in &mut description.devices {
            settle(&mut device.content);
            let fields = count(&device.content);
            if fields > MAX_FIELDS {
                return Err(format!(
                    "device {}: {fields} fields, at most {MAX_FIELDS} are taken on",
                    device.name
                ));
            }
        }
        Ok(description)
    }

    /// The description of a stream that ends in `tail`: the last `00 06`, length and `{"` after
    /// which a whole description stands. Neither its length nor what follows it is looked at, as
    /// loaders do not look at them either.
    #[must_use]
    pub fn find(tail: &[u8]) -> Option<Self> {
        const LEAD: usize = 6;
        let begins = |at: &usize| {
            tail[*at] == 0
                && tail[*at + 1] == crate::format::record::DESCRIPTION
                && tail[*at + LEAD..].starts_with(b"{\"")
        };
        (0..tail.len().saturating_sub(LEAD + 1))
            .rev()
            .filter(begins)
            .take(MAX_TRIES)
            .find_map(|at| Self::parse(&tail[at + LEAD..]).ok())
    }

    /// The device of a section.
    #[must_use]
    pub fn device(&self, name: &str, instance: u32) -> Option<&Device> {
        self.devices
            .iter()
            .find(|device| device.name == name && device.instance_id == u64::from(instance))
    }
}
