//! What a reference has allocated and not freed.

use std::collections::BTreeMap;
use std::ffi::c_void;
use std::ptr;

use crate::fault::{Fault, FaultKind, Leak, LeakKind};
use crate::ffi::{File, HostTable, LeakPlace};
use crate::session::text;
use crate::stream::Condition;
use crate::{Host, Reference, Session};

type Places = BTreeMap<(LeakKind, u32, String), (usize, usize)>;

unsafe extern "C" fn tell(places: *mut c_void, leak: *const LeakPlace) {
    // SAFETY: the shim gives back the address that `leaks` gave it, and a place of its own.
    let (places, leak) = unsafe { (&mut *places.cast::<Places>(), &*leak) };
    let kind = match leak.kind {
        0 => LeakKind::Stream,
        1 => LeakKind::Error,
        _ => LeakKind::Buffer,
    };
    let (count, bytes) = places.entry((kind, leak.line, text(leak.function))).or_default();
    *count += 1;
    *bytes += leak.len;
}

/// What none of the streams that are open leads to.
pub(crate) fn leaks<H: Host>(session: &mut Session<H>) -> Vec<Leak> {
    let open: Vec<*mut File> = session
        .world
        .slots
        .iter()
        .filter(|slot| slot.condition != Condition::Closed)
        .map(|slot| slot.file)
        .collect();
    let mut places = Places::new();
    let leaks = session.reference.table().leaks;
    // SAFETY: the table is complete, the streams have not been freed, and `tell` is given the
    // address of `places`, which nothing else refers to meanwhile.
    unsafe {
        leaks(
            &raw mut session.table,
            open.as_ptr(),
            open.len(),
            tell,
            (&raw mut places).cast::<c_void>(),
        );
    }
    let mut found: Vec<Leak> = places
        .into_iter()
        .map(|((kind, line, function), (count, bytes))| Leak { kind, count, bytes, function, line })
        .collect();
    let bare = |kind, count| Leak { kind, count, bytes: 0, function: String::new(), line: 0 };
    if !session.broken {
        let mut references = session.world.references.clone();
        for file in &open {
            *references.entry(session.view(*file).channel).or_insert(0) -= 1;
        }
        found.extend(references.into_iter().filter_map(|(channel, count)| {
            let count = usize::try_from(count).ok().filter(|count| *count > 0)?;
            Some(bare(LeakKind::Reference(channel), count))
        }));
    }
    if open.is_empty() && !session.broken {
        let received = session.world.received.iter();
        found.extend(received.map(|number| bare(LeakKind::Descriptor(*number), 1)));
    }
    found
}

/// Frees all that is left of a trace; memory that was written to after it was freed, if any was.
pub(crate) fn settle(reference: &Reference, table: &mut HostTable) -> Option<Fault> {
    let mut place = LeakPlace { kind: 0, line: 0, function: ptr::null(), len: 0 };
    // SAFETY: what the table keeps came from this reference, and no stream of it is used any more.
    let fault = unsafe { (reference.table().settle)(table, &raw mut place) };
    (fault != 0).then(|| Fault {
        kind: FaultKind::of(fault),
        function: text(place.function),
        line: place.line,
        detail: "where it was allocated".to_owned(),
    })
}
