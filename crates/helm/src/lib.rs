//! HiveMatrix helm.
