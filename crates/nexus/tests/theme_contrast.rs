//! Text keeps a contrast of 4.5:1 (WCAG AA) in every colour theme, light and dark (look of the design system).

#![cfg(test)]

use std::collections::HashMap;

const SHEET: &str = include_str!("../css/10-tokens.css");
const THEMES: [&str; 9] = ["purple", "blue", "green", "orange", "gold", "red", "yellow", "matrix", "bee"];
const AA: f64 = 4.5;

/// Light and dark value of each token.
type Tokens = HashMap<String, [String; 2]>;

/// The declarations `--name: light-dark(#a, #b)` of a block.
fn tokens(block: &str) -> Tokens {
    block
        .split(';')
        .filter_map(|declaration| {
            let (name, value) = declaration.trim().trim_start_matches('{').trim().split_once(':')?;
            let (light, dark) =
                value.trim().strip_prefix("light-dark(")?.strip_suffix(')')?.split_once(',')?;
            Some((name.trim().to_owned(), [light.trim().to_owned(), dark.trim().to_owned()]))
        })
        .collect()
}

fn block_after(selector: &str) -> &'static str {
    let start = SHEET.find(selector).unwrap_or_else(|| panic!("{selector} is missing")) + selector.len();
    let rest = &SHEET[start..];
    &rest[..rest.find('}').unwrap()]
}

fn theme(name: &str) -> Tokens {
    let mut all = tokens(block_after("@layer tokens {\n  html {"));
    if name != "purple" {
        let own = format!(":is([data-color-theme=\"{name}\"], [data-color=\"{name}\"]) {{");
        all.extend(tokens(block_after(&own)));
    }
    all
}

fn luminance(hex: &str) -> f64 {
    let channel = |at: usize| {
        let value = f64::from(u8::from_str_radix(&hex[at..at + 2], 16).unwrap()) / 255.0;
        if value <= 0.040_45 { value / 12.92 } else { ((value + 0.055) / 1.055).powf(2.4) }
    };
    0.2126 * channel(1) + 0.7152 * channel(3) + 0.0722 * channel(5)
}

fn contrast(a: &str, b: &str) -> f64 {
    let (a, b) = (luminance(a), luminance(b));
    (a.max(b) + 0.05) / (a.min(b) + 0.05)
}

/// Text tokens and the backgrounds they are put on.
fn pairs() -> Vec<(&'static str, Vec<&'static str>)> {
    let surfaces = vec![
        "--color-bg-primary",
        "--color-bg-secondary",
        "--color-surface",
        "--color-surface-raised",
        "--color-hover-bg",
        "--color-attention-row",
        "--color-primary-bg",
    ];
    let on_surfaces = [
        "--color-text-primary",
        "--color-text-secondary",
        "--color-text-muted",
        "--color-primary",
        "--color-primary-hover",
        "--color-danger",
        "--color-orange",
        "--color-warning",
        "--color-success",
        "--color-info",
    ];
    let tinted = [
        ("--color-danger", "--color-danger-bg"),
        ("--color-orange", "--color-orange-bg"),
        ("--color-warning", "--color-warning-bg"),
        ("--color-success", "--color-success-bg"),
        ("--color-info", "--color-info-bg"),
        ("--color-primary-text", "--color-primary"),
        ("--color-primary-text", "--color-primary-hover"),
        ("--color-on-status", "--color-danger"),
        ("--color-on-status", "--color-success"),
        ("--color-on-status", "--color-warning"),
        ("--color-text-primary", "--color-danger-bg"),
        ("--color-text-secondary", "--color-danger-bg"),
        ("--color-text-secondary", "--color-warning-bg"),
        ("--color-text-secondary", "--color-success-bg"),
        ("--color-text-secondary", "--color-info-bg"),
    ];
    let mut pairs: Vec<_> = on_surfaces.map(|text| (text, surfaces.clone())).into();
    pairs.extend(tinted.map(|(text, background)| (text, vec![background])));
    pairs
}

#[test]
fn every_text_is_readable_in_every_theme() {
    for name in THEMES {
        let tokens = theme(name);
        let value = |token: &str, mode: usize| {
            tokens.get(token).unwrap_or_else(|| panic!("{token} is missing in {name}"))[mode].clone()
        };
        for (text, backgrounds) in pairs() {
            for background in backgrounds {
                for (mode, mode_name) in ["light", "dark"].into_iter().enumerate() {
                    let ratio = contrast(&value(text, mode), &value(background, mode));
                    assert!(ratio >= AA, "{text} on {background} in {name} {mode_name}: {ratio:.2}");
                }
            }
        }
    }
}

#[test]
fn every_theme_has_an_accent_of_its_own() {
    let accents: std::collections::HashSet<_> =
        THEMES.map(|name| theme(name)["--color-primary"].clone()).into_iter().collect();
    assert_eq!(accents.len(), THEMES.len());
}

#[test]
fn the_contrast_formula_is_that_of_wcag() {
    assert!((contrast("#000000", "#ffffff") - 21.0).abs() < 1e-9);
    assert!((contrast("#777777", "#ffffff") - 4.478).abs() < 1e-3);
}
