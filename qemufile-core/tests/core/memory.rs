//! Guest memory: ranges, discarding, and what keeps it mapped.
#![expect(unsafe_code, reason = "a mapping of the test's own, given to `from_owner`")]

use std::ptr::{self, NonNull};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use crate::support::{Event, channel, pattern};
use qemufile_core::{Config, GuestMemory, MemoryChannel, Misuse, Quirks, Stream, Writer, compat};
use rustix::mm::{MapFlags, ProtFlags, mmap_anonymous, munmap};

const PAGE: usize = 4096;

fn bytes(memory: &GuestMemory) -> Vec<u8> {
    let mut all = vec![0; memory.len()];
    memory.read_at(0, &mut all).unwrap();
    all
}

fn filled(len: usize) -> GuestMemory {
    let memory = GuestMemory::anonymous(len).unwrap();
    assert_eq!(bytes(&memory), vec![0; len]);
    memory.write_at(0, &pattern(len)).unwrap();
    memory
}

/// Bytes of address space that this process has.
fn address_space() -> usize {
    let pages = std::fs::read_to_string("/proc/self/statm").unwrap();
    pages.split(' ').next().unwrap().parse::<usize>().unwrap() * PAGE
}

#[test]
fn a_mapping_goes_with_its_last_owner() {
    const LEN: usize = 1 << 30;
    let before = address_space();
    for _ in 0..8 {
        drop(GuestMemory::anonymous(LEN).unwrap().clone());
    }
    assert!(address_space() < before + 4 * LEN, "other tests map far less");
}

#[test]
fn ranges_are_checked_to_the_last_byte() {
    let memory = filled(100);
    assert_eq!((memory.len(), memory.is_empty()), (100, false));
    memory.write_at(100, &[]).unwrap();
    memory.write_at(99, &[7]).unwrap();
    let mut byte = [0];
    memory.read_at(99, &mut byte).unwrap();
    assert_eq!(byte, [7]);
    for (offset, len) in [(100, 1), (99, 2), (usize::MAX, 1), (1, 100), (101, 0)] {
        let misuse = Misuse::OutsideMemory { offset, len, memory: 100 };
        let mut into = vec![0xee; len];
        assert_eq!(memory.read_at(offset, &mut into), Err(misuse));
        assert_eq!(into, vec![0xee; len], "nothing is copied");
        assert_eq!(memory.write_at(offset, &into), Err(misuse));
    }
    assert_eq!(bytes(&memory)[..99], pattern(99));
}

#[test]
fn clones_are_handles_to_the_same_bytes() {
    let memory = filled(10);
    let clone = memory.clone();
    clone.write_at(0, b"xy").unwrap();
    assert_eq!(bytes(&memory)[..2], *b"xy");
    assert!(memory.is_same(&clone) && !memory.is_same(&filled(10)));
    assert_eq!(memory.as_ptr(), clone.as_ptr());
}

#[test]
fn no_bytes_at_all() {
    let memory = GuestMemory::anonymous(0).unwrap();
    assert!(memory.is_empty());
    assert!(memory.write_at(0, &[1]).is_err());
    let mut writer = Writer::new(channel([]).shared());
    writer.put_guest(&memory, 0..0, false).unwrap();
    writer.flush().unwrap();
}

#[test]
fn a_discard_zeroes_whole_pages_and_keeps_parts() {
    for (offset, len, zeroed) in [
        (0, 4 * PAGE, 0..4 * PAGE),
        (PAGE, PAGE, PAGE..2 * PAGE),
        (PAGE, 2 * PAGE - 1, PAGE..2 * PAGE),
        (PAGE, PAGE + 1, PAGE..2 * PAGE),
        (0, PAGE - 1, 0..0),
        (PAGE, 0, 0..0),
    ] {
        let memory = filled(4 * PAGE);
        memory.discard(offset, len).unwrap();
        let mut expected = pattern(4 * PAGE);
        expected[zeroed].fill(0);
        assert!(bytes(&memory) == expected, "{len} bytes at {offset}");
    }
    let memory = filled(4 * PAGE);
    assert_eq!(memory.discard(1, 2 * PAGE).unwrap_err().raw_os_error(), Some(22));
    assert!(memory.discard(3 * PAGE, 2 * PAGE).is_err());
    assert!(bytes(&memory) == pattern(4 * PAGE));
}

