//! HiveMatrix nexus.
