//! The setting `VIEWS`.

use std::{ops::RangeInclusive, str::FromStr};

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

/// A slug is part of addresses and of the name of a cookie.
const SLUG_LIMIT: usize = 50;
/// A name stands on a tab.
const NAME_LIMIT: usize = 60;
const TAG_LIMIT: usize = 100;
/// Ten years are all there is.
const WINDOW_DAYS: RangeInclusive<u32> = 1..=3650;

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
            entry.check()?;
            if views.iter().any(|view| *view.slug == *entry.slug) {
                return Err(format!("the slug `{}` is there twice", entry.slug));
            }
            views.push(View::from(entry));
        }
        Ok(Self(views))
    }
}

impl Entry {
    fn check(&self) -> Result<(), String> {
        check_slug(&self.slug)?;
        let slug = &self.slug;
        check_text(&self.name, NAME_LIMIT)
            .map_err(|wrong| format!("the name of the view `{slug}` {wrong}"))?;
        for tag in &self.tags {
            check_text(tag, TAG_LIMIT).map_err(|wrong| format!("a tag of the view `{slug}` {wrong}"))?;
        }
        if self.exclude && self.group_ids.is_empty() && self.tags.is_empty() {
            return Err(format!("the view `{slug}` excludes nothing: it names neither group_ids nor tags"));
        }
        if self.window_days.is_some_and(|days| !WINDOW_DAYS.contains(&days)) {
            let (least, most) = WINDOW_DAYS.into_inner();
            return Err(format!("window_days of the view `{slug}` must be {least} to {most}"));
        }
        Ok(())
    }
}

fn check_slug(slug: &str) -> Result<(), String> {
    let plain = slug.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-');
    if !plain || slug.len() > SLUG_LIMIT || RESERVED.contains(&slug) {
        return Err(format!(
            "{slug:?} cannot be a view's slug: 1 to {SLUG_LIMIT} lower-case letters, digits and `-`, no route's name"
        ));
    }
    Ok(())
}

/// What people read, and tags that are compared with it.
fn check_text(text: &str, limit: usize) -> Result<(), String> {
    if text.trim().is_empty() {
        return Err("is blank".to_owned());
    }
    if text.chars().any(char::is_control) {
        return Err(format!("has control characters: {text:?}"));
    }
    if text.chars().count() > limit {
        return Err(format!("has more than {limit} characters"));
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
        Self { slug: entry.slug.into(), name: entry.name, rule, window_days: entry.window_days }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn views_that_cannot_work_are_refused_with_the_reason() {
        let (long, longer) = ("x".repeat(50), "x".repeat(61));
        let slug = "cannot be a view's slug";
        for (json, reason) in [
            ("[]", "at least one view is needed"),
            ("{}", "invalid type"),
            (r#"[{"slug":"api","name":"x"}]"#, slug),
            (r#"[{"slug":"displays","name":"x"}]"#, slug),
            (r#"[{"slug":"insight","name":"x"}]"#, slug),
            (r#"[{"slug":"","name":"x"}]"#, slug),
            (r#"[{"slug":"A b","name":"x"}]"#, slug),
            (r#"[{"slug":"a\n","name":"x"}]"#, slug),
            (&format!(r#"[{{"slug":"{long}y","name":"x"}}]"#), slug),
            (r#"[{"slug":"a","name":" "}]"#, "the name of the view `a` is blank"),
            (r#"[{"slug":"a","name":"x\u0007"}]"#, "the name of the view `a` has control characters"),
            (
                &format!(r#"[{{"slug":"a","name":"{longer}"}}]"#),
                "the name of the view `a` has more than 60 characters",
            ),
            (r#"[{"slug":"a","name":"x"},{"slug":"a","name":"y"}]"#, "the slug `a` is there twice"),
            (r#"[{"slug":"a","name":"x","groups":[1]}]"#, "unknown field `groups`"),
            (r#"[{"slug":"a","name":"x","tags":["b"," "]}]"#, "a tag of the view `a` is blank"),
            (r#"[{"slug":"a","name":"x","tags":["b\t"]}]"#, "a tag of the view `a` has control characters"),
            (r#"[{"slug":"a","name":"x","exclude":true}]"#, "the view `a` excludes nothing"),
            (r#"[{"slug":"helpdesk","name":"x","exclude":true}]"#, "the view `helpdesk` excludes nothing"),
            (r#"[{"slug":"a","name":"x","window_days":0}]"#, "window_days of the view `a` must be 1 to 3650"),
            (
                r#"[{"slug":"a","name":"x","window_days":4000}]"#,
                "window_days of the view `a` must be 1 to 3650",
            ),
        ] {
            let error = json.parse::<Views>().expect_err(json);
            assert!(error.contains(reason), "{json}: {error}");
        }
        let most =
            format!(r#"[{{"slug":"{long}","name":"x","tags":["a b"],"exclude":true,"window_days":3650}}]"#);
        assert!(most.parse::<Views>().is_ok());
    }
}
