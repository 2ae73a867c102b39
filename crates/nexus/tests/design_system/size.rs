//! The sheet stays small, layered and self-contained (nexus.md, weak points 36 and 37).

use std::io::Write;

use flate2::{Compression, write::GzEncoder};

use crate::{
    colors::without_pairs,
    sheet::{SHEET, global, read, without_comments},
};

/// Bytes of `global.css`, as written and as sent.
const BUDGET: usize = 112_000;
const BUDGET_COMPRESSED: usize = 21_500;
/// The widths at which a layout may change.
const WIDTHS: [&str; 11] = [
    "(max-width: 480px)",
    "(max-width: 620px)",
    "(max-width: 900px)",
    "(min-width: 901px)",
    "(max-width: 1120px)",
    "(max-width: 1320px)",
    "(max-width: 1620px)",
    "(min-width: 1920px)",
    "(min-width: 2560px)",
    "(pointer: coarse)",
    "(forced-colors: active)",
];
const OTHER_CONDITIONS: [&str; 3] = ["(prefers-reduced-motion: reduce)", "(prefers-contrast: more)", "print"];

#[test]
fn the_sheet_keeps_its_budget() {
    let text = global() + &without_pairs(&read("css/10-tokens.css"));
    let mut encoder = GzEncoder::new(Vec::new(), Compression::best());
    encoder.write_all(text.as_bytes()).unwrap();
    let compressed = encoder.finish().unwrap().len();
    assert!(text.len() <= BUDGET, "{} bytes", text.len());
    assert!(compressed <= BUDGET_COMPRESSED, "{compressed} bytes compressed");
}

#[test]
fn nothing_is_loaded_from_elsewhere() {
    let text = without_comments(&SHEET.text);
    assert!(!text.contains("@import"));
    assert!(!text.contains("://"));
    for (at, _) in text.match_indices("url(") {
        assert!(text[at..].starts_with("url(\"/static/"), "{}", &text[at..at + 40]);
    }
}

#[test]
fn layouts_change_at_few_widths() {
    for rule in &SHEET.rules {
        for condition in &rule.conditions {
            let condition = condition.trim_start_matches("@media").trim();
            assert!(
                WIDTHS.contains(&condition) || OTHER_CONDITIONS.contains(&condition),
                "{condition} around {}",
                rule.selector
            );
        }
    }
}

#[test]
fn layers_decide_not_importance() {
    for rule in &SHEET.rules {
        let important = rule.declarations.iter().any(|(_, value)| value.contains("!important"));
        let allowed =
            rule.selector == "[hidden]" || rule.conditions.iter().any(|c| c.contains("reduced-motion"));
        assert!(!important || allowed, "{}", rule.selector);
        assert!(!rule.layer.is_empty(), "outside of all layers: {}", rule.selector);
    }
}

#[test]
fn every_name_is_drawn_in_its_own_layer() {
    // Conditions may say more about a name elsewhere, such as how it looks on a narrow screen.
    for rule in SHEET.rules.iter().filter(|rule| rule.conditions.is_empty()) {
        for class in rule.classes() {
            let utility = class.starts_with("u-");
            let app =
                ["kt-", "chat__", "log-", "folder-tree", "history-card"].iter().any(|p| class.starts_with(p));
            let wanted = if utility { "utilities" } else { "apps" };
            assert!(!(utility || app) || rule.layer == wanted, "{class} in {}", rule.layer);
        }
    }
}

#[test]
fn nothing_moves_but_sirens_and_what_is_busy() {
    for rule in &SHEET.rules {
        let Some(animation) = rule.value("animation") else { continue };
        let moves = !animation.starts_with("none");
        let may = rule.selector.contains(".siren") || rule.selector.contains(".is-busy");
        assert!(!moves || may, "{}: {animation}", rule.selector);
    }
}
