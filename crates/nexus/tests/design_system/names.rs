//! Names: what the contract lists is there, what is there is listed, what our pages use exists.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::{Path, PathBuf},
};

use crate::sheet::{SHEET, groups, names, names_after, path, without_comments};

const CONTRACT: &str = include_str!("../../design/contract.txt");
const OURS: &str = include_str!("../../design/ours.txt");
const HOOKS: &str = include_str!("../../design/hooks.txt");
const TOKENS: &str = include_str!("../../design/tokens.txt");
/// Names of upstream's sheet that would hit anything (nexus.md D4, weak point 36).
const GENERIC: [&str; 12] = [
    "header",
    "sidebar",
    "main-container",
    "messages",
    "message",
    "dot",
    "send-btn",
    "input-field",
    "typing-indicator",
    "message-avatar",
    "message-content",
    "chat-page",
];

#[test]
fn every_name_of_the_contract_has_a_rule() {
    let drawn = SHEET.classes();
    let missing: Vec<_> = groups(CONTRACT)
        .into_iter()
        .map(|(group, names)| {
            (group, names.into_iter().filter(|name| !drawn.contains(*name)).collect::<Vec<_>>())
        })
        .filter(|(_, names)| !names.is_empty())
        .collect();
    assert!(missing.is_empty(), "without a rule: {missing:#?}");
}

#[test]
fn every_rule_is_for_a_listed_name() {
    let listed = names(&[CONTRACT, OURS].concat());
    let unknown: Vec<_> = SHEET.classes().difference(&listed).cloned().collect();
    assert!(unknown.is_empty(), "neither in contract.txt nor in ours.txt: {unknown:?}");
    let undrawn: Vec<_> = names(OURS).difference(&SHEET.classes()).cloned().collect();
    assert!(undrawn.is_empty(), "listed in ours.txt without a rule: {undrawn:?}");
}

#[test]
fn every_class_of_our_pages_has_a_rule() {
    let drawn = SHEET.classes();
    let hooks = names(HOOKS);
    let mut missing: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for file in sources() {
        let text = fs::read_to_string(&file).unwrap();
        for class in used_classes(&text) {
            let known = match class.strip_suffix('*') {
                Some(family) => drawn.iter().any(|name| name.starts_with(family)),
                None => drawn.contains(&class) || hooks.contains(&class) || class.ends_with("-checkbox"),
            };
            if !known {
                let file = file.strip_prefix(path("..")).unwrap_or(&file).display().to_string();
                missing.entry(class).or_default().insert(file);
            }
        }
    }
    assert!(missing.is_empty(), "used without a rule: {missing:#?}");
}

#[test]
fn every_property_of_the_contract_is_declared_and_none_is_used_undeclared() {
    let declared: BTreeSet<_> =
        SHEET.rules.iter().flat_map(|rule| &rule.declarations).map(|(name, _)| name.clone()).collect();
    let missing: Vec<_> = names(TOKENS).difference(&declared).cloned().collect();
    assert!(missing.is_empty(), "missing: {missing:?}");
    let used = names_after(&without_comments(&SHEET.text), "var(");
    let undeclared: Vec<_> = used.difference(&declared).collect();
    assert!(undeclared.is_empty(), "used but never declared: {undeclared:?}");
}

#[test]
fn attributes_that_choose_a_look_or_a_tooltip_are_there() {
    let selectors: String =
        SHEET.rules.iter().map(|rule| rule.selector.as_str()).collect::<Vec<_>>().join("\n");
    for attribute in [
        "[data-theme=\"light\"]",
        "[data-theme=\"dark\"]",
        "[data-tooltip]",
        "[data-tooltip-position=\"bottom\"]",
        "[data-tooltip-position=\"left\"]",
        "[data-tooltip-position=\"right\"]",
        "[data-color=\"purple\"]",
        "html.sidebar-collapsed",
    ] {
        assert!(selectors.contains(attribute), "{attribute}");
    }
    for color in ["blue", "green", "orange", "gold", "red", "yellow", "matrix", "bee"] {
        assert!(selectors.contains(&format!("[data-color-theme=\"{color}\"]")), "{color}");
        assert!(selectors.contains(&format!("[data-color=\"{color}\"]")), "{color}");
    }
}

