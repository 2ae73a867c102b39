//! What every HiveMatrix service has in common.
