//! `GET /settings`: a user's own preferences (codex-pages.md §9).

use askama::Template;
use axum::{extract::State, response::Html};
use hivematrix_shared::{
    auth::UserOnly,
    pages::Page,
    problem::{Problem, Result},
};

use super::parts::capitalised;
use crate::{
    Codex,
    domain::preferences::{COLOR_THEMES, HOME_PAGES, VIEWS},
    routes::api::settings,
};

#[derive(Template)]
#[template(path = "settings.html")]
struct SettingsPage {
    page: Page,
    username: String,
    email: String,
    /// The identity provider's own page, behind the same gateway.
    account_url: String,
    synced: bool,
    themes: Vec<Choice>,
    colors: Vec<Choice>,
    home_pages: Vec<Choice>,
    views: Vec<Choice>,
}

/// One thing to choose.
struct Choice {
    value: String,
    label: String,
    selected: bool,
}

impl Choice {
    fn of(value: &str, label: String, chosen: &str) -> Self {
        Self { value: value.to_owned(), label, selected: value == chosen }
    }
}

/// The page.
pub async fn page(State(codex): State<Codex>, UserOnly(user): UserOnly, page: Page) -> Result<Html<String>> {
    let mine = settings::of(&codex, &user).await?;
    let chosen = &mine.preferences;
    let registry = codex.context.registry.load();
    let may_open = |name: &&str| registry.get(name).is_some_and(|entry| entry.allows(user.permission_level));
    let home_pages: Vec<_> = HOME_PAGES
        .iter()
        .filter(|name| may_open(name) || **name == chosen.home_page_preference)
        .map(|name| {
            let title =
                registry.get(name).map_or_else(|| capitalised(name), |entry| entry.title(name).to_string());
            Choice::of(name, title, &chosen.home_page_preference)
        })
        .collect();
    // What stands here is that of the synced account, which the preferences belong to; the token's may be another.
    let known = |of_account: Option<String>, of_token: &str| match mine.synced {
        true => of_account.unwrap_or_else(|| of_token.to_owned()),
        false => "Not synced".to_owned(),
    };
    let html = SettingsPage {
        page,
        username: known(mine.username, &user.preferred_username),
        email: known(mine.email, &user.email),
        account_url: format!("/keycloak/realms/{}/account", codex.settings().keycloak.keycloak_realm),
        synced: mine.synced,
        themes: ["light", "dark"]
            .map(|name| Choice::of(name, capitalised(name), &chosen.theme_preference))
            .into(),
        colors: COLOR_THEMES
            .map(|name| Choice::of(name, capitalised(name), &chosen.preferred_color_theme))
            .into(),
        home_pages,
        views: VIEWS
            .map(|name| Choice::of(name, capitalised(name), &chosen.knowledgetree_view_preference))
            .into(),
    };
    html.render().map(Html).map_err(Problem::internal)
}