#[test]
fn the_last_page_of_a_mapping_that_ends_within_it() {
    let memory = filled(PAGE + 100);
    memory.discard(0, PAGE + 100).unwrap();
    let all = bytes(&memory);
    assert!(all[..PAGE] == [0; PAGE] && all[PAGE..] == pattern(PAGE + 100)[PAGE..]);
}

#[test]
fn what_cannot_be_released_stays_and_is_reported() {
    let memory = filled(2 * PAGE);
    let scripted = channel([]).shared();
    let reporter = Arc::new(scripted.journal.clone());
    let config = Config::new().reporter(reporter);
    let mut writer = Writer::with_config(scripted.clone(), &config);
    writer.put_guest(&memory, 10..PAGE + 10, true).unwrap();
    writer.flush().unwrap();
    let events = scripted.events();
    let [Event::Write { .. }, Event::Report(text)] = &events[..] else { panic!("{events:?}") };
    assert!(text.contains("4096 bytes at offset 10 of guest memory"), "{text}");
    assert!(bytes(&memory) == pattern(2 * PAGE) && writer.error().is_none());
}

/// A mapping of the test's own, which counts its end.
struct Owner {
    base: usize,
    len: usize,
    dropped: Arc<AtomicUsize>,
}

impl Drop for Owner {
    fn drop(&mut self) {
        self.dropped.fetch_add(1, Ordering::SeqCst);
        // SAFETY: `own` mapped exactly these bytes, and gave them to nobody but this owner's
        // memory, which is gone when its owner is dropped.
        unsafe { munmap(ptr::with_exposed_provenance_mut(self.base), self.len) }.unwrap();
    }
}

fn own(len: usize) -> (GuestMemory, Arc<AtomicUsize>) {
    let flags = ProtFlags::READ | ProtFlags::WRITE;
    // SAFETY: a new private mapping, at an address of the kernel's choice.
    let base = unsafe { mmap_anonymous(ptr::null_mut(), len, flags, MapFlags::PRIVATE) }.unwrap();
    let dropped = Arc::new(AtomicUsize::new(0));
    let owner = Owner { base: base.expose_provenance(), len, dropped: dropped.clone() };
    let base = NonNull::new(base.cast()).unwrap();
    // SAFETY: the mapping is readable, writable, private to this memory, and may be discarded; it
    // stays until its owner is dropped.
    (unsafe { GuestMemory::from_owner(base, len, owner) }, dropped)
}

#[test]
#[cfg_attr(miri, ignore = "Miri has no madvise")]
fn an_owner_is_dropped_with_the_last_handle() {
    let (memory, dropped) = own(2 * PAGE);
    let clone = memory.clone();
    memory.write_at(0, &pattern(2 * PAGE)).unwrap();
    drop(memory);
    assert!(bytes(&clone) == pattern(2 * PAGE));
    clone.discard(PAGE, PAGE).unwrap();
    assert_eq!(bytes(&clone)[PAGE..], [0; PAGE]);
    assert_eq!(dropped.load(Ordering::SeqCst), 0);
    drop(clone);
    assert_eq!(dropped.load(Ordering::SeqCst), 1);
}

#[test]
#[cfg_attr(miri, ignore = "Miri has no madvise")]
fn what_is_queued_keeps_its_owner() {
    let (memory, dropped) = own(PAGE);
    memory.write_at(0, &pattern(PAGE)).unwrap();
    let channel = Arc::new(MemoryChannel::new());
    let mut writer = Writer::new(channel.clone());
    writer.put_guest(&memory, 0..PAGE, true).unwrap();
    drop(memory);
    assert_eq!(dropped.load(Ordering::SeqCst), 0, "it is still to be sent");
    writer.flush().unwrap();
    assert_eq!(dropped.load(Ordering::SeqCst), 1);
    assert_eq!(channel.take_output(), pattern(PAGE));
}

