//! HTML from vendors: as plain text, and as markup that is safe to show.

use std::borrow::Cow;
use std::collections::HashMap;
use std::sync::LazyLock;

use super::row::storable;

/// Elements that separate words even without white space around them.
const BLOCKS: &[&str] = &[
    "address",
    "article",
    "aside",
    "blockquote",
    "br",
    "caption",
    "center",
    "dd",
    "div",
    "dl",
    "dt",
    "fieldset",
    "figcaption",
    "figure",
    "footer",
    "form",
    "h1",
    "h2",
    "h3",
    "h4",
    "h5",
    "h6",
    "head",
    "header",
    "hr",
    "html",
    "body",
    "li",
    "main",
    "nav",
    "ol",
    "p",
    "pre",
    "section",
    "table",
    "tbody",
    "td",
    "tfoot",
    "th",
    "thead",
    "title",
    "tr",
    "ul",
];

/// Elements inside a line.
const INLINE: &[&str] = &[
    "a", "abbr", "acronym", "b", "base", "bdi", "bdo", "big", "button", "cite", "code", "col", "colgroup",
    "del", "dfn", "em", "embed", "font", "i", "iframe", "img", "input", "ins", "kbd", "label", "link",
    "mark", "meta", "object", "option", "q", "s", "samp", "select", "small", "span", "strike", "strong",
    "sub", "sup", "svg", "textarea", "time", "tt", "u", "var", "wbr",
];

/// Elements that have no end.
const VOID: &[&str] = &[
    "area", "base", "br", "col", "embed", "hr", "img", "input", "link", "meta", "param", "source", "track",
    "wbr",
];

/// Elements whose content is no text for people.
const SILENT: &[&str] = &["script", "style", "template", "noscript"];

/// HTML that shows a plain text as it is, lines included.
pub fn from_text(text: &str) -> String {
    let lines = text.lines().map(html_escape::encode_text).collect::<Vec<_>>();
    format!("<div>{}</div>", lines.join("<br>"))
}

/// The words of a piece of HTML: tags and comments removed, block elements as spaces, all entities decoded, white space
/// collapsed (codex-api.md §6.3). Angle brackets that are no HTML tag, such as `<jo@acme.example>`, are kept, so plain
/// text survives as well.
pub fn to_text(html: &str) -> String {
    let mut text = String::with_capacity(html.len());
    let mut rest = html;
    // Characters that may be looked through in vain for the ends of tags, so that text of tags without any takes no longer
    // than other text; what comes then counts as text.
    let mut patience = 4 * html.len();
    while let Some(start) = rest.find('<') {
        text.push_str(&rest[..start]);
        rest = &rest[start..];
        let markup = if patience > 0 { Markup::at(rest) } else { Markup::None { looked: 0 } };
        rest = match markup {
            Markup::Comment(len) | Markup::Tag { name: Cow::Borrowed(""), len } => &rest[len..],
            Markup::Tag { name, len } => {
                if BLOCKS.contains(&name.as_ref()) {
                    text.push(' ');
                }
                let after = &rest[len..];
                if SILENT.contains(&name.as_ref()) && !rest.starts_with("</") {
                    skip_silent(after, &name)
                } else {
                    after
                }
            }
            Markup::None { looked } => {
                patience = patience.saturating_sub(looked);
                text.push('<');
                &rest[1..]
            }
        };
    }
    text.push_str(rest);
    collapse(&storable(&html_escape::decode_html_entities(&text)))
}

/// White space runs as single spaces.
pub fn collapse(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// The same HTML without anything that could run, frame, track or restyle the page it is shown in. What no person has
/// written, in that it has countless tags or nests them without end, comes as its words only.
pub fn sanitise(html: &str) -> String {
    if is_monstrous(html) {
        return from_text(&to_text(html));
    }
    static POLICY: LazyLock<ammonia::Builder<'static>> = LazyLock::new(|| {
        let mut policy = ammonia::Builder::default();
        // Pictures would be fetched from wherever the sender wants to know that the ticket was read.
        policy.rm_tags(["img", "map", "area"]).link_rel(Some("noopener noreferrer nofollow"));
        policy
    });
    POLICY.clean(&storable(html)).to_string()
}

/// Most tags of a text that is parsed.
const MOST_TAGS: usize = 50_000;
/// Most elements that may be open at once: the time of parsing grows with their square.
const DEEPEST: usize = 1000;

/// Whether parsing takes long enough to stand in everybody's way.
fn is_monstrous(html: &str) -> bool {
    // By name, since an end tag that ends nothing makes nothing less deep.
    let mut open: HashMap<String, usize> = HashMap::new();
    let (mut tags, mut depth) = (0_usize, 0_usize);
    let mut rest = html;
    while let Some(at) = rest.find('<') {
        rest = &rest[at + 1..];
        let ends = rest.starts_with('/');
        let name: String = rest[usize::from(ends)..]
            .chars()
            .take(20)
            .take_while(char::is_ascii_alphanumeric)
            .map(|letter| letter.to_ascii_lowercase())
            .collect();
        if name.is_empty() {
            continue;
        }
        tags += 1;
        if ends {
            if let Some(count) = open.get_mut(&name).filter(|count| **count > 0) {
                *count -= 1;
                depth -= 1;
            }
        } else if !VOID.contains(&name.as_str()) {
            *open.entry(name).or_default() += 1;
            depth += 1;
        }
        if tags > MOST_TAGS || depth > DEEPEST {
            return true;
        }
    }
    false
}

enum Markup<'a> {
    Comment(usize),
    Tag {
        name: Cow<'a, str>,
        len: usize,
    },
    /// A sign that begins nothing; so many bytes were looked through for an end.
    None {
        looked: usize,
    },
}

