//! How the page of an error puts it: a title for people, what to do next, and an icon.

use http::StatusCode;

/// Words for a status.
pub(super) struct Words {
    /// Name of the icon.
    pub icon: &'static str,
    /// What happened.
    pub title: &'static str,
    /// What to do; empty where the problem's own text says it.
    pub advice: &'static str,
}

/// The words for a status; others than these have their reason as title.
pub(super) fn of(status: StatusCode) -> Words {
    let (icon, title, advice) = match status {
        StatusCode::BAD_REQUEST => (
            "alert-circle",
            "This request could not be understood",
            "Go back, check what you entered and try again.",
        ),
        StatusCode::UNAUTHORIZED => ("key", "Sign in to go on", "You come back to this page afterwards."),
        StatusCode::FORBIDDEN => {
            ("lock", "You may not open this", "If you need it, ask an administrator for access.")
        }
        StatusCode::NOT_FOUND => {
            ("search-x", "There is nothing here", "Check the address, or find your way from the start page.")
        }
        StatusCode::CONFLICT => (
            "alert-circle",
            "This does not fit any more",
            "Go back, reload the page and look at what changed.",
        ),
        StatusCode::PAYLOAD_TOO_LARGE => ("file-text", "This is too large", "Go back and send less at once."),
        StatusCode::TOO_MANY_REQUESTS => ("clock", "Too many requests", ""),
        StatusCode::MISDIRECTED_REQUEST => ("alert-circle", "HiveMatrix has another address", ""),
        StatusCode::BAD_GATEWAY => {
            ("server-crash", "This service cannot be reached", "What you have saved is safe.")
        }
        StatusCode::SERVICE_UNAVAILABLE => {
            ("server-crash", "This is not available right now", "What you have saved is safe.")
        }
        StatusCode::GATEWAY_TIMEOUT => ("clock", "This took too long", "What you have saved is safe."),
        status if status.is_server_error() => (
            "server-crash",
            "Something went wrong",
            "It is on record. What you have saved is safe; if it happens again, tell an administrator.",
        ),
        status => ("alert-circle", status.canonical_reason().unwrap_or("This did not work"), ""),
    };
    Words { icon, title, advice }
}

/// When to try again, for errors that pass: `in 20 seconds`, `in 3 minutes`.
pub(super) fn wait(seconds: u64) -> String {
    let (number, unit) =
        if seconds < 120 { (seconds.max(1), "second") } else { (seconds.div_ceil(60), "minute") };
    let plural = if number == 1 { "" } else { "s" };
    format!("in {number} {unit}{plural}")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::pages::icon;

    #[test]
    fn every_error_has_a_title_and_a_drawing() {
        for status in (400..600).filter_map(|code| StatusCode::from_u16(code).ok()) {
            let words = of(status);
            assert!(!words.title.is_empty() && icon(words.icon).is_some(), "{status}");
        }
    }

    #[test]
    fn the_time_to_wait_is_told_in_the_unit_that_fits() {
        for (seconds, text) in [
            (0, "in 1 second"),
            (1, "in 1 second"),
            (20, "in 20 seconds"),
            (119, "in 119 seconds"),
            (120, "in 2 minutes"),
            (3541, "in 60 minutes"),
        ] {
            assert_eq!(wait(seconds), text);
        }
    }
}
