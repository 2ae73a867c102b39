//! The icon set: one stroke weight on a 24 x 24 grid, in the colour of the text around it.
//!
//! Icons are decoration (`aria-hidden`): the label or accessible name stands beside them. Our own pages draw them with
//! [`icon`]; for markup that names one (`<i data-lucide="save">`, nexus.md D7) the gateway serves all of them as [`sprite`].

use std::fmt::Write;

macro_rules! icons {
    ($($name:literal => $shapes:literal),+ $(,)?) => {
        /// Every icon name, in the order of the alphabet.
        pub const NAMES: &[&str] = &[$($name),+];

        const SHAPES: &[&str] = &[$($shapes),+];

        /// The SVG markup of the icon `name`, ready to be put into a page unescaped; `None` for a name that is not in
        /// the set.
        pub fn icon(name: &str) -> Option<&'static str> {
            match name {
                $($name => Some(concat!(
                    r#"<svg class="icon" viewBox="0 0 24 24" width="18" height="18" fill="none" stroke="currentColor" "#,
                    r#"stroke-width="2" stroke-linecap="round" stroke-linejoin="round" aria-hidden="true" "#,
                    r#"focusable="false">"#,
                    $shapes,
                    "</svg>",
                )),)+
                _ => None,
            }
        }
    };
}

