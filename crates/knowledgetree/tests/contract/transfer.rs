//! Rows on their way out of a store and into one.

use futures::TryStreamExt as _;
use hivematrix_knowledgetree::{
    domain::{
        item::{ContentFormat, ItemChange, NewContent, ROOT_ID},
        records::{ExportRow, ImportReport, ImportRow, Record},
        synced::{CompanyRow, ContextOwner},
    },
    store::StoreError,
};

use crate::support::*;

async fn export(store: &Store) -> Vec<ExportRow> {
    store.export().try_collect().await.unwrap()
}

fn row(names: &[&str], content: Option<&str>) -> ImportRow {
    ImportRow {
        path: path(names),
        content: content.unwrap_or_default().to_owned(),
        content_format: ContentFormat::Markdown,
        is_folder: content.is_none(),
        is_attached: false,
        is_reference: false,
        links: vec![],
    }
}

pub async fn an_export_has_what_people_wrote(store: Store) {
    let ids = store.sync_items(run("1"), &acme(), &ann(0)).await.unwrap().ids;
    article(&store, &ids[2], "note", "mine").await;
    let scripts = attached(&store, ROOT_ID, "scripts").await;
    for number in 0..250 {
        article(&store, &scripts, &format!("s{number}"), "x").await;
    }
    let gone = article(&store, ROOT_ID, "gone", "").await;
    store.trash(&gone, &ann(0)).await.unwrap();
    let rows = export(&store).await;
    assert_eq!(rows.len(), 4 + 1 + 250);
    let place = |names: &str| rows.iter().position(|row| row.path.join("/") == names).unwrap();
    let (company, note) = (place("Companies/Acme Corp"), place("Companies/Acme Corp/Users/note"));
    assert!(place("Companies") < company && company < note && place("scripts") < place("scripts/s7"));
    assert!(rows[company].is_reference && !rows[place("Companies")].is_reference);
    assert_eq!((rows[note].content.as_str(), rows[note].created_at, rows[note].version), ("mine", Some(at(0)), 1));
    assert!(rows[place("scripts")].is_attached && rows[place("scripts")].is_folder);
}

pub async fn an_import_is_all_or_nothing(store: Store) {
    let ids = store.sync_items(run("1"), &acme(), &ann(0)).await.unwrap().ids;
    let before = dump(&store).await;
    let good = row(&["new"], Some("x"));
    for bad in [
        row(&["nobody", "x"], Some("x")),
        row(&["new"], Some("y")),
        row(&["Companies", "Acme Corp"], None),
        row(&["Companies"], Some("x")),
        row(&["Companies", "Acme Corp", "Users", "Jane Doe", "Contact.md"], Some("x")),
        ImportRow { is_reference: true, ..row(&["missing"], None) },
        row(&["new", "x"], Some("below an article")),
    ] {
        let shown = bad.path.join("/");
        let refused = store.import(&[good.clone(), bad], &ann(5)).await;
        assert!(matches!(refused, Err(StoreError::Invalid(_) | StoreError::ReadOnly { .. })), "{shown}: {refused:?}");
        assert_eq!(dump(&store).await, before, "{shown}");
    }
    assert_eq!(names(&store, ROOT_ID).await, ["Companies"]);
    assert!(store.item(&ids[4], ALL).await.unwrap().read_only);
}

pub async fn an_import_makes_and_changes(store: Store) {
    let ids = store.sync_items(run("1"), &acme(), &ann(0)).await.unwrap().ids;
    let kept = article(&store, ROOT_ID, "kept", "same").await;
    let changed = article(&store, ROOT_ID, "changed", "old").await;
    let rows = [
        ImportRow { links: vec![kept.clone()], ..row(&["a", "b"], Some("<p>b</p>")) },
        ImportRow { is_attached: true, ..row(&["a"], None) },
        row(&["kept"], Some("same")),
        row(&["changed"], Some("new")),
        ImportRow { is_reference: true, ..row(&["Companies", "Acme Corp"], None) },
        row(&["Companies", "Acme Corp", "note"], Some("n")),
        row(&["Companies", "Acme Corp", "Users", "deep"], Some("d")),
    ];
    let report = store.import(&rows, &ann(5)).await.unwrap();
    assert_eq!(report, ImportReport { created: 4, updated: 1, unchanged: 2 });
    let a = store.resolve(&path(&["a"]), ALL).await.unwrap().id;
    assert!(store.item(&a, ALL).await.unwrap().is_attached);
    assert_eq!(store.back_links(&kept, ALL).await.unwrap()[0].name, "b");
    assert_eq!(store.version(&changed, 1, ALL).await.unwrap().content, "old");
    assert!(names(&store, &ids[1]).await.contains(&"note".to_owned()));
    assert_eq!(store.import(&rows, &ann(6)).await.unwrap(), ImportReport { created: 0, updated: 0, unchanged: 7 });
}

