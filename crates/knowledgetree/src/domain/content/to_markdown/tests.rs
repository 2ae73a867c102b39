use proptest::prelude::*;

use super::*;
use crate::domain::content::{Format, markdown, plain_text, render, sanitise};

#[test]
fn html_with_a_sign_in_markdown_gets_it() {
    for (html, expected) in [
        ("<p>a <strong>b</strong> <em>c</em> <s>d</s> <code>e</code></p>", "a **b** *c* ~~d~~ `e`\n"),
        ("<p><b>Name: </b>Jane</p>", "**Name:** Jane\n"),
        ("<p>one<br>two</p>", "one\ntwo\n"),
        ("<h2>Title</h2><p>x</p>", "## Title\n\nx\n"),
        (
            "<p><a href=\"/view/x\" title=\"t\">y</a> <img src=\"/a.png\" alt=\"z\"></p>",
            "[y](/view/x \"t\") ![z](/a.png)\n",
        ),
        ("<ul><li>a</li><li>b<ol><li>c</li></ol></li></ul>", "- a\n- b\n  1. c\n"),
        ("<ul><li><p>a</p></li><li><p>b</p></li></ul>", "- a\n\n- b\n"),
        ("<blockquote><p>a</p><p>b</p></blockquote>", "> a\n>\n> b\n"),
        (
            "<pre><code class=\"language-powershell\">Get-Date\n\nx</code></pre>",
            "``` powershell\nGet-Date\n\nx\n```\n",
        ),
        ("<pre data-language=\"sql\">select 1</pre>", "``` sql\nselect 1\n```\n"),
        ("<hr><p>x</p>", "-----\n\nx\n"),
        (
            "<table><thead><tr><th align=\"left\">a</th><th>b|c</th></tr></thead><tbody><tr><td align=\"left\">1</td><td>2</td></tr></tbody></table>",
            "| a | b\\|c |\n| :-- | --- |\n| 1 | 2 |\n",
        ),
        (
            "<figure class=\"table\"><table><thead><tr><th>a</th></tr></thead><tbody><tr><td>1</td></tr></tbody></table></figure>",
            "| a |\n| --- |\n| 1 |\n",
        ),
        (
            "<ul class=\"todo-list\"><li><label class=\"todo-list__label\"><input type=\"checkbox\" checked=\"\" disabled=\"\">\
             <span class=\"todo-list__label__description\">done</span></label></li></ul>",
            "- [x] done\n",
        ),
        ("<ul><li><input type=\"checkbox\"> open</li></ul>", "- [ ] open\n"),
        ("<div><p>a</p><div>b</div></div>", "a\n\nb\n"),
        ("a <i>b</i>", "a *b*\n"),
        ("", ""),
    ] {
        assert_eq!(convert(&sanitise(html)), expected, "{html}");
    }
}

#[test]
fn html_without_a_sign_stays_html() {
    for html in [
        "<p style=\"text-align:center\">x</p>",
        "<p>a <mark>b</mark> <kbd>c</kbd><sub>d</sub><sup>e</sup> <u>f</u> <span style=\"color:red\">g</span></p>",
        "<p><img src=\"/a.png\" width=\"10\"></p>",
        "<table class=\"x\"><tbody><tr><td colspan=\"2\" style=\"color:red\">a\n\nb</td></tr></tbody></table>",
        "<table><tbody><tr><td>a</td></tr></tbody></table>",
        "<figure class=\"image\"><img src=\"/a.png\"><figcaption>c</figcaption></figure>",
        "<ul class=\"fancy\"><li>a</li></ul>",
        "<p>a <a href=\"/x\" target=\"_blank\" rel=\"noopener noreferrer\">b</a></p>",
        "<div class=\"note\"><pre><code>a\n\nb</code></pre></div>",
        "<p>be<strong>tt</strong>er<strong>\"x\"</strong>y</p>",
        "<p><strong>a</strong><strong>b</strong></p>",
        "<p>a</p><ul><li>1</li></ul><ul><li>2</li></ul>",
        "<p><br></p>",
        "<h1>a<br>b</h1>",
    ] {
        let clean = sanitise(html);
        let again = render(Format::Markdown, &convert(&clean)).html;
        assert!(same(&clean, &again), "{html}\n{}\n{again}", convert(&clean));
    }
}

/// The same elements and words, white space aside.
fn same(a: &str, b: &str) -> bool {
    let squeeze = |html: &str| {
        let html = html.replace("<p>", "").replace("</p>", "").replace("<tbody>", "").replace("</tbody>", "");
        html.chars().filter(|c| !c.is_whitespace()).collect::<String>()
    };
    squeeze(a) == squeeze(b)
}

#[test]
fn markdown_that_was_html_is_read_back_as_the_same_html() {
    let source = "# Title\n\nA *b* **c** ~~d~~ `e` [f](/view/g)\n\n- [x] one\n- [ ] two\n\n| a | b |\n| --- | --: |\n| 1 | 2 |\n\n\
                  ``` sql\nselect *\n```\n\n> quote\n> two\n\n1. x\n2. y\n";
    let html = render(Format::Markdown, source).html;
    assert_eq!(convert(&html), source);
}

/// HTML as editors make it.
fn documents() -> impl Strategy<Value = String> {
    let words = "[a-zA-Z0-9 .*_\\[\\]()#>|~`\\\\!:@/-]{1,12}"
        .prop_map(|text| crate::domain::content::escape::html(&text).into_owned());
    let inline = words.prop_recursive(3, 12, 4, |inner| {
        (
            prop::sample::select(vec!["strong", "em", "s", "code", "u", "mark", "span", "b", "kbd", "a"]),
            prop::collection::vec(inner, 1..4),
        )
            .prop_map(|(tag, parts)| match tag {
                "a" => format!("<a href=\"/x_(y)\">{}</a>", parts.concat()),
                tag => format!("<{tag}>{}</{tag}>", parts.concat()),
            })
    });
    let line = prop::collection::vec(inline, 1..4).prop_map(|parts| parts.concat());
    let block = line.prop_recursive(3, 16, 3, |inner| {
        let tags = prop::sample::select(vec![
            "p",
            "h2",
            "blockquote",
            "ul",
            "ol",
            "pre",
            "div",
            "table",
            "br",
            "li",
        ]);
        (tags, prop::collection::vec(inner, 1..4)).prop_map(|(tag, parts)| match tag {
            "ul" | "ol" => format!(
                "<{tag}>{}</{tag}>",
                parts.iter().map(|part| format!("<li>{part}</li>")).collect::<String>()
            ),
            "table" => format!(
                "<table><thead><tr><th>h</th></tr></thead><tbody>{}</tbody></table>",
                parts.iter().map(|part| format!("<tr><td>{part}</td></tr>")).collect::<String>()
            ),
            "br" => parts.join("<br>"),
            tag => parts.iter().map(|part| format!("<{tag}>{part}</{tag}>")).collect(),
        })
    });
    prop::collection::vec(block, 1..4).prop_map(|blocks| blocks.concat())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]

    #[test]
    fn converting_loses_no_word_and_no_element(html in documents()) {
        let clean = sanitise(&html);
        let written = markdown(Format::Html, &clean).into_owned();
        prop_assert_eq!(plain_text(Format::Html, &clean), plain_text(Format::Markdown, &written), "{}", written);
    }
}
