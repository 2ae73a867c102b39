//! Turns a story into the words of one ticket.

use super::names::{FIRST, LAST};
use super::stories::{CLOSERS, Story};
use crate::dice::Dice;

/// The words of one ticket.
#[derive(Debug)]
pub struct Told {
    /// Subject, plain text, not escaped.
    pub subject: String,
    /// Description as the vendor delivers it: HTML with entities.
    pub html: String,
    /// The same without markup.
    pub text: String,
}

/// Fills the placeholders of a story.
pub fn tell(story: &Story, company: &str, dice: &mut Dice) -> Told {
    let person = format!("{} {}", dice.pick(FIRST), dice.pick(LAST));
    let values = [
        ("{host}", format!("PC-{:03}", dice.range(1, 400))),
        ("{server}", format!("{}-{:02}", dice.pick(&["SQL", "FS", "DC", "APP", "RDS"]), dice.range(1, 5))),
        ("{floor}", dice.range(1, 6).to_string()),
        ("{n}", dice.pick(&["3", "5", "8", "12", "14", "20", "30"]).to_owned()),
        ("{person}", person),
        ("{company}", company.to_owned()),
    ];
    let fill =
        |text: &str| values.iter().fold(text.to_owned(), |text, (name, value)| text.replace(name, value));
    let paragraphs = [dice.pick(&["Hello,", "Hi team,", "Good morning,"]).to_owned(), fill(story.body), {
        dice.pick(CLOSERS).to_owned()
    }];
    Told {
        subject: fill(story.subject),
        html: format!(
            "<div dir=\"ltr\">{}</div>",
            paragraphs.each_ref().map(|p| escape(p)).join("<br>&nbsp;<br>")
        ),
        text: paragraphs.join("\n \n"),
    }
}

/// HTML text with the named and numeric entities that mail clients produce.
#[must_use]
pub fn escape(text: &str) -> String {
    let mut html = String::with_capacity(text.len() + 16);
    for c in text.chars() {
        match c {
            '&' => html.push_str("&amp;"),
            '<' => html.push_str("&lt;"),
            '>' => html.push_str("&gt;"),
            '"' => html.push_str("&quot;"),
            '\'' => html.push_str("&#39;"),
            'ö' => html.push_str("&ouml;"),
            'ü' => html.push_str("&uuml;"),
            'ß' => html.push_str("&#xDF;"),
            'é' => html.push_str("&eacute;"),
            '—' => html.push_str("&mdash;"),
            _ => html.push(c),
        }
    }
    html
}
