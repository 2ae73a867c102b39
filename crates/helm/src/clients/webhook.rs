//! Where alerts are told to: an address of the operator's, which may itself be a secret, so that it stands in no message.

use std::{fmt, time::Duration};

use serde_json::json;
use url::Url;

use crate::store::alerts::{Alert, Event};

const PATIENCE: Duration = Duration::from_secs(10);

/// An address that is told of alerts.
pub struct Webhook {
    http: reqwest::Client,
    address: Url,
}

/// Why an address is none.
#[derive(Debug, thiserror::Error)]
pub enum BadWebhook {
    /// It cannot be read, or is not on the web.
    #[error("HIVEMATRIX_ALERT_WEBHOOK is no address that begins with http:// or https://")]
    Address,
    /// The TLS library cannot be set up.
    #[error(transparent)]
    Client(#[from] reqwest::Error),
}

/// Why an alert was not told.
#[derive(Debug, thiserror::Error)]
pub enum NotTold {
    /// Another answer than 2xx.
    #[error("it answered {0}")]
    Answered(u16),
    /// No answer.
    #[error("{0}")]
    Silent(String),
}

impl Webhook {
    /// A webhook at an address of the web.
    ///
    /// # Errors
    /// See [`BadWebhook`].
    pub fn new(address: &str) -> Result<Self, BadWebhook> {
        let address = Url::parse(address.trim()).map_err(|_| BadWebhook::Address)?;
        if !matches!(address.scheme(), "http" | "https") || address.host_str().is_none_or(str::is_empty) {
            return Err(BadWebhook::Address);
        }
        let http = reqwest::Client::builder()
            .redirect(reqwest::redirect::Policy::none())
            .timeout(PATIENCE)
            .build()?;
        Ok(Self { http, address })
    }

    /// The machine that is told.
    #[must_use]
    pub fn host(&self) -> &str {
        self.address.host_str().unwrap_or_default()
    }

    /// Tells of an alert. `text` of the body is what chat programs show.
    ///
    /// # Errors
    /// See [`NotTold`]; the address is not part of it.
    pub async fn tell(&self, event: Event, alert: &Alert) -> Result<(), NotTold> {
        let word = match event {
            Event::Fire => alert.severity.as_str(),
            Event::Resolve => "resolved",
        };
        let body = json!({
            "source": "hivematrix",
            "event": event,
            "text": format!("[{word}] {}", alert.message),
            "alert": alert,
        });
        let sent = self.http.post(self.address.clone()).json(&body).send().await;
        let answer = sent.map_err(|error| NotTold::Silent(error.without_url().to_string()))?;
        let status = answer.status();
        if status.is_success() { Ok(()) } else { Err(NotTold::Answered(status.as_u16())) }
    }
}

impl fmt::Debug for Webhook {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Webhook({})", self.host())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_addresses_of_the_web_are_told() {
        for good in ["https://hooks.example.com/T0/secret", " http://127.0.0.1:9/x "] {
            assert!(Webhook::new(good).is_ok(), "{good}");
        }
        for bad in ["", "hooks.example.com", "file:///etc/passwd", "ftp://x/y", "https://", "unix:/run/x"] {
            assert!(matches!(Webhook::new(bad), Err(BadWebhook::Address)), "{bad}");
        }
    }

    #[tokio::test]
    async fn what_goes_wrong_does_not_tell_the_address() {
        let webhook = Webhook::new("http://user:geheim@127.0.0.1:9/T0/verborgen").unwrap();
        let alert = Alert {
            id: 1,
            rule: "down".into(),
            subject: "codex".into(),
            severity: "critical".into(),
            message: "codex is stopped.".into(),
            fired_at: chrono::DateTime::UNIX_EPOCH,
            last_seen: chrono::DateTime::UNIX_EPOCH,
            resolved_at: None,
        };
        let error = webhook.tell(Event::Fire, &alert).await.unwrap_err().to_string();
        assert!(!error.contains("geheim") && !error.contains("verborgen"), "{error}");
        assert_eq!(format!("{webhook:?}"), "Webhook(127.0.0.1)");
    }
}
