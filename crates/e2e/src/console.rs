//! What the browser's console says.

use anyhow::{Context, Result};
use serde::Deserialize;
use serde_json::json;

use crate::browser::Browser;

/// One message of the level of an error: also what the content security policy blocks.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct Message {
    /// Where it comes from: `javascript`, `security`, `network`, `console-api`, …
    pub source: String,
    /// The text, with the address first.
    #[serde(rename = "message")]
    pub text: String,
}

impl Message {
    /// Whether it only says that a request was answered with an error or not at all.
    #[must_use]
    pub fn is_about_an_answer(&self) -> bool {
        self.source == "network"
    }
}

#[derive(Deserialize)]
struct Entry {
    level: String,
    #[serde(flatten)]
    message: Message,
}

#[derive(Deserialize)]
struct Answer {
    value: Vec<Entry>,
}

impl Browser {
    /// The errors since the last call.
    ///
    /// # Errors
    ///
    /// When the browser is gone.
    pub async fn console_errors(&self) -> Result<Vec<Message>> {
        // The driver library does not know this command of Chromium's driver.
        let url = format!("{}/session/{}/se/log", self.address(), self.driver.session_id());
        let answer = reqwest::Client::new().post(url).json(&json!({"type": "browser"})).send().await?;
        let answer: Answer = answer.error_for_status()?.json().await.context("the browser's console")?;
        let errors = answer.value.into_iter().filter(|entry| entry.level == "SEVERE");
        Ok(errors.map(|entry| entry.message).collect())
    }
}
