//! HiveMatrix simulators.

fn main() {}
