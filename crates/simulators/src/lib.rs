//! Vendor stand-ins on their real wire formats, for demonstrations and tests.
//!
//! A simulator is a server of its own that speaks a vendor's protocol with its paging, rate limits and odd values, so
//! that a client, a sync and a demo run the same code as in production. Its world is made up deterministically from a
//! seed ([`world`]); [`freshservice`] puts it on the wire. Nothing here is imported by a service: other crates use
//! it in tests only, or over HTTP.

pub mod clock;
pub mod datto;
pub mod dice;
pub mod freshservice;
pub mod world;
