//! Text keeps a contrast of 4.5:1 and what shows where to act 3:1 (WCAG AA) in every colour theme, light and dark.

use std::collections::HashMap;

use crate::sheet::{Rule, SHEET, names_after, read};

const THEMES: [&str; 9] = ["purple", "blue", "green", "orange", "gold", "red", "yellow", "matrix", "bee"];
const TEXT: f64 = 4.5;
const SHAPE: f64 = 3.0;

/// Everything a text may stand on.
const SURFACES: [&str; 8] = [
    "bg-primary",
    "bg-secondary",
    "bg-tertiary",
    "surface",
    "surface-raised",
    "hover-bg",
    "attention-row",
    "primary-bg",
];
const TINTS: [&str; 5] = ["danger-bg", "orange-bg", "warning-bg", "success-bg", "info-bg"];
/// Text colours that may be used anywhere.
const TEXTS: [&str; 10] = [
    "text-primary",
    "text-secondary",
    "text-muted",
    "primary",
    "primary-hover",
    "danger",
    "orange",
    "warning",
    "success",
    "info",
];
/// Text colours for one kind of ground only: text, grounds.
const SPECIAL: [(&str, &[&str]); 3] = [
    ("primary-text", &["primary", "primary-hover"]),
    ("on-status", &["danger", "success", "warning"]),
    ("surface", &["text-primary", "text-secondary"]),
];
/// Colours of edges, rings and shapes that carry a meaning.
const SHAPES: [&str; 4] = ["border-control", "primary", "danger", "text-secondary"];

/// Light and dark value of each colour of a theme.
type Colors = HashMap<String, [String; 2]>;

fn colors(rule: &Rule) -> Colors {
    let pair = |value: &str| {
        let (light, dark) = value.strip_prefix("light-dark(")?.strip_suffix(')')?.split_once(',')?;
        (light.starts_with('#') && light.len() == 7)
            .then(|| [light.trim().to_owned(), dark.trim().to_owned()])
    };
    rule.declarations
        .iter()
        .filter_map(|(name, value)| Some((name.strip_prefix("--color-")?.to_owned(), pair(value)?)))
        .collect()
}

/// Colours of a theme as the sheet gives them, rule after rule.
fn theme(name: &str) -> Colors {
    let own = format!("[data-color-theme=\"{name}\"]");
    SHEET
        .rules
        .iter()
        .filter(|rule| rule.layer == "tokens" && rule.conditions.is_empty())
        .filter(|rule| rule.selector.starts_with(":root") || rule.selector.contains(&own))
        .flat_map(colors)
        .collect()
}

fn channels(hex: &str) -> [f64; 3] {
    [1, 3, 5].map(|at| f64::from(u8::from_str_radix(&hex[at..at + 2], 16).unwrap()) / 255.0)
}

fn linear(channels: [f64; 3]) -> [f64; 3] {
    channels.map(|value| if value <= 0.040_45 { value / 12.92 } else { ((value + 0.055) / 1.055).powf(2.4) })
}

fn contrast_of(a: [f64; 3], b: [f64; 3]) -> f64 {
    let [a, b] = [a, b].map(|color| {
        let [red, green, blue] = linear(color);
        0.2126 * red + 0.7152 * green + 0.0722 * blue
    });
    (a.max(b) + 0.05) / (a.min(b) + 0.05)
}

fn contrast(a: &str, b: &str) -> f64 {
    contrast_of(channels(a), channels(b))
}

/// `share` of `over` on `under`.
fn mix(over: &str, under: &str, share: f64) -> [f64; 3] {
    let (over, under) = (channels(over), channels(under));
    [0, 1, 2].map(|at| over[at] * share + under[at] * (1.0 - share))
}

/// Calls `check` with a name and a lookup of colours for each of the 18 looks.
fn in_every_look(check: impl Fn(&str, &dyn Fn(&str) -> String)) {
    for name in THEMES {
        let colors = theme(name);
        for (mode, mode_name) in ["light", "dark"].into_iter().enumerate() {
            let color = |token: &str| {
                colors.get(token).unwrap_or_else(|| panic!("--color-{token} is missing in {name}"))[mode]
                    .clone()
            };
            check(&format!("{name} {mode_name}"), &color);
        }
    }
}

#[test]
fn every_text_is_readable_in_every_look() {
    in_every_look(|look, color| {
        let check = |text: &str, ground: &str| {
            let ratio = contrast(&color(text), &color(ground));
            assert!(ratio >= TEXT, "{text} on {ground} in {look}: {ratio:.2}");
        };
        for ground in SURFACES.iter().chain(&TINTS) {
            TEXTS.iter().for_each(|text| check(text, ground));
        }
        for (text, grounds) in SPECIAL {
            grounds.iter().for_each(|ground| check(text, ground));
        }
    });
}

