//! Where sessions, people, grants and the services' secrets are kept.

pub mod realm;
pub mod service_secrets;
pub mod sessions;
