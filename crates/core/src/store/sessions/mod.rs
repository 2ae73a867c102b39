//! Sessions and the log of ended ones (core.md §6, §2.7).

mod connection;
mod log;
mod memory;
mod redis;
mod switch;

use std::future::Future;

pub use self::{
    connection::{InvalidAddress, RedisAddress},
    log::RevocationLog,
    memory::MemorySessions,
    redis::{RedisSessions, RedisStatus},
    switch::{SessionHealth, Sessions},
};
use crate::domain::session::Session;

/// The store cannot be used now; nothing is lost, the caller is told to come back.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
pub enum StoreUnavailable {
    /// It does not answer.
    #[error("the session store does not answer: {0}")]
    Away(String),
    /// It answers, but does not do what it is asked: a wrong password, a read-only replica, no memory left.
    #[error("the session store refuses commands: {reason}")]
    Refused {
        /// Redis' own word for why, such as `READONLY`.
        code: String,
        /// More of it, for the log.
        reason: String,
    },
}

/// Where sessions live. All times are Unix seconds.
pub trait SessionStore {
    /// Keeps a session until it expires.
    fn create(
        &self,
        id: &str,
        session: &Session,
    ) -> impl Future<Output = Result<(), StoreUnavailable>> + Send;

    /// A session that has not expired, revoked or not.
    fn find(
        &self,
        id: &str,
        now: i64,
    ) -> impl Future<Output = Result<Option<Session>, StoreUnavailable>> + Send;

    /// Ends a session atomically and enters it into the log. `false` when there is none; one that was ended before and has
    /// not expired counts as success.
    fn revoke(&self, id: &str, now: i64) -> impl Future<Output = Result<bool, StoreUnavailable>> + Send;

    /// Enters a session that the store does not know into the log.
    fn announce(&self, id: &str, exp: i64) -> impl Future<Output = Result<(), StoreUnavailable>> + Send;

    /// All live sessions with their ids.
    fn list(&self, now: i64)
    -> impl Future<Output = Result<Vec<(String, Session)>, StoreUnavailable>> + Send;
}
