use std::io::{Cursor, Write};

use chrono::TimeZone;
use proptest::prelude::*;

use super::*;

fn entry(path: &str, content: &str) -> Entry {
    Entry { path: paths::names(path).unwrap(), content: content.to_owned(), ..Entry::default() }
}

fn folder(path: &str) -> Entry {
    Entry { is_folder: true, ..entry(path, "") }
}

fn archive(entries: &[Entry]) -> Vec<u8> {
    folder::write(entries.to_vec(), Cursor::new(Vec::new())).unwrap().into_inner()
}

fn zip(files: &[(&str, &[u8])]) -> Vec<u8> {
    let mut writer = zip::ZipWriter::new(Cursor::new(Vec::new()));
    for (name, content) in files {
        writer.start_file(*name, zip::write::SimpleFileOptions::default()).unwrap();
        writer.write_all(content).unwrap();
    }
    writer.finish().unwrap().into_inner()
}

fn by_path(mut entries: Vec<Entry>) -> Vec<Entry> {
    entries.sort_by(|a, b| a.path.cmp(&b.path));
    entries
}

#[test]
fn an_export_of_upstream_is_read() {
    let file = br##"[{"path":"b/c","content":"# x","is_folder":false,"is_attached":false},
        {"path":"/b","content":"","is_folder":true,"is_attached":true},{"path":"d","content":null}]"##;
    let entries = prepare(json::read(file).unwrap()).unwrap();
    assert_eq!(entries, [Entry { is_attached: true, ..folder("b") }, entry("b/c", "# x"), entry("d", "")]);
}

#[test]
fn an_export_has_the_members_of_the_contract() {
    let moment = Utc.with_ymd_and_hms(2026, 11, 22, 3, 4, 5).single();
    let entries = vec![
        Entry { format: Format::Html, updated_at: moment, ..entry("a/b 10", "<p>x</p>") },
        entry("a/b 9", "y"),
        Entry { is_attached: true, is_reference: true, created_at: moment, ..folder("a") },
    ];
    let rows: serde_json::Value = serde_json::from_slice(&json::write(entries.clone()).unwrap()).unwrap();
    assert_eq!(
        rows,
        serde_json::json!([
            {"path": "a", "content": "", "is_folder": true, "is_attached": true, "content_format": null,
             "created_at": "2026-11-22T03:04:05Z", "reference": true, "version": 1},
            {"path": "a/b 9", "content": "y", "is_folder": false, "is_attached": false, "content_format": "markdown", "version": 1},
            {"path": "a/b 10", "content": "<p>x</p>", "is_folder": false, "is_attached": false, "content_format": "html",
             "updated_at": "2026-11-22T03:04:05Z", "version": 1},
        ])
    );
}

#[test]
fn what_is_wrong_is_named() {
    for (file, message) in [
        ("{}", "The file is no export of the knowledge tree: it is not a list of entries"),
        ("[1]", "Entry 1: invalid type: integer `1`, expected struct Row"),
        (
            "[{\"path\":\"a\"},{\"path\":\"b\",\"is_folder\":\"yes\"}]",
            "Entry 2 (\"b\"): is_folder: invalid type: string \"yes\", expected a boolean",
        ),
        ("[{\"content\":\"x\"}]", "Entry 1: missing field `path`"),
        (
            "[{\"path\":\"a\",\"content_format\":\"rtf\"}]",
            "Entry 1 (\"a\"): content_format: unknown variant `rtf`, expected `markdown` or `html`",
        ),
        ("[{\"path\":\"a\",\"created_at\":\"soon\"}]", "Entry 1 (\"a\"): created_at: \"soon\" is no time"),
        (
            "[{\"path\":\"a\",\"version\":2}]",
            "The export has version 2; this service reads version 1 and older.",
        ),
    ] {
        assert_eq!(json::read(file.as_bytes()).unwrap_err().to_string(), message);
    }
    assert!(matches!(json::read(b"[{"), Err(TransferError::Form(_))));
    for (entries, message) in [
        (
            vec![entry("a", ""), entry("", "x")],
            "Entry 2 (\"/\"): The path is empty; the root is not imported.",
        ),
        (vec![entry("a//b", "")], "Entry 1 (\"/a//b\"): A name in the path is empty."),
        (
            vec![entry("a/../b", "")],
            "Entry 1 (\"/a/../b\"): The names . and .. have a meaning of their own in paths.",
        ),
        (vec![entry("a / b", "")], "Entry 1 (\"/a / b\"): The name \"a \" has white space around it."),
        (vec![entry("a", "1"), entry("a", "2")], "Entry 2 (\"/a\"): Another entry has the same path."),
        (
            vec![entry("a", "1"), entry("a/b", "2")],
            "Entry 2 (\"/a/b\"): \"/a\" is an article, so nothing can be in it.",
        ),
        (
            vec![entry("a", &"x".repeat(content::MAX_BYTES + 1))],
            "Entry 1 (\"/a\"): The text has 2097153 bytes; at most 2 MB are possible.",
        ),
    ] {
        assert_eq!(prepare(entries).unwrap_err().to_string(), message);
    }
}

