//! The example of a port of one's own runs as README says.

#[path = "../../examples/port.rs"]
mod example;

#[test]
fn the_example_of_a_port_runs() {
    example::main();
}