impl<'a> Markup<'a> {
    /// What begins at the `<` that `rest` starts with.
    fn at(rest: &'a str) -> Self {
        if let Some(comment) = rest.strip_prefix("<!--") {
            return Self::Comment(
                comment.find("-->").map_or(rest.len(), |end| "<!--".len() + end + "-->".len()),
            );
        }
        if rest.starts_with("<!") || rest.starts_with("<?") {
            let nothing = Self::None { looked: rest.len() };
            return rest.find('>').map_or(nothing, |end| Self::Comment(end + 1));
        }
        let name_start = if rest.starts_with("</") { 2 } else { 1 };
        let name_len = rest[name_start..]
            .find(|c: char| !c.is_ascii_alphanumeric() && c != ':' && c != '-')
            .unwrap_or(rest.len() - name_start);
        let raw = &rest[name_start..name_start + name_len];
        // `<jo-x@…>`: a name must be followed by white space, a slash or the end of the tag.
        let well_ended = rest[name_start + name_len..]
            .starts_with(|c: char| c.is_ascii_whitespace() || c == '/' || c == '>');
        if raw.is_empty() || !well_ended {
            return Self::None { looked: 0 };
        }
        let name = raw.to_ascii_lowercase();
        let known = [BLOCKS, INLINE, SILENT].iter().any(|names| names.contains(&name.as_str()));
        // Office mails carry elements such as `o:p`.
        let foreign = name.contains(':');
        if !known && !foreign {
            return Self::None { looked: 0 };
        }
        let Some(len) = tag_length(rest) else { return Self::None { looked: rest.len() } };
        Self::Tag { name: if foreign { Cow::Borrowed("") } else { Cow::Owned(name) }, len }
    }
}

/// Length of the tag at the start of `rest`; a `>` inside a quoted attribute does not end it.
fn tag_length(rest: &str) -> Option<usize> {
    let mut quote = None;
    let mut after_equals = false;
    for (at, c) in rest.char_indices() {
        match quote {
            Some(open) if c == open => quote = None,
            Some(_) => {}
            None if after_equals && (c == '"' || c == '\'') => quote = Some(c),
            None if c == '>' => return Some(at + 1),
            None => {}
        }
        after_equals = c == '=' || (after_equals && c.is_whitespace());
    }
    None
}

/// What follows the end tag of a silent element.
fn skip_silent<'a>(rest: &'a str, name: &str) -> &'a str {
    let mut from = 0;
    while let Some(found) = rest[from..].find("</") {
        let at = from + found;
        let end = at + 2 + name.len();
        if rest.get(at + 2..end).is_some_and(|tail| tail.eq_ignore_ascii_case(name)) {
            return tag_length(&rest[at..]).map_or("", |len| &rest[at + len..]);
        }
        from = at + 2;
    }
    ""
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn html_becomes_readable_text() {
        for (html, text) in [
            ("<div>First</div><div>Second</div>", "First Second"),
            ("a<br>b<br/>c", "a b c"),
            ("<b>bo</b>ld", "bold"),
            ("x &amp; y &lt;z&gt; &quot;q&quot; &nbsp; &eacute;&#8364;&#x41;", "x & y <z> \"q\" é€A"),
            ("<p title=\"a > b\">text</p>", "text"),
            ("<style>p { color: red }</style>shown<script>if (a < b) { x() }</script>", "shown"),
            ("<!-- hidden <b> -->seen", "seen"),
            ("<p>para</p\n><o:p></o:p>next", "para next"),
            ("from <jo@acme.example> to <Bob-x>", "from <jo@acme.example> to <Bob-x>"),
            ("a < b and c > d", "a < b and c > d"),
            ("cut <div", "cut <div"),
            ("<ul><li>one</li><li>two</li></ul>", "one two"),
            ("", ""),
        ] {
            assert_eq!(to_text(html), text, "{html}");
        }
    }

    #[test]
    fn what_would_take_minutes_to_parse_comes_as_words() {
        for unit in ["<div>", "<DIV></x>", "<b><div></b>", "</p>", "<br>", "<p>a</p>"] {
            let html = format!("<b>bold</b>{}", unit.repeat(60_000));
            assert!(!sanitise(&html).contains("<b>"), "{unit}");
        }
        for usual in
            ["<div>".repeat(900), "<p>a</p>".repeat(20_000), "<br>".repeat(20_000), "1 < 2 ".repeat(90_000)]
        {
            assert!(sanitise(&format!("<b>bold</b>{usual}")).contains("<b>"), "{}", &usual[..10]);
        }
    }

    #[test]
    fn tags_without_an_end_are_looked_for_a_few_times_only() {
        // Looking through all of it for each of them would take minutes.
        for unit in ["<b ", "<!x", "<b a=\"", "<unknown ", "</i "] {
            let text = to_text(&unit.repeat(200_000));
            assert!(text.starts_with(unit.trim_end()), "{unit}");
        }
        let spread = format!("{}<p>seen</p>", "1 < 2 & <jo@acme.example> ".repeat(1000));
        assert!(to_text(&spread).ends_with("<jo@acme.example> seen"));
    }

    #[test]
    fn markup_that_acts_is_removed() {
        let html = "<p onclick=\"x()\" style=\"position:fixed\">Hi <a href=\"javascript:x()\">a</a>\
                    <a href=\"https://acme.example\">b</a><img src=\"https://tracker.example/1.png\">\
                    <script>x()</script><iframe src=\"//y\"></iframe></p>";
        assert_eq!(
            sanitise(html),
            "<p>Hi <a rel=\"noopener noreferrer nofollow\">a</a>\
             <a href=\"https://acme.example\" rel=\"noopener noreferrer nofollow\">b</a></p>"
        );
    }
}
