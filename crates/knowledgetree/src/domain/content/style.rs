//! The allow-list of CSS (knowledgetree.md §8.2): what tables and paragraphs of the editor need, and nothing that
//! moves, covers or loads anything.

/// Longest value of a `style` attribute.
const LONGEST: usize = 2000;

const PROPERTIES: &[&str] = &["text-align", "width", "height", "color", "background-color", "vertical-align"];

/// `border`, and each of these behind it, also for one side.
const BORDERS: &[&str] = &["", "-width", "-style", "-color"];
const SIDES: &[&str] = &["", "-top", "-right", "-bottom", "-left"];
const OTHER_BORDERS: &[&str] = &["border-collapse", "border-spacing", "border-radius"];

const FUNCTIONS: &[&str] = &["rgb", "rgba", "hsl", "hsla"];

/// The declarations of a `style` attribute that are allowed, written anew; none when nothing is left.
pub(super) fn filter(style: &str) -> Option<String> {
    if style.len() > LONGEST {
        return None;
    }
    let kept: Vec<String> = style
        .split(';')
        .filter_map(|declaration| declaration.split_once(':'))
        .map(|(property, value)| (property.trim().to_ascii_lowercase(), value.trim()))
        .filter(|(property, value)| is_allowed(property) && is_harmless(value))
        .map(|(property, value)| format!("{property}:{value}"))
        .collect();
    (!kept.is_empty()).then(|| kept.join(";"))
}

fn is_allowed(property: &str) -> bool {
    if PROPERTIES.contains(&property) || OTHER_BORDERS.contains(&property) {
        return true;
    }
    property.strip_prefix("border").is_some_and(|rest| {
        SIDES.iter().any(|side| rest.strip_prefix(side).is_some_and(|last| BORDERS.contains(&last)))
    })
}

/// Words, numbers, lengths and colours. Quotes, escapes, comments, addresses and functions other than colours are none.
fn is_harmless(value: &str) -> bool {
    let known =
        |c: char| c.is_ascii_alphanumeric() || matches!(c, ' ' | '#' | '%' | '.' | ',' | '-' | '(' | ')');
    let functions = value.match_indices('(').all(|(at, _)| {
        let name = value[..at].rsplit(|c: char| !c.is_ascii_alphanumeric()).next().unwrap_or_default();
        FUNCTIONS.contains(&name.to_ascii_lowercase().as_str())
    });
    !value.is_empty() && value.chars().all(known) && functions
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_look_of_the_thing_itself_is_left() {
        for (style, kept) in [
            ("text-align:center", Some("text-align:center")),
            (" TEXT-ALIGN : right ; ", Some("text-align:right")),
            ("width:50%;height:2.5em;color:#ff0000", Some("width:50%;height:2.5em;color:#ff0000")),
            ("background-color:hsl(0, 75%, 60%)", Some("background-color:hsl(0, 75%, 60%)")),
            ("border:1px double hsl(0,0%,70%)", Some("border:1px double hsl(0,0%,70%)")),
            ("border-top-color:red;border-left:0", Some("border-top-color:red;border-left:0")),
            ("vertical-align:top;position:fixed;top:0", Some("vertical-align:top")),
            ("background-color:url(//evil.example/x)", None),
            ("border-image:url(x)", None),
            ("border-topcolor:red", None),
            ("background:red", None),
            ("width:expression(alert(1))", None),
            ("width:calc(100vw)", None),
            ("color:var(--x)", None),
            ("color:r\\65 d", None),
            ("color:red/**/", None),
            ("color:'red'", None),
            ("width:1px!important", None),
            ("display:none", None),
            ("--x:red", None),
            ("", None),
        ] {
            assert_eq!(filter(style).as_deref(), kept, "{style}");
        }
        assert_eq!(filter(&"color:red;".repeat(300)), None);
    }
}
