//! From HTML to text.

/// The text of simple HTML: line breaks kept, other tags dropped, entities decoded.
pub fn plain(html: &str) -> String {
    let mut text = String::new();
    let mut rest = html;
    while let Some(start) = rest.find('<') {
        text.push_str(&rest[..start]);
        let Some(end) = rest[start..].find('>') else {
            rest = "";
            break;
        };
        if rest[start..start + end].starts_with("<br") {
            text.push('\n');
        }
        rest = &rest[start + end + 1..];
    }
    text.push_str(rest);
    let entities = [
        ("&lt;", "<"),
        ("&gt;", ">"),
        ("&quot;", "\""),
        ("&#39;", "'"),
        ("&#x27;", "'"),
        ("&nbsp;", " "),
        ("&amp;", "&"),
    ];
    entities.iter().fold(text, |text, (entity, letter)| text.replace(entity, letter))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_text_of_a_note_is_what_was_written() {
        for (html, text) in [
            ("<div>Called &lt;Jo&gt; &amp; left<br>a message</div>", "Called <Jo> & left\na message"),
            ("&amp;lt;", "&lt;"),
            ("no tags", "no tags"),
            ("open <b", "open "),
        ] {
            assert_eq!(plain(html), text);
        }
    }
}
