//! Devices: lists, arrays, fields that are not described.

#![expect(clippy::expect_used, reason = "a test")]

mod support;

use std::sync::Arc;

use migration_stream::{
    CoreLoader, FieldValue, Observer, Options, Plan, Planned, SectionRow, Walked, load, walk,
};
use qemufile_core::MemoryChannel;
use support::{Directory, head};

/// Collects the fields of devices.
#[derive(Default)]
struct Fields(Vec<(String, Vec<u8>)>);

impl Observer for Fields {
    fn wants_fields(&self) -> bool {
        true
    }

    fn field(&mut self, field: &FieldValue<'_>) {
        self.0.push((field.path.to_owned(), field.bytes.to_vec()));
    }
}

fn device(payload: &[u8], fields: &str) -> Vec<u8> {
    let description = format!(
        "{{\"page_size\": 4096, \"devices\": [{{\"name\": \"dev\", \"instance_id\": 0, \
         \"vmsd_name\": \"dev\", \"version\": 1, \"fields\": [{fields}]}}]}}"
    );
    let section = [b"\x04\0\0\0\x02\x03dev\0\0\0\0\0\0\0\x01", payload, b"\x7e\0\0\0\x02"].concat();
    let len = u32::try_from(description.len()).expect("short").to_be_bytes();
    [head(&[]), section, vec![0, 6], len.to_vec(), description.into_bytes()].concat()
}

fn fields_of(stream: &[u8]) -> (Walked, Vec<(String, Vec<u8>)>) {
    let directory = Directory::of(&[("s.bin", stream)]);
    let loaded = load(&directory.path("s.bin")).expect("it is there");
    let planned = Planned::of(&loaded.files[0], &Options::default()).expect("it can be read");
    let mut fields = Fields::default();
    let walked = walk(&mut loaded.files[0].loader().expect("a file"), &planned.plan, &mut fields);
    (walked, fields.0)
}

/// Lists have a mark in front of each element; the text describes each, with the same keys.
#[test]
fn lists_and_arrays_with_nothing_in_them_are_read() {
    let element = "\"vmsd_name\": \"e\", \"version\": 1, \"fields\": [{\"name\": \"v\", \"type\": \"uint16\", \"size\": 2}]";
    let fields = format!(
        "{{\"name\": \"queue\", \"type\": \"qtailq\", {element}, {element}, \"size\": 7}}, \
         {{\"name\": \"sub\", \"index\": 0, \"type\": \"nullptr\", \"size\": 1}}, \
         {{\"name\": \"sub\", \"index\": 1, \"type\": \"uint8\", \"size\": 1}}"
    );
    let (walked, fields) = fields_of(&device(&[1, 0, 7, 1, 0, 8, 0, b'0', 9], &fields));
    assert_eq!(walked.end, Ok(()));
    assert_eq!((walked.summary.opaque, walked.summary.undescribed), (0, 0));
    let expected = [
        ("queue.v", vec![0, 7]),
        ("queue.v", vec![0, 8]),
        ("sub[0]", vec![b'0']),
        ("sub[1]", vec![9]),
    ];
    assert_eq!(fields, expected.map(|(path, bytes)| (path.to_owned(), bytes)));
}

#[test]
fn what_is_not_described_is_counted() {
    let field = "{\"name\": \"virtio\", \"type\": \"virtio\", \"size\": 3}";
    let (walked, fields) = fields_of(&device(&[1, 2, 3], field));
    assert_eq!(walked.end, Ok(()));
    assert_eq!((walked.summary.undescribed, walked.summary.first_undescribed), (1, Some(34)));
    assert_eq!(fields, [("virtio".to_owned(), vec![1, 2, 3])]);
}

/// The error names the field in which the walk stood.
#[test]
fn a_cut_device_names_its_field() {
    let field = "{\"name\": \"regs\", \"array_len\": 2, \"type\": \"uint32\", \"size\": 4}";
    let whole = device(&[1, 2, 3, 4, 5, 6, 7, 8], field);
    let plan = Plan {
        description: migration_stream::Description::find(&whole),
        len: Some(40),
        ..Plan::default()
    };
    assert!(plan.description.is_some());
    let mut loader = CoreLoader::new(Arc::new(MemoryChannel::with_input(&whole[..40])));
    let error = walk(&mut loader, &plan, &mut ()).end.expect_err("it is cut");
    assert_eq!((error.section.as_deref(), error.field.as_deref()), (Some("dev"), Some("regs[1]")));
}

#[test]
fn rows_of_a_described_stream_cover_it() {
    struct Rows(u64);
    impl Observer for Rows {
        fn row(&mut self, row: &SectionRow) {
            assert_eq!(row.offset, self.0, "{row:?}");
            self.0 += row.len;
        }
    }
    let stream = device(&[1], "{\"name\": \"a\", \"type\": \"uint8\", \"size\": 1}");
    let plan = Plan {
        description: migration_stream::Description::find(&stream),
        len: Some(stream.len() as u64),
        ..Plan::default()
    };
    let mut loader = CoreLoader::new(Arc::new(MemoryChannel::with_input(stream.clone())));
    let mut rows = Rows(0);
    assert_eq!(walk(&mut loader, &plan, &mut rows).end, Ok(()));
    assert_eq!(rows.0, stream.len() as u64);
}
