//! The program: wires the parts, maps a failure to its exit code.

fn main() {}
