//! HiveMatrix e2e.
