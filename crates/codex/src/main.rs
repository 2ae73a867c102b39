//! HiveMatrix codex.

fn main() {}
