//! What a user may choose (codex-api.md §4.5).

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// Allowed themes.
pub const THEMES: [&str; 2] = ["light", "dark"];
/// Allowed colour themes.
pub const COLOR_THEMES: [&str; 9] =
    ["purple", "blue", "green", "orange", "gold", "red", "yellow", "matrix", "bee"];
/// Allowed views of the knowledge tree.
pub const VIEWS: [&str; 3] = ["grid", "tree", "hierarchy"];
/// Allowed home pages.
pub const HOME_PAGES: [&str; 7] =
    ["beacon", "knowledgetree", "brainhair", "codex", "ledger", "archive", "helm"];

/// A user's four preferences.
#[derive(Clone, Debug, Eq, PartialEq, Serialize, ToSchema)]
pub struct Preferences {
    /// `light` or `dark`.
    pub theme_preference: String,
    /// One of nine colours.
    pub preferred_color_theme: String,
    /// `grid`, `tree` or `hierarchy`.
    pub knowledgetree_view_preference: String,
    /// Service to open after login.
    pub home_page_preference: String,
}

impl Default for Preferences {
    fn default() -> Self {
        Self {
            theme_preference: "light".to_owned(),
            preferred_color_theme: "purple".to_owned(),
            knowledgetree_view_preference: "grid".to_owned(),
            home_page_preference: "beacon".to_owned(),
        }
    }
}

/// A change: what is absent or `null` stays.
#[derive(Clone, Debug, Default, Deserialize, Eq, PartialEq, ToSchema)]
#[serde(default)]
pub struct Change {
    /// `light` or `dark`.
    pub theme_preference: Option<String>,
    /// `purple`, `blue`, `green`, `orange`, `gold`, `red`, `yellow`, `matrix` or `bee`.
    pub preferred_color_theme: Option<String>,
    /// `grid`, `tree` or `hierarchy`.
    pub knowledgetree_view_preference: Option<String>,
    /// `beacon`, `knowledgetree`, `brainhair`, `codex`, `ledger`, `archive` or `helm`.
    pub home_page_preference: Option<String>,
}

impl Change {
    /// Checks every value against its list.
    ///
    /// # Errors
    /// The sentence for the person whose value is not allowed, in upstream's words.
    pub fn check(&self) -> Result<(), String> {
        let fits =
            |value: &Option<String>, allowed: &[&str]| value.as_deref().is_none_or(|v| allowed.contains(&v));
        if *self == Self::default() {
            return Err("No data provided".to_owned());
        }
        if !fits(&self.theme_preference, &THEMES) {
            return Err("Invalid theme. Must be \"light\" or \"dark\"".to_owned());
        }
        if !fits(&self.preferred_color_theme, &COLOR_THEMES) {
            return Err(format!("Invalid color theme. Must be one of: {}", COLOR_THEMES.join(", ")));
        }
        if !fits(&self.home_page_preference, &HOME_PAGES) {
            return Err(format!("Invalid home page. Must be one of: {}", HOME_PAGES.join(", ")));
        }
        if !fits(&self.knowledgetree_view_preference, &VIEWS) {
            return Err("Invalid view preference. Must be \"grid\", \"tree\", or \"hierarchy\"".to_owned());
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_allowed_value_passes_and_others_name_what_is_allowed() {
        for theme in THEMES {
            let change = Change { theme_preference: Some(theme.into()), ..Change::default() };
            assert_eq!(change.check(), Ok(()));
        }
        for page in HOME_PAGES {
            let change = Change { home_page_preference: Some(page.into()), ..Change::default() };
            assert_eq!(change.check(), Ok(()));
        }
        let refused = Change { preferred_color_theme: Some("pink".into()), ..Change::default() }.check();
        assert!(refused.unwrap_err().contains("matrix, bee"));
        assert_eq!(Change::default().check(), Err("No data provided".into()));
    }
}
