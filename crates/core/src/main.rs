//! HiveMatrix core.

fn main() {}
