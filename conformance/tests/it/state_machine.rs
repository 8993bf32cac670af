//! The core and the original against the model, as a state machine that proptest drives and
//! shrinks.

use std::sync::Arc;

use conformance::definedness::Definedness;
use conformance::model::Model;
use conformance::observation::Observation;
use conformance::registry::{Sources, build};
use conformance::subject::Subject;
use conformance::trace::{Channel, Data, Op, ReadStep, Segment, SinkStep, Trace, World, WriteStep};
use proptest::prelude::*;
use proptest_state_machine::{ReferenceStateMachine, StateMachineTest, prop_state_machine};
use std::num::NonZeroUsize;

/// A world in which much can happen.
fn world(chunk: usize, coroutine: bool) -> World {
    let take = |count| NonZeroUsize::new(count).unwrap_or(NonZeroUsize::MIN);
    World {
        arena: Data::from(Segment::Counting(8192)),
        coroutine,
        channels: vec![Channel {
            input: Data::from(Segment::Counting(70_000)),
            reads: vec![ReadStep::Take(take(5)), ReadStep::Block, ReadStep::Take(take(1))],
            rest: NonZeroUsize::new(chunk),
            writes: vec![WriteStep::Take(take(3)), WriteStep::Block],
            ..Channel::default()
        }],
        sinks: vec![vec![SinkStep::Take(take(2))]],
        compressors: vec![1],
        releases: Vec::new(),
    }
}

/// The operations so far, and the model after them. The model is made anew for each state, as
/// proptest wants states that can be cloned.
#[derive(Clone, Debug)]
struct State {
    world: Arc<World>,
    done: Vec<Op>,
}

impl State {
    fn model(&self) -> Model {
        let mut model = Model::faithful();
        model.reset(&self.world);
        for op in &self.done {
            model.apply(op);
        }
        model
    }
}

struct Machine;

impl ReferenceStateMachine for Machine {
    type State = State;
    type Transition = Op;

    fn init_state() -> BoxedStrategy<State> {
        (prop_oneof![Just(7usize), Just(4096), Just(32768)], any::<bool>())
            .prop_map(|(chunk, coroutine)| State {
                world: Arc::new(world(chunk, coroutine)),
                done: vec![
                    Op::NewInput { channel: 0 },
                    Op::NewOutput { channel: 0 },
                    Op::NewOutput { channel: 0 },
                ],
            })
            .boxed()
    }

    fn transitions(_: &State) -> BoxedStrategy<Op> {
        let size =
            || prop_oneof![0usize..20, Just(32766usize), Just(32767), Just(32768), Just(32769)];
        let stream = 0usize..3;
        (stream, size(), prop_oneof![Just(0usize), 0usize..10], any::<bool>(), 0u8..24)
            .prop_map(|(stream, size, offset, flag, kind)| match kind {
                0 => Op::GetBuffer { stream, size },
                1 => Op::PeekBuffer { stream, size, offset },
                2 => Op::GetBufferInPlace { stream, size },
                3 => Op::PeekByte { stream, offset: i32::try_from(offset).unwrap() },
                4 => Op::GetBe16 { stream },
                5 => Op::GetBe32 { stream },
                6 => Op::GetBe64 { stream },
                7 => Op::GetCountedString { stream },
                8 => Op::Skip { stream, size: i32::try_from(size.min(32768)).unwrap() },
                9 => Op::GetToFd { stream, sink: 0, size },
                10 | 11 => Op::PutBuffer { stream, data: Data::from(Segment::Counting(size)) },
                12..=14 => Op::PutBufferAsync {
                    stream,
                    offset: 16 * offset,
                    len: size.min(16),
                    may_free: flag,
                },
                15 => Op::PutBe32 { stream, value: 7 },
                16 => Op::PutCompressionData {
                    stream,
                    compressor: 0,
                    data: Data::from(Segment::Counting(size)),
                },
                17 => Op::PutStream { stream, source: offset % 3 },
                18 => Op::Flush { stream },
                19 => Op::Transferred { stream },
                20 if flag => Op::SetError { stream, code: -5 },
                21 if flag => Op::Shutdown { stream },
                22 if flag => Op::Close { stream },
                _ => Op::GetError { stream },
            })
            .boxed()
    }

    fn apply(mut state: State, op: &Op) -> State {
        state.done.push(op.clone());
        state
    }

    fn preconditions(state: &State, op: &Op) -> bool {
        !matches!(state.model().definedness(op), Definedness::Undefined(_))
    }
}

/// A subject beside the model.
struct Pair {
    model: Model,
    subject: Box<dyn Subject>,
    done: Vec<Op>,
    world: Arc<World>,
}

impl Pair {
    fn new(name: &str, sources: &Sources, state: &State) -> Self {
        let mut pair = Self {
            model: Model::faithful(),
            subject: build(name, sources).unwrap(),
            done: Vec::new(),
            world: state.world.clone(),
        };
        pair.model.reset(&state.world);
        pair.subject.begin(&state.world).unwrap();
        state.done.iter().for_each(|op| pair.step(op));
        pair
    }

    fn step(&mut self, op: &Op) {
        self.done.push(op.clone());
        let seen: Observation = match self.model.definedness(op) {
            Definedness::NotApplicable => return,
            _ => self.subject.step(op),
        };
        let expected = self.model.apply(op);
        if !seen.conforms_to(&expected) {
            let trace = Trace::new(
                "proptest",
                "found by proptest",
                World::clone(&self.world),
                self.done.clone(),
            );
            panic!(
                "expected {expected:?}\n     got {seen:?}\n{}",
                crate::common::pasteable(&trace)
            );
        }
    }
}

struct CoreTest;

impl StateMachineTest for CoreTest {
    type SystemUnderTest = Pair;
    type Reference = Machine;

    fn init_test(state: &State) -> Pair {
        Pair::new("core", &Sources::default(), state)
    }

    fn apply(mut pair: Pair, _: &State, op: Op) -> Pair {
        pair.step(&op);
        pair
    }
}

struct OriginalTest;

impl StateMachineTest for OriginalTest {
    type SystemUnderTest = Option<Pair>;
    type Reference = Machine;

    fn init_test(state: &State) -> Option<Pair> {
        crate::common::original().map(|sources| Pair::new("c", &sources, state))
    }

    fn apply(mut pair: Option<Pair>, _: &State, op: Op) -> Option<Pair> {
        if let Some(pair) = &mut pair {
            pair.step(&op);
        }
        pair
    }
}

prop_state_machine! {
    #![proptest_config(ProptestConfig { cases: 200, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn the_core_follows_the_model(sequential 1..40 => CoreTest);

    #[test]
    fn the_original_follows_the_model(sequential 1..40 => OriginalTest);
}
