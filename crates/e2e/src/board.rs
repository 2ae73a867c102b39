//! The ticket board as its readers see it (beacon.md §11).

use anyhow::{Context, Result};
use serde::Deserialize;
use serde_json::Value;

use crate::browser::Browser;

/// One ticket in a section.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct Row {
    /// The vendor's ticket number.
    pub number: u64,
    /// Subject.
    pub subject: String,
    /// Technician.
    pub agent: String,
    /// Text in the column of the state: section 4 shows the status alone.
    pub shown: String,
    /// The whole text of the state, which the pointer gets.
    pub sla: String,
    /// Class names of the state.
    pub classes: String,
    /// Where the number links to.
    pub link: Option<String>,
}

/// One of the four sections.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct Section {
    /// The count in its heading.
    pub count: usize,
    /// Its tickets, from top to bottom.
    pub rows: Vec<Row>,
    /// The empty text is to be seen.
    pub says_empty: bool,
}

/// The board.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct Board {
    /// The big number.
    pub total: usize,
    /// Both sirens are on.
    pub sirens: bool,
    /// Text of the last sync.
    pub last_sync: String,
    /// The trouble the page reports, empty when there is none.
    pub trouble: String,
    /// Sections 1 to 4.
    pub sections: Vec<Section>,
}

/// Reads the whole page.
const READ: &str = include_str!("board.js");

impl Board {
    /// Reads the board on the page.
    ///
    /// # Errors
    ///
    /// When the page is not a board.
    pub async fn read(browser: &Browser) -> Result<Self> {
        browser.find("#s4-container").await?;
        let value: Value = browser.script(READ).await?;
        serde_json::from_value(value).context("the page is not a ticket board")
    }

    /// All rows of all sections.
    pub fn rows(&self) -> impl Iterator<Item = &Row> {
        self.sections.iter().flat_map(|section| &section.rows)
    }

    /// Ticket numbers of all sections, ascending.
    #[must_use]
    pub fn numbers(&self) -> Vec<u64> {
        let mut numbers: Vec<u64> = self.rows().map(|row| row.number).collect();
        numbers.sort_unstable();
        numbers
    }

    /// A ticket and the number of its section, 1 to 4.
    #[must_use]
    pub fn find(&self, number: u64) -> Option<(usize, &Row)> {
        (1..).zip(&self.sections).find_map(|(place, section)| {
            section.rows.iter().find(|row| row.number == number).map(|row| (place, row))
        })
    }
}
