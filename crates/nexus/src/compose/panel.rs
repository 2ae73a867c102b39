//! The side panel's markup (nexus.md §9.3).

use askama::Template;
use hivematrix_shared::{
    auth::{PermissionLevel, UserClaims},
    pages::icons,
    registry::Registry,
};

use crate::domain::look::{Look, Theme};

/// Icons of the known services; an entry of the registry may name another.
const ICONS: [(&str, &str); 13] = [
    ("beacon", "radio-tower"),
    ("knowledgetree", "trees"),
    ("brainhair", "brain"),
    ("codex", "database"),
    ("ledger", "receipt"),
    ("archive", "vault"),
    ("helm", "anchor"),
    ("core", "shield"),
    ("nexus", "orbit"),
    ("template", "file-text"),
    ("resolve", "check-square"),
    ("architect", "layout-grid"),
    ("treasury", "credit-card"),
];
/// Icon of a service nobody drew one for.
const UNKNOWN: &str = "package";

/// What the side panel shows to one user on one page.
#[derive(Clone, Debug, PartialEq)]
pub struct Panel {
    entries: Vec<Entry>,
    user: User,
    /// Whether the user has settings: they are a page of Codex.
    settings: bool,
}

#[derive(Clone, Debug, PartialEq)]
struct User {
    name: String,
    level: &'static str,
    /// Address of the identity provider's page about this user.
    account: String,
}

#[derive(Clone, Debug, PartialEq)]
struct Entry {
    name: String,
    title: String,
    icon: &'static str,
    active: bool,
}

#[derive(Template)]
#[template(path = "side_panel.html")]
struct View<'a> {
    panel: &'a Panel,
    dark: bool,
}

impl View<'_> {
    #[expect(clippy::unused_self, reason = "templates call methods")]
    fn icon(&self, name: &str) -> &'static str {
        icons::icon(name).unwrap_or_default()
    }
}

impl Panel {
    /// The services a user may open, `active` marked; `account` is the address of his page at the identity provider.
    pub fn new(registry: &Registry, user: &UserClaims, active: Option<&str>, account: String) -> Self {
        let level = user.permission_level;
        let entries = registry.menu(level).into_iter().map(|(name, entry)| Entry {
            name: name.to_owned(),
            title: entry.title(name),
            icon: icon_of(name, entry.icon.as_deref()),
            active: active == Some(name),
        });
        let names = [&user.name, &user.preferred_username, &user.email];
        let name = names.into_iter().find(|name| !name.trim().is_empty()).cloned();
        Self {
            entries: entries.collect(),
            user: User { name: name.unwrap_or_default(), level: level_name(level), account },
            settings: registry.get("codex").is_some_and(|codex| codex.allows(level)),
        }
    }

    /// The opening part of the page: layout, panel, start of the content.
    pub(super) fn markup(&self, look: Look) -> String {
        let view = View { panel: self, dark: look.theme == Theme::Dark };
        view.render().unwrap_or_else(|error| {
            tracing::error!(error = %error, "the side panel could not be rendered");
            "<div class=\"hivematrix-layout\"><div class=\"hivematrix-content\">".to_owned()
        })
    }
}

/// How a level is called on pages.
fn level_name(level: PermissionLevel) -> &'static str {
    match level {
        PermissionLevel::Admin => "Administrator",
        PermissionLevel::Technician => "Technician",
        PermissionLevel::Billing => "Billing",
        PermissionLevel::Client => "Client",
    }
}

fn icon_of(service: &str, given: Option<&str>) -> &'static str {
    let known = ICONS.iter().find(|(name, _)| *name == service).map(|(_, icon)| *icon);
    given
        .and_then(icons::icon)
        .or_else(|| known.and_then(icons::icon))
        .or_else(|| icons::icon(UNKNOWN))
        .unwrap_or_default()
}
