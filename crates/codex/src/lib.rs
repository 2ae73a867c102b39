//! HiveMatrix codex.
