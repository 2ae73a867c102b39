//! The allow-list of HTML (knowledgetree.md §8.2).

use std::borrow::Cow;
use std::collections::{HashMap, HashSet};
use std::sync::LazyLock;

use super::{style, text, tokens, tokens::Token, weight};

/// Elements and their attributes.
const ALLOWED: &[(&[&str], &[&str])] = &[
    (&["p"], &["style"]),
    (&["a"], &["href", "title", "target", "rel"]),
    (&["img"], &["src", "alt", "title", "width", "height", "style"]),
    (&["code"], &["class"]),
    (&["pre"], &["class", "data-language"]),
    (&["span", "div", "table", "figure"], &["class", "style"]),
    (&["th"], &["align", "style", "colspan", "rowspan", "scope"]),
    (&["td"], &["align", "style", "colspan", "rowspan"]),
    (&["ul", "ol", "li", "label"], &["class"]),
    (&["input"], &["type", "checked", "disabled"]),
    (
        &[
            "br",
            "strong",
            "em",
            "u",
            "s",
            "del",
            "i",
            "b",
            "kbd",
            "mark",
            "sub",
            "sup",
            "h1",
            "h2",
            "h3",
            "h4",
            "h5",
            "h6",
            "blockquote",
            "figcaption",
            "thead",
            "tbody",
            "tfoot",
            "tr",
            "caption",
            "colgroup",
            "col",
            "hr",
        ],
        &[],
    ),
];

const SCHEMES: &[&str] = &["http", "https", "mailto"];

/// Elements that go with all they hold: it is no text for people.
const WITH_CONTENT: &[&str] =
    &["script", "style", "template", "noscript", "iframe", "object", "title", "textarea"];

static POLICY: LazyLock<ammonia::Builder<'static>> = LazyLock::new(|| {
    let tags: HashSet<&str> = ALLOWED.iter().flat_map(|(tags, _)| tags.iter().copied()).collect();
    let attributes: HashMap<&str, HashSet<&str>> = ALLOWED
        .iter()
        .flat_map(|(tags, attributes)| tags.iter().map(|tag| (*tag, attributes.iter().copied().collect())))
        .collect();
    let mut policy = ammonia::Builder::empty();
    policy
        .tags(tags)
        .tag_attributes(attributes)
        .clean_content_tags(WITH_CONTENT.iter().copied().collect())
        .url_schemes(SCHEMES.iter().copied().collect())
        .url_relative(ammonia::UrlRelative::PassThrough)
        .link_rel(None)
        .strip_comments(true)
        .attribute_filter(|_, attribute, value| {
            if attribute == "style" {
                style::filter(value).map(Cow::Owned)
            } else {
                Some(Cow::Borrowed(value))
            }
        });
    policy
});

/// The same HTML with what §8.2 allows, and nothing else: other elements go and their texts stay, scripts go whole. A
/// text that would take long to parse comes as its words.
pub fn sanitise(html: &str) -> String {
    if weight::check(html).is_err() {
        return text::as_source(html);
    }
    finish(&POLICY.clean(html).to_string())
}