#[test]
fn a_stream_that_failed_gives_its_owners_up_when_it_goes() {
    for close in [true, false] {
        let (memory, dropped) = own(PAGE);
        let scripted = channel([]).shared();
        let mut writer = Writer::with_config(scripted.clone(), &scripted.config(Quirks::FIXED));
        writer.put_guest(&memory, 0..PAGE, true).unwrap();
        drop(memory);
        compat::set_error(&writer, -5);
        writer.flush().unwrap_err();
        assert_eq!(dropped.load(Ordering::SeqCst), 0);
        if close {
            writer.close().unwrap_err();
        } else {
            drop(writer);
            let events = scripted.events();
            assert!(matches!(&events[..], [Event::Report(text)] if text.contains("4096 bytes")));
        }
        assert_eq!(dropped.load(Ordering::SeqCst), 1);
    }
}

#[cfg(feature = "vm-memory")]
#[test]
fn a_region_of_vm_memory() {
    use vm_memory::{
        Bytes, GuestAddress, GuestMemoryRegion, GuestRegionMmap, MmapRegion, VolatileMemory,
    };

    let region = Arc::new(MmapRegion::<()>::new(2 * PAGE).unwrap());
    let memory = GuestMemory::from_region(region.clone()).unwrap();
    assert_eq!((memory.len(), memory.as_ptr()), (2 * PAGE, region.as_ptr()));
    region.get_slice(0, 2 * PAGE).unwrap().copy_from(&pattern(2 * PAGE)[..]);
    let channel = Arc::new(MemoryChannel::new());
    let mut writer = Writer::new(channel.clone());
    writer.put_guest(&memory, PAGE..2 * PAGE, true).unwrap();
    drop(memory);
    writer.close().unwrap();
    assert_eq!(channel.take_output(), &pattern(2 * PAGE)[PAGE..]);
    let mut after = vec![1; 2 * PAGE];
    region.get_slice(0, 2 * PAGE).unwrap().copy_to(&mut after[..]);
    assert!(after[..PAGE] == pattern(PAGE) && after[PAGE..] == [0; PAGE], "released");
    let region = Arc::into_inner(region).expect("no handle is left");
    let guest = GuestRegionMmap::<()>::new(region, GuestAddress(0)).unwrap();
    assert_eq!(guest.len(), 2 * PAGE as u64);
    let _ = guest.read_obj::<u8>(vm_memory::MemoryRegionAddress(0)).unwrap();
}

#[cfg(feature = "vm-memory")]
#[test]
fn what_is_written_to_a_region_is_marked_dirty() {
    use qemufile_core::Reader;
    use vm_memory::MmapRegion;
    use vm_memory::bitmap::{AtomicBitmap, Bitmap};

    let region = Arc::new(MmapRegion::<AtomicBitmap>::new(4 * PAGE).unwrap());
    let memory = GuestMemory::from_region(region.clone()).unwrap();
    let dirty = |region: &MmapRegion<AtomicBitmap>| {
        [0, 1, 2, 3].map(|page| region.bitmap().dirty_at(page * PAGE))
    };
    memory.read_at(0, &mut [0; 4]).unwrap();
    assert_eq!(dirty(&region), [false; 4]);
    memory.write_at(PAGE, b"page").unwrap();
    assert_eq!(dirty(&region), [false, true, false, false]);
    let mut reader = Reader::new(Arc::new(MemoryChannel::with_input(pattern(PAGE))));
    reader.get_guest(&memory, 3 * PAGE..4 * PAGE).unwrap();
    assert_eq!(dirty(&region), [false, true, false, true]);
}

