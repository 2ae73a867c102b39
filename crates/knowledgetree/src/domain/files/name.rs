//! The name of an uploaded file: a plain ASCII name without any path.

use unicode_normalization::UnicodeNormalization;

/// Longest name, its ending included.
pub const MAX_NAME_CHARS: usize = 150;

/// Longest ending; the ones that are taken have four characters at most.
const LONGEST_ENDING: usize = 20;

/// Names that mean devices on Windows, whatever ending they have.
const DEVICES: &[&str] = &["con", "prn", "aux", "nul", "conin$", "conout$"];

/// The name without folders, leading dots and odd characters; accents are taken off letters, spaces become `_`. A
/// name of which only the ending is left is called `file`. None when nothing is left: such an upload is refused.
pub fn safe_name(original: &str) -> Option<String> {
    let base = original.rsplit(['/', '\\']).next().unwrap_or_default();
    let plain: String = base
        .nfkd()
        .filter_map(|c| match c {
            c if c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '-') => Some(c),
            c if c.is_whitespace() => Some('_'),
            _ => None,
        })
        .collect();
    let had_stem = base.trim_start_matches(['.', ' ']).find('.') != Some(0) && !base.starts_with('.');
    let plain = plain.trim_end_matches(['.', '_']);
    let (stem, ending) = plain.rsplit_once('.').unwrap_or((plain, ""));
    let ending = &ending[..ending.len().min(LONGEST_ENDING)];
    let stem = stem.trim_start_matches(['.', '_', '-']);
    let stem = match stem {
        "" if ending.is_empty() || !had_stem => return without_stem(ending),
        "" => "file",
        stem => stem,
    };
    let room = MAX_NAME_CHARS.saturating_sub(ending.len() + 1).max(1);
    let stem = &stem[..stem.len().min(room)];
    let first = stem.split('.').next().unwrap_or_default().to_ascii_lowercase();
    let numbered = matches!(first.get(..3), Some("com" | "lpt"))
        && first.len() == 4
        && first.ends_with(|c: char| c.is_ascii_digit());
    let guard = if DEVICES.contains(&first.as_str()) || numbered { "_" } else { "" };
    Some(if ending.is_empty() { format!("{guard}{stem}") } else { format!("{guard}{stem}.{ending}") })
}

/// `.bashrc` is a name without an ending.
fn without_stem(name: &str) -> Option<String> {
    let name: String = name.chars().take(MAX_NAME_CHARS).collect();
    (!name.is_empty()).then_some(name)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn names_lose_what_could_do_harm() {
        for (original, name) in [
            ("report.pdf", Some("report.pdf")),
            ("My Report (final).PDF", Some("My_Report_final.PDF")),
            ("../../etc/passwd.txt", Some("passwd.txt")),
            ("C:\\Users\\x\\notes.md", Some("notes.md")),
            ("..\\..\\x.txt", Some("x.txt")),
            ("a/../b.txt", Some("b.txt")),
            ("...hidden.txt", Some("hidden.txt")),
            (".bashrc", Some("bashrc")),
            ("Übersicht Köln.xlsx", Some("Ubersicht_Koln.xlsx")),
            ("日本.pdf", Some("file.pdf")),
            ("日本", None),
            ("", None),
            ("..", None),
            ("a/", None),
            ("x\0.png\r\n", Some("x.png")),
            ("x\".png; y=\"z", Some("x.png_yz")),
            ("con.txt", Some("_con.txt")),
            ("LPT1.txt", Some("_LPT1.txt")),
            ("console.txt", Some("console.txt")),
            ("archive.tar.gz", Some("archive.tar.gz")),
            ("-rf.txt", Some("rf.txt")),
            ("x.", Some("x")),
        ] {
            assert_eq!(safe_name(original).as_deref(), name, "{original:?}");
        }
        let long = safe_name(&format!("{}.docx", "x".repeat(300))).unwrap();
        assert!(long.len() == MAX_NAME_CHARS && long.ends_with("x.docx"));
    }

    proptest! {
        #[test]
        fn every_name_is_harmless_and_stays(original in ".{0,60}") {
            if let Some(name) = safe_name(&original) {
                prop_assert!(!name.is_empty() && !name.starts_with('.'));
                prop_assert!(name.bytes().all(|b| b.is_ascii_alphanumeric() || b"._-".contains(&b)), "{}", name);
            }
        }
    }
}
