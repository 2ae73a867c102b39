//! What a scenario has, and what most of them do with it.

use std::path::PathBuf;
use std::sync::Arc;

use anyhow::{Context, Result};
use hivematrix_e2e::browser::Browser;
use hivematrix_e2e::suite::{ARRIVAL, Suite};
use hivematrix_e2e::wait::{eventually, when};
use serde_json::Value;
use thirtyfour::Key;

/// What a scenario has.
pub struct Stage {
    pub suite: Arc<Suite>,
    pub browser: Browser,
    pub artefacts: PathBuf,
}

/// A text as an expression of the page's language.
pub fn quoted(text: &str) -> String {
    Value::from(text).to_string()
}

impl Stage {
    /// Signs in and opens a page.
    pub async fn visit(&self, user: &str, path: &str) -> Result<()> {
        self.browser.sign_in(&self.suite, user).await?;
        self.browser.open(&self.suite, path).await
    }

    /// Waits until an expression of the page is true.
    pub async fn yes(&self, what: &str, expression: &str) -> Result<()> {
        let code = format!("return Boolean({expression})");
        eventually(what, ARRIVAL, async || Ok(when(self.browser.script(&code).await? == true))).await
    }

    /// The value of an expression of the page; promises are waited for.
    pub async fn value(&self, expression: &str) -> Result<Value> {
        self.browser.script(&format!("return {expression}")).await
    }

    /// The text of the first element of a selector, as it is read.
    pub async fn text(&self, css: &str) -> Result<String> {
        Ok(self.browser.find(css).await?.text().await?.trim().to_owned())
    }

    /// The texts of all elements of a selector, as they are read.
    pub async fn texts(&self, css: &str) -> Result<Vec<String>> {
        let all = format!("[...document.querySelectorAll({})].map((e) => e.innerText.trim())", quoted(css));
        serde_json::from_value(self.value(&all).await?).context("texts of the page")
    }

    /// Waits until the texts of a selector are as wanted, and gives them back.
    pub async fn texts_when(
        &self,
        what: &str,
        css: &str,
        wanted: impl Fn(&[String]) -> bool,
    ) -> Result<Vec<String>> {
        eventually(what, ARRIVAL, async || {
            let texts = self.texts(css).await?;
            Ok(wanted(&texts).then_some(texts))
        })
        .await
    }

    /// Clicks on an element once it is there and nothing covers it.
    pub async fn click(&self, css: &str) -> Result<()> {
        eventually(&format!("a click on {css}"), ARRIVAL, async || {
            Ok(Some(self.browser.find(css).await?.click().await?))
        })
        .await
    }

    /// Puts a text into a field in the place of what is there.
    pub async fn fill(&self, css: &str, text: &str) -> Result<()> {
        let field = self.browser.find(css).await?;
        field.clear().await?;
        field.send_keys(text).await?;
        Ok(())
    }

    /// Chooses a value of a select.
    pub async fn choose(&self, css: &str, value: &str) -> Result<()> {
        self.click(&format!("{css} option[value={}]", quoted(value))).await
    }

    /// Waits for a toast that contains a text.
    pub async fn toast(&self, text: &str) -> Result<()> {
        let text = quoted(text);
        let told =
            format!("[...document.querySelectorAll('.toast')].some((e) => e.textContent.includes({text}))");
        self.yes(&format!("a toast says {text}"), &told).await
    }

    /// Whether a button or link of these words can be seen.
    pub async fn offers(&self, words: &str) -> Result<bool> {
        let offered = format!(
            "[...document.querySelectorAll('main :is(a, button)')].some((e) => e.checkVisibility() && e.innerText.trim() === {})",
            quoted(words)
        );
        Ok(self.value(&offered).await? == true)
    }

    /// The status of a request that the page's own scripts would make, and what is answered.
    pub async fn request(&self, method: &str, path: &str, body: Option<&Value>) -> Result<(u64, Value)> {
        let body = body.map_or_else(|| "undefined".to_owned(), Value::to_string);
        let call = format!(
            "import('/codex/static/js/call.js').then((lib) => lib.request({}, {}, {body})).then(
                ({{ status, answer }}) => [status, answer], ({{ status, problem }}) => [status, problem])",
            quoted(method),
            quoted(path)
        );
        serde_json::from_value(self.value(&call).await?).context("a request of the page")
    }

    /// Path and query of the page.
    pub async fn address(&self) -> Result<String> {
        let url = self.browser.driver.current_url().await?;
        Ok(url.query().map_or_else(|| url.path().to_owned(), |query| format!("{}?{query}", url.path())))
    }

    /// As if the Tab key had led there.
    pub async fn focus(&self, css: &str) -> Result<()> {
        self.browser.find(css).await?.focus().await?;
        Ok(())
    }

    /// Presses a key where the focus is.
    pub async fn press(&self, key: Key) -> Result<()> {
        self.browser.driver.active_element().await?.send_keys(key).await?;
        Ok(())
    }
}