#[test]
fn edges_of_controls_and_the_focus_ring_are_seen_in_every_look() {
    in_every_look(|look, color| {
        for shape in SHAPES {
            for ground in SURFACES {
                let ratio = contrast(&color(shape), &color(ground));
                assert!(ratio >= SHAPE, "{shape} on {ground} in {look}: {ratio:.2}");
            }
        }
    });
    let control =
        SHEET.rules.iter().find(|rule| rule.selector.starts_with("input, select, textarea")).unwrap();
    assert!(control.value("border").unwrap().ends_with("var(--color-border-control)"));
    let focus = SHEET.rules.iter().find(|rule| rule.selector == ":focus-visible").unwrap();
    assert_eq!(focus.value("outline"), Some("2px solid var(--color-primary)"));
}

#[test]
fn text_stays_readable_on_a_selection_and_on_the_honeycomb() {
    let selection = SHEET.rules.iter().find(|rule| rule.selector == "::selection").unwrap();
    assert_eq!(selection.value("background"), Some("var(--color-primary-shadow)"), "15 % of the accent");
    let honeycomb = read("static/img/honeycomb.svg");
    let attribute =
        |name: &str| honeycomb.split_once(&format!(" {name}=\"")).unwrap().1.split('"').next().unwrap();
    let share: f64 = attribute("stroke-opacity").parse().unwrap();
    in_every_look(|look, color| {
        for text in TEXTS {
            let grounds = [
                ("selection", mix(&color("primary"), &color("surface"), 0.15)),
                ("honeycomb", mix(attribute("stroke"), &color("bg-primary"), share)),
            ];
            for (ground, value) in grounds {
                let ratio = contrast_of(channels(&color(text)), value);
                assert!(ratio >= TEXT, "{text} on the {ground} in {look}: {ratio:.2}");
            }
        }
    });
}

/// The one `--color-…` of a value, without its prefix.
fn token(value: Option<&str>) -> Option<String> {
    let token = value?.strip_prefix("var(--color-")?.strip_suffix(')')?;
    Some(token.to_owned())
}

#[test]
fn every_rule_puts_text_only_on_grounds_it_can_be_read_on() {
    let anywhere = |ground: &str| SURFACES.contains(&ground) || TINTS.contains(&ground);
    for rule in SHEET.rules.iter().filter(|rule| rule.layer != "tokens") {
        let text = token(rule.value("color"));
        let ground = token(rule.value("background").or_else(|| rule.value("background-color")));
        let Some(text) = text else { continue };
        let special = SPECIAL.iter().find(|(name, _)| *name == text).map(|(_, grounds)| grounds);
        match (special, ground) {
            (Some(grounds), Some(ground)) => {
                assert!(grounds.contains(&ground.as_str()), "{text} on {ground}: {}", rule.selector);
            }
            (Some(_), None) => panic!("{text} without its ground: {}", rule.selector),
            (None, ground) => {
                assert!(TEXTS.contains(&text.as_str()), "{text} is no text colour: {}", rule.selector);
                let readable = ground.as_deref().is_none_or(anywhere);
                assert!(readable, "{text} on {ground:?}: {}", rule.selector);
            }
        }
    }
}

#[test]
fn colours_are_written_in_the_tokens_only() {
    for rule in SHEET.rules.iter().filter(|rule| !matches!(rule.layer.as_str(), "tokens" | "print")) {
        for (name, value) in &rule.declarations {
            let literal = !names_after(value, "#").is_empty()
                || value.contains("#0")
                || ["rgb(", "hsl(", "white", "black"]
                    .iter()
                    .any(|word| value.contains(word) && !value.contains("nowrap"));
            assert!(!literal, "{}: {name}: {value}", rule.selector);
        }
    }
}

fn lab(hex: &str) -> [f64; 3] {
    let [red, green, blue] = linear(channels(hex));
    let cubic = |t: f64| if t > 0.008_856 { t.cbrt() } else { 7.787 * t + 16.0 / 116.0 };
    let x = cubic((0.4124 * red + 0.3576 * green + 0.1805 * blue) / 0.9505);
    let y = cubic(0.2126 * red + 0.7152 * green + 0.0722 * blue);
    let z = cubic((0.0193 * red + 0.1192 * green + 0.9505 * blue) / 1.089);
    [116.0 * y - 16.0, 500.0 * (x - y), 200.0 * (y - z)]
}

#[test]
fn accents_of_themes_can_be_told_apart() {
    for mode in 0..2 {
        for (at, a) in THEMES.iter().enumerate() {
            for b in &THEMES[at + 1..] {
                let [one, other] = [a, b].map(|name| lab(&theme(name)["primary"][mode]));
                let squares: f64 = one.iter().zip(other).map(|(x, y)| (x - y).powi(2)).sum();
                assert!(squares.sqrt() >= 10.0, "{a} and {b}, mode {mode}: {:.1} apart", squares.sqrt());
            }
        }
    }
}

#[test]
fn the_contrast_formula_is_that_of_wcag() {
    assert!((contrast("#000000", "#ffffff") - 21.0).abs() < 1e-9);
    assert!((contrast("#777777", "#ffffff") - 4.478).abs() < 1e-3);
}
