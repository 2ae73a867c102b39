//! Reads the stylesheets as rules: enough CSS for the files here, which hold no nested rules and no odd escapes.

use std::{collections::BTreeSet, fs, path::PathBuf, sync::LazyLock};

/// One rule with what stands around it.
#[derive(Debug)]
pub struct Rule {
    /// Innermost `@layer`.
    pub layer: String,
    /// Conditions around it, such as `(max-width: 620px)`.
    pub conditions: Vec<String>,
    pub selector: String,
    /// Property and value, in order.
    pub declarations: Vec<(String, String)>,
}

/// A stylesheet.
pub struct Sheet {
    pub text: String,
    pub rules: Vec<Rule>,
}

/// What is drawn on pages: `global.css`, then what only some of them ask for, of the gateway and of services with much of their own.
pub static SHEET: LazyLock<Sheet> = LazyLock::new(|| {
    let own = [
        "static/css/side-panel.css",
        "static/css/style-guide.css",
        "../knowledgetree/static/css/knowledge.css",
    ];
    let text = own.iter().fold(global(), |text, sheet| text + &read(sheet));
    let rules = rules(&without_comments(&text));
    Sheet { text, rules }
});

/// A path below the crate.
pub fn path(below: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join(below)
}

pub fn read(below: &str) -> String {
    fs::read_to_string(path(below)).unwrap_or_else(|error| panic!("{below}: {error}"))
}

/// The parts of `global.css` in the order in which they are put together.
pub fn global() -> String {
    let mut files: Vec<_> = fs::read_dir(path("css")).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.sort();
    files.iter().map(|file| fs::read_to_string(file).unwrap()).collect()
}

pub fn without_comments(css: &str) -> String {
    let mut kept = String::with_capacity(css.len());
    let mut rest = css;
    while let Some((before, comment)) = rest.split_once("/*") {
        kept.push_str(before);
        rest = comment.split_once("*/").map_or("", |(_, after)| after);
    }
    kept + rest
}

fn rules(css: &str) -> Vec<Rule> {
    let mut rules = Vec::new();
    let mut around: Vec<String> = Vec::new();
    let mut rest = css;
    while let Some(at) = rest.find(['{', '}', ';']) {
        let (prelude, after) = (rest[..at].trim(), &rest[at + 1..]);
        let mark = rest.as_bytes()[at];
        rest = after;
        match mark {
            b';' => assert!(prelude.starts_with("@layer"), "a statement outside of rules: {prelude}"),
            b'}' => assert!(around.pop().is_some() && prelude.is_empty(), "unbalanced at {prelude}"),
            _ if prelude.starts_with("@keyframes") => rest = after_block(after),
            _ if prelude.starts_with('@') => around.push(prelude.to_owned()),
            _ => {
                let (body, after) = after.split_once('}').expect("a rule ends");
                rest = after;
                assert!(!body.contains('{'), "nested rules are not read: {prelude}");
                rules.push(Rule {
                    layer: around
                        .iter()
                        .rev()
                        .find_map(|at| at.strip_prefix("@layer "))
                        .unwrap_or_default()
                        .to_owned(),
                    conditions: around.iter().filter(|at| !at.starts_with("@layer")).cloned().collect(),
                    selector: prelude.to_owned(),
                    declarations: declarations(body),
                });
            }
        }
    }
    assert!(around.is_empty(), "not closed: {around:?}");
    rules
}

/// What follows the block whose opening brace was just read.
fn after_block(css: &str) -> &str {
    let mut depth = 1;
    for (at, byte) in css.bytes().enumerate() {
        match byte {
            b'{' => depth += 1,
            b'}' => depth -= 1,
            _ => {}
        }
        if depth == 0 {
            return &css[at + 1..];
        }
    }
    ""
}

fn declarations(body: &str) -> Vec<(String, String)> {
    body.split(';')
        .filter_map(|declaration| declaration.split_once(':'))
        .map(|(name, value)| (name.trim().to_owned(), value.trim().to_owned()))
        .collect()
}

/// Whether a byte may stand in a name.
fn in_name(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_')
}

/// The names that follow `mark` in `text`, such as the classes of a selector (`.`).
pub fn names_after(text: &str, mark: &str) -> BTreeSet<String> {
    text.match_indices(mark)
        .map(|(at, _)| {
            let rest = &text[at + mark.len()..];
            rest[..rest.bytes().take_while(|byte| in_name(*byte)).count()].to_owned()
        })
        .filter(|name| name.starts_with(|first: char| first.is_ascii_alphabetic() || first == '-'))
        .collect()
}

impl Rule {
    pub fn classes(&self) -> BTreeSet<String> {
        names_after(&self.selector, ".")
    }

    /// The last value of a property.
    pub fn value(&self, property: &str) -> Option<&str> {
        self.declarations.iter().rev().find(|(name, _)| name == property).map(|(_, value)| value.as_str())
    }
}

impl Sheet {
    pub fn classes(&self) -> BTreeSet<String> {
        self.rules.iter().flat_map(Rule::classes).collect()
    }
}

/// Groups of a list `title | names`.
pub fn groups(list: &str) -> Vec<(&str, Vec<&str>)> {
    list.lines()
        .filter(|line| !line.starts_with('#') && !line.trim().is_empty())
        .map(|line| {
            let (title, names) = line.split_once('|').unwrap_or(("", line));
            (title.trim(), names.split_whitespace().collect())
        })
        .collect()
}

/// All names of a list.
pub fn names(list: &str) -> BTreeSet<String> {
    groups(list).into_iter().flat_map(|(_, names)| names).map(ToOwned::to_owned).collect()
}
