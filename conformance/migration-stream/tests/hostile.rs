//! Streams and channels that are cut, flipped, repeated: whatever is in them, the walk and the
//! inspector come to an end inside them.

#![expect(clippy::expect_used, reason = "a test")]

use std::fs;
use std::path::Path;
use std::sync::Arc;

use migration_stream::inspect::{Inspection, PageIndex, diff};
use migration_stream::{CoreLoader, Observer, Options, Plan, Start, load, walk};
use proptest::prelude::*;
use qemufile_core::MemoryChannel;

/// Streams to start from.
const SEEDS: [&str; 16] = [
    "compress-1.bin",
    "dirty-bitmaps.bin",
    "isapc-stopped.bin",
    "none-stopped.bin",
    "postcopy.bin",
    "xbzrle.bin",
    "10.0/q-cpr-transfer.cpr.chan",
    "10.0/q-multifd-legacy.ch2.chan",
    "10.0/q-multifd-zlib.ch1.chan",
    "10.0/q-none.bin",
    "10.0/q-postcopy-preempt.ch1.chan",
    "10.0/q-postcopy-recover.ch1.chan",
    "odd/cap-mapped-ram.bin",
    "odd/libvirt-save.bin",
    "odd/null-pointer-in-array-new-json.bin",
    "odd/xz.bin",
];

fn seed(name: &str) -> Vec<u8> {
    let corpus = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../corpus/streams");
    fs::read(corpus.join(name)).expect("the corpus is there")
}

/// A change at a place that is given as a part of the length, in 65,536ths.
#[derive(Clone, Debug)]
enum Change {
    Flip(u16, u8),
    Cut(u16),
    Remove(u16, usize),
    Repeat(u16, usize),
    Word(u16, u32),
}

fn change() -> impl Strategy<Value = Change> {
    prop_oneof![
        (any::<u16>(), 0..8_u8).prop_map(|(at, bit)| Change::Flip(at, bit)),
        any::<u16>().prop_map(Change::Cut),
        (any::<u16>(), 1..64_usize).prop_map(|(at, len)| Change::Remove(at, len)),
        (any::<u16>(), 1..64_usize).prop_map(|(at, len)| Change::Repeat(at, len)),
        (any::<u16>(), any::<u32>()).prop_map(|(at, word)| Change::Word(at, word)),
    ]
}

fn changed(mut bytes: Vec<u8>, changes: &[Change]) -> Vec<u8> {
    for change in changes {
        let len = bytes.len();
        if len < 8 {
            break;
        }
        let place = |part: &u16| len * usize::from(*part) / 65_536;
        match change {
            Change::Flip(part, bit) => bytes[place(part)] ^= 1 << bit,
            Change::Cut(part) => bytes.truncate(place(part)),
            Change::Remove(part, count) => {
                let at = place(part);
                bytes.drain(at..(at + count).min(len));
            }
            Change::Repeat(part, count) => {
                let at = place(part);
                let again = bytes[at..(at + count).min(len)].to_vec();
                bytes.splice(at..at, again);
            }
            Change::Word(part, word) => {
                let at = place(part).min(len - 4);
                bytes[at..at + 4].copy_from_slice(&word.to_be_bytes());
            }
        }
    }
    bytes
}

/// Looks at all that it is told.
#[derive(Default)]
struct All(PageIndex, u64);

impl Observer for All {
    fn wants_fields(&self) -> bool {
        true
    }

    fn field(&mut self, field: &migration_stream::FieldValue<'_>) {
        self.1 += field.len;
    }

    fn block(&mut self, name: &str, len: u64) {
        self.0.block(name, len);
    }

    fn page(&mut self, page: migration_stream::Page<'_>) {
        self.0.page(page);
    }
}

proptest! {
    /// In memory, from wherever it is said to begin.
    #[test]
    fn a_walk_ends_inside_its_stream(
        seed_number in 0..SEEDS.len(),
        changes in proptest::collection::vec(change(), 1..6),
    ) {
        let bytes = changed(seed(SEEDS[seed_number]), &changes);
        let own = Plan::of_bytes(&bytes);
        let starts = [Start::Header, Start::Records, Start::Pages, Start::Multifd, Start::Cpr];
        for start in [own.start].into_iter().chain(starts) {
            let blocks = vec![("pc.ram".to_owned(), 4 << 20), ("m".to_owned(), 8192)];
            let sections = vec![(1, "ram".to_owned())];
            let plan = Plan { start, blocks, sections, ..own.clone() };
            let channel = MemoryChannel::with_input(bytes.as_slice());
            let walked = walk(&mut CoreLoader::new(Arc::new(channel)), &plan, &mut All::default());
            prop_assert!(walked.position <= bytes.len() as u64);
            if let Err(error) = walked.end {
                prop_assert!(error.offset <= bytes.len() as u64, "{}", error);
            }
        }
    }

    /// From a file, through containers and the inspector.
    #[test]
    fn an_inspection_ends(
        seed_number in 0..SEEDS.len(),
        changes in proptest::collection::vec(change(), 1..4),
    ) {
        let directory = tempfile::tempdir().expect("a directory can be made");
        let path = directory.path().join("s.bin");
        fs::write(&path, changed(seed(SEEDS[seed_number]), &changes)).expect("it can be written");
        let loaded = load(&path).expect("it is there");
        for file in &loaded.files {
            let seen = Inspection::of(file, &Options::default(), &mut |_| ());
            let seen = seen.expect("it can be read");
            prop_assert!(seen.text(true).to_string().chars().all(|c| c == '\n' || !c.is_control()));
            prop_assert_eq!(diff(&seen, &seen), []);
        }
    }
}
