//! Codex: the user's look and start page, remembered so that pages never wait for it twice (nexus.md §7, §9.4).

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError},
    time::{Duration, Instant},
};

use hivematrix_shared::service_client::{ServiceClient, ServiceError};
use serde::{Deserialize, de::DeserializeOwned};

use crate::domain::look::Look;

const TIMEOUT: Duration = Duration::from_secs(2);
/// How long an answer counts.
const FRESH_FOR: Duration = Duration::from_secs(300);
/// How long a failure counts, so that pages do not each wait for a Codex that is away.
const RETRY_AFTER: Duration = Duration::from_secs(10);
/// How long an answer counts at least, whatever makes it doubtful.
const SURE_FOR: Duration = Duration::from_secs(2);
/// More users than any suite has; a full memory is emptied.
const CAPACITY: usize = 20_000;

/// Preferences of users by e-mail address.
pub struct Preferences {
    services: ServiceClient,
    looks: Memory<Option<Look>>,
    home_pages: Memory<String>,
}

#[derive(Deserialize)]
struct KnownLook {
    #[serde(flatten)]
    look: Look,
    /// `default` for a user whom Codex does not know.
    #[serde(default)]
    source: String,
}

#[derive(Deserialize)]
struct HomePage {
    home_page: String,
}

impl Preferences {
    /// Preferences read with the services' client.
    pub fn new(services: ServiceClient) -> Self {
        Self { services, looks: Memory::default(), home_pages: Memory::default() }
    }

    /// The look a user chose; absent without an address or an answer, and for a user whom Codex does not know. Where the
    /// browser remembers another one than is known here, another gateway may have heard of a newer choice.
    pub async fn look(&self, email: &str, in_browser: Option<Look>) -> Option<Look> {
        let ask = || async {
            let answer = self.ask::<KnownLook>("/api/public/user/theme", email).await?;
            Ok((answer.source != "default").then_some(answer.look))
        };
        let may_be_old =
            |known: &Option<Look>| known.is_some() && in_browser.is_some() && *known != in_browser;
        self.looks.get_unless(email, may_be_old, ask).await.flatten()
    }

    /// The start page a user chose.
    pub async fn home_page(&self, email: &str) -> Option<String> {
        let ask = || async {
            let answer = self.ask::<HomePage>("/api/public/user/home-page", email).await?;
            Ok(answer.home_page)
        };
        self.home_pages.get(email, ask).await
    }

    /// Asks again for the next page of a user.
    pub fn forget(&self, email: &str) {
        self.looks.expire(email);
        self.home_pages.expire(email);
    }

    async fn ask<T: DeserializeOwned>(&self, path: &str, email: &str) -> Result<T, ServiceError> {
        let call = self.services.get("codex", path).query(&[("email", email)]).timeout(TIMEOUT).json_answer();
        // The limit covers the service token as well.
        tokio::time::timeout(TIMEOUT, call)
            .await
            .unwrap_or_else(|_| Err(ServiceError::Timeout("codex".to_owned())))
    }
}

/// Last known values by user.
struct Memory<T>(Mutex<HashMap<String, Arc<tokio::sync::Mutex<Known<T>>>>>);

struct Known<T> {
    value: Option<T>,
    asked: Option<Instant>,
    ask_again: Option<Instant>,
}

impl<T> Default for Memory<T> {
    fn default() -> Self {
        Self(Mutex::default())
    }
}

impl<T: Clone> Memory<T> {
    /// The known value while it is fresh, else the answer of `ask`, else the last known value. Pages that come while
    /// another one asks wait for that answer.
    async fn get<F: Future<Output = Result<T, ServiceError>>>(
        &self,
        email: &str,
        ask: impl FnOnce() -> F,
    ) -> Option<T> {
        self.get_unless(email, |_| false, ask).await
    }

    /// The same, but what `may_be_old` counts for a moment only.
    async fn get_unless<F: Future<Output = Result<T, ServiceError>>>(
        &self,
        email: &str,
        may_be_old: impl FnOnce(&T) -> bool,
        ask: impl FnOnce() -> F,
    ) -> Option<T> {
        if email.is_empty() {
            return None;
        }
        let slot = self.slot(email);
        let mut known = slot.lock().await;
        let now = Instant::now();
        let is_doubtful =
            known.asked.is_some_and(|at| now - at > SURE_FOR) && known.value.as_ref().is_some_and(may_be_old);
        if known.ask_again.is_some_and(|at| now < at) && !is_doubtful {
            return known.value.clone();
        }
        known.asked = Some(now);
        match ask().await {
            Ok(value) => {
                known.value = Some(value);
                known.ask_again = Some(Instant::now() + FRESH_FOR);
            }
            Err(error) => {
                tracing::warn!(error = %error, "a user's preferences cannot be read");
                known.ask_again = Some(Instant::now() + RETRY_AFTER);
            }
        }
        known.value.clone()
    }

    fn expire(&self, email: &str) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).remove(email);
    }

    fn slot(&self, email: &str) -> Arc<tokio::sync::Mutex<Known<T>>> {
        let mut slots = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(slot) = slots.get(email) {
            return slot.clone();
        }
        if slots.len() >= CAPACITY {
            slots.clear();
        }
        let slot = Arc::new(tokio::sync::Mutex::new(Known { value: None, asked: None, ask_again: None }));
        slots.insert(email.to_owned(), slot.clone());
        slot
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn failure() -> Result<i32, ServiceError> {
        Err(ServiceError::Timeout("codex".into()))
    }

    #[tokio::test]
    async fn an_answer_is_remembered_and_so_is_a_failure() {
        let memory = Memory::default();
        assert_eq!(memory.get("a", || async { Ok(1) }).await, Some(1));
        assert_eq!(memory.get("a", || async { Ok(2) }).await, Some(1), "still fresh");
        assert_eq!(memory.get("b", || async { failure() }).await, None);
        assert_eq!(memory.get("b", || async { Ok(3) }).await, None, "the failure counts for a while");
        assert_eq!(memory.get("", || async { Ok(4) }).await, None, "nobody to ask for");
    }

    #[tokio::test]
    async fn the_last_known_value_outlives_a_failure() {
        let memory = Memory::default();
        memory.get("a", || async { Ok(1) }).await;
        memory.slot("a").lock().await.ask_again = Some(Instant::now());
        assert_eq!(memory.get("a", || async { failure() }).await, Some(1));
    }

    #[tokio::test]
    async fn a_doubtful_value_counts_for_a_moment_only() {
        let memory = Memory::default();
        memory.get("a", || async { Ok(1) }).await;
        let doubted = async |old| memory.get_unless("a", |known| *known == old, || async { Ok(2) }).await;
        assert_eq!(doubted(1).await, Some(1), "asked just now");
        memory.slot("a").lock().await.asked = Instant::now().checked_sub(2 * SURE_FOR);
        assert_eq!(doubted(7).await, Some(1), "no doubt");
        assert_eq!(doubted(1).await, Some(2));
    }

    #[tokio::test]
    async fn after_forgetting_codex_is_asked_again() {
        let memory = Memory::default();
        memory.get("a", || async { Ok(1) }).await;
        memory.expire("a");
        assert_eq!(memory.get("a", || async { Ok(2) }).await, Some(2));
    }
}
