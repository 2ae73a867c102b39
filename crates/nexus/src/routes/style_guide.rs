//! The style guide (nexus.md, "Design system"): every part of the pages in every state, in a look of choice.

use std::sync::LazyLock;

use askama::Template;
use axum::response::{Html, IntoResponse};
use hivematrix_shared::{
    auth::PermissionLevel,
    pages::{Page, icons},
    problem::Problem,
};

use super::{Answer, Incoming, no_store, query_value};
use crate::{
    assets,
    domain::{
        look::{ColorTheme, Look, Theme},
        refusals::Reason,
    },
};

/// The contract's class names, `table group | names` a line; the tests of the stylesheet read the same list.
const NAMES: &str = include_str!("../../design/contract.txt");
/// The contract's custom properties.
const TOKENS: &str = include_str!("../../design/tokens.txt");

/// One part of the guide.
struct Section {
    id: &'static str,
    title: &'static str,
    /// Table of the contract it draws.
    table: &'static str,
    examples: Vec<Example>,
}

/// Markup that is shown both drawn and as text.
#[derive(Debug, PartialEq)]
struct Example {
    title: &'static str,
    markup: &'static str,
    /// Drawn in a box of its own, because the part would leave its place otherwise (menus, dialogs, toasts).
    boxed: bool,
}

/// Names that belong together.
struct Group {
    title: &'static str,
    names: Vec<&'static str>,
}

macro_rules! sections {
    ($($id:literal, $title:literal, $table:literal;)+) => {
        static SECTIONS: LazyLock<Vec<Section>> = LazyLock::new(|| vec![$(Section {
            id: $id,
            title: $title,
            table: $table,
            examples: examples(include_str!(concat!("../../templates/style_guide/", $id, ".html"))),
        }),+]);
    };
}

sections! {
    "elements", "Plain elements", "D1";
    "frame", "Page head and ways through", "D1, D3";
    "buttons", "Buttons", "D3";
    "labels", "Labels", "D3";
    "messages", "Messages", "D3";
    "states", "States of a page", "D3";
    "cards", "Cards, tiles, lists", "D3, D6";
    "tables", "Tables", "D3, D6";
    "forms", "Forms", "D3, D4, D6";
    "menus", "Menus and dialogs", "D3";
    "board", "Ticket board", "D4";
    "logs", "Logs", "D4, D6";
    "chat", "Assistant", "D4";
    "knowledge", "Knowledge", "D4";
}

static GROUPS: LazyLock<Vec<Group>> = LazyLock::new(|| groups(NAMES));

#[derive(Template)]
#[template(path = "style_guide/index.html")]
struct StyleGuide {
    page: Page,
    sections: &'static [Section],
    groups: &'static [Group],
    /// Look that the address asks for; without one the user sees his own.
    chosen: Option<Look>,
}

impl StyleGuide {
    /// Address of the guide in another theme, the colour kept.
    fn with_theme(&self, theme: &Theme) -> String {
        address(Look { theme: *theme, ..self.chosen.unwrap_or_default() })
    }

    /// Address of the guide in another colour, the theme kept.
    fn with_color(&self, color: &ColorTheme) -> String {
        address(Look { color_theme: *color, ..self.chosen.unwrap_or_default() })
    }

    fn has_theme(&self, theme: &Theme) -> bool {
        self.chosen.is_some_and(|look| look.theme == *theme)
    }

    fn has_color(&self, color: &ColorTheme) -> bool {
        self.chosen.is_some_and(|look| look.color_theme == *color)
    }

    /// Name and drawing of every icon.
    #[expect(clippy::unused_self, reason = "templates call methods")]
    fn icons(&self) -> impl Iterator<Item = (&'static str, &'static str)> {
        icons::NAMES.iter().map(|name| (*name, icons::icon(name).unwrap_or_default()))
    }

