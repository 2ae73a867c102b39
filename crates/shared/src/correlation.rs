//! Correlation ids: one per request, taken from `X-Correlation-ID` or made new, sent on with every call and logged.

use std::future::Future;

use http::HeaderName;
use uuid::Builder;

/// Header that carries the id in both directions.
pub const HEADER: &str = "x-correlation-id";

/// [`HEADER`] for header maps: a text would be looked up and copied each time.
pub const HEADER_NAME: HeaderName = HeaderName::from_static(HEADER);

/// Value outside of any request.
pub const NONE: &str = "none";

tokio::task_local! {
    static CURRENT: String;
}

/// The id of the request being handled, or `none`.
pub fn current() -> String {
    CURRENT.try_with(Clone::clone).unwrap_or_else(|_| NONE.to_owned())
}

/// A new random id.
pub fn generate() -> String {
    // From this thread's generator: asking the system for each request costs a call.
    Builder::from_random_bytes(rand::random()).into_uuid().to_string()
}

/// The given id when it has the accepted form `[A-Za-z0-9._-]{1,100}`, else a new one (platform.md §10).
pub fn accept_or_generate(given: Option<&str>) -> String {
    match given {
        Some(id) if is_valid(id) => id.to_owned(),
        _ => generate(),
    }
}

/// Runs a future with `id` as its correlation id.
pub async fn scope<F: Future>(id: String, future: F) -> F::Output {
    CURRENT.scope(id, future).await
}

fn is_valid(id: &str) -> bool {
    (1..=100).contains(&id.len())
        && id.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'_' | b'-'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_ids_of_the_accepted_form_are_taken_over() {
        assert_eq!(accept_or_generate(Some("req-abc.1_2")), "req-abc.1_2");
        for bad in ["", "a b", "a\"b", "é", &"x".repeat(101)] {
            assert_ne!(accept_or_generate(Some(bad)), bad);
        }
        assert_ne!(accept_or_generate(None), accept_or_generate(None));
    }

    #[tokio::test]
    async fn the_id_is_visible_inside_the_scope_only() {
        assert_eq!(current(), NONE);
        assert_eq!(scope("a".into(), async { current() }).await, "a");
    }
}
