//! HiveMatrix simulators.
