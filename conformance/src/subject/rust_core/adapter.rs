//! What the core is given: a channel, a reporter, a release, a sink, all of them the scripted world.

use std::fmt;
use std::io;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll};

use qemufile_core::{Channel, GuestMemory, Notice, Pieces, ReleaseMemory, ReleaseTarget, Report};

use crate::observation::{Direction, Place};
use crate::scripted_host::{ScriptedHost, Transfer};
use crate::trace::World;

/// A handle to the world of a trace.
#[derive(Clone)]
pub(super) struct Shared {
    inside: Arc<Mutex<Inside>>,
}

struct Inside {
    world: ScriptedHost,
    arena: GuestMemory,
    /// The stream that carries out the operation.
    stream: usize,
    /// Waits that were noted and are over at the next poll.
    yielding: [bool; 2],
}

impl Shared {
    pub(super) fn new(world: &World, arena: GuestMemory) -> Self {
        let world = ScriptedHost::new(world);
        let inside = Inside { world, arena, stream: 0, yielding: [false; 2] };
        Self { inside: Arc::new(Mutex::new(inside)) }
    }

    /// Becomes another world, at its beginning.
    pub(super) fn reset(&self, world: &World, arena: &GuestMemory) {
        let mut inside = self.inside();
        inside.world.reset(world);
        inside.arena.clone_from(arena);
        inside.stream = 0;
        inside.yielding = [false; 2];
    }

    fn inside(&self) -> MutexGuard<'_, Inside> {
        self.inside.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The world, for one short use.
    pub(super) fn world(&self) -> impl std::ops::DerefMut<Target = ScriptedHost> + '_ {
        Locked(self.inside())
    }

    /// Says which stream carries out the next operation: a release from a stream's own buffer does
    /// not name it.
    pub(super) fn set_stream(&self, stream: usize) {
        self.inside().stream = stream;
    }

    fn place(&self, target: &ReleaseTarget<'_>) -> (Place, usize) {
        let inside = self.inside();
        match target {
            ReleaseTarget::Guest { memory, offset, len } if memory.is_same(&inside.arena) => {
                (Place::Arena(*offset), *len)
            }
            ReleaseTarget::Buffer { offset, len } => {
                (Place::Buffer { stream: inside.stream, offset: *offset }, *len)
            }
            ReleaseTarget::Guest { len, .. } | ReleaseTarget::Shared { len } => {
                (Place::Elsewhere, *len)
            }
            _ => (Place::Elsewhere, 0),
        }
    }
}

/// The world behind its lock.
struct Locked<'a>(MutexGuard<'a, Inside>);

impl std::ops::Deref for Locked<'_> {
    type Target = ScriptedHost;

    fn deref(&self) -> &ScriptedHost {
        &self.0.world
    }
}

impl std::ops::DerefMut for Locked<'_> {
    fn deref_mut(&mut self) -> &mut ScriptedHost {
        &mut self.0.world
    }
}

impl fmt::Debug for Shared {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Shared").finish_non_exhaustive()
    }
}

impl Report for Shared {
    fn report(&self, notice: &Notice<'_>) {
        match notice {
            Notice::ReleaseFailed { target, error } => {
                let (place, len) = self.place(target);
                self.world().report_release(place, len, error.raw_os_error().unwrap_or(0));
            }
            _ => self.world().report(&notice.to_string()),
        }
    }
}

impl ReleaseMemory for Shared {
    fn release(&self, target: ReleaseTarget<'_>) -> io::Result<()> {
        let (place, len) = self.place(&target);
        self.world().release(place, len).map_err(io::Error::from_raw_os_error)
    }
}

/// A channel of the world.
#[derive(Debug)]
pub(super) struct ScriptedChannel {
    shared: Shared,
    channel: usize,
}

impl ScriptedChannel {
    pub(super) fn new(shared: Shared, channel: usize) -> Self {
        Self { shared, channel }
    }
}

fn moved(transfer: Transfer) -> io::Result<usize> {
    match transfer {
        Transfer::Done(count) => Ok(count),
        Transfer::WouldBlock => Err(io::ErrorKind::WouldBlock.into()),
        Transfer::Failed(text) => Err(io::Error::other(text)),
    }
}

fn observed(direction: qemufile_core::Direction) -> Direction {
    match direction {
        qemufile_core::Direction::Input => Direction::Input,
        qemufile_core::Direction::Output => Direction::Output,
    }
}

impl Channel for ScriptedChannel {
    fn read(&self, into: &mut [u8]) -> io::Result<usize> {
        moved(self.shared.world().read(self.channel, into))
    }

    fn write(&self, pieces: Pieces<'_>) -> io::Result<usize> {
        let mut world = self.shared.world();
        let (mut lengths, mut bytes) = (world.lengths(), world.bytes());
        for piece in pieces.iter() {
            lengths.push(piece.len());
            piece.copy_to(&mut bytes);
        }
        moved(world.write(self.channel, lengths, bytes))
    }

    fn wait(&self, direction: qemufile_core::Direction) -> io::Result<()> {
        self.shared.world().wait(self.channel, observed(direction), false);
        Ok(())
    }

    /// Pending once, so that the core really suspends.
    fn poll_ready(
        &self,
        cx: &mut Context<'_>,
        direction: qemufile_core::Direction,
    ) -> Poll<io::Result<()>> {
        let direction = observed(direction);
        let mut inside = self.shared.inside();
        let yielding = &mut inside.yielding[direction as usize];
        *yielding = !*yielding;
        if *yielding {
            inside.world.wait(self.channel, direction, true);
            cx.waker().wake_by_ref();
            return Poll::Pending;
        }
        Poll::Ready(Ok(()))
    }

    fn can_shutdown(&self) -> bool {
        self.shared.world().can_shutdown(self.channel)
    }

    fn shutdown(&self) -> io::Result<()> {
        self.shared.world().shutdown(self.channel).map_err(io::Error::other)
    }

    fn close(&self) -> io::Result<()> {
        self.shared.world().close(self.channel).map_err(io::Error::other)
    }

    fn set_blocking(&self, blocking: bool) -> io::Result<()> {
        self.shared.world().set_blocking(self.channel, blocking).map_err(io::Error::other)
    }
}

/// A descriptor of the world.
pub(super) struct Sink<'a> {
    shared: &'a Shared,
    sink: usize,
}

impl<'a> Sink<'a> {
    pub(super) fn new(shared: &'a Shared, sink: usize) -> Self {
        Self { shared, sink }
    }
}

impl io::Write for Sink<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.shared.world().sink_write(self.sink, bytes).map_err(io::Error::from_raw_os_error)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
