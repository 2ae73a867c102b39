//! HiveMatrix beacon.

fn main() {}
