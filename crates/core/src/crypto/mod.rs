//! Keys, signatures, password hashes and sealed values.

pub mod key_files;
pub mod passwords;
pub mod random;
pub mod sealed;
pub mod signer;
pub mod totp;
