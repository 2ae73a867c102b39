//! The token that stands for the keys, renewed before it ends.

use std::time::Duration;

use hivematrix_shared::config::Secret;
use tokio::sync::Mutex;
use tokio::time::Instant;

/// Lifetime of a token whose answer does not tell.
const UNKNOWN: Duration = Duration::from_secs(3600);

/// Longest time a token is used, whatever its answer tells.
const LONGEST: Duration = Duration::from_secs(7 * 24 * 3600);

/// The token in use; one caller fetches it, the others wait for that one.
#[derive(Debug, Default)]
pub(super) struct Tokens(Mutex<Option<Token>>);

#[derive(Debug, Clone)]
struct Token {
    value: Secret,
    renew_at: Instant,
}

impl Tokens {
    /// A token that is valid for a while and is not `refused`, fetched when there is none.
    pub(super) async fn get<E>(
        &self,
        refused: Option<&Secret>,
        fetch: impl Future<Output = Result<(Secret, Option<Duration>), E>>,
    ) -> Result<Secret, E> {
        let mut token = self.0.lock().await;
        let usable = token.as_ref().filter(|token| {
            token.renew_at > Instant::now()
                && refused.is_none_or(|refused| refused.expose() != token.value.expose())
        });
        if let Some(token) = usable {
            return Ok(token.value.clone());
        }
        *token = None;
        let (value, lifetime) = fetch.await?;
        let lifetime = lifetime.unwrap_or(UNKNOWN).min(LONGEST);
        // A little early: it must not end while a request is on its way.
        let renew_at =
            Instant::now() + lifetime.mul_f64(0.9).min(lifetime.saturating_sub(Duration::from_secs(1)));
        *token = Some(Token { value: value.clone(), renew_at });
        Ok(value)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_token_for_eternity_is_used_and_renewed_in_time() {
        let tokens = Tokens::default();
        let fetch = async { Ok::<_, ()>((Secret::new("t"), Some(Duration::from_secs(u64::MAX)))) };
        assert_eq!(tokens.get(None, fetch).await.unwrap().expose(), "t");
        let renew_at = tokens.0.lock().await.as_ref().unwrap().renew_at;
        assert!(renew_at <= Instant::now() + LONGEST);
    }
}