/// All icons as one SVG document, a symbol each, for `<use href="icons.svg#name">`. The `svg` around the `use` gives
/// stroke and colour.
pub fn sprite() -> String {
    let mut document = String::from(r#"<svg xmlns="http://www.w3.org/2000/svg">"#);
    for (name, shapes) in NAMES.iter().zip(SHAPES) {
        // Writing to a string does not fail.
        let _ = write!(document, "\n<symbol id=\"{name}\" viewBox=\"0 0 24 24\">{shapes}</symbol>");
    }
    document.push_str("\n</svg>\n");
    document
}

icons! {
    "alert-circle" => r#"<circle cx="12" cy="12" r="9"/><path d="M12 7.5v5.5M12 16.4v.1"/>"#,
    "alert-triangle" => r#"<path d="M12 4 2.8 19.5h18.4zM12 10v4.5M12 17v.1"/>"#,
    "anchor" => r#"<circle cx="12" cy="5" r="2.2"/><path d="M12 7.2V21M8 11h8M3.5 13a8.5 8 0 0 0 17 0"/>"#,
    "archive" => r#"<rect x="3" y="4" width="18" height="5" rx="1.5"/><path d="M5 9v9.5A1.5 1.5 0 0 0 6.5 20h11a1.5 1.5 0 0 0 1.5-1.5V9M10 13h4"/>"#,
    "arrow-left" => r#"<path d="M20 12H4M10.5 5.5 4 12l6.5 6.5"/>"#,
    "arrow-right" => r#"<path d="M4 12h16M13.5 5.5 20 12l-6.5 6.5"/>"#,
    "bar-chart" => r#"<path d="M4 20.5h16M7 17V11M12 17V5M17 17v-8"/>"#,
    "bold" => r#"<path d="M7 4.5h6a3.6 3.6 0 0 1 0 7.3H7zM7 11.8h7a3.9 3.9 0 0 1 0 7.7H7z"/>"#,
    "brain" => r#"<path d="M12 5.2A3.1 3.1 0 0 0 6.2 6.5 3.3 3.3 0 0 0 4 11.3a3.4 3.4 0 0 0 1.6 5.4A3.2 3.2 0 0 0 12 18.2zM12 5.2a3.1 3.1 0 0 1 5.8 1.3 3.3 3.3 0 0 1 2.2 4.8 3.4 3.4 0 0 1-1.6 5.4 3.2 3.2 0 0 1-6.4 1.5M8.2 10.5c1.6 0 2.3-.6 2.6-1.6M15.8 14c-1.5 0-2.3.6-2.6 1.6"/>"#,
    "building-2" => r#"<path d="M6 21V4h9v17M15 10h4.5v11M3 21h18M9 8h3M9 12h3M9 16h3"/>"#,
    "check" => r#"<path d="m4.5 12.5 5 5 10-11"/>"#,
    "check-circle" => r#"<circle cx="12" cy="12" r="9"/><path d="m8 12.3 2.9 2.9L16.2 9"/>"#,
    "check-square" => r#"<rect x="3.5" y="3.5" width="17" height="17" rx="3"/><path d="m8 12.3 2.9 2.9L16.2 9"/>"#,
    "chevron-down" => r#"<path d="m6 9.5 6 6 6-6"/>"#,
    "chevron-left" => r#"<path d="m14.5 6-6 6 6 6"/>"#,
    "chevron-right" => r#"<path d="m9.5 6 6 6-6 6"/>"#,
    "chevrons-left" => r#"<path d="m11.5 6-6 6 6 6M18.5 6l-6 6 6 6"/>"#,
    "chevrons-right" => r#"<path d="m5.5 6 6 6-6 6M12.5 6l6 6-6 6"/>"#,
    "clipboard-list" => r#"<path d="M9 4.5H6.5A1.5 1.5 0 0 0 5 6v13.5A1.5 1.5 0 0 0 6.5 21h11a1.5 1.5 0 0 0 1.5-1.5V6a1.5 1.5 0 0 0-1.5-1.5H15M9 11.5h.1M12.3 11.5h2.9M9 16h.1M12.3 16h2.9"/><rect x="9" y="3" width="6" height="3.5" rx="1"/>"#,
    "clock" => r#"<circle cx="12" cy="12" r="9"/><path d="M12 6.8V12l3.4 2.2"/>"#,
    "code" => r#"<path d="m8 7-5 5 5 5M16 7l5 5-5 5"/>"#,
    "columns" => r#"<rect x="3.5" y="4" width="17" height="16" rx="2"/><path d="M12 4v16"/>"#,
    "copy" => r#"<rect x="8.5" y="8.5" width="12" height="12" rx="2"/><path d="M15.5 8.5v-3a2 2 0 0 0-2-2h-8a2 2 0 0 0-2 2v8a2 2 0 0 0 2 2h3"/>"#,
    "credit-card" => r#"<rect x="2.8" y="5" width="18.4" height="14" rx="2.5"/><path d="M3 10h18M6.5 15h4"/>"#,
    "database" => r#"<ellipse cx="12" cy="5.8" rx="8" ry="2.8"/><path d="M4 5.8v12.4C4 19.8 7.6 21 12 21s8-1.2 8-2.8V5.8M4 12c0 1.6 3.6 2.8 8 2.8s8-1.2 8-2.8"/>"#,
    "dollar-sign" => r#"<path d="M12 2.5v19M16.6 7.6c-.5-1.6-2.2-2.4-4.6-2.4-2.8 0-4.6 1.2-4.6 3.2 0 4.7 9.4 2.4 9.4 7.2 0 2-1.9 3.3-4.8 3.3-2.7 0-4.5-1-5-2.8"/>"#,
    "download" => r#"<path d="M12 4v11M7 10.5l5 5 5-5M4 20h16"/>"#,
    "edit" => r#"<path d="M11 4.5H6A1.5 1.5 0 0 0 4.5 6v12A1.5 1.5 0 0 0 6 19.5h12a1.5 1.5 0 0 0 1.5-1.5v-5M9 15l.6-3.2L18 3.4A1.8 1.8 0 0 1 20.6 6l-8.4 8.4z"/>"#,
    "edit-2" => r#"<path d="m4 20 1-4.6L16.2 4.2a2.1 2.1 0 0 1 3 0l.6.6a2.1 2.1 0 0 1 0 3L8.6 19zM14 6.4 17.6 10"/>"#,
    "external-link" => r#"<path d="M13.5 4H20v6.5M20 4l-9 9M17.5 14v4.5a1.5 1.5 0 0 1-1.5 1.5H5.5A1.5 1.5 0 0 1 4 18.5V8a1.5 1.5 0 0 1 1.5-1.5H10"/>"#,
    "file-check" => r#"<path d="M6 3h8l4.5 4.5V21H6zM14 3v5h4.5M9.2 14.6l2.1 2.1 4-4.4"/>"#,
    "file-json" => r#"<path d="M6 3h8l4.5 4.5V21H6zM14 3v5h4.5M10.8 12c-1.1 0-1.3.6-1.3 1.4 0 1-.3 1.4-1 1.6.7.2 1 .6 1 1.6 0 .8.2 1.4 1.3 1.4M13.7 12c1.1 0 1.3.6 1.3 1.4 0 1 .3 1.4 1 1.6-.7.2-1 .6-1 1.6 0 .8-.2 1.4-1.3 1.4"/>"#,
    "file-text" => r#"<path d="M6 3h8l4.5 4.5V21H6zM14 3v5h4.5M9 12.5h6.5M9 16.5h6.5"/>"#,
    "filter" => r#"<path d="M4 6h16M7 12h10M10.5 18h3"/>"#,
    "folder" => r#"<path d="M3.5 18.5v-13A1.5 1.5 0 0 1 5 4h4.2l2.3 3H19a1.5 1.5 0 0 1 1.5 1.5v10A1.5 1.5 0 0 1 19 20H5a1.5 1.5 0 0 1-1.5-1.5z"/>"#,
    "grid-3x3" => r#"<rect x="3.5" y="3.5" width="17" height="17" rx="2"/><path d="M3.5 9.2h17M3.5 14.8h17M9.2 3.5v17M14.8 3.5v17"/>"#,
    "hard-drive" => r#"<path d="m3.2 14 3.2-8.3a1.5 1.5 0 0 1 1.4-.9h8.4a1.5 1.5 0 0 1 1.4.9l3.2 8.3M7 16.8h.1M10.5 16.8h.1"/><rect x="3" y="13.8" width="18" height="6" rx="1.5"/>"#,
    "hash" => r#"<path d="M10 4 8 20M16 4l-2 16M4.5 9h16M3.5 15h16"/>"#,
    "history" => r#"<path d="M4 4.8v4.7h4.7M4.4 9.3A8.2 8.2 0 1 1 3.8 13M12 7.8V12l3 2"/>"#,
    "home" => r#"<path d="m3.5 11 8.5-7.5 8.5 7.5M6 9v11h12V9M10 20v-6h4v6"/>"#,
    "inbox" => r#"<path d="M3.5 13.5 6.5 5h11l3 8.5V19h-17zM3.5 13.5h5l1.5 3h4l1.5-3h5"/>"#,
    "info" => r#"<circle cx="12" cy="12" r="9"/><path d="M12 11v5.5M12 7.6v.1"/>"#,
    "italic" => r#"<path d="M10 4.5h8M6 19.5h8M14.5 4.5l-5 15"/>"#,
    "key" => r#"<circle cx="8" cy="15.5" r="4.5"/><path d="m11.3 12.2 8.2-8.2M15.5 8l3 3"/>"#,
    "layout-grid" => r#"<rect x="3.5" y="3.5" width="7" height="7" rx="1.2"/><rect x="13.5" y="3.5" width="7" height="7" rx="1.2"/><rect x="3.5" y="13.5" width="7" height="7" rx="1.2"/><rect x="13.5" y="13.5" width="7" height="7" rx="1.2"/>"#,
    "link" => r#"<path d="M10 14.2a4 4 0 0 0 5.7 0l3.4-3.4a4 4 0 0 0-5.7-5.7L12 6.5M14 9.8a4 4 0 0 0-5.7 0l-3.4 3.4a4 4 0 0 0 5.7 5.7l1.4-1.4"/>"#,
    "list" => r#"<path d="M9 6h11.5M9 12h11.5M9 18h11.5M4 6h.1M4 12h.1M4 18h.1"/>"#,
    "list-ordered" => r#"<path d="M10 6h10.5M10 12h10.5M10 18h10.5M3.8 4.6 5.4 4v4.4M3.6 14.6c.4-.7 2.6-.9 2.6.5 0 1.2-2.4 1.9-2.6 3.5h2.8"/>"#,
    "list-tree" => r#"<path d="M10 6h10.5M13.5 12h7M13.5 18h7M4 4v11.5A2.5 2.5 0 0 0 6.5 18H10M4 12h6"/>"#,
    "loader" => r#"<path d="M12 3v4M12 17v4M3 12h4M17 12h4M5.7 5.7l2.8 2.8M15.5 15.5l2.8 2.8M5.7 18.3l2.8-2.8M15.5 8.5l2.8-2.8"/>"#,
    "lock" => r#"<rect x="4.5" y="10.5" width="15" height="10.5" rx="2.2"/><path d="M8 10.5V7.3a4 4 0 0 1 8 0v3.2M12 15v2"/>"#,
    "log-out" => r#"<path d="M10 4H5.5A1.5 1.5 0 0 0 4 5.5v13A1.5 1.5 0 0 0 5.5 20H10M9.5 12H20.5M16.5 7.8l4.2 4.2-4.2 4.2"/>"#,
    "map-pin" => r#"<path d="M12 21.2c4.6-4.3 6.9-8 6.9-11.2a6.9 6.9 0 0 0-13.8 0c0 3.2 2.3 6.9 6.9 11.2z"/><circle cx="12" cy="10" r="2.5"/>"#,
    "menu" => r#"<path d="M4 6.5h16M4 12h16M4 17.5h16"/>"#,
    "minus" => r#"<path d="M4.5 12h15"/>"#,
    "monitor" => r#"<rect x="3" y="4" width="18" height="12.5" rx="2"/><path d="M12 16.5V20M8 20.5h8"/>"#,
    "moon" => r#"<path d="M20 14.2A8.2 8.2 0 0 1 9.8 4 8.2 8.2 0 1 0 20 14.2z"/>"#,
    "more-horizontal" => r#"<circle cx="5" cy="12" r=".7"/><circle cx="12" cy="12" r=".7"/><circle cx="19" cy="12" r=".7"/>"#,
    "orbit" => r#"<circle cx="12" cy="12" r="3"/><path d="M19.6 8.2A8.6 8.6 0 0 1 9 20.1M4.4 15.8A8.6 8.6 0 0 1 15 3.9"/><circle cx="18.4" cy="5.6" r="1.7"/><circle cx="5.6" cy="18.4" r="1.7"/>"#,
    "package" => r#"<path d="m12 3 8.5 4.5v9L12 21l-8.5-4.5v-9zM3.8 7.7 12 12l8.2-4.3M12 12v8.8M7.7 5.3l8.4 4.4"/>"#,
    "pause" => r#"<rect x="6" y="4.5" width="4" height="15" rx="1"/><rect x="14" y="4.5" width="4" height="15" rx="1"/>"#,
    "play" => r#"<path d="M7 4.5v15l12-7.5z"/>"#,
    "plus" => r#"<path d="M12 5v14M5 12h14"/>"#,
    "plus-circle" => r#"<circle cx="12" cy="12" r="9"/><path d="M12 8v8M8 12h8"/>"#,
    "quote" => r#"<path d="M9.5 7C6.5 7.8 5 9.8 5 13v4h4.8v-4.8H5M19 7c-3 .8-4.5 2.8-4.5 6v4h4.8v-4.8h-4.8"/>"#,
    "radio-tower" => r#"<circle cx="12" cy="12" r="1.8"/><path d="M8.2 16a5.6 5.6 0 0 1 0-8M15.8 8a5.6 5.6 0 0 1 0 8M5.2 19a9.9 9.9 0 0 1 0-14M18.8 5a9.9 9.9 0 0 1 0 14"/>"#,
    "receipt" => r#"<path d="M5.5 3.5v17l2.2-1.5L9.8 20.5 12 19l2.2 1.5 2.1-1.5 2.2 1.5v-17L16.3 5l-2.1-1.5L12 5 9.8 3.5 7.7 5zM9 10h6M9 14h6"/>"#,
    "refresh-cw" => r#"<path d="M20.5 4.5v5h-5M3.5 19.5v-5h5M19.8 9.5A8.2 8.2 0 0 0 5.2 7.8M4.2 14.5a8.2 8.2 0 0 0 14.6 1.7"/>"#,
    "rotate-cw" => r#"<path d="M20 4.5v5h-5M19.6 9.3A8.2 8.2 0 1 0 20.2 13"/>"#,
    "save" => r#"<path d="M4 18.5v-13A1.5 1.5 0 0 1 5.5 4h10.8L20 7.7v10.8a1.5 1.5 0 0 1-1.5 1.5h-13A1.5 1.5 0 0 1 4 18.5zM8 4v4.5h7V4M7.5 20v-6.5h9V20"/>"#,
    "scroll-text" => r#"<path d="M17.5 13.5v-8a2 2 0 0 0-2-2H5M7 8.5v9.8a2.2 2.2 0 0 0 2.2 2.2H19a2 2 0 0 0 2-2V17H11.4v1.3a2.2 2.2 0 0 1-2.2 2.2M7 8.5H3v-3a2 2 0 0 1 4 0zM10.8 8h3.2M10.8 12h3.2"/>"#,
    "search" => r#"<circle cx="10.8" cy="10.8" r="6.8"/><path d="m20.5 20.5-4.9-4.9"/>"#,
    "search-x" => r#"<circle cx="10.8" cy="10.8" r="6.8"/><path d="m20.5 20.5-4.9-4.9M8.5 8.5l4.6 4.6M13.1 8.5l-4.6 4.6"/>"#,
    "send" => r#"<path d="M21 3.5 10.5 14M21 3.5 14.5 21l-4-7-7-4z"/>"#,
    "server" => r#"<rect x="3.5" y="4" width="17" height="7" rx="1.8"/><rect x="3.5" y="13" width="17" height="7" rx="1.8"/><path d="M7.5 7.5h.1M7.5 16.5h.1"/>"#,
    "server-crash" => r#"<rect x="3.5" y="4" width="17" height="6.5" rx="1.8"/><path d="M7.5 7.3h.1M8.2 13.5H5.3a1.8 1.8 0 0 0-1.8 1.8v3.4a1.8 1.8 0 0 0 1.8 1.8h2.9M16.8 13.5h1.9a1.8 1.8 0 0 1 1.8 1.8v3.4a1.8 1.8 0 0 1-1.8 1.8h-1.9M13.4 13l-2.7 4.2h3.6L11.6 21.5"/>"#,
    "settings" => r#"<path d="M4 7h9M17.5 7H20M4 17h2.5M11 17h9"/><circle cx="15.2" cy="7" r="2.3"/><circle cx="8.8" cy="17" r="2.3"/>"#,
    "shield" => r#"<path d="M12 3 4.5 5.8v5.7c0 4.5 3 8 7.5 9.7 4.5-1.7 7.5-5.2 7.5-9.7V5.8z"/>"#,
    "shield-check" => r#"<path d="M12 3 4.5 5.8v5.7c0 4.5 3 8 7.5 9.7 4.5-1.7 7.5-5.2 7.5-9.7V5.8zM8.8 11.8l2.3 2.3 4.2-4.6"/>"#,
    "sliders" => r#"<path d="M5.5 4v7.8M5.5 16.4V20M12 4v3.4M12 12v8M18.5 4v8.8M18.5 17.4V20M3 14.1h5M9.5 9.7h5M16 15.1h5"/>"#,
    "square" => r#"<rect x="4" y="4" width="16" height="16" rx="2"/>"#,
    "strikethrough" => r#"<path d="M4 12h16M16.6 7.4C16 5.8 14.4 5 12 5c-2.7 0-4.4 1.2-4.4 3.1 0 1.2.6 2.1 1.6 2.7M7.2 15.8c.5 2 2.2 3.2 4.9 3.2 2.8 0 4.6-1.3 4.6-3.3 0-.7-.2-1.3-.5-1.8"/>"#,
    "sun" => r#"<circle cx="12" cy="12" r="4"/><path d="M12 2.8v2.2M12 19v2.2M2.8 12H5M19 12h2.2M5.5 5.5 7 7M17 17l1.5 1.5M5.5 18.5 7 17M17 7l1.5-1.5"/>"#,
    "table" => r#"<rect x="3.5" y="4.5" width="17" height="15" rx="2"/><path d="M3.5 9.5h17M3.5 14.5h17M12 9.5v10"/>"#,
    "terminal" => r#"<path d="m4.5 6.5 5.5 5.5-5.5 5.5M12.5 18.5H20"/>"#,
    "ticket" => r#"<path d="M3.5 6.5h17v3.3a2.3 2.3 0 0 0 0 4.4v3.3h-17v-3.3a2.3 2.3 0 0 0 0-4.4zM14 7v2M14 11v2M14 15v2"/>"#,
    "trash-2" => r#"<path d="M4 6.5h16M9 6.5V4h6v2.5M6 6.5 7 20.5h10l1-14M10 10.5v6M14 10.5v6"/>"#,
    "trees" => r#"<path d="M8.5 3 4 10h2L2.5 15.5h12L11 10h2zM8.5 15.5V21M15.5 7l1.5-2.5L21 11h-2l2.5 4.5h-4M17 15.5V21"/>"#,
    "type" => r#"<path d="M4.5 7.5V5h15v2.5M12 5v14.5M9 19.5h6"/>"#,
    "upload" => r#"<path d="M12 15.5v-11M7 9.2l5-5 5 5M4 20h16"/>"#,
    "user" => r#"<circle cx="12" cy="8" r="4"/><path d="M4.5 20.5a7.5 7.5 0 0 1 15 0"/>"#,
    "user-cog" => r#"<circle cx="9.5" cy="8" r="4"/><path d="M2.5 20.5a7.2 7.2 0 0 1 8.6-7M17 12.4v2.2M17 19.4v2.2M12.4 17h2.2M19.4 17h2.2"/><circle cx="17" cy="17" r="2.3"/>"#,
    "user-plus" => r#"<circle cx="9.5" cy="8" r="4"/><path d="M2.3 20.5a7.2 7.2 0 0 1 14.4 0M19 7.5v6M16 10.5h6"/>"#,
    "users" => r#"<circle cx="9" cy="8.5" r="3.6"/><path d="M2.5 20a6.5 6.5 0 0 1 13 0M15.5 5.2a3.6 3.6 0 0 1 0 6.6M18 14.2a6.5 6.5 0 0 1 3.5 5.8"/>"#,
    "users-2" => r#"<circle cx="8.2" cy="9" r="3.4"/><path d="M2 19.8a6.2 6.2 0 0 1 12.4 0M15.3 5.6a3 3 0 0 1 0 5.8M16.8 13.9a5.4 5.4 0 0 1 5.2 5.4"/>"#,
    "vault" => r#"<rect x="3.5" y="3.5" width="17" height="15.5" rx="2.2"/><circle cx="12" cy="11.2" r="2.6"/><path d="M12 6.6v2M12 13.8v2M7.4 11.2h2M14.6 11.2h2M6.5 19v2M17.5 19v2"/>"#,
    "x" => r#"<path d="m6 6 12 12M18 6 6 18"/>"#,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_name_has_one_well_formed_hidden_drawing() {
        for name in NAMES {
            let svg = icon(name).unwrap();
            assert!(svg.starts_with("<svg ") && svg.ends_with("</svg>"), "{name}");
            assert_eq!(svg.matches("<svg").count(), 1, "{name}");
            assert!(svg.contains(r#"aria-hidden="true""#) && svg.contains("currentColor"), "{name}");
            assert_eq!(svg.matches('"').count() % 2, 0, "{name}");
            assert_eq!(svg.matches("stroke-width").count(), 1, "{name}: one stroke weight");
        }
        assert!(NAMES.is_sorted(), "names are in alphabetical order");
        assert_eq!(icon("no-such-icon"), None);
    }

    #[test]
    fn the_sprite_holds_the_same_drawings() {
        let sprite = sprite();
        for name in NAMES {
            let (_, rest) = sprite.split_once(&format!("<symbol id=\"{name}\" ")).unwrap();
            let shapes = rest.split_once('>').unwrap().1.split_once("</symbol>").unwrap().0;
            assert!(icon(name).unwrap().contains(&format!(">{shapes}</svg>")), "{name}");
        }
        assert_eq!(sprite.matches("<symbol").count(), NAMES.len());
    }

    #[test]
    fn drawings_are_plain_shapes_that_take_stroke_and_colour_from_around_them() {
        for (name, shapes) in NAMES.iter().zip(SHAPES) {
            for tag in shapes.split('<').skip(1) {
                let plain =
                    ["path ", "circle ", "rect ", "ellipse "].iter().any(|kind| tag.starts_with(kind));
                assert!(plain && tag.ends_with("/>"), "{name}: {tag}");
            }
            assert!(!shapes.contains("fill") && !shapes.contains("stroke"), "{name}");
        }
    }
}
