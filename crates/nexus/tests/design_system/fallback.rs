//! Browsers without `light-dark()` get the same colours, written out (build/colors.rs).

use crate::{
    colors::without_pairs,
    sheet::{read, without_comments},
};

#[test]
fn a_pair_is_written_out_for_both_modes() {
    let tokens = "@layer tokens {\n  /* A note. */\n  :root { --a: light-dark(#111111, #222222); --b: 4px;\n    /* Why. */\n    --c: 0 1px light-dark(rgb(1 2 3 / .5), transparent); }\n  [x] { --d: 1px; }\n  @media (y) { [z] { --a: light-dark(#1, #2); } }\n}\n";
    let written = without_pairs(tokens);
    let rules: Vec<&str> = written.lines().skip(2).map(str::trim).collect();
    assert_eq!(
        rules,
        [
            ":root { --a: #111111; --c: 0 1px rgb(1 2 3 / .5); }",
            ":is(:root)[data-theme=\"dark\"], [data-theme=\"dark\"] :is(:root) { --a: #222222; --c: 0 1px transparent; }",
            "@media (prefers-color-scheme: dark) { :root:not([data-theme]) { --a: #222222; --c: 0 1px transparent; } }",
            "}",
            "}",
        ]
    );
}

#[test]
fn every_pair_of_the_sheet_is_written_out() {
    let tokens = read("css/10-tokens.css");
    let written = without_pairs(&tokens);
    let of_the_system = |line: &&str| line.contains("(prefers-color-scheme: dark)");
    let lines: Vec<&str> =
        written.lines().filter(|line| line.contains("--") && !of_the_system(line)).collect();
    assert!(!lines.iter().any(|line| line.contains("light-dark(") || line.contains("/*")), "{written}");
    let tokens = without_comments(&tokens);
    let pairs = tokens.split(';').filter(|declaration| declaration.contains("light-dark(")).count();
    let count = |dark: bool| -> usize {
        let chosen = lines.iter().filter(|line| line.contains("[data-theme=\"dark\"]") == dark);
        chosen.map(|line| line.split('{').nth(1).unwrap_or_default().matches(": ").count()).sum()
    };
    assert_eq!((count(false), count(true)), (pairs, pairs));
}