    /// Colours and grounds, by their custom property.
    #[expect(clippy::unused_self, reason = "templates call methods")]
    fn colors(&self) -> impl Iterator<Item = &'static str> {
        TOKENS
            .lines()
            .filter(|line| !line.starts_with('#'))
            .flat_map(str::split_whitespace)
            .filter(|name| name.starts_with("--color-"))
    }

    /// Address of the guide's own sheet.
    #[expect(clippy::unused_self, reason = "templates call methods")]
    fn sheet(&self) -> String {
        assets::address("css/style-guide.css")
    }

    /// Address of the guide's own script.
    #[expect(clippy::unused_self, reason = "templates call methods")]
    fn script(&self) -> String {
        assets::address("js/style-guide.js")
    }

    /// Classes that change one thing each, and state names.
    fn utilities(&self) -> impl Iterator<Item = &'static str> {
        let small = |group: &&Group| group.title.starts_with("D5");
        let by_name = |name: &&str| name.starts_with("u-");
        let of_utilities = self.groups.iter().filter(small).flat_map(|group| group.names.iter().copied());
        let others = self.groups.iter().filter(move |group| !small(group));
        of_utilities.chain(others.flat_map(|group| group.names.iter().copied()).filter(by_name))
    }
}

fn address(look: Look) -> String {
    format!("/style-guide?theme={}&color={}", look.theme.as_str(), look.color_theme.as_str())
}

/// `GET /style-guide`: for administrators and technicians, in no menu. `theme` and `color` choose the look of this page.
pub(super) fn style_guide(incoming: &Incoming<'_>) -> Answer {
    let visitor = match incoming.visitor() {
        Ok(visitor) => visitor,
        Err(response) => return Ok(*response),
    };
    let level = visitor.claims.permission_level;
    if !matches!(level, PermissionLevel::Admin | PermissionLevel::Technician) {
        incoming.refused(Reason::Level, None, Some(level.as_str()));
        return Err(Problem::forbidden("The style guide is for administrators and technicians."));
    }
    let chosen = chosen_look(
        query_value(&incoming.uri, "theme").as_deref(),
        query_value(&incoming.uri, "color").as_deref(),
    );
    if let Some(look) = chosen {
        incoming.frame.set_look(look);
    }
    let guide = StyleGuide { page: Page::of(&incoming.parts), sections: &SECTIONS, groups: &GROUPS, chosen };
    Ok(no_store(Html(guide.render().map_err(Problem::internal)?).into_response()))
}

/// Known values make a look, alone too; unknown ones count as absent.
fn chosen_look(theme: Option<&str>, color: Option<&str>) -> Option<Look> {
    let theme = theme.and_then(Theme::named);
    let color_theme = color.and_then(ColorTheme::named);
    (theme.is_some() || color_theme.is_some())
        .then(|| Look { theme: theme.unwrap_or_default(), color_theme: color_theme.unwrap_or_default() })
}

/// Each `<!-- example: Title -->` begins one; `| box` behind the title asks for a box.
fn examples(text: &'static str) -> Vec<Example> {
    text.split("<!-- example: ")
        .filter_map(|part| part.split_once(" -->"))
        .map(|(title, markup)| {
            let (title, boxed) = title.strip_suffix(" | box").map_or((title, false), |title| (title, true));
            Example { title, markup: markup.trim(), boxed }
        })
        .collect()
}

fn groups(list: &'static str) -> Vec<Group> {
    list.lines()
        .filter(|line| !line.starts_with('#'))
        .filter_map(|line| line.split_once('|'))
        .map(|(title, names)| Group { title: title.trim(), names: names.split_whitespace().collect() })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_holds_examples_with_titles() {
        let read = examples("<!-- example: One -->\n<p>1</p>\n<!-- example: Two | box -->\n<p>2</p>\n");
        let one = Example { title: "One", markup: "<p>1</p>", boxed: false };
        let two = Example { title: "Two", markup: "<p>2</p>", boxed: true };
        assert_eq!(read, [one, two]);
    }

    #[test]
    fn known_values_choose_the_look() {
        let look = |theme, color_theme| Some(Look { theme, color_theme });
        for (theme, color, expected) in [
            (None, None, None),
            (Some("dark"), None, look(Theme::Dark, ColorTheme::Purple)),
            (None, Some("bee"), look(Theme::Light, ColorTheme::Bee)),
            (Some("dark"), Some("matrix"), look(Theme::Dark, ColorTheme::Matrix)),
            (Some("dark"), Some("pink"), look(Theme::Dark, ColorTheme::Purple)),
            (Some("\"><script>"), None, None),
        ] {
            assert_eq!(chosen_look(theme, color), expected, "{theme:?} {color:?}");
        }
    }

    #[test]
    fn examples_hold_no_style_and_no_script() {
        for example in SECTIONS.iter().flat_map(|section| &section.examples) {
            for bad in [" style=", "<script", "<style", "javascript:", " onclick="] {
                assert!(!example.markup.contains(bad), "{bad} in {}", example.title);
            }
        }
    }
}
