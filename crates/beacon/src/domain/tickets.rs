//! What every ticket gets before it is shown: both forms of its description, of bounded size.

use hivematrix_shared::contracts::codex::{ActiveTickets, Ticket};

/// Longest description, in characters (beacon.md §7).
const DESCRIPTION_LIMIT: usize = 10_000;

/// Completes every ticket of a board.
pub fn complete(mut board: ActiveTickets) -> ActiveTickets {
    for section in [&mut board.section1, &mut board.section2, &mut board.section3, &mut board.section4] {
        section.iter_mut().for_each(complete_ticket);
    }
    board
}

/// Upstream's Codex sends only plain text; the seed's member is HTML. The page shows the text alone.
fn complete_ticket(ticket: &mut Ticket) {
    if ticket.description_text.is_empty() {
        ticket.description_text = text_of(&ticket.description);
    }
    cut(&mut ticket.description_text);
    if ticket.description.is_empty() {
        ticket.description = html_of(&ticket.description_text);
    } else if ticket.description.chars().count() > DESCRIPTION_LIMIT {
        // A cut in the middle of a tag would not be well-formed: the text stands in.
        ticket.description = html_of(&ticket.description_text);
    }
}

fn cut(text: &mut String) {
    if let Some((end, _)) = text.char_indices().nth(DESCRIPTION_LIMIT) {
        text.truncate(end);
    }
}

fn html_of(text: &str) -> String {
    let mut html = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => html.push_str("&amp;"),
            '<' => html.push_str("&lt;"),
            '>' => html.push_str("&gt;"),
            '"' => html.push_str("&quot;"),
            '\n' => html.push_str("<br>"),
            _ => html.push(c),
        }
    }
    html
}

/// The text of an HTML fragment: tags go, blocks and breaks become line ends, the common entities become characters.
fn text_of(html: &str) -> String {
    let mut text = String::with_capacity(html.len());
    let mut rest = html;
    while let Some(open) = rest.find('<') {
        text.push_str(&rest[..open]);
        let Some(length) = rest[open..].find('>') else {
            rest = &rest[open..];
            break;
        };
        let tag = rest[open + 1..open + length].trim_start_matches('/').to_ascii_lowercase();
        let name = tag.split(|c: char| !c.is_ascii_alphanumeric()).next().unwrap_or_default();
        if matches!(name, "br" | "p" | "div" | "li" | "tr" | "h1" | "h2" | "h3") && !text.ends_with('\n') {
            text.push('\n');
        }
        rest = &rest[open + length + 1..];
    }
    text.push_str(rest);
    let text = text.replace("&nbsp;", " ").replace("&lt;", "<").replace("&gt;", ">");
    text.replace("&quot;", "\"").replace("&#39;", "'").replace("&amp;", "&").trim().to_owned()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn completed(ticket: serde_json::Value) -> Ticket {
        let board = serde_json::from_value(json!({"section4": [ticket]})).unwrap();
        complete(board).section4.remove(0)
    }

    #[test]
    fn a_description_has_both_forms() {
        for (given, html, text) in [
            (json!({"id": 1, "description_text": "a <b>\nc"}), "a &lt;b&gt;<br>c", "a <b>\nc"),
            (
                json!({"id": 1, "description": "<div>Hi&nbsp;there,<br>a &lt; b &amp;amp;</div><p>x</p>"}),
                "<div>Hi&nbsp;there,<br>a &lt; b &amp;amp;</div><p>x</p>",
                "Hi there,\na < b &amp;\nx",
            ),
            (json!({"id": 1, "description": "<p>x</p>", "description_text": "y"}), "<p>x</p>", "y"),
            (json!({"id": 1, "description_text": null}), "", ""),
            (json!({"id": 1, "description": "a <broken"}), "a <broken", "a <broken"),
        ] {
            let ticket = completed(given);
            assert_eq!((ticket.description.as_str(), ticket.description_text.as_str()), (html, text));
        }
    }

    #[test]
    fn a_description_is_never_longer_than_ten_thousand_characters() {
        let ticket = completed(json!({"id": 1, "description_text": "ä".repeat(20_000)}));
        assert_eq!(ticket.description_text.chars().count(), DESCRIPTION_LIMIT);
        assert_eq!(ticket.description.chars().count(), DESCRIPTION_LIMIT);
        let ticket = completed(json!({"id": 1, "description": format!("<p>{}</p>", "x".repeat(20_000))}));
        assert_eq!(ticket.description.chars().count(), DESCRIPTION_LIMIT);
    }
}