#[cfg(feature = "vm-memory")]
#[test]
fn a_region_that_is_protected_is_refused() {
    use vm_memory::mmap::MmapRegionBuilder;

    let (read, write) = (libc::PROT_READ, libc::PROT_WRITE);
    for (protection, allowed) in [(0, false), (read, false), (write, false), (read | write, true)] {
        let region = MmapRegionBuilder::<()>::new(PAGE)
            .with_mmap_prot(protection)
            .with_mmap_flags(libc::MAP_PRIVATE | libc::MAP_ANONYMOUS)
            .build()
            .unwrap();
        match GuestMemory::from_region(Arc::new(region)) {
            Ok(memory) => {
                assert!(allowed);
                memory.write_at(0, &[1]).unwrap();
            }
            Err(error) => {
                assert!(!allowed);
                assert_eq!(error.kind(), std::io::ErrorKind::PermissionDenied);
            }
        }
    }
}

#[test]
fn a_page_is_read_into_guest_memory() {
    use crate::support::Step;
    use qemufile_core::{AsyncReader, Error, IO_BUF_SIZE, Reader};

    let input = pattern(3 * IO_BUF_SIZE);
    let steps = [Step::Move(10), Step::Block, Step::Move(7)];
    let open = || channel(input.clone()).reads(steps).shared();
    let (scripted, other) = (open(), open());
    let mut reader = Reader::new(scripted.clone());
    let mut copying = Reader::new(other.clone());
    let memory = GuestMemory::anonymous(2 * IO_BUF_SIZE).unwrap();
    let mut into = vec![0; IO_BUF_SIZE + 100];
    assert_eq!(reader.get_byte().unwrap(), copying.get_byte().unwrap());
    reader.get_guest(&memory, 5..5 + into.len()).unwrap();
    copying.get_buffer(&mut into).unwrap();
    assert_eq!(scripted.events(), other.events(), "the channel's calls are the same");
    assert!(bytes(&memory)[5..5 + into.len()] == into);
    assert_eq!(bytes(&memory)[..5], [0; 5]);
    assert_eq!(bytes(&memory)[5 + into.len()..][..5], [0; 5]);

    let misuse = reader.get_guest(&memory, 1..2 * IO_BUF_SIZE + 1).unwrap_err();
    assert!(matches!(misuse, Error::Misuse(Misuse::OutsideMemory { .. })));
    let before = reader.buffered().len();
    let (start, end) = (9, 8);
    let misuse = reader.get_guest(&memory, start..end).unwrap_err();
    assert!(matches!(misuse, Error::Misuse(Misuse::ReversedRange { start: 9, end: 8 })));
    assert_eq!(reader.buffered().len(), before, "nothing is taken");
    reader.get_guest(&memory, 8..8).unwrap();

    let mut task = AsyncReader::new(channel(*b"abc").shared());
    let mut future = std::pin::pin!(task.get_guest(&memory, 0..5));
    let mut cx = std::task::Context::from_waker(std::task::Waker::noop());
    let std::task::Poll::Ready(Err(Error::Short(short))) = future.as_mut().poll(&mut cx) else {
        panic!("the stream is short")
    };
    assert_eq!((short.wanted, short.available), (5, 3));
    assert_eq!(bytes(&memory)[..3], *b"abc", "what came is there");
}

#[test]
fn a_reversed_range_is_refused() {
    let memory = GuestMemory::anonymous(2 * PAGE).unwrap();
    let scripted = channel([]).shared();
    let mut writer = Writer::new(scripted);
    let (start, end) = (5000, 4096);
    let error = writer.put_guest(&memory, start..end, true).unwrap_err();
    assert_eq!(error.to_string(), "a range from 5000 to 4096");
    assert_eq!(error.errno(), -22);
    assert!(writer.is_empty());
}

/// Threads that read and write the same bytes see each byte old or new.
#[test]
fn copies_may_race() {
    let memory = GuestMemory::anonymous(PAGE).unwrap();
    std::thread::scope(|scope| {
        for value in [0xaa, 0x55] {
            let memory = &memory;
            scope.spawn(move || {
                for _ in 0..100 {
                    memory.write_at(0, &[value; PAGE]).unwrap();
                }
            });
        }
        for _ in 0..100 {
            assert!(bytes(&memory).iter().all(|byte| [0, 0xaa, 0x55].contains(byte)));
        }
    });
}
