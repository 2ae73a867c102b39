//! A look at a page as it is: what it loads, whether it fits, whether people who cannot see it find their way.
//!
//! The rules are the plain ones among those of WCAG that a program can tell: language and title, one main part, headings
//! without a gap, names for all that is used, references that lead somewhere.

use anyhow::{Context, Result, ensure};

use crate::browser::Browser;

/// Lists what is wrong.
const RULES: &str = include_str!("inspect.js");

impl Browser {
    /// What is wrong with the page, in sentences.
    ///
    /// # Errors
    ///
    /// When the browser is gone.
    pub async fn complaints(&self) -> Result<Vec<String>> {
        serde_json::from_value(self.script(RULES).await?).context("the list of complaints")
    }

    /// Makes sure that nothing is wrong with the page, and that the console has no error since the last look at it.
    ///
    /// # Errors
    ///
    /// All that is wrong.
    pub async fn all_is_well(&self) -> Result<()> {
        self.settled().await?;
        let complaints = self.complaints().await?;
        ensure!(complaints.is_empty(), "{complaints:#?}");
        let errors = self.console_errors().await?;
        ensure!(errors.is_empty(), "in the browser's console: {errors:#?}");
        Ok(())
    }
}
