//! What a mail with an invoice says.

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};

use crate::domain::billing::Period;

/// What may stand in an address as it is.
const AS_IS: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'_').remove(b'.');

/// A mail with an invoice.
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
        format!("Invoice {} for {}", self.number, month(self.period))
    }

    /// Text, with LF between its lines.
    pub fn text(&self) -> String {
        let mut text = format!(
            "To {}\n\nPlease find attached invoice {} for {}.\n\nTotal: {}\n",
            self.company,
            self.number,
            month(self.period),
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

    /// Address that opens a mail program with it (RFC 6068: lines end in CR LF).
    pub fn link(&self) -> String {
        let part = |text: &str| utf8_percent_encode(text, AS_IS).to_string();
        let (subject, body) = (part(&self.subject()), part(&self.text().replace('\n', "\r\n")));
        format!("mailto:?subject={subject}&body={body}")
    }
}

/// `June 2025`.
fn month(period: Period) -> String {
    format!("{} {}", period.first_day().format("%B"), period.year())
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
