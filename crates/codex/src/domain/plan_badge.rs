//! How plans look (codex-pages.md §1.3).

/// The classes of a plan's badge: the first word that the name contains decides.
pub fn class(plan: &str) -> &'static str {
    let plan = plan.to_lowercase();
    let known = [
        ("platinum", "badge badge--platinum"),
        ("premium", "badge badge--success"),
        ("advanced", "badge badge--gold"),
        ("basic", "badge badge--info"),
        ("break fix", "badge badge--warning"),
        ("pro services", "badge badge--warning"),
    ];
    known.iter().find(|(word, _)| plan.contains(word)).map_or("badge", |(_, class)| class)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_word_that_fits_decides() {
        for (plan, expected) in [
            ("Platinum Premium", "badge badge--platinum"),
            ("PREMIUM plus", "badge badge--success"),
            ("Advanced Basic", "badge badge--gold"),
            ("Basic", "badge badge--info"),
            ("Break Fix", "badge badge--warning"),
            ("Pro Services", "badge badge--warning"),
            ("Inactive", "badge"),
            ("", "badge"),
        ] {
            assert_eq!(class(plan), expected, "{plan}");
        }
    }
}
