//! HiveMatrix core.
