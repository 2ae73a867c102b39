//! The user's look, as Codex keeps it (nexus.md §9.4) and as the browser remembers it for pages without a user.

use std::fmt;

use http::HeaderMap;
use serde::Deserialize;

use super::cookies;

/// How long a browser remembers a look.
const REMEMBERED_SECONDS: u32 = 365 * 24 * 60 * 60;

/// Light or dark.
#[derive(Clone, Copy, Debug, Default, Deserialize, Eq, PartialEq)]
#[serde(rename_all = "lowercase")]
pub enum Theme {
    /// Light surfaces.
    #[default]
    Light,
    /// Dark surfaces.
    Dark,
}

/// The accent colour.
#[derive(Clone, Copy, Debug, Default, Deserialize, Eq, PartialEq)]
#[serde(rename_all = "lowercase")]
pub enum ColorTheme {
    /// The default.
    #[default]
    Purple,
    /// Blue.
    Blue,
    /// Green.
    Green,
    /// Orange.
    Orange,
    /// Gold.
    Gold,
    /// Red.
    Red,
    /// Yellow.
    Yellow,
    /// Green on black.
    Matrix,
    /// Honey yellow.
    Bee,
}

/// What the attributes of `<html>` say.
#[derive(Clone, Copy, Debug, Default, Deserialize, Eq, PartialEq)]
pub struct Look {
    /// `data-theme`
    pub theme: Theme,
    /// `data-color-theme`
    pub color_theme: ColorTheme,
}

impl Look {
    /// Reads `dark.bee`; anything else is no look.
    pub fn parse(text: &str) -> Option<Self> {
        let (theme, color_theme) = text.split_once('.')?;
        Some(Self { theme: Theme::named(theme)?, color_theme: ColorTheme::named(color_theme)? })
    }

    /// The look that a browser was last given.
    pub fn remembered(headers: &HeaderMap) -> Option<Self> {
        Self::parse(cookies::get(headers, cookies::LOOK)?)
    }

    /// `Set-Cookie` value that makes a browser remember the look.
    pub fn cookie(self) -> String {
        cookies::set_readable(cookies::LOOK, &self.to_string(), REMEMBERED_SECONDS)
    }
}

impl fmt::Display for Look {
    /// `dark.bee`
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}", self.theme.as_str(), self.color_theme.as_str())
    }
}

impl Theme {
    /// All, the default first.
    pub const ALL: [Self; 2] = [Self::Light, Self::Dark];

    /// The theme of that attribute value.
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|theme| theme.as_str() == name)
    }

    /// The attribute's value.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Light => "light",
            Self::Dark => "dark",
        }
    }
}

impl ColorTheme {
    /// All, the default first.
    pub const ALL: [Self; 9] = [
        Self::Purple,
        Self::Blue,
        Self::Green,
        Self::Orange,
        Self::Gold,
        Self::Red,
        Self::Yellow,
        Self::Matrix,
        Self::Bee,
    ];

    /// The colour of that attribute value.
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|color| color.as_str() == name)
    }

    /// The attribute's value.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Purple => "purple",
            Self::Blue => "blue",
            Self::Green => "green",
            Self::Orange => "orange",
            Self::Gold => "gold",
            Self::Red => "red",
            Self::Yellow => "yellow",
            Self::Matrix => "matrix",
            Self::Bee => "bee",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_known_values_make_a_look() {
        let read = |text| serde_json::from_str::<Look>(text).ok();
        let bee = Look { theme: Theme::Dark, color_theme: ColorTheme::Bee };
        assert_eq!(read(r#"{"theme":"dark","color_theme":"bee","source":"agent"}"#), Some(bee));
        for bad in [
            r#"{"theme":"dark","color_theme":"pink"}"#,
            r#"{"theme":"\"><script>","color_theme":"bee"}"#,
            r#"{"theme":"dark"}"#,
            r#"{"theme":1,"color_theme":"bee"}"#,
        ] {
            assert_eq!(read(bad), None, "{bad}");
        }
    }

    #[test]
    fn a_browser_gives_back_the_look_it_was_given_and_nothing_else_counts() {
        let remembered = |cookie: &str| {
            Look::remembered(&HeaderMap::from_iter([(http::header::COOKIE, cookie.parse().unwrap())]))
        };
        for theme in Theme::ALL {
            for color_theme in ColorTheme::ALL {
                let look = Look { theme, color_theme };
                let cookie = look.cookie();
                assert_eq!(remembered(cookie.split(';').next().unwrap()), Some(look), "{cookie}");
                assert!(cookie.contains("; Path=/; Secure; SameSite=Lax"), "{cookie}");
            }
        }
        for bad in ["dark", "dark.", ".bee", "dark.pink", "neon.bee", "dark.bee.x", "dark.\"><script>", ""] {
            assert_eq!(remembered(&format!("__Host-look={bad}")), None, "{bad}");
        }
        assert_eq!(remembered("look=dark.bee"), None);
    }

    #[test]
    fn names_are_the_wire_names() {
        for color in ["purple", "blue", "green", "orange", "gold", "red", "yellow", "matrix", "bee"] {
            let look: Look =
                serde_json::from_str(&format!(r#"{{"theme":"light","color_theme":"{color}"}}"#)).unwrap();
            assert_eq!((look.theme.as_str(), look.color_theme.as_str()), ("light", color));
        }
    }
}
