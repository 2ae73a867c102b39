//! SQL, one file per aggregate.

pub mod alerts;
pub mod collected;
pub mod log_stats;
pub mod logs;
pub mod metrics;
pub mod partitions;
pub mod security_audits;
pub mod service_status;
pub mod user_changes;