#[test]
fn imports_are_cleaned_and_parents_come_first() {
    let hostile = Entry { format: Format::Html, is_attached: true, ..entry("a!/b", "<p onclick=x>y</p>") };
    let with_content = Entry { content: "lost".to_owned(), ..folder("a") };
    let entries = prepare(vec![entry("a/z", ""), hostile, folder("a!"), with_content]).unwrap();
    let paths: Vec<String> = entries.iter().map(|entry| paths::api_path(&entry.path)).collect();
    assert_eq!(paths, ["/a", "/a/z", "/a!", "/a!/b"]);
    assert_eq!(
        (entries[0].content.as_str(), entries[3].content.as_str(), entries[3].is_attached),
        ("", "<p>y</p>", false)
    );
}

#[test]
fn a_folder_of_files_can_be_read_by_people() {
    let entries = [
        Entry { is_attached: true, ..folder("Guides") },
        entry("Guides/Reset a password", "# Reset\n\nText\n"),
        Entry { format: Format::Html, ..entry("Guides/What? A: \"B\"", "<p>x</p>") },
        entry("Guides/what_ a_ _b_", "other"),
        entry("Guides/rule", "---\nname: x\n---\ntext"),
        entry("con", "y"),
        folder("_folder"),
        entry("a/without its folder", "z"),
    ];
    let bytes = archive(&entries);
    let mut zip = zip::ZipArchive::new(Cursor::new(bytes.as_slice())).unwrap();
    let names: Vec<String> =
        (0..zip.len()).map(|index| zip.by_index(index).unwrap().name().unwrap().into_owned()).collect();
    assert_eq!(
        names,
        [
            "__folder/",
            "a/",
            "a/without its folder.md",
            "_con.md",
            "Guides/",
            "Guides/_folder.md",
            "Guides/Reset a password.md",
            "Guides/rule.md",
            "Guides/What_ A_ _B_.md",
            "Guides/what_ a_ _b_ (2).md",
        ]
    );
    let mut text = String::new();
    std::io::Read::read_to_string(&mut zip.by_name("Guides/What_ A_ _B_.md").unwrap(), &mut text).unwrap();
    assert_eq!(text, "---\nname: \"What? A: \\\"B\\\"\"\nformat: html\n---\n<p>x</p>");
    let mut expected = entries.to_vec();
    expected.push(folder("a"));
    assert_eq!(by_path(folder::read(&bytes).unwrap()), by_path(expected));
}

#[test]
fn folders_of_other_programs_are_read() {
    let bytes = zip(&[
        ("Notes/a.md", b"---\ntitle: kept\n---\nx"),
        ("Notes/b.TXT", b"Gr\xfc\xdfe"),
        ("Notes/picture.png", b"\x89PNG"),
        ("Notes/.obsidian/app.md", b"{}"),
        ("__MACOSX/Notes/._a.md", b"x"),
        ("Notes\\sub\\c.markdown", b"---\nformat: html\n---\n"),
    ]);
    assert_eq!(
        by_path(folder::read(&bytes).unwrap()),
        [
            folder("Notes"),
            entry("Notes/a", "---\ntitle: kept\n---\nx"),
            entry("Notes/b", "Grüße"),
            folder("Notes/sub"),
            Entry { format: Format::Html, ..entry("Notes/sub/c", "") },
        ]
    );
}

