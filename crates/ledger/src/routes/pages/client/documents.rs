//! What can be made of a bill or an archived invoice: to print, to keep, to send.

use super::super::parts::{month_words, path_part, url_query};
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
    /// Opens the mail program with subject and text; an open bill is not sent.
    pub mail: Option<String>,
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
        }
    }

    /// Of an archived invoice.
    pub fn of_archived(number: &str, account_number: &str, year: i32, month: i32) -> Self {
        let path = path_part(number);
        Self {
            pdf: format!("/archive/api/document/{path}/pdf"),
            joint: '?',
            csv: format!("/archive/api/snapshot/{path}/csv"),
            ..Self::of_month(account_number, year, month)
        }
    }
}

/// What a mail with an invoice says.
pub struct Mail<'a> {
    /// Number of the invoice.
    pub number: &'a str,
    /// Its customer.
    pub company: &'a str,
    /// Its month.
    pub period: Period,
    /// What is to be paid.
    pub total: &'a str,
    /// By when.
    pub due: Option<&'a str>,
    /// Who sends it.
    pub sender: Option<&'a str>,
}

impl Mail<'_> {
    /// Subject line.
    pub fn subject(&self) -> String {
        format!("Invoice {} for {}", self.number, month_words(self.period))
    }

    /// Text, with LF between its lines.
    pub fn text(&self) -> String {
        let mut text = format!(
            "To {}\n\nPlease find attached invoice {} for {}.\n\nTotal: {}\n",
            self.company,
            self.number,
            month_words(self.period),
            // Mail programs show a plain text as it is.
            self.total.replace('\u{a0}', " ")
        );
        if let Some(due) = self.due {
            text.push_str(&format!("Due date: {due}\n"));
        }
        if let Some(sender) = self.sender.filter(|sender| !sender.is_empty()) {
            text.push_str(&format!("\n{sender}\n"));
        }
        text
    }

    /// Address that opens the mail program with it (RFC 6068: lines end in CR LF).
    pub fn link(&self) -> String {
        let pairs = [("subject", self.subject()), ("body", self.text().replace('\n', "\r\n"))];
        format!("mailto:?{}", url_query(&pairs))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mail_names_the_invoice_and_what_is_to_be_paid() {
        let mail = Mail {
            number: "1001-202506",
            company: "Harbor & Vine",
            period: Period::new(2025, 6).unwrap(),
            total: "CHF\u{a0}1,234.50",
            due: Some("2025-07-30"),
            sender: Some("Example MSP"),
        };
        assert_eq!(
            mail.link(),
            "mailto:?subject=Invoice%201001-202506%20for%20June%202025&body=To%20Harbor%20%26%20Vine%0D%0A%0D%0A\
             Please%20find%20attached%20invoice%201001-202506%20for%20June%202025.%0D%0A%0D%0A\
             Total%3A%20CHF%201%2C234.50%0D%0ADue%20date%3A%202025-07-30%0D%0A%0D%0AExample%20MSP%0D%0A"
        );
    }
}
