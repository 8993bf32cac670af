//! The process that runs a reference.

use std::borrow::Cow;
use std::io;
use std::path::Path;

use c_reference::Reference;
use rustix::process::{Resource, Rlimit, Signal, set_parent_process_death_signal, setrlimit};

use super::protocol::{Identity, Reply, Request, receive, send};
use crate::subject::{Original, Subject};

/// Memory that a reference may use, in bytes: several times what the largest trace needs.
const MAX_MEMORY: u64 = 2 << 30;

/// Runs the shared object at `object` for the process at the other end of the standard streams,
/// until that one closes them.
///
/// # Errors
///
/// Of the standard streams. That the reference does not load is told to the other process.
pub fn serve(object: &Path) -> io::Result<()> {
    // A reference in an endless loop must not outlive the process that started it.
    set_parent_process_death_signal(Some(Signal::KILL))?;
    let at_most = |limit| Rlimit { current: Some(limit), maximum: Some(limit) };
    if !is_sanitized() {
        setrlimit(Resource::As, at_most(MAX_MEMORY))?;
    }
    // A crash is expected here, and the core file would be as large as the limit above.
    setrlimit(Resource::Core, at_most(0))?;
    let mut requests = io::stdin().lock();
    // What the reference prints must not get between the replies.
    let replies = rustix::io::dup(rustix::stdio::stdout())?;
    rustix::stdio::dup2_stdout(rustix::stdio::stderr())?;
    let mut replies = std::fs::File::from(replies);

    let reference = match Reference::load(object) {
        Ok(reference) => reference,
        Err(error) => return send(&Reply::Failed(with_causes(&error)), &mut replies),
    };
    let identity = Identity {
        release: reference.release().to_string(),
        missing: reference.missing().into_iter().map(str::to_owned).collect(),
    };
    let mut subject = Original::new(reference);
    send(&Reply::Loaded(identity), &mut replies)?;
    loop {
        let request: Request<'static> = match receive(&mut requests) {
            Ok(request) => request,
            Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => return Ok(()),
            Err(error) => return Err(error),
        };
        send(&answer(&mut subject, &request), &mut replies)?;
    }
}

/// What an error says, and what its causes say that it does not.
fn with_causes(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let causes = std::iter::successors(error.source(), |cause| cause.source());
    for cause in causes.map(ToString::to_string) {
        if !text.contains(&cause) {
            text = format!("{text}: {cause}");
        }
    }
    text
}

/// Whether AddressSanitizer is loaded, which reserves terabytes of addresses for itself.
fn is_sanitized() -> bool {
    std::env::var("LD_PRELOAD").is_ok_and(|loaded| loaded.contains("asan"))
}

fn answer(subject: &mut Original, request: &Request<'_>) -> Reply {
    if let Some(world) = &request.begin
        && let Err(unready) = subject.begin(world)
    {
        return Reply::Failed(unready.reason);
    }
    let ops: Vec<_> = request.ops.iter().map(Cow::as_ref).collect();
    let steps = subject.steps(&ops);
    let late = if request.finish { subject.finish() } else { Vec::new() };
    Reply::Done { steps, late }
}
