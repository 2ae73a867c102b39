//! A message that the next page shows. It travels in a cookie named after this service: under the name `session` the
//! gateway's own would win, and the message would be lost (codex-pages.md §10).

use http::{HeaderMap, HeaderValue, header};
use url::form_urlencoded::{Serializer, parse};

const NAME: &str = "codex_session";

/// A message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Flash {
    /// `success` or `error`.
    pub kind: String,
    /// What happened.
    pub text: String,
}

impl Flash {
    /// Something went well.
    pub fn success(text: impl Into<String>) -> Self {
        Self { kind: "success".to_owned(), text: text.into() }
    }

    /// Something did not.
    pub fn error(text: impl Into<String>) -> Self {
        Self { kind: "error".to_owned(), text: text.into() }
    }

    /// `Set-Cookie` that keeps it for the pages below `prefix`.
    pub fn cookie(&self, prefix: &str) -> HeaderValue {
        let value = Serializer::new(String::new()).append_pair(&self.kind, &self.text).finish();
        set(&value, 120, prefix)
    }

    /// The message a request brings.
    pub fn of(headers: &HeaderMap) -> Option<Self> {
        let cookies = headers.get_all(header::COOKIE).iter().filter_map(|value| value.to_str().ok());
        let value = cookies
            .flat_map(|line| line.split(';'))
            .find_map(|pair| pair.trim().strip_prefix(NAME)?.strip_prefix('='))?;
        let (kind, text) = parse(value.as_bytes()).next()?;
        let known = matches!(&*kind, "success" | "error");
        known.then(|| Self { kind: kind.into_owned(), text: text.into_owned() })
    }
}

/// `Set-Cookie` that forgets the message once it is shown.
pub fn forget(prefix: &str) -> HeaderValue {
    set("", 0, prefix)
}

fn set(value: &str, seconds: u32, prefix: &str) -> HeaderValue {
    // Behind the gateway there is TLS.
    let secure = if prefix.is_empty() { "" } else { "; Secure" };
    let text =
        format!("{NAME}={value}; Path={prefix}/; Max-Age={seconds}; HttpOnly; SameSite=Strict{secure}");
    HeaderValue::from_str(&text).unwrap_or_else(|_| HeaderValue::from_static(""))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_message_comes_back_as_it_was() {
        let flash = Flash::error("50 % ; \"quoted\" = ünïcode\n");
        let cookie = flash.cookie("/codex");
        let text = cookie.to_str().unwrap();
        assert!(text.ends_with("; Path=/codex/; Max-Age=120; HttpOnly; SameSite=Strict; Secure"), "{text}");
        let mut headers = HeaderMap::new();
        let sent = format!("lang=en; {}", text.split(';').next().unwrap());
        headers.insert(header::COOKIE, sent.parse().unwrap());
        assert_eq!(Flash::of(&headers), Some(flash));
        headers.insert(header::COOKIE, "codex_session=script=x".parse().unwrap());
        assert_eq!(Flash::of(&headers), None);
    }
}
