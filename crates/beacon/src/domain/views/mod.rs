//! Views: which tickets belong to which tab (beacon.md §10, §14).

mod setting;

use std::sync::Arc;

use chrono::{DateTime, TimeDelta, Utc};
use hivematrix_shared::contracts::codex::{PsaConfig, PsaId, Ticket};

/// Freshservice's group of the seed, used where nothing else is configured.
pub const DEFAULT_PROFESSIONAL_SERVICES_GROUP: PsaId = PsaId(19_000_234_009);

const HELPDESK: &str = "helpdesk";
const PROFESSIONAL_SERVICES: &str = "professional-services";
/// One tab of the board.
#[derive(Clone, Debug, PartialEq)]
pub struct View {
    /// Path segment, such as `professional-services`.
    pub slug: Arc<str>,
    /// Display name, such as `Professional Services`.
    pub name: String,
    rule: Rule,
    window_days: Option<u32>,
}

#[derive(Clone, Debug, PartialEq)]
enum Rule {
    All,
    /// The two views of the seed, over the set that Codex or the environment names.
    ProfessionalServices {
        inside: bool,
    },
    Match {
        group_ids: Vec<PsaId>,
        tags: Vec<String>,
        exclude: bool,
    },
}

/// Which groups a view's history is counted over; Codex keeps it by group.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum HistoryGroups {
    /// All of them.
    All,
    /// These.
    Only(Vec<PsaId>),
    /// All but these, with the tickets of no group.
    Without(Vec<PsaId>),
}

/// Why a view has no history: Codex counts tickets by their group, and nothing else of them.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub enum NoHistory {
    /// The view goes by tags.
    Tags,
    /// The view has a date window.
    Window,
    /// No group is known that it could be counted over.
    NoGroup,
}

/// The configured views; the first is the one that `/` opens.
#[derive(Clone, Debug, PartialEq)]
pub struct Views(Vec<View>);

impl View {
    /// Label of the view's tab: the name; the seed's own `Professional Services` has the seed's short form.
    pub fn tab_label(&self) -> &str {
        if self.name == "Professional Services" { "Pro Services" } else { &self.name }
    }

    /// Whether the view shows `ticket`, where `professional_services` is the set of that name.
    pub fn shows(&self, ticket: &Ticket, professional_services: &[PsaId], now: DateTime<Utc>) -> bool {
        self.rule.fits(ticket, professional_services) && self.is_recent(ticket, now)
    }

    /// Over which groups the view's history is counted; none where groups alone do not say what it shows.
    pub fn history_groups(&self, professional_services: &[PsaId]) -> Result<HistoryGroups, NoHistory> {
        let of = |ids: &[PsaId], exclude| match (ids.is_empty(), exclude) {
            (true, true) => Ok(HistoryGroups::All),
            // Nothing is in no group, and Codex takes an empty list for all.
            (true, false) => Err(NoHistory::NoGroup),
            (false, true) => Ok(HistoryGroups::Without(ids.to_vec())),
            (false, false) => Ok(HistoryGroups::Only(ids.to_vec())),
        };
        if self.window_days.is_some() {
            return Err(NoHistory::Window);
        }
        match &self.rule {
            Rule::All => Ok(HistoryGroups::All),
            Rule::ProfessionalServices { inside } => of(professional_services, !inside),
            Rule::Match { group_ids, tags, exclude } if tags.is_empty() => of(group_ids, *exclude),
            Rule::Match { .. } => Err(NoHistory::Tags),
        }
    }

    fn is_recent(&self, ticket: &Ticket, now: DateTime<Utc>) -> bool {
        let Some(days) = self.window_days else { return true };
        // A ticket without a time is rather shown than lost.
        ticket.updated_at.is_none_or(|updated| now - updated <= TimeDelta::days(i64::from(days)))
    }
}

impl Rule {
    fn fits(&self, ticket: &Ticket, professional_services: &[PsaId]) -> bool {
        let in_group = |ids: &[PsaId]| ticket.group_id.is_some_and(|group| ids.contains(&group));
        match self {
            Self::All => true,
            Self::ProfessionalServices { inside } => in_group(professional_services) == *inside,
            Self::Match { group_ids, tags, exclude } => {
                let tagged =
                    ticket.tags.iter().any(|tag| tags.iter().any(|wanted| wanted.eq_ignore_ascii_case(tag)));
                (in_group(group_ids) || tagged) != *exclude
            }
        }
    }
}

