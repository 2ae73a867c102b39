//! Pure rules of the gateway: what a path means, which headers pass, what is local, what counts as an attack.

pub mod cookies;
pub mod csrf;
pub mod encoding;
pub mod framing;
pub mod headers;
pub mod look;
pub mod next;
pub mod nonce;
pub mod origin;
pub mod path;
pub mod refusals;
pub mod request_kind;
pub mod route;
pub mod seal;
pub mod security;
pub mod session;
pub mod trusted;
pub mod websocket;
