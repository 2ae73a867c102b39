//! The setting `VIEWS`.

use std::str::FromStr;

use hivematrix_shared::contracts::codex::PsaId;
use serde::Deserialize;

use super::{HELPDESK, PROFESSIONAL_SERVICES, Rule, View, Views};

/// First path segments that are routes of their own and so cannot name a view.
const RESERVED: [&str; 12] = [
    "api",
    "apispec.json",
    "display",
    "displays",
    "docs",
    "health",
    "insight",
    "livez",
    "metrics",
    "readyz",
    "static",
    "",
];

/// One entry of the setting `VIEWS`.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Entry {
    slug: String,
    name: String,
    #[serde(default)]
    group_ids: Vec<PsaId>,
    #[serde(default)]
    tags: Vec<String>,
    #[serde(default)]
    exclude: bool,
    #[serde(default)]
    window_days: Option<u32>,
}

impl FromStr for Views {
    type Err = String;

    /// Reads the setting `VIEWS`. The slugs of the seed's two views keep their rule where an entry names none.
    fn from_str(json: &str) -> Result<Self, String> {
        let entries: Vec<Entry> = serde_json::from_str(json).map_err(|error| error.to_string())?;
        if entries.is_empty() {
            return Err("at least one view is needed".to_owned());
        }
        let mut views: Vec<View> = Vec::with_capacity(entries.len());
        for entry in entries {
            check_slug(&entry.slug)?;
            if entry.name.trim().is_empty() {
                return Err(format!("the view `{}` has no name", entry.slug));
            }
            if views.iter().any(|view| view.slug == entry.slug) {
                return Err(format!("the slug `{}` is there twice", entry.slug));
            }
            views.push(View::from(entry));
        }
        Ok(Self(views))
    }
}

fn check_slug(slug: &str) -> Result<(), String> {
    let plain = slug.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-');
    if !plain || RESERVED.contains(&slug) {
        return Err(format!(
            "`{slug}` cannot be a view's slug: lower-case letters, digits and `-`, no route's name"
        ));
    }
    Ok(())
}

impl From<Entry> for View {
    fn from(entry: Entry) -> Self {
        let rule = match entry.slug.as_str() {
            _ if !entry.group_ids.is_empty() || !entry.tags.is_empty() => {
                Rule::Match { group_ids: entry.group_ids, tags: entry.tags, exclude: entry.exclude }
            }
            HELPDESK => Rule::ProfessionalServices { inside: false },
            PROFESSIONAL_SERVICES => Rule::ProfessionalServices { inside: true },
            _ => Rule::All,
        };
        Self { slug: entry.slug, name: entry.name, rule, window_days: entry.window_days }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn views_that_cannot_work_are_refused() {
        for json in [
            "[]",
            "{}",
            r#"[{"slug":"api","name":"x"}]"#,
            r#"[{"slug":"displays","name":"x"}]"#,
            r#"[{"slug":"insight","name":"x"}]"#,
            r#"[{"slug":"","name":"x"}]"#,
            r#"[{"slug":"a","name":" "}]"#,
            r#"[{"slug":"A b","name":"x"}]"#,
            r#"[{"slug":"a","name":"x"},{"slug":"a","name":"y"}]"#,
            r#"[{"slug":"a","name":"x","groups":[1]}]"#,
        ] {
            assert!(json.parse::<Views>().is_err(), "{json}");
        }
    }
}