#[test]
fn paths_out_of_the_archive_and_bombs_are_refused() {
    for name in ["../a.md", "a/../../b.md", "/etc/a.md", "..\\a.md", "C:\\a.md", "C:a.md"] {
        let error = folder::read(&zip(&[(name, b"x")])).unwrap_err().to_string();
        assert!(error.contains("leads out of the archive"), "{name}: {error}");
    }
    let bomb = zip(&[("a.md", &vec![b'x'; 3 * 1024 * 1024])]);
    assert_eq!(
        folder::read(&bomb).unwrap_err().to_string(),
        "Entry 1 (\"a.md\"): The text is longer than 2 MB."
    );
    let binary = zip(&[("a.md", b"a\0b")]);
    assert_eq!(folder::read(&binary).unwrap_err().to_string(), "Entry 1 (\"a.md\"): It is no text.");
    let bad_time = zip(&[("a.md", b"---\ncreated_at: soon\n---\n")]);
    assert_eq!(
        folder::read(&bad_time).unwrap_err().to_string(),
        "Entry 1 (\"a.md\"): created_at: it is no time."
    );
    assert!(matches!(folder::read(b"no archive"), Err(TransferError::Form(_))));
    let mut link = zip::ZipWriter::new(Cursor::new(Vec::new()));
    link.add_symlink("a.md", "/etc/passwd", zip::write::SimpleFileOptions::default()).unwrap();
    let link = link.finish().unwrap().into_inner();
    assert!(folder::read(&link).unwrap_err().to_string().contains("It is a link"));
}

/// Trees that can be stored.
fn trees() -> impl Strategy<Value = Vec<Entry>> {
    let name = prop::sample::select(vec![
        "a", "A", "b?", "b_", ".x", "con", "ü / y", "_folder", "x.", "x.md", "a: b", "\"q\"", "(2)", "a (2)",
    ])
    .prop_map(|name| name.replace('/', "-"));
    let path = prop::collection::vec(name, 1..4);
    let text =
        prop::sample::select(vec!["", "x", "---\n", "---\nname: y\n---\n", "# t\n\n- a\n", "---\n---\nz"]);
    let entry = (path, text, any::<bool>(), any::<bool>(), prop::option::of(0_i64..4_000_000_000));
    prop::collection::vec(entry, 0..8).prop_map(|list| {
        let entries: Vec<Entry> = list
            .into_iter()
            .map(|(path, text, is_folder, flag, seconds)| Entry {
                path,
                content: if is_folder { String::new() } else { text.to_owned() },
                format: Format::Markdown,
                is_folder,
                is_attached: is_folder && flag,
                is_reference: is_folder && flag && seconds.is_none(),
                created_at: seconds.and_then(|seconds| Utc.timestamp_opt(seconds, 0).single()),
                updated_at: None,
            })
            .collect();
        let mut kept: Vec<Entry> = Vec::new();
        for entry in entries {
            let mut more = kept.clone();
            more.extend(
                (1..entry.path.len())
                    .map(|len| Entry {
                        is_folder: true,
                        path: entry.path[..len].to_vec(),
                        ..Entry::default()
                    })
                    .filter(|parent| !kept.iter().any(|other| other.path == parent.path)),
            );
            more.push(entry);
            if prepare(more.clone()).is_ok() {
                kept = more;
            }
        }
        kept
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(128))]

    #[test]
    fn both_forms_give_the_same_tree_back(tree in trees()) {
        let tree = by_path(tree);
        prop_assert_eq!(&by_path(json::read(&json::write(tree.clone()).unwrap()).unwrap()), &tree);
        prop_assert_eq!(&by_path(folder::read(&archive(&tree)).unwrap()), &tree);
    }

    #[test]
    fn no_bytes_panic(bytes in prop::collection::vec(any::<u8>(), 0..200), at in 0_usize..300, byte in any::<u8>()) {
        let _ = json::read(&bytes);
        let _ = folder::read(&bytes);
        let mut broken = archive(&[entry("a/b", "x")]);
        let place = at % broken.len();
        broken[place] = byte;
        let _ = folder::read(&broken);
    }
}
