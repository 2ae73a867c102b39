//! Icons: the contract's names are drawn, and no page asks for a name that is not.

use std::{collections::BTreeSet, fs};

use hivematrix_shared::pages::icons;

use crate::{names::sources, sheet::names};

const CONTRACT: &str = include_str!("../../design/icons.txt");

#[test]
fn every_icon_of_the_contract_is_drawn() {
    let wanted = names(CONTRACT);
    assert_eq!(wanted.len(), 76, "nexus.md D7");
    let missing: Vec<_> = wanted.iter().filter(|name| icons::icon(name).is_none()).collect();
    assert!(missing.is_empty(), "not drawn: {missing:?}");
}

#[test]
fn every_icon_that_a_page_asks_for_is_drawn() {
    let mut found = 0;
    for file in sources() {
        for name in asked_for(&fs::read_to_string(&file).unwrap()) {
            assert!(icons::icon(&name).is_some(), "{name} in {}", file.display());
            found += 1;
        }
    }
    assert!(found > 30, "icons were found");
}

/// Names in `data-lucide="…"` of markup and in `icon("…")` of templates and scripts.
fn asked_for(text: &str) -> BTreeSet<String> {
    ["data-lucide=\"", "icon(\"", "Icon(\""]
        .into_iter()
        .flat_map(|start| text.split(start).skip(1).filter_map(|rest| rest.split('"').next()))
        // A name that is computed is not known here.
        .filter(|name| !name.is_empty() && !name.contains(['{', '$', ' ']))
        .map(ToOwned::to_owned)
        .collect()
}

#[test]
fn icons_are_found_where_they_are_written() {
    let text = r#"<i data-lucide="save"></i>{{ page.icon("lock")|safe }} makeIcon("x") <i data-lucide="{{ name }}">"#;
    let found: Vec<_> = asked_for(text).into_iter().collect();
    assert_eq!(found, ["lock", "save", "x"]);
}
