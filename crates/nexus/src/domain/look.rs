//! The user's look and start page, as Codex keeps them (nexus.md §7, §9.4).

use serde::Deserialize;

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

impl Theme {
    /// All, the default first.
    pub const ALL: [Self; 2] = [Self::Light, Self::Dark];

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
    fn names_are_the_wire_names() {
        for color in ["purple", "blue", "green", "orange", "gold", "red", "yellow", "matrix", "bee"] {
            let look: Look =
                serde_json::from_str(&format!(r#"{{"theme":"light","color_theme":"{color}"}}"#)).unwrap();
            assert_eq!((look.theme.as_str(), look.color_theme.as_str()), ("light", color));
        }
    }
}