impl Default for Views {
    /// The seed's two views.
    fn default() -> Self {
        let view = |slug: &str, name: &str, inside| View {
            slug: slug.into(),
            name: name.to_owned(),
            rule: Rule::ProfessionalServices { inside },
            window_days: None,
        };
        Self(vec![
            view(HELPDESK, "Helpdesk", false),
            view(PROFESSIONAL_SERVICES, "Professional Services", true),
        ])
    }
}

impl Views {
    /// The view with this slug.
    pub fn find(&self, slug: &str) -> Option<&View> {
        self.0.iter().find(|view| *view.slug == *slug)
    }

    /// All views in tab order.
    pub fn iter(&self) -> std::slice::Iter<'_, View> {
        self.0.iter()
    }

    /// Slug of the view that `/` opens: `helpdesk` where there is one, else the first.
    pub fn default_slug(&self) -> &str {
        let first = self.0.first().map_or(HELPDESK, |view| &*view.slug);
        self.find(HELPDESK).map_or(first, |view| &*view.slug)
    }

    /// Whether some view needs the professional-services set.
    pub fn use_professional_services(&self) -> bool {
        self.0.iter().any(|view| matches!(view.rule, Rule::ProfessionalServices { .. }))
    }
}

impl std::fmt::Display for Views {
    /// As in the seed's log line of the start: `{'helpdesk': 'Helpdesk', …}`.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("{")?;
        for (index, view) in self.0.iter().enumerate() {
            let comma = if index == 0 { "" } else { ", " };
            write!(f, "{comma}'{}': '{}'", view.slug, view.name)?;
        }
        f.write_str("}")
    }
}

