//! The fields of operations, by their type.

use super::data::Data;

/// A field that names a stream, or none.
pub(super) trait StreamField {
    fn stream(&self) -> Option<usize>;
    fn stream_mut(&mut self) -> Option<&mut usize>;
}

impl StreamField for usize {
    fn stream(&self) -> Option<usize> {
        Some(*self)
    }

    fn stream_mut(&mut self) -> Option<&mut usize> {
        Some(self)
    }
}

impl StreamField for Option<usize> {
    fn stream(&self) -> Option<usize> {
        *self
    }

    fn stream_mut(&mut self) -> Option<&mut usize> {
        self.as_mut()
    }
}

/// A field whose value can be replaced by a simpler one.
pub(crate) enum Field<'a> {
    Size(&'a mut usize),
    Signed(&'a mut i32),
    Word(&'a mut u32),
    Long(&'a mut u64),
    Flag(&'a mut bool),
    Bytes(&'a mut Data),
    Text(&'a mut Option<String>),
    Stream(&'a mut Option<usize>),
}

macro_rules! field_from {
    ($($variant:ident($type:ty)),* $(,)?) => {
        $(impl<'a> From<&'a mut $type> for Field<'a> {
            fn from(field: &'a mut $type) -> Self {
                Self::$variant(field)
            }
        })*
    };
}

field_from!(
    Size(usize),
    Signed(i32),
    Word(u32),
    Long(u64),
    Flag(bool),
    Bytes(Data),
    Text(Option<String>),
    Stream(Option<usize>),
);
