//! HiveMatrix helm.

fn main() {}
