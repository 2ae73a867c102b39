//! Pure rules of sign-in, sessions and tokens: no I/O, no clock of their own.

pub mod agent;
pub mod ago;
pub mod claims;
pub mod key_schedule;
pub mod lockout;
pub mod oidc;
pub mod origins;
pub mod password_policy;
pub mod recovery_code;
pub mod redirect;
pub mod revocation;
pub mod service_name;
pub mod session;
pub mod token_reason;
pub mod typed_name;
pub mod user;
