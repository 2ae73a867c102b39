//! Where session state lies: encrypted in Redis when there is one, else encrypted in the browser's cookie.

mod sessions;

pub use self::sessions::{SessionStore, StoreError};
