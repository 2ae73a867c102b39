//! SQL, one file per aggregate.

pub mod logs;
pub mod partitions;
