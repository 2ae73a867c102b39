//! The accessibility checker axe, fetched by `scripts/test.sh` and handed over by the environment.

use anyhow::{Context, Result, bail};
use serde::Deserialize;

use crate::browser::Browser;

/// Path of `axe.min.js`.
pub const SCRIPT: &str = "TEST_AXE_SCRIPT";

/// What is wrong with a page.
#[derive(Debug, Clone, Deserialize)]
pub struct Finding {
    /// The rule that is broken.
    pub rule: String,
    /// `minor`, `moderate`, `serious` or `critical`.
    pub impact: Option<String>,
    /// Markup of the elements, shortened.
    pub elements: Vec<String>,
}

impl Finding {
    /// Whether somebody cannot use a part of the page, or loses the way on it.
    #[must_use]
    pub fn is_serious(&self) -> bool {
        self.impact.as_deref().is_none_or(|impact| matches!(impact, "serious" | "critical"))
            || LANDMARKS.contains(&self.rule.as_str())
    }
}

/// Rules about the parts of a page that people jump to, which the checker calls moderate.
const LANDMARKS: [&str; 3] = ["landmark-unique", "region", "skip-link"];

/// Runs in the page.
const CHECK: &str = "
    const shown = (node) => `${node.html.slice(0, 160)}: ${node.failureSummary.slice(0, 240)}`;
    const finding = ({id, impact, nodes}) => ({rule: id, impact, elements: nodes.slice(0, 5).map(shown)});
    return axe.run(document, {resultTypes: ['violations']}).then(({violations}) => violations.map(finding));";

/// The checker.
#[derive(Debug, Clone)]
pub struct Axe(String);

impl Axe {
    /// The one that the environment names, or why there is none.
    ///
    /// # Errors
    ///
    /// When the environment names none.
    pub fn from_environment() -> Result<Self> {
        let path = std::env::var(SCRIPT).ok().filter(|path| !path.is_empty());
        let Some(path) = path else {
            bail!("there is no axe: {SCRIPT} is not set (scripts/test.sh sets it)");
        };
        Ok(Self(std::fs::read_to_string(&path).with_context(|| format!("cannot read {path}"))?))
    }

    /// The serious findings on the page as it is.
    ///
    /// # Errors
    ///
    /// When the checker does not run.
    pub async fn serious(&self, browser: &Browser) -> Result<Vec<Finding>> {
        browser.settled().await?;
        // The driver's scripts are not the page's: its policy does not hold for them.
        browser.script(&self.0).await.context("axe")?;
        let found = browser.script(CHECK).await.context("axe")?;
        let found: Vec<Finding> = serde_json::from_value(found).context("what axe found")?;
        Ok(found.into_iter().filter(Finding::is_serious).collect())
    }
}
