//! What a form says after its redirect: one message for the next page, in a cookie of the service.

use http::{HeaderMap, HeaderValue};

use super::format::shortened;
use crate::auth;

/// It is for the page that comes next.
const SECONDS: u32 = 60;
/// Characters of a message. Browsers keep cookies up to 4096 bytes, a character may take twelve, and there may be two.
const LONGEST: usize = 160;

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
}

/// The cookie that carries messages of one service, by its name.
#[derive(Clone, Copy, Debug)]
pub struct FlashCookie(&'static str);

impl FlashCookie {
    /// A cookie of this name.
    pub const fn new(name: &'static str) -> Self {
        Self(name)
    }

    /// `Set-Cookie` that keeps messages for the next page. The gateway narrows the path to its own prefix.
    pub fn set(self, messages: &[Flash]) -> Option<HeaderValue> {
        let mut form = url::form_urlencoded::Serializer::new(String::new());
        for message in messages {
            // Text of our alphabet takes few bytes, so more of it is kept.
            let most = if message.text.is_ascii() { 3 * LONGEST } else { LONGEST };
            form.append_pair(message.kind.name(), &shortened(&message.text, most));
        }
        let value = form.finish();
        let Self(name) = self;
        HeaderValue::from_str(&format!("{name}={value}; Path=/; Max-Age={SECONDS}; HttpOnly; SameSite=Lax"))
            .ok()
    }

    /// `Set-Cookie` that takes shown messages away.
    pub fn gone(self) -> Option<HeaderValue> {
        HeaderValue::from_str(&format!("{}=; Path=/; Max-Age=0; HttpOnly; SameSite=Lax", self.0)).ok()
    }

    /// The messages that a request brings.
    pub fn read(self, headers: &HeaderMap) -> Vec<Flash> {
        let value = auth::cookie(headers, self.0).unwrap_or_default();
        let kinds = [Kind::Success, Kind::Warning, Kind::Error];
        url::form_urlencoded::parse(value.as_bytes())
            .filter_map(|(kind, text)| {
                let kind = kinds.into_iter().find(|known| known.name() == kind)?;
                Some(Flash::new(kind, text))
            })
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use http::header;

    use super::*;

    const COOKIE: FlashCookie = FlashCookie::new("codex_session");

    #[test]
    fn messages_come_back_as_they_were_said() {
        let said = [
            Flash::new(Kind::Success, "Plan “Gold & Co; 50 %” saved"),
            Flash::new(Kind::Warning, "<b>café</b> = 💎"),
        ];
        let cookie = COOKIE.set(&said).unwrap();
        let pair = cookie.to_str().unwrap().split(';').next().unwrap();
        let mut headers = HeaderMap::new();
        headers.insert(header::COOKIE, HeaderValue::from_str(&format!("session=x; {pair}")).unwrap());
        assert_eq!(COOKIE.read(&headers), said);
    }

    #[test]
    fn two_long_messages_fit_into_a_cookie() {
        let long = || Flash::new(Kind::Error, "💎".repeat(5000));
        let cookie = COOKIE.set(&[long(), long()]).unwrap();
        assert!(cookie.len() < 4096, "{}", cookie.len());
        let ascii = || Flash::new(Kind::Error, "%".repeat(5000));
        assert!(COOKIE.set(&[ascii(), ascii()]).unwrap().len() < 4096);
    }

    #[test]
    fn foreign_values_say_nothing() {
        for value in ["", "x", "danger=boo", "=&=", "%FF=%FF"] {
            let mut headers = HeaderMap::new();
            headers.insert(header::COOKIE, HeaderValue::from_str(&format!("codex_session={value}")).unwrap());
            assert_eq!(COOKIE.read(&headers), [], "{value}");
        }
    }
}
