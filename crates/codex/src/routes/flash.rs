//! What a form says after its redirect: one message for the next page, in the cookie `codex_session`. The gateway has
//! `session` for itself, so that name would be lost behind it (codex-pages.md §10).

use std::convert::Infallible;

use axum::extract::FromRequestParts;
use hivematrix_shared::{auth, pages::format::shortened};
use http::{HeaderMap, HeaderValue, request::Parts};

/// The cookie.
const COOKIE: &str = "codex_session";
/// It is for the page that comes next.
const SECONDS: u32 = 60;
/// Characters of a message. Browsers keep cookies up to 4096 bytes, a character may take twelve, and there may be two.
const LONGEST: usize = 160;
/// Takes the cookie away.
const GONE: &str = "codex_session=; Path=/; Max-Age=0; HttpOnly; SameSite=Lax";

/// What kind of message.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Kind {
    /// It was done.
    Success,
    /// It was done in part.
    Warning,
    /// It was not done.
    Error,
}

impl Kind {
    /// As the design system names it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Success => "success",
            Self::Warning => "warning",
            Self::Error => "error",
        }
    }

    /// Icon of such messages.
    pub fn icon(self) -> &'static str {
        match self {
            Self::Success => "check-circle",
            Self::Warning => "alert-triangle",
            Self::Error => "alert-circle",
        }
    }
}

/// A message.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Flash {
    /// Its kind.
    pub kind: Kind,
    /// Its text, plain.
    pub text: String,
}

impl Flash {
    /// A message of a kind.
    pub fn new(kind: Kind, text: impl Into<String>) -> Self {
        Self { kind, text: text.into() }
    }

    /// `Set-Cookie` that keeps messages for the next page. The gateway narrows the path to its own prefix.
    pub fn cookie(messages: &[Self]) -> Option<HeaderValue> {
        let mut form = url::form_urlencoded::Serializer::new(String::new());
        for message in messages {
            // Text of our alphabet takes few bytes, so more of it is kept.
            let most = if message.text.is_ascii() { 3 * LONGEST } else { LONGEST };
            form.append_pair(message.kind.name(), &shortened(&message.text, most));
        }
        let value = form.finish();
        HeaderValue::from_str(&format!("{COOKIE}={value}; Path=/; Max-Age={SECONDS}; HttpOnly; SameSite=Lax"))
            .ok()
    }

    /// `Set-Cookie` that takes shown messages away.
    pub fn gone() -> HeaderValue {
        HeaderValue::from_static(GONE)
    }

    fn read(headers: &HeaderMap) -> Vec<Self> {
        let value = auth::cookie(headers, COOKIE).unwrap_or_default();
        let kinds = [Kind::Success, Kind::Warning, Kind::Error];
        url::form_urlencoded::parse(value.as_bytes())
            .filter_map(|(kind, text)| {
                let kind = kinds.into_iter().find(|known| known.name() == kind)?;
                Some(Self::new(kind, text))
            })
            .collect()
    }
}

/// The messages for this page.
#[derive(Clone, Debug, Default)]
pub struct Flashes(pub Vec<Flash>);

impl<S: Send + Sync> FromRequestParts<S> for Flashes {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, _state: &S) -> Result<Self, Infallible> {
        Ok(Self(Flash::read(&parts.headers)))
    }
}

#[cfg(test)]
mod tests {
    use http::header;

    use super::*;

    #[test]
    fn messages_come_back_as_they_were_said() {
        let said = [
            Flash::new(Kind::Success, "Plan “Gold & Co; 50 %” saved"),
            Flash::new(Kind::Warning, "<b>café</b> = 💎"),
        ];
        let cookie = Flash::cookie(&said).unwrap();
        let pair = cookie.to_str().unwrap().split(';').next().unwrap();
        let mut headers = HeaderMap::new();
        headers.insert(header::COOKIE, HeaderValue::from_str(&format!("session=x; {pair}")).unwrap());
        assert_eq!(Flash::read(&headers), said);
    }

    #[test]
    fn two_long_messages_fit_into_a_cookie() {
        let long = || Flash::new(Kind::Error, "💎".repeat(5000));
        let cookie = Flash::cookie(&[long(), long()]).unwrap();
        assert!(cookie.len() < 4096, "{}", cookie.len());
        let ascii = || Flash::new(Kind::Error, "%".repeat(5000));
        assert!(Flash::cookie(&[ascii(), ascii()]).unwrap().len() < 4096);
    }

    #[test]
    fn foreign_values_say_nothing() {
        for value in ["", "x", "danger=boo", "=&=", "%FF=%FF"] {
            let mut headers = HeaderMap::new();
            headers.insert(header::COOKIE, HeaderValue::from_str(&format!("{COOKIE}={value}")).unwrap());
            assert_eq!(Flash::read(&headers), [], "{value}");
        }
    }
}
