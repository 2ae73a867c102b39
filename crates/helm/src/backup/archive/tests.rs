use age::x25519::Identity;

use super::*;
use crate::domain::backup::{
    manifest::{DatabaseFacts, FORMAT, Part, State},
    parts::Kind,
};

fn header() -> Header {
    let created_at = "2025-11-22T02:00:00Z".parse().unwrap();
    Header { format: FORMAT, suite: env!("CARGO_PKG_VERSION").into(), created_at }
}

/// An archive with two parts, one of them longer than an entry.
fn write(folder: &Path, identity: &Identity, header: Header) -> PathBuf {
    let mut writer = Writer::create(folder, "a.tar.age", &[identity.to_public()], &header).unwrap();
    let mut parts = Vec::new();
    for (name, kind, content) in
        [("keys", Kind::Keys, vec![7; 10]), ("postgresql/x_db", Kind::Postgresql, long())]
    {
        let mut part = writer.part(name);
        part.write_all(&content).unwrap();
        let written = part.finish().unwrap();
        let absent = Part::absent(name, kind, State::Saved, "");
        let database = (kind == Kind::Postgresql).then(facts);
        parts.push(Part { reason: None, bytes: written.bytes, sha256: written.sha256, database, ..absent });
    }
    let finished_at = header.created_at;
    writer.finish(&Manifest { header, finished_at, parts }).unwrap().0
}

fn facts() -> DatabaseFacts {
    let facts = serde_json::json!({
        "service": "x", "database": "x_db", "owner": "x_user", "encoding": "UTF8", "collate": "C", "ctype": "C",
        "server": 150_000, "migration": null, "grants": [], "settings": [], "roles": [], "tables": []
    });
    serde_json::from_value(facts).unwrap()
}

fn long() -> Vec<u8> {
    (0..ENTRY * 2 + 17).map(|i| u8::try_from(i % 251).unwrap()).collect()
}

#[derive(Default)]
struct Collected {
    parts: Vec<(String, Vec<u8>)>,
    ended: Vec<String>,
}

impl Sink for Collected {
    fn data(&mut self, part: &str, bytes: &[u8]) -> Result<()> {
        if self.parts.last().is_none_or(|(name, _)| name != part) {
            self.parts.push((part.to_owned(), Vec::new()));
        }
        self.parts.last_mut().unwrap().1.extend_from_slice(bytes);
        Ok(())
    }

    fn end(&mut self, part: &str) -> Result<()> {
        self.ended.push(part.to_owned());
        Ok(())
    }
}

fn error(path: &Path, identity: &Identity) -> String {
    format!("{:#}", read(path, &[Box::new(identity.clone())], &mut ()).unwrap_err())
}

#[test]
fn what_was_written_is_read() {
    use std::os::unix::fs::PermissionsExt;
    let folder = tempfile::tempdir().unwrap();
    let identity = Identity::generate();
    let path = write(folder.path(), &identity, header());
    let mut collected = Collected::default();
    let manifest = read(&path, &[Box::new(identity)], &mut collected).unwrap();
    assert_eq!(manifest.parts.len(), 2);
    assert_eq!(collected.ended, ["keys", "postgresql/x_db"]);
    assert_eq!(collected.parts[0].1, [7; 10]);
    assert!(collected.parts[1].1 == long());
    assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1, "no temporary file is left");
}

#[test]
fn another_key_does_not_open_it() {
    let folder = tempfile::tempdir().unwrap();
    let path = write(folder.path(), &Identity::generate(), header());
    assert!(error(&path, &Identity::generate()).contains("this key does not open it"));
}

#[test]
fn a_cut_or_changed_archive_is_refused_wherever_it_was_cut_or_changed() {
    let folder = tempfile::tempdir().unwrap();
    let identity = Identity::generate();
    let path = write(folder.path(), &identity, header());
    let whole = fs::read(&path).unwrap();
    let bad = folder.path().join("bad.tar.age");
    // Age works in pieces of 64 KiB: cuts within, at and beside their borders, and at both ends.
    let cuts = [0, 1, 100, 300, 65_536, 70_000, whole.len() / 2, whole.len() - 17, whole.len() - 1];
    for cut in cuts {
        fs::write(&bad, &whole[..cut]).unwrap();
        let error = error(&bad, &identity);
        assert!(error.contains("cut off") || error.contains("damaged"), "{cut}: {error}");
    }
    for place in [3, 150, 400, 100_000, whole.len() - 1] {
        let mut changed = whole.clone();
        changed[place] ^= 1;
        fs::write(&bad, &changed).unwrap();
        let error = error(&bad, &identity);
        assert!(error.contains("damaged") || error.contains("does not open"), "{place}: {error}");
    }
    let mut longer = whole;
    longer.extend_from_slice(b"more");
    fs::write(&bad, &longer).unwrap();
    assert!(error(&bad, &identity).contains("damaged"));
}

#[test]
fn an_archive_of_a_later_version_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let identity = Identity::generate();
    let later = Header { suite: "9999.0.0".into(), ..header() };
    let path = write(folder.path(), &identity, later);
    assert!(error(&path, &identity).contains("later version 9999.0.0"));
}