/// A store with something of everything in it.
async fn fill(store: &Store) {
    let ids = store.sync_items(run("1"), &acme(), &ann(0)).await.unwrap().ids;
    let company = CompanyRow {
        id: "1".to_owned(),
        name: "Acme".to_owned(),
        account_number: "C-1".to_owned(),
        folder_id: Some(ids[1].clone()),
    };
    store.merge_companies(&[company], at(0)).await.unwrap();
    let target = article(store, ROOT_ID, "target", "").await;
    let a = article(store, &ids[1], "a", "one").await;
    let html = NewContent { text: "<b>🦀</b>".to_owned(), format: ContentFormat::Html, links: vec![target.clone()] };
    store.update(&a, &ItemChange { content: Some(html), ..rename("ä") }, None, &ann(3)).await.unwrap();
    store.add_file(&a, &crate::files::new_file("f.txt", "h", Some("words")), &ann(4)).await.unwrap();
    store.link_context(ContextOwner::Ticket("5"), &a).await.unwrap();
    store.set_state("sync", None, "{}").await.unwrap();
    let gone = folder(store, ROOT_ID, "gone").await;
    let inside = article(store, &gone, "inside", "x").await;
    store.update(&inside, &rewrite("y"), None, &ann(5)).await.unwrap();
    store.trash(&gone, &ann(6)).await.unwrap();
    store.trash(&target, &ann(7)).await.unwrap();
}

/// Records in an order that does not depend on the store.
fn sorted(mut records: Vec<Record>) -> Vec<String> {
    let mut texts: Vec<String> = records.drain(..).map(|record| serde_json::to_string(&record).unwrap()).collect();
    texts.sort();
    texts
}

pub async fn a_dump_loads_into_an_empty_store(store: Store) {
    fill(&store).await;
    let records = dump(&store).await;
    let texts: Vec<String> = records.iter().map(|record| serde_json::to_string(record).unwrap()).collect();
    let read: Vec<Record> = texts.iter().map(|text| serde_json::from_str(text).unwrap()).collect();
    assert_eq!(read, records);
    store.wipe().await.unwrap();
    // In pieces, as a large one would come.
    for piece in records.chunks(3) {
        store.load(piece).await.unwrap();
    }
    assert_eq!(sorted(dump(&store).await), sorted(records.clone()));
    // Again: nothing is there twice.
    store.load(&records).await.unwrap();
    assert_eq!(sorted(dump(&store).await), sorted(records.clone()));
    let entry = store.trashed().await.unwrap().remove(1);
    store.restore(&entry.id, None, &ann(9)).await.unwrap();
    assert_eq!(store.resolve(&path(&["gone", "inside"]), ALL).await.unwrap().name, "inside");
    // The sync goes on where it was.
    assert_eq!(store.sync_items(run("2"), &acme(), &ann(0)).await.unwrap().unchanged, 5);
    let lost = Record::Link { from: "nobody".to_owned(), to: ROOT_ID.to_owned() };
    assert!(matches!(store.load(&[lost]).await, Err(StoreError::Invalid(_))));
}

pub async fn a_wiped_store_has_its_root_only(store: Store) {
    fill(&store).await;
    store.wipe().await.unwrap();
    let left = dump(&store).await;
    assert!(matches!(&left[..], [Record::Item(root)] if root.id == ROOT_ID && root.version == 1), "{left:?}");
    assert!(store.trashed().await.unwrap().is_empty());
    assert_eq!(store.state("sync").await.unwrap(), None);
    folder(&store, ROOT_ID, "new").await;
}

/// From one kind of store to the other and back, nothing changes.
#[sqlx::test(migrations = "../../migrations/knowledgetree")]
async fn a_tree_moves_between_the_stores(pool: sqlx::PgPool) {
    let Some((neo4j, _turn)) = neo4j().await else { return };
    let postgres = postgres(pool).await;
    fill(&postgres).await;
    let records = dump(&postgres).await;
    for piece in records.chunks(4) {
        neo4j.load(piece).await.unwrap();
    }
    let moved = dump(&neo4j).await;
    assert_eq!(sorted(moved.clone()), sorted(records.clone()));
    postgres.wipe().await.unwrap();
    postgres.load(&moved).await.unwrap();
    assert_eq!(sorted(dump(&postgres).await), sorted(records));
}