/// The professional-services set: the setting, else what Codex says of the default provider, else the seed's group where
/// that provider is Freshservice or unknown (beacon.md §10). May be empty.
pub fn professional_services_groups(setting: &[PsaId], config: Option<&PsaConfig>) -> Vec<PsaId> {
    if !setting.is_empty() {
        return setting.to_vec();
    }
    let provider = config.and_then(|config| config.default_provider.as_deref());
    let from_codex = config
        .zip(provider)
        .and_then(|(config, name)| config.providers.get(name))
        .map(|provider| provider.group_ids.professional_services.clone())
        .unwrap_or_default();
    match provider {
        _ if !from_codex.is_empty() => from_codex,
        None | Some("freshservice") => vec![DEFAULT_PROFESSIONAL_SERVICES_GROUP],
        Some(_) => Vec::new(),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn now() -> DateTime<Utc> {
        "2025-11-22T10:30:00Z".parse().unwrap()
    }

    fn ticket(group: Option<i64>, tags: &[&str]) -> Ticket {
        serde_json::from_value(
            json!({"id": 1, "group_id": group, "tags": tags, "updated_at": "2025-11-20T10:30:00Z"}),
        )
        .unwrap()
    }

    fn slugs_that_show(views: &Views, ticket: &Ticket, ps: &[i64]) -> Vec<String> {
        let ps: Vec<_> = ps.iter().copied().map(PsaId).collect();
        views.iter().filter(|view| view.shows(ticket, &ps, now())).map(|view| view.slug.to_string()).collect()
    }

    #[test]
    fn the_default_views_split_by_the_professional_services_set() {
        let views = Views::default();
        for (group, ps, shown) in [
            (Some(19_000_234_009), &[19_000_234_009][..], "professional-services"),
            (Some(2), &[1, 2, 3], "professional-services"),
            (Some(7), &[1, 2, 3], "helpdesk"),
            (None, &[1, 2, 3], "helpdesk"),
            // An empty set: the helpdesk shows all, the other view nothing.
            (Some(19_000_234_009), &[], "helpdesk"),
            (None, &[], "helpdesk"),
        ] {
            assert_eq!(slugs_that_show(&views, &ticket(group, &[]), ps), [shown], "{group:?} {ps:?}");
        }
    }

    #[test]
    fn configured_views_go_by_groups_tags_exclusion_and_window() {
        let views: Views = json!([
            {"slug": "helpdesk", "name": "Helpdesk"},
            {"slug": "field", "name": "Field", "group_ids": [5, "9007199254740993"], "tags": ["onsite"]},
            {"slug": "remote", "name": "Remote", "group_ids": [5], "tags": ["onsite"], "exclude": true},
            {"slug": "all", "name": "All"},
            {"slug": "yesterday", "name": "Yesterday", "window_days": 1},
            {"slug": "week", "name": "Week", "window_days": 7}
        ])
        .to_string()
        .parse()
        .unwrap();
        for (group, tags, shown) in [
            (Some(5), &[][..], "helpdesk field all week"),
            (Some(9_007_199_254_740_993), &[], "helpdesk field remote all week"),
            (None, &["OnSite", "x"], "helpdesk field all week"),
            (None, &["x"], "helpdesk remote all week"),
            (Some(19_000_234_009), &[], "remote all week"),
        ] {
            let found = slugs_that_show(&views, &ticket(group, tags), &[19_000_234_009]).join(" ");
            assert_eq!(found, shown, "{group:?} {tags:?}");
        }
    }

    #[test]
    fn a_history_is_counted_over_groups_and_where_they_do_not_say_it_all_there_is_none() {
        let views: Views = json!([
            {"slug": "helpdesk", "name": "a"},
            {"slug": "professional-services", "name": "b"},
            {"slug": "field", "name": "c", "group_ids": [5, 6]},
            {"slug": "rest", "name": "d", "group_ids": [5], "exclude": true},
            {"slug": "all", "name": "e"},
            {"slug": "tags", "name": "f", "group_ids": [5], "tags": ["x"]},
            {"slug": "week", "name": "g", "window_days": 7}
        ])
        .to_string()
        .parse()
        .unwrap();
        let ids = |ids: &[i64]| ids.iter().copied().map(PsaId).collect::<Vec<_>>();
        for (slug, ps, expected) in [
            ("helpdesk", &[1, 2][..], Ok(HistoryGroups::Without(ids(&[1, 2])))),
            ("helpdesk", &[], Ok(HistoryGroups::All)),
            ("professional-services", &[1, 2], Ok(HistoryGroups::Only(ids(&[1, 2])))),
            ("professional-services", &[], Err(NoHistory::NoGroup)),
            ("field", &[1], Ok(HistoryGroups::Only(ids(&[5, 6])))),
            ("rest", &[1], Ok(HistoryGroups::Without(ids(&[5])))),
            ("all", &[1], Ok(HistoryGroups::All)),
            ("tags", &[1], Err(NoHistory::Tags)),
            ("week", &[1], Err(NoHistory::Window)),
        ] {
            assert_eq!(views.find(slug).unwrap().history_groups(&ids(ps)), expected, "{slug} {ps:?}");
        }
    }

    #[test]
    fn the_views_are_logged_in_the_seeds_form() {
        assert_eq!(
            Views::default().to_string(),
            "{'helpdesk': 'Helpdesk', 'professional-services': 'Professional Services'}"
        );
    }

    #[test]
    fn the_professional_services_set_comes_from_the_setting_then_codex_then_the_default() {
        let config = |provider: &str, groups: serde_json::Value| -> PsaConfig {
            serde_json::from_value(json!({
                "default_provider": provider,
                "providers": {provider: {"group_ids": {"professional_services": groups}}}
            }))
            .unwrap()
        };
        let default = vec![DEFAULT_PROFESSIONAL_SERVICES_GROUP];
        for (setting, codex, expected) in [
            (vec![PsaId(1), PsaId(2)], Some(config("freshservice", json!(7))), vec![PsaId(1), PsaId(2)]),
            (vec![], Some(config("freshservice", json!(7))), vec![PsaId(7)]),
            (vec![], Some(config("superops", json!([7, 8]))), vec![PsaId(7), PsaId(8)]),
            (vec![], Some(config("freshservice", json!(null))), default.clone()),
            (vec![], Some(config("superops", json!(null))), vec![]),
            (vec![], Some(PsaConfig::default()), default.clone()),
            (vec![], None, default),
        ] {
            assert_eq!(professional_services_groups(&setting, codex.as_ref()), expected);
        }
    }

    #[test]
    fn only_the_seeds_own_name_has_a_short_label() {
        let views = json!([{"slug": "a", "name": "Professional Services"}, {"slug": "b", "name": "Professional Help"},
                           {"slug": "c", "name": "Services"}]);
        let views: Views = views.to_string().parse().unwrap();
        let defaults = Views::default();
        let labels: Vec<_> = defaults.iter().chain(views.iter()).map(View::tab_label).collect();
        assert_eq!(labels, ["Helpdesk", "Pro Services", "Pro Services", "Professional Help", "Services"]);
    }
}
