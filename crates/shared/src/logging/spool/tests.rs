use std::os::unix::fs::PermissionsExt;

use super::*;
use crate::contracts::helm::LogEntry;

fn queued(priority: Priority, message: &str) -> Queued {
    Queued {
        priority,
        entry: LogEntry {
            level: "INFO".into(),
            message: message.into(),
            timestamp: "2025-11-22T10:30:00.000Z".into(),
            context: None,
            trace_id: Some("req-1".into()),
            user_id: None,
            hostname: None,
            process_id: Some(1),
            source: None,
            seq: None,
        },
    }
}

fn append(spool: &mut Spool, stamp: u64, lines: &[(Priority, &str)]) {
    let mut entries = lines.iter().map(|(priority, message)| queued(*priority, message)).collect();
    spool.append(stamp, &mut entries).unwrap();
}

fn spool(dir: &tempfile::TempDir, max_bytes: u64) -> (Spool, LogCounters) {
    let counters = LogCounters::default();
    (Spool::new(dir.path().join("codex/log-spool"), max_bytes, counters.clone()), counters)
}

/// Everything in it, in order, removed on the way.
fn replay(spool: &mut Spool) -> Vec<String> {
    let mut messages = Vec::new();
    while let Some(stored) = spool.oldest().unwrap() {
        messages.extend(stored.entries.into_iter().map(|queued| queued.entry.message));
        spool.remove(&stored.name).unwrap();
    }
    messages
}

#[test]
fn folder_and_files_are_for_the_owner_only() {
    let dir = tempfile::tempdir().unwrap();
    let (mut spool, _) = spool(&dir, 1 << 20);
    append(&mut spool, 1, &[(Priority::Normal, "a")]);
    let mode = |path: PathBuf| fs::metadata(path).unwrap().permissions().mode() & 0o777;
    assert_eq!(mode(spool.dir.clone()), 0o700);
    for file in fs::read_dir(&spool.dir).unwrap() {
        assert_eq!(mode(file.unwrap().path()), 0o600);
    }
}

#[test]
fn entries_are_replayed_in_order_after_a_restart_and_then_gone() {
    let dir = tempfile::tempdir().unwrap();
    {
        let (mut first, _) = spool(&dir, 1 << 20);
        append(&mut first, 20, &[(Priority::Normal, "2"), (Priority::Access, "3")]);
        append(&mut first, 30, &[(Priority::Normal, "4")]);
        // The batch that was on its way when Helm went away comes back later, but is older.
        append(&mut first, 10, &[(Priority::Important, "1")]);
    }
    let (mut second, _) = spool(&dir, 1 << 20);
    assert!(!second.has_backlog());
    second.rescan().unwrap();
    assert!(second.has_backlog());
    assert_eq!(replay(&mut second), ["1", "2", "3", "4"]);
    assert!(!second.has_backlog());
    let (mut third, _) = spool(&dir, 1 << 20);
    drop(second);
    third.rescan().unwrap();
    assert!(!third.has_backlog());
}

#[test]
fn small_batches_share_a_file_but_never_the_one_being_sent() {
    let dir = tempfile::tempdir().unwrap();
    let (mut spool, _) = spool(&dir, 1 << 20);
    append(&mut spool, 1, &[(Priority::Normal, "1")]);
    append(&mut spool, 2, &[(Priority::Normal, "2")]);
    assert_eq!(spool.segments.len(), 1);
    let stored = spool.oldest().unwrap().unwrap();
    append(&mut spool, 3, &[(Priority::Normal, "3")]);
    assert_eq!(stored.entries.len(), 2);
    spool.remove(&stored.name).unwrap();
    assert_eq!(replay(&mut spool), ["3"]);
}

#[test]
fn a_line_cut_off_by_a_crash_costs_only_itself() {
    let dir = tempfile::tempdir().unwrap();
    let (mut first, _) = spool(&dir, 1 << 20);
    append(&mut first, 1, &[(Priority::Normal, "whole")]);
    let path = first.dir.join(&first.segments[0].name);
    let mut content = fs::read(&path).unwrap();
    content.extend_from_slice(b"{\"p\":\"normal\",\"e\":{\"lev");
    fs::write(&path, content).unwrap();
    assert_eq!(replay(&mut first), ["whole"]);
}

#[test]
fn a_full_spool_gives_up_access_lines_then_other_lines_never_important_ones() {
    let dir = tempfile::tempdir().unwrap();
    let line = segment::lines(&[queued(Priority::Important, "i1")]).unwrap().len() as u64;
    let (mut spool, counters) = spool(&dir, line * 3 + line / 2);
    append(&mut spool, 1, &[(Priority::Access, "a1"), (Priority::Normal, "n1"), (Priority::Important, "i1")]);
    assert_eq!(counters.dropped(), 0);
    append(&mut spool, 2, &[(Priority::Normal, "n2")]);
    assert_eq!((counters.dropped_access.get(), counters.dropped_other.get()), (1, 0));
    append(&mut spool, 3, &[(Priority::Important, "i2"), (Priority::Access, "a2")]);
    assert_eq!((counters.dropped_access.get(), counters.dropped_other.get()), (2, 1));
    append(
        &mut spool,
        4,
        &[(Priority::Important, "i3"), (Priority::Important, "i4"), (Priority::Normal, "n3")],
    );
    assert_eq!((counters.dropped_access.get(), counters.dropped_other.get()), (2, 3));
    assert_eq!(replay(&mut spool), ["i1", "i2", "i3", "i4"]);
    assert_eq!(counters.lost.get(), 0);
}

#[test]
fn a_second_process_adds_files_and_leaves_the_replay_to_the_owner() {
    let dir = tempfile::tempdir().unwrap();
    let (mut owner, _) = spool(&dir, 1 << 20);
    append(&mut owner, 1, &[(Priority::Normal, "server")]);
    let (mut guest, _) = spool(&dir, 1 << 20);
    append(&mut guest, 2, &[(Priority::Normal, "command line")]);
    assert!(!guest.has_backlog());
    assert!(guest.oldest().unwrap().is_none());
    owner.rescan().unwrap();
    assert_eq!(replay(&mut owner), ["server", "command line"]);
}
