//! Colours for browsers without `light-dark()` (before 2024), such as those of many television sets.

use std::fmt::Write;

const PAIR: &str = "light-dark(";
const WHERE: &str = "@layer tokens {\n  @supports not (color: light-dark(#000, #fff)) {\n";

/// Rules that give each colour of `tokens` (the part of the sheet that holds the pairs) without `light-dark()`: the light
/// value, and the dark one below `[data-theme="dark"]`. A page without a theme has the system's.
pub fn without_pairs(tokens: &str) -> String {
    let mut rules = String::from(WHERE);
    for (selector, body) in rules_of(tokens) {
        let [light, dark] = [0, 1].map(|which| declarations(body, which));
        if !light.is_empty() {
            let _ = writeln!(rules, "    {selector} {{ {light}}}");
            let below = "[data-theme=\"dark\"]";
            let _ = writeln!(rules, "    :is({selector}){below}, {below} :is({selector}) {{ {dark}}}");
            if selector.starts_with(":root") {
                let chosen = ":root:not([data-theme])";
                let _ = writeln!(rules, "    @media (prefers-color-scheme: dark) {{ {chosen} {{ {dark}}} }}");
            }
        }
    }
    rules.push_str("  }\n}\n");
    rules
}

/// Selectors and bodies of plain rules; what stands in conditions is left out.
fn rules_of(tokens: &str) -> impl Iterator<Item = (&str, &str)> {
    tokens.split('}').filter_map(|rule| {
        let (before, body) = rule.rsplit_once('{')?;
        let selector = before.rsplit(['{', '/']).next().unwrap_or(before).trim();
        (!before.contains("@media")).then_some((selector, body))
    })
}

/// The declarations of a body that hold a pair, with the light (0) or dark (1) value in its place.
fn declarations(body: &str, which: usize) -> String {
    let mut chosen = String::new();
    for declaration in body.split(';').filter(|declaration| declaration.contains(PAIR)) {
        let mut rest = declaration.trim().rsplit("*/").next().unwrap_or_default().trim();
        while let Some((before, after)) = rest.split_once(PAIR) {
            let (pair, after) = after.split_at(closing(after));
            let value = pair.split(',').nth(which).unwrap_or_default().trim();
            chosen.push_str(before);
            chosen.push_str(value);
            rest = after.get(1..).unwrap_or_default();
        }
        chosen.push_str(rest);
        chosen.push_str("; ");
    }
    chosen
}

/// Where the bracket that is open at the start of `text` closes.
fn closing(text: &str) -> usize {
    let mut depth = 1;
    for (at, byte) in text.bytes().enumerate() {
        match byte {
            b'(' => depth += 1,
            b')' => depth -= 1,
            _ => {}
        }
        if depth == 0 {
            return at;
        }
    }
    text.len()
}