/// What concerns an element as a whole: only check boxes of all inputs, and windows that a link opens cannot reach
/// back.
fn finish(html: &str) -> String {
    if !html.contains("<input") && !html.contains("target=") {
        return html.to_owned();
    }
    let mut finished = String::with_capacity(html.len() + 32);
    for token in tokens::tokens(html) {
        match token {
            Token::Start(tag) if tag.name == "input" => {
                if tag.attribute("type").is_some_and(|kind| kind.eq_ignore_ascii_case("checkbox")) {
                    finished.push_str(tag.raw);
                }
            }
            Token::Start(tag) if tag.name == "a" && tag.attribute("target").is_some() => {
                finished.push_str("<a");
                for (name, value) in tag.attributes.iter().filter(|(name, _)| *name != "rel") {
                    finished.push_str(&format!(" {name}=\"{}\"", super::escape::html(value)));
                }
                finished.push_str(" rel=\"noopener noreferrer\">");
            }
            Token::Start(tag) => finished.push_str(tag.raw),
            Token::End { raw, .. } | Token::Text(raw) => finished.push_str(raw),
        }
    }
    finished
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn what_the_contract_allows_stays() {
        for html in [
            "<p style=\"text-align:center\">x</p>",
            "<a href=\"https://acme.example\" title=\"t\" rel=\"nofollow\">x</a>",
            "<a href=\"/view/abc\">x</a><a href=\"mailto:a@b.example\">y</a><a href=\"../x?y=1#z\">z</a>",
            "<img src=\"/uploads/x.png\" alt=\"a\" title=\"t\" width=\"10\" height=\"20\" style=\"width:50%\">",
            "<pre class=\"x\" data-language=\"rust\"><code class=\"language-rust\">x</code></pre>",
            "<span class=\"a\" style=\"color:red\">x</span><div class=\"b\">y</div>",
            "<figure class=\"table\" style=\"width:50%\"><figcaption>c</figcaption></figure>",
            "<ul class=\"todo-list\"><li class=\"x\"><label class=\"y\"><input type=\"checkbox\" checked=\"\" disabled=\"\">z</label></li></ul>",
            "<ol class=\"x\"><li>1</li></ol><hr><blockquote>q</blockquote>",
            "<h1>1</h1><h2>2</h2><h3>3</h3><h4>4</h4><h5>5</h5><h6>6</h6>",
            "<strong>a</strong><em>b</em><u>c</u><s>d</s><del>e</del><i>f</i><b>g</b><kbd>h</kbd><mark>i</mark><sub>j</sub><sup>k</sup>a<br>b",
        ] {
            assert_eq!(sanitise(html), html);
        }
        let table = "<table class=\"x\" style=\"width:100%\"><caption>c</caption><colgroup><col></colgroup><thead><tr>\
                     <th align=\"left\" scope=\"col\" colspan=\"2\" rowspan=\"1\">h</th></tr></thead><tbody><tr><td align=\"right\" \
                     style=\"color:red\" colspan=\"2\" rowspan=\"1\">d</td></tr></tbody><tfoot><tr><td>f</td></tr></tfoot></table>";
        assert_eq!(sanitise(table), table);
    }

    #[test]
    fn what_acts_goes() {
        for (html, left) in [
            ("<script>x()</script>a", "a"),
            ("<p onclick=\"x()\" id=\"y\" class=\"z\">a</p>", "<p>a</p>"),
            ("<a href=\"javascript:x()\">a</a>", "<a>a</a>"),
            ("<a href=\" java\nscript:x()\">a</a>", "<a>a</a>"),
            ("<a href=\"data:text/html,x\">a</a><img src=\"data:image/png;base64,x\">", "<a>a</a><img>"),
            ("<a href=\"vbscript:x\">a</a><a href=\"ftp://x\">b</a>", "<a>a</a><a>b</a>"),
            ("<!-- hidden -->a", "a"),
            ("<iframe src=\"//x\">b</iframe><object data=\"x\"></object>a", "a"),
            ("<form action=\"/x\"><button>a</button></form>", "a"),
            (
                "<input type=\"text\" value=\"x\"><input><input type=\"CHECKBOX\">",
                "<input type=\"CHECKBOX\">",
            ),
            ("<svg><script>x()</script></svg><math>a</math>", "a"),
            ("<p style=\"position:fixed\">a</p>", "<p>a</p>"),
            ("<custom-element>a</custom-element>", "a"),
            (
                "<style>p{}</style><link rel=\"stylesheet\" href=\"x\"><meta charset=\"x\"><base href=\"x\">a",
                "a",
            ),
            (
                "<a target=\"_blank\" href=\"/x\">a</a>",
                "<a target=\"_blank\" href=\"/x\" rel=\"noopener noreferrer\">a</a>",
            ),
            (
                "<a target=\"w\" rel=\"opener\" title='\"><input>' href=\"/x\">a</a>",
                "<a target=\"w\" title=\"&quot;&gt;&lt;input&gt;\" href=\"/x\" rel=\"noopener noreferrer\">a</a>",
            ),
        ] {
            assert_eq!(sanitise(html), left, "{html}");
        }
    }

    #[test]
    fn monstrous_html_comes_as_text() {
        for unit in ["<div>", "<b><p>", "<a x=1>", "</p>", "<svg><b>", "<table><b>"] {
            let html = sanitise(&unit.repeat(120_000));
            assert!(html.starts_with("<pre>&lt;"), "{unit}");
        }
    }

    /// Pieces from which hostile HTML is made.
    fn pieces() -> impl Strategy<Value = String> {
        let piece = prop::sample::select(vec![
            "<",
            ">",
            "/",
            "\"",
            "'",
            "=",
            " ",
            "&",
            ";",
            "<script>",
            "</script>",
            "<a ",
            "href=",
            "javascript:x",
            "<img ",
            "src=",
            "onerror=x",
            "<svg>",
            "<math>",
            "<style>",
            "<!--",
            "-->",
            "<![CDATA[",
            "]]>",
            "<p>",
            "</p>",
            "<b>",
            "</b>",
            "<table>",
            "<tr>",
            "<td>",
            "</table>",
            "<input type=",
            "checkbox",
            "text",
            "style=",
            "color:red",
            "position:fixed",
            "<template>",
            "<noscript>",
            "<title>",
            "<textarea>",
            "target=_blank",
            "&#106;",
            "\0",
            "x",
            "é",
        ]);
        prop::collection::vec(piece, 0..30).prop_map(|pieces| pieces.concat())
    }

    proptest! {
        #[test]
        fn whatever_comes_only_what_is_allowed_goes(html in pieces()) {
            let clean = sanitise(&html);
            for token in tokens::tokens(&clean) {
                let Token::Start(tag) = token else { continue };
                let allowed = ALLOWED.iter().find(|(tags, _)| tags.contains(&tag.name));
                prop_assert!(allowed.is_some(), "{clean}");
                for (name, value) in &tag.attributes {
                    prop_assert!(allowed.unwrap().1.contains(name), "{clean}");
                    if ["href", "src"].contains(name) {
                        let shown: String = value.chars().filter(|c| !c.is_whitespace() && !c.is_control()).collect();
                        prop_assert!(!shown.to_ascii_lowercase().starts_with("javascript:"), "{clean}");
                    }
                    if *name == "style" {
                        prop_assert!(!value.contains("position"), "{clean}");
                    }
                }
                if tag.name == "input" {
                    prop_assert_eq!(tag.attribute("type"), Some("checkbox"));
                }
            }
        }

        #[test]
        fn what_is_stored_stays_as_it_is(html in pieces()) {
            let stored = crate::domain::content::accept(crate::domain::content::Format::Html, &html).unwrap();
            prop_assert_eq!(sanitise(&stored), stored);
        }
    }
}
