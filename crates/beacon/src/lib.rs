//! HiveMatrix beacon.
