//! What can be made of a bill or an archived invoice: to print, to keep, to send.

use super::super::parts::path_part;
use crate::domain::billing::Period;

/// Addresses of the documents, below the prefix.
#[derive(Clone, Debug)]
pub struct Documents {
    /// The PDF, which the browser shows with `inline=true`.
    pub pdf: String,
    /// How more of its query begins.
    pub joint: char,
    /// The invoice file.
    pub csv: String,
    /// For QuickBooks.
    pub quickbooks: String,
    /// For Xero.
    pub xero: String,
    /// Electronic invoice.
    pub ubl: String,
    /// Opens the mail program with subject and text, where no mail server is set; an open bill is not sent.
    pub mail: Option<String>,
    /// Whether the page has a dialog that sends it.
    pub by_server: bool,
    /// What they hold.
    pub hint: &'static str,
}

impl Documents {
    /// Of the month of a company that is open.
    pub fn of_bill(account_number: &str, period: Period) -> Self {
        Self::of_month(account_number, period.year(), period.month().cast_signed())
    }

    fn of_month(account_number: &str, year: i32, month: i32) -> Self {
        let (account, query) = (path_part(account_number), format!("year={year}&month={month}"));
        Self {
            pdf: format!("/invoice/{account}/pdf?{query}"),
            joint: '&',
            csv: format!("/invoice/{account}/download?{query}"),
            quickbooks: format!("/client/{account}/export/quickbooks?{query}"),
            xero: format!("/client/{account}/export/xero?{query}"),
            ubl: format!("/invoice/{account}/ubl?{query}"),
            mail: None,
            by_server: false,
            hint: "as the bill is now; sent once it is accepted",
        }
    }

    /// Of an archived invoice.
    pub fn of_archived(number: &str, account_number: &str, year: i32, month: i32) -> Self {
        let path = path_part(number);
        Self {
            pdf: format!("/archive/api/document/{path}/pdf"),
            joint: '?',
            csv: format!("/archive/api/snapshot/{path}/csv"),
            hint: "as archived",
            ..Self::of_month(account_number, year, month)
        }
    }
}
