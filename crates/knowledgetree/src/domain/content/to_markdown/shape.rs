//! Whether two pieces of HTML say the same.

use std::borrow::Cow;

use crate::domain::content::{
    markdown, sanitise, text,
    tokens::{self, Tag, Token},
};

/// Whether `markdown` renders to what `html` is: the same words, and the same elements around them.
pub(super) fn is_same(html: &str, markdown: &str) -> bool {
    let Ok(raw) = markdown::to_raw_html(markdown) else { return false };
    let rendered = sanitise(&raw);
    text::of_html(html) == text::of_html(&rendered) && shape(html) == shape(&rendered)
}

/// Elements and texts of sanitised HTML in one notation. White space is left out, where it means nothing but the
/// distance of words, which [`is_same`] compares apart.
fn shape(html: &str) -> String {
    let tokens: Vec<Token<'_>> = tokens::tokens(html).collect();
    let mut shape = String::with_capacity(html.len());
    let mut pre = 0_usize;
    let mut in_pre = 0_usize;
    let mut hidden_links = 0_usize;
    // Whether each open `span` is one of a to-do list.
    let mut spans: Vec<bool> = Vec::new();
    for (index, token) in tokens.iter().enumerate() {
        match token {
            Token::Text(raw) => {
                let text = tokens::decode(raw);
                if in_pre > 0 {
                    shape.push_str(&text);
                } else {
                    shape.extend(text.chars().filter(|c| !c.is_whitespace() || *c == '\u{a0}'));
                }
            }
            Token::Start(tag) if tag.name == "span" => {
                spans.push(is_todo_span(tag));
                if spans.last() == Some(&false) {
                    start(&mut shape, tag);
                }
            }
            Token::End { name: "span", .. } if spans.pop() == Some(true) => {}
            // A block of code has its language in one of two places, or has no `code` at all.
            Token::Start(tag) if tag.name == "pre" || (tag.name == "code" && pre > 0) => {
                in_pre += 1;
                if tag.name == "pre" {
                    pre += 1;
                    shape.push_str("<pre>");
                }
                if let Some(language) = language(tag) {
                    shape.push_str(&format!("language={language} "));
                }
            }
            Token::End { name: name @ ("pre" | "code"), .. } if pre > 0 => {
                in_pre = in_pre.saturating_sub(1);
                shape.truncate(shape.trim_end_matches('\n').len());
                if *name == "pre" {
                    pre -= 1;
                    shape.push_str("</pre>");
                }
            }
            Token::Start(tag) => {
                in_pre += usize::from(tag.name == "code");
                if is_bare_address(tag, tokens.get(index + 1..index + 3)) {
                    hidden_links += 1;
                } else {
                    start(&mut shape, tag);
                }
            }
            Token::End { name, .. } => {
                in_pre = in_pre.saturating_sub(usize::from(*name == "code"));
                if *name == "a" && hidden_links > 0 {
                    hidden_links -= 1;
                } else if !is_silent(name) {
                    shape.push_str("</");
                    shape.push_str(same_name(name));
                    shape.push('>');
                }
            }
        }
    }
    shape
}

fn start(shape: &mut String, tag: &Tag<'_>) {
    if is_silent(tag.name) || (tag.name == "figure" && tag.attribute("class") == Some("table")) {
        if tag.name == "figure" && tag.attribute("style").is_some() {
            shape.push_str(tag.raw);
        }
        return;
    }
    shape.push('<');
    shape.push_str(same_name(tag.name));
    let mut attributes: Vec<(&str, &Cow<'_, str>)> = tag
        .attributes
        .iter()
        .filter(|(name, value)| !is_list_class(tag.name, name, value))
        .map(|(n, v)| (*n, v))
        .collect();
    attributes.sort_by_key(|(name, _)| *name);
    for (name, value) in attributes {
        shape.push_str(&format!(" {name}={value:?}"));
    }
    shape.push('>');
}

/// The language of a code block.
pub(super) fn language<'t>(tag: &'t Tag<'_>) -> Option<&'t str> {
    let class = tag.attribute("class").unwrap_or_default();
    let by_class = class.split_whitespace().find_map(|name| name.strip_prefix("language-"));
    by_class.or_else(|| tag.attribute("data-language")).filter(|language| !language.is_empty())
}

/// Classes of to-do lists, which each editor and renderer names in its own way, and whether their boxes can be ticked.
fn is_list_class(element: &str, name: &str, value: &str) -> bool {
    match element {
        "ul" | "ol" | "li" => name == "class" && is_todo_class(value),
        "input" => name == "disabled",
        _ => false,
    }
}

/// Whether `class` is one that a to-do list has.
pub(super) fn is_todo_class(class: &str) -> bool {
    class.split_whitespace().all(|name| {
        name.starts_with("todo-list")
            || matches!(name, "contains-task-list" | "task-list-item" | "task-list-item-checkbox")
    })
}

/// Whether it is a `span` that a to-do list of the editor has around its text, or one without attributes.
pub(super) fn is_todo_span(tag: &Tag<'_>) -> bool {
    tag.name == "span" && tag.attributes.iter().all(|(name, value)| *name == "class" && is_todo_class(value))
}

/// Elements that are left out on both sides: paragraphs, which lists and quotes have or have not, and the figure of a
/// table.
fn is_silent(name: &str) -> bool {
    matches!(name, "p" | "label" | "tbody" | "figure")
}

fn same_name(name: &str) -> &str {
    match name {
        "b" => "strong",
        "i" => "em",
        "s" => "del",
        other => other,
    }
}

/// Whether a link shows its own address, as Markdown makes one of any address.
fn is_bare_address(tag: &Tag<'_>, next: Option<&[Token<'_>]>) -> bool {
    let (Some("a"), Some([Token::Text(raw), Token::End { name: "a", .. }])) = (Some(tag.name), next) else {
        return false;
    };
    let [("href", href)] = tag.attributes.as_slice() else { return false };
    let text = tokens::decode(raw);
    let text = text.trim();
    ["", "http://", "mailto:"].iter().any(|scheme| href.strip_prefix(scheme) == Some(text))
}
