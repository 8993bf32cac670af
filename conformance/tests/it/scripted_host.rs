//! The scripted world by itself.

use std::num::{NonZeroI32, NonZeroUsize};

use conformance::observation::{Direction, Event, Outcome, Place};
use conformance::scripted_host::{ScriptedHost, Transfer};
use conformance::trace::{
    Answer, Channel, Data, ReadStep, ReleaseStep, Segment, Shutdown, SinkStep, World, WriteStep,
};

fn take(count: usize) -> NonZeroUsize {
    NonZeroUsize::new(count).unwrap()
}

fn world(channel: Channel) -> ScriptedHost {
    ScriptedHost::new(&World { channels: vec![channel], ..World::default() })
}

#[test]
fn reads_follow_the_script_and_then_the_rest() {
    let mut world = world(Channel {
        input: Data::from(Segment::Counting(10)),
        reads: vec![
            ReadStep::Take(take(3)),
            ReadStep::Block,
            ReadStep::Fail("no".to_owned()),
            ReadStep::End,
            ReadStep::Take(take(100)),
        ],
        rest: NonZeroUsize::new(1),
        ..Channel::default()
    });
    let mut into = [0; 4];
    assert_eq!(world.read(0, &mut into), Transfer::Done(3));
    assert_eq!(into, [0, 1, 2, 0]);
    assert_eq!(world.read(0, &mut into), Transfer::WouldBlock);
    assert_eq!(world.read(0, &mut into), Transfer::Failed("no".to_owned()));
    assert_eq!(world.read(0, &mut into), Transfer::Done(0));
    assert_eq!(world.read(0, &mut into), Transfer::Done(4));
    assert_eq!(into, [3, 4, 5, 6]);
    for byte in 7..10 {
        assert_eq!(world.read(0, &mut into), Transfer::Done(1));
        assert_eq!(into[0], byte);
    }
    assert_eq!(world.read(0, &mut into), Transfer::Done(0));
    let outcomes: Vec<_> = world
        .take_events()
        .into_iter()
        .map(|event| match event {
            Event::Read { channel: 0, asked: 4, outcome } => outcome,
            other => panic!("{other:?}"),
        })
        .collect();
    let done = Outcome::Done;
    assert_eq!(
        outcomes,
        [
            done(3),
            Outcome::Blocked,
            Outcome::Failed,
            done(0),
            done(4),
            done(1),
            done(1),
            done(1),
            done(0)
        ]
    );
    assert!(world.take_events().is_empty(), "events are taken once");
}

#[test]
fn writes_follow_the_script_and_are_written_down_whole() {
    let mut world = world(Channel {
        writes: vec![WriteStep::Take(take(2)), WriteStep::Block, WriteStep::Fail("no".to_owned())],
        ..Channel::default()
    });
    let mut write = || world.write(0, vec![1, 2], b"abc".to_vec());
    assert_eq!(write(), Transfer::Done(2));
    assert_eq!(write(), Transfer::WouldBlock);
    assert_eq!(write(), Transfer::Failed("no".to_owned()));
    assert_eq!(write(), Transfer::Done(3));
    let expected = Event::Write {
        channel: 0,
        lengths: vec![1, 2],
        bytes: b"abc"[..].into(),
        outcome: Outcome::Done(2),
    };
    assert_eq!(world.take_events()[0], expected);
}

#[test]
fn a_blocking_channel_steps_over_would_block() {
    let mut world = world(Channel {
        input: Data::from(Segment::Counting(2)),
        reads: vec![ReadStep::Block, ReadStep::Block, ReadStep::Take(take(1)), ReadStep::Block],
        writes: vec![WriteStep::Block],
        ..Channel::default()
    });
    assert_eq!(world.read(0, &mut [0; 9]), Transfer::WouldBlock);
    assert_eq!(world.set_blocking(0, true), Ok(()));
    assert_eq!(world.read(0, &mut [0; 9]), Transfer::Done(1));
    assert_eq!(world.write(0, vec![1], vec![0]), Transfer::Done(1));
    assert_eq!(world.set_blocking(0, false), Ok(()));
    assert_eq!(world.read(0, &mut [0; 9]), Transfer::WouldBlock);
    assert_eq!(world.read(0, &mut [0; 9]), Transfer::Done(1));
}

#[test]
fn a_mode_that_cannot_be_set_stays() {
    let mut world = world(Channel {
        reads: vec![ReadStep::Block],
        set_blocking: Answer::Fails("no".to_owned()),
        ..Channel::default()
    });
    assert_eq!(world.set_blocking(0, true), Err("no".to_owned()));
    assert_eq!(world.read(0, &mut [0; 9]), Transfer::WouldBlock);
}

#[test]
fn shutdown_and_close_answer_as_told() {
    for (shutdown, can, result) in [
        (Shutdown::Works, true, Ok(())),
        (Shutdown::Unsupported, false, Err("not supported".to_owned())),
        (Shutdown::Fails("no".to_owned()), true, Err("no".to_owned())),
    ] {
        let mut world = world(Channel {
            shutdown,
            close: Answer::Fails("late".to_owned()),
            ..Channel::default()
        });
        assert_eq!(world.can_shutdown(0), can);
        assert!(world.take_events().is_empty(), "the question is not an event");
        assert_eq!(world.shutdown(0), result);
        assert_eq!(world.close(0), Err("late".to_owned()));
        let worked = result.is_ok();
        assert_eq!(
            world.take_events(),
            [Event::Shutdown { channel: 0, worked }, Event::Close { channel: 0, worked: false }]
        );
    }
}

#[test]
fn sinks_and_releases_follow_their_lists() {
    let errno = NonZeroI32::new(28).unwrap();
    let mut world = ScriptedHost::new(&World {
        sinks: vec![vec![SinkStep::Take(take(2)), SinkStep::Nothing, SinkStep::Fail(errno)]],
        releases: vec![ReleaseStep::Works, ReleaseStep::Fail(errno)],
        ..World::default()
    });
    let answers: Vec<_> = (0..4).map(|_| world.sink_write(0, b"abc")).collect();
    assert_eq!(answers, [Ok(2), Ok(0), Err(28), Ok(3)]);
    let answers: Vec<_> = (0..3).map(|_| world.release(Place::Arena(8), 16)).collect();
    assert_eq!(answers, [Ok(()), Err(28), Ok(())]);
    world.report_release(Place::Buffer { stream: 1, offset: 20 }, 3, 28);
    world.wait(0, Direction::Output, true);
    let events = world.take_events();
    assert_eq!(events.len(), 9);
    let text = "migrate: madvise DONTNEED failed stream1+20 3: No space left on device".to_owned();
    assert_eq!(events[7], Event::Report { text });
}