#[test]
fn generic_names_never_stand_alone() {
    for rule in &SHEET.rules {
        for selector in rule.selector.split(',').map(str::trim) {
            let alone = selector.strip_prefix('.').is_some_and(|name| GENERIC.contains(&name));
            assert!(!alone, "{selector} would hit other things of that name");
        }
    }
}

/// Templates and scripts of all services.
pub fn sources() -> Vec<PathBuf> {
    let mut found = Vec::new();
    for service in fs::read_dir(path("..")).unwrap() {
        let service = service.unwrap().path();
        for folder in ["templates", "static/js", "js"] {
            collect(&service.join(folder), &mut found);
        }
    }
    assert!(found.len() > 10, "templates and scripts were found");
    found
}

fn collect(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).into_iter().flatten() {
        let entry = entry.unwrap().path();
        if entry.is_dir() {
            collect(&entry, found);
        } else if entry.extension().is_some_and(|end| end == "html" || end == "js") {
            found.push(entry);
        }
    }
}

/// Classes in `class="…"`, `className = "…"` and `classList.…("…")`. Where a part is computed, the fixed part before `--`
/// is given with a star: `badge--*`.
fn used_classes(text: &str) -> BTreeSet<String> {
    let mut used = BTreeSet::new();
    for (start, quote) in [("class=\"", '"'), ("className = \"", '"'), ("className = `", '`')] {
        for (at, _) in text.match_indices(start) {
            let rest = computed_as_marks(&text[at + start.len()..], quote);
            used.extend(rest.split_whitespace().flat_map(of_word));
        }
    }
    for (at, _) in text.match_indices("classList.") {
        let call = text[at..].split(')').next().unwrap_or_default();
        let mut pieces = call.split('"');
        while let (Some(before), Some(name)) = (pieces.next(), pieces.next()) {
            // Other strings in a call are compared with something, not names.
            if before.trim_end().ends_with(['(', ',']) {
                used.extend(of_word(name));
            }
        }
    }
    used
}

const COMPUTED: char = '\u{1}';

/// The text up to the closing quote, with each `{{…}}`, `{%…%}` and `${…}` as a mark.
fn computed_as_marks(text: &str, quote: char) -> String {
    let mut kept = String::new();
    let mut rest = text;
    while let Some(first) = rest.chars().next() {
        let close = [("{{", "}}"), ("{%", "%}"), ("${", "}")].iter().find(|(open, _)| rest.starts_with(open));
        if let Some((_, close)) = close {
            kept.push(COMPUTED);
            rest = rest.split_once(close).map_or("", |(_, after)| after);
        } else if first == quote {
            break;
        } else {
            kept.push(first);
            rest = &rest[first.len_utf8()..];
        }
    }
    kept
}

fn of_word(word: &str) -> Vec<String> {
    let mut parts = word.split(COMPUTED);
    let first = parts.next().unwrap_or_default();
    let others = parts.filter(|part| !part.is_empty());
    if first.ends_with("--") {
        let full: Vec<_> = others.map(|part| format!("{first}{part}")).collect();
        if full.is_empty() { vec![format!("{first}*")] } else { full }
    } else {
        [first].into_iter().filter(|part| !part.is_empty()).chain(others).map(ToOwned::to_owned).collect()
    }
}

#[test]
fn classes_are_found_where_they_are_written() {
    let text = r#"<p class="a{% if x %} b{% endif %} badge--{{ kind }} btn--{% if y %}primary{% else %}outline{% endif %}">
        el.className = `toast toast--${kind}`; el.classList.toggle("c", on);"#;
    let found: Vec<_> = used_classes(text).into_iter().collect();
    assert_eq!(found, ["a", "b", "badge--*", "btn--outline", "btn--primary", "c", "toast", "toast--*"]);
}
