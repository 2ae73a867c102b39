//! Keys, signatures, password hashes and sealed values.

pub mod key_files;
pub mod key_manifest;
pub mod key_ring;
pub mod passwords;
pub mod random;
pub mod sealed;
pub mod signer;
mod signing_threads;
pub mod totp;
