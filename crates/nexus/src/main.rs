//! HiveMatrix nexus.

fn main() {}