#[test]
fn an_archive_whose_names_lead_elsewhere_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let identity = Identity::generate();
    let mut writer = Writer::create(folder.path(), "a.tar.age", &[identity.to_public()], &header()).unwrap();
    let written = writer.part("../files").finish().unwrap();
    let absent = Part::absent("../files", Kind::Files, State::Saved, "");
    let part = Part { sha256: written.sha256, ..absent };
    let manifest = Manifest { header: header(), finished_at: header().created_at, parts: vec![part] };
    let (path, _) = writer.finish(&manifest).unwrap();
    assert!(error(&path, &identity).contains("unknown part ../files"));
}

#[test]
fn the_list_of_very_many_files_is_read_to_its_end() {
    // As that of 300,000 uploads.
    let text = vec![b' '; 80 << 20];
    let mut tar = tar::Builder::new(Vec::new());
    let mut entry = tar::Header::new_gnu();
    entry.set_entry_type(tar::EntryType::Regular);
    entry.set_size(text.len() as u64);
    tar.append_data(&mut entry, MANIFEST, text.as_slice()).unwrap();
    let tar = tar.into_inner().unwrap();
    let mut tar = tar::Archive::new(tar.as_slice());
    let entry = tar.entries().unwrap().next().unwrap().unwrap();
    assert_eq!(reader::document(entry).unwrap().len(), text.len());
}

#[test]
fn a_manifest_that_nobody_would_read_is_neither_written_nor_read() {
    assert!(fits(LONGEST_DOCUMENT).is_ok());
    let folder = tempfile::tempdir().unwrap();
    let identity = Identity::generate();
    let mut writer = Writer::create(folder.path(), "a.tar.age", &[identity.to_public()], &header()).unwrap();
    // An entry that says so is believed, before a byte of it is read.
    let mut entry = tar::Header::new_gnu();
    entry.set_entry_type(tar::EntryType::Regular);
    entry.set_size(LONGEST_DOCUMENT + 1);
    writer.tar.append_data(&mut entry, MANIFEST, io::empty()).unwrap();
    let path = writer.path.clone();
    writer.tar.into_inner().unwrap().finish().unwrap().into_inner().unwrap();
    fs::rename(&writer.temporary.0, &path).unwrap();
    let error = error(&path, &identity);
    assert!(error.contains("longer than 536.9 MB"), "{error}");
}

#[test]
fn a_part_that_comes_twice_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let identity = Identity::generate();
    let mut writer = Writer::create(folder.path(), "a.tar.age", &[identity.to_public()], &header()).unwrap();
    let mut parts = Vec::new();
    for (name, content) in [("keys", "right"), ("secrets", "right"), ("keys", "wrong")] {
        let mut part = writer.part(name);
        part.write_all(content.as_bytes()).unwrap();
        let written = part.finish().unwrap();
        let kind = if name == "keys" { Kind::Keys } else { Kind::Secrets };
        let absent = Part::absent(name, kind, State::Saved, "");
        parts.push(Part { bytes: written.bytes, sha256: written.sha256, ..absent });
    }
    parts.pop();
    let manifest = Manifest { header: header(), finished_at: header().created_at, parts };
    let (path, _) = writer.finish(&manifest).unwrap();
    assert!(error(&path, &identity).contains("its part keys is there twice"));
}

#[test]
fn an_unfinished_archive_leaves_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let identity = Identity::generate();
    let mut writer = Writer::create(folder.path(), "a.tar.age", &[identity.to_public()], &header()).unwrap();
    writer.part("keys").write_all(b"half").unwrap();
    drop(writer);
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 0);
}

#[test]
fn a_killed_writer_s_file_is_swept_and_nothing_else() {
    let folder = tempfile::tempdir().unwrap();
    let kept = ["hivematrix_backup_20251122_020000.tar.age", ".other.partial"];
    for name in kept.iter().chain(&[".hivematrix_backup_20251122_020000.tar.age.partial"]) {
        fs::write(folder.path().join(name), "x").unwrap();
    }
    sweep(folder.path());
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), kept.len());
    assert!(kept.iter().all(|name| folder.path().join(name).exists()));

    // Another instance's in the same folder is no killed one's.
    let (name, key) = ("hivematrix_backup_20251123_020000.tar.age", Identity::generate().to_public());
    let writer = Writer::create(folder.path(), name, &[key], &header()).unwrap();
    sweep(folder.path());
    let manifest = Manifest { header: header(), finished_at: header().created_at, parts: Vec::new() };
    assert!(writer.finish(&manifest).unwrap().0.exists());
}

#[test]
fn a_full_disk_is_told() {
    let folder = tempfile::tempdir().unwrap();
    let (temporary, path) = (folder.path().join(".a.partial"), folder.path().join("a.tar.age"));
    let full = OpenOptions::new().write(true).open("/dev/full").unwrap();
    let recipients = [Identity::generate().to_public()];
    let mut writer = Writer::over(full, Temporary(temporary), path.clone(), &recipients, &header()).unwrap();
    let mut part = writer.part("keys");
    let written = part.write_all(&long()).and_then(|()| part.finish().map(drop));
    assert_eq!(written.unwrap_err().kind(), io::ErrorKind::StorageFull);
    drop(writer);
    assert!(!path.exists());
}
