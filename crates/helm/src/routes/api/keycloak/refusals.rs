//! Why a change of the realm is not made. Keycloak's own status goes on to the caller, but no 401 or 403: those would be
//! about Helm's client, not about the caller.

use hivematrix_shared::problem::{Problem, Result};
use http::StatusCode;
use uuid::Uuid;

use crate::clients::keycloak::KeycloakError;

/// Shortest password that is passed on; the realm may demand more.
const SHORTEST_PASSWORD: usize = 8;

pub(super) fn not_authenticated() -> Problem {
    Problem::new(StatusCode::INTERNAL_SERVER_ERROR).error("Failed to authenticate with Keycloak")
}

/// The answer for a call that failed, with upstream's text and Keycloak's reason.
pub fn failed(text: &str) -> impl Fn(KeycloakError) -> Problem {
    let text = text.to_owned();
    move |error| match error {
        KeycloakError::NotAdmitted { .. } => not_authenticated().cause(&error),
        KeycloakError::Unusable { .. } => {
            Problem::new(StatusCode::BAD_GATEWAY).error(text.clone()).cause(&error)
        }
        KeycloakError::Refused { status, ref reason, .. } => {
            let reason = reason.trim_start_matches([':', ' ']).to_owned();
            let status = StatusCode::from_u16(status)
                .ok()
                .filter(|status| status.is_client_error() || status.is_server_error())
                .filter(|status| !matches!(*status, StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN))
                .unwrap_or(StatusCode::BAD_GATEWAY);
            let problem = Problem::new(status).cause(&error);
            let problem =
                if reason.is_empty() { problem } else { problem.detail(format!("{text}: {reason}")) };
            problem.with("details", reason).error(text.clone())
        }
    }
}

/// 404 with upstream's text.
pub(super) fn not_found(text: &str) -> Problem {
    Problem::new(StatusCode::NOT_FOUND).error(text)
}

/// An id of the realm. Anything but a UUID names nothing, and is not asked for: `..` would be another address. A UUID has one
/// spelling from here on, so that what is compared and what is asked for are the same.
pub(super) fn uuid(given: &str, text: &str) -> Result<Uuid> {
    // `Uuid` also reads braces and URNs.
    let hyphenated = given.len() == uuid::fmt::Hyphenated::LENGTH;
    given.parse().ok().filter(|_| hyphenated).ok_or_else(|| not_found(text))
}

pub(super) fn long_enough(password: &str) -> Result<()> {
    if password.chars().count() < SHORTEST_PASSWORD {
        let text = "The password needs at least 8 characters.";
        return Err(Problem::new(StatusCode::BAD_REQUEST)
            .detail(text)
            .with("details", text)
            .error("password is too short"));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_uuid_is_an_id_and_it_has_one_spelling() {
        let plain = "5e1f9a52-0c3b-4d7e-a1b2-c0ffee5a11ed";
        for (given, id) in [
            (plain, Some(plain)),
            ("5E1F9A52-0C3B-4D7E-A1B2-C0FFEE5A11ED", Some(plain)),
            ("5e1f9a520c3b4d7ea1b2c0ffee5a11ed", None),
            ("{5e1f9a52-0c3b-4d7e-a1b2-c0ffee5a11ed}", None),
            ("..", None),
            ("../groups", None),
            ("5e1f9a52-0c3b-4d7e-a1b2-c0ffee5a11e/", None),
            ("", None),
        ] {
            let read = uuid(given, "x").ok().map(|id| id.to_string());
            assert_eq!(read.as_deref(), id, "{given}");
        }
    }
}
