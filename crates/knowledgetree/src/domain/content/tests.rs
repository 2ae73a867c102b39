use std::time::{Duration, Instant};

use proptest::prelude::*;

use super::*;

#[test]
fn an_article_is_rendered_sanitised_and_coloured() {
    let markdown = "# T\n\n<script>x()</script><b onclick=x>b</b>\n\n``` sql\nselect 1\n```\n\n- [ ] a\n";
    let rendered = render_for_reading(Format::Markdown, markdown);
    assert_eq!(rendered.note, None);
    assert_eq!(
        rendered.html,
        "<h1>T</h1>\n<b>b</b>\n<pre><code class=\"language-sql\"><span class=\"hl-keyword\">select</span> \
         <span class=\"hl-number\">1</span>\n</code></pre>\n<ul class=\"contains-task-list\">\n<li class=\"task-list-item\">\
         <input type=\"checkbox\" disabled=\"\"> a</li>\n</ul>\n"
    );
    assert!(!render(Format::Markdown, markdown).html.contains("hl-"));
}

#[test]
fn stored_html_is_not_trusted() {
    let stored = "<p onclick=\"x()\">a</p><script>x()</script>";
    assert_eq!(render(Format::Html, stored).html, "<p>a</p>");
    assert_eq!(accept(Format::Html, stored).unwrap(), "<p>a</p>");
}

#[test]
fn what_is_stored_is_clean() {
    assert_eq!(accept(Format::Markdown, "a\r\nb\rc\0d").unwrap(), "a\nb\nc\u{fffd}d");
    let raw = "<script>kept in the source, never shown</script>";
    assert_eq!(accept(Format::Markdown, raw).unwrap(), raw);
    assert_eq!(accept(Format::Html, &"x".repeat(MAX_BYTES + 1)), Err(ContentError::TooLong(MAX_BYTES + 1)));
    for (format, text) in [
        (Format::Html, "<div>".repeat(1000)),
        (Format::Markdown, ">".repeat(1000) + "\n\n" + &"<br>".repeat(100_001)),
    ] {
        assert!(matches!(accept(format, &text), Err(ContentError::TooComplex(_))), "{format:?}");
    }
}

#[test]
fn what_cannot_be_shown_says_so() {
    let deep = render(Format::Html, &"<div>".repeat(1000));
    assert!(deep.note.is_some() && deep.html.starts_with("<pre>&lt;div&gt;"));
    let long = render(Format::Markdown, &"word word word\n".repeat(MAX_BYTES / 10));
    assert!(long.note.is_some() && long.html.len() < 4 * MAX_BYTES);
}

#[test]
fn formats_are_read_as_the_store_has_them() {
    for (stored, format) in [
        (None, Format::Markdown),
        (Some("markdown"), Format::Markdown),
        (Some("html"), Format::Html),
        (Some("x"), Format::Markdown),
    ] {
        assert_eq!(Format::of(stored), format);
        assert_eq!(Format::of(Some(format.as_str())), format);
    }
}

#[test]
fn messages_of_vendors_are_html_or_text() {
    assert_eq!(markdown_of_message("<p>hi <b>you</b></p>"), "hi **you**\n");
    assert_eq!(markdown_of_message("hi <jo@acme.example>\n# x"), "hi \\<jo@acme.example>\n\\# x\n");
}

/// Texts that are made to take long.
#[test]
fn hostile_texts_take_no_longer_than_others() {
    let units = [
        "[",
        "](",
        "*a **b ",
        "`",
        "``a",
        "<!--",
        "<a",
        "<a href=\"",
        "&",
        "&#",
        "> ",
        "- ",
        "1. ",
        "| ",
        "|a|b|\n|-|-|\n",
        "~~",
        "![",
        "[a]: b\n",
        "[a](<",
        "\\",
        "_a__b",
        "www.a.",
        "a@b.",
        "http://",
        "<b>",
        "<p>",
        "</p>",
        "<x y=1 ",
        "  - a\n",
        "\n\n",
        "***",
        "~~~\n",
        "<![CDATA[",
        "<?",
        "[^a]",
        ":",
        "#",
        "=\n",
        "a\n=\n",
    ];
    for unit in units {
        let text = unit.repeat(20_000 / unit.len());
        for format in [Format::Markdown, Format::Html] {
            let one = Instant::now();
            let html = render_for_reading(format, &text).html;
            assert!(one.elapsed() < Duration::from_secs(30), "{unit:?} {format:?}: {:?}", one.elapsed());
            assert!(html.len() < 30 * 20_000, "{unit:?} {format:?}: {}", html.len());
        }
    }
}

proptest! {
    #[test]
    fn no_text_makes_anything_act(text in "(<|>|a|script|/|\"|'|=| |\\[|\\]|\\(|\\)|javascript:|onload|&#x6a;|`|\n|!|img|src){0,40}") {
        for format in [Format::Markdown, Format::Html] {
            let written = markdown(format, &text);
            for html in [render_for_reading(format, &text).html, render(Format::Markdown, &written).html] {
                for token in tokens::tokens(&html) {
                    let tokens::Token::Start(tag) = token else { continue };
                    prop_assert!(tag.name != "script", "{}", html);
                    for (name, value) in &tag.attributes {
                        prop_assert!(!name.starts_with("on"), "{}", html);
                        prop_assert!(!value.trim_start().to_ascii_lowercase().starts_with("javascript:"), "{}", html);
                    }
                }
            }
        }
    }

    #[test]
    fn accepting_twice_changes_nothing(text in ".{0,80}") {
        for format in [Format::Markdown, Format::Html] {
            let once = accept(format, &text).unwrap();
            prop_assert_eq!(accept(format, &once).unwrap(), once);
        }
    }
}
