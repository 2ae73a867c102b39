//! What syncs hand over.

use hivematrix_knowledgetree::{
    domain::{
        item::ROOT_ID,
        synced::{CompanyRow, ContextOwner, SourceKind, SyncOutcome, SyncParent, SyncRun, SyncedItem, TicketRow},
    },
    store::StoreError,
};

use crate::support::*;

async fn sync(store: &Store, run_id: &str, items: &[SyncedItem]) -> SyncOutcome {
    store.sync_items(run(run_id), items, &ann(0)).await.unwrap()
}

fn numbers(outcome: &SyncOutcome) -> (u64, u64, u64) {
    (outcome.created, outcome.updated, outcome.unchanged)
}

pub async fn a_sync_makes_and_finds_again(store: Store) {
    let first = sync(&store, "1", &acme()).await;
    assert_eq!(numbers(&first), (5, 0, 0));
    assert_eq!(first.ids[1], "root_Companies_Acme_Corp");
    assert_eq!(first.ids[4], "root_Companies_Acme_Corp_Users_Jane_Doe_Contact.md");
    assert_eq!(way(&store, &first.ids[4]).await, "Companies/Acme Corp/Users/Jane Doe/Contact.md");
    let contact = store.item(&first.ids[4], ALL).await.unwrap();
    let source = contact.source.clone().unwrap();
    assert!(contact.read_only);
    assert_eq!((source.source.as_str(), source.source_id.as_str(), source.kind), ("codex", "contact:7", SourceKind::Contact));
    assert_eq!(numbers(&sync(&store, "2", &acme()).await), (0, 0, 5));
    assert_eq!(store.item(&first.ids[4], ALL).await.unwrap(), contact);
    // A company with another name keeps its id and what is below it; a person goes elsewhere.
    let mut items = acme();
    items[1].name = "Acme & Sons".to_owned();
    items[4].content = "# New".to_owned();
    items.push(synced("company:2", SourceKind::Company, under("companies"), "Beta"));
    items[3].parent = under("company:2");
    let changed = sync(&store, "3", &items).await;
    assert_eq!(numbers(&changed), (1, 3, 2));
    assert_eq!(changed.ids[..5], first.ids[..]);
    assert_eq!(way(&store, &first.ids[4]).await, "Companies/Beta/Jane Doe/Contact.md");
    let contact = store.item(&first.ids[4], ALL).await.unwrap();
    assert_eq!((contact.content.as_str(), contact.version), ("# New", 2));
    assert_eq!(store.versions(&first.ids[4], ALL).await.unwrap().len(), 1, "the source has the history");
    // In two calls.
    let asset = synced("asset:1", SourceKind::Asset, under("company:2"), "pc.md");
    let added = sync(&store, "3", &[asset]).await;
    assert_eq!(way(&store, &added.ids[0]).await, "Companies/Beta/pc.md");
    let ids = store.synced_ids("codex", &path(&["asset:1", "asset:2"])).await.unwrap();
    assert_eq!(ids, [("asset:1".to_owned(), added.ids[0].clone())]);
    let counts = store.counts().await.unwrap();
    assert_eq!((counts.company_items, counts.tickets), (6, 0));
}

pub async fn a_sync_leaves_peoples_items_alone(store: Store) {
    let ids = sync(&store, "1", &acme()[..2]).await.ids;
    let own = folder(&store, &ids[1], "Users").await;
    let mut items = acme();
    // Three whose names, or whose ids made of them, are one.
    items.push(synced("company:2", SourceKind::Company, under("companies"), "Acme Corp"));
    items.push(synced("company:3", SourceKind::Company, under("companies"), "Acme_Corp"));
    items.push(synced("company:4", SourceKind::Company, under("companies"), "Acme Corp"));
    items[7].second_name = "Acme Corp (company:2)".to_owned();
    let ids = sync(&store, "2", &items).await.ids;
    let mine = store.item(&own, ALL).await.unwrap();
    assert!(!mine.read_only && mine.source.is_none());
    assert_eq!(way(&store, &ids[4]).await, "Companies/Acme Corp/Users (company:1/users)/Jane Doe/Contact.md");
    let mut names = names(&store, &ids[0]).await;
    names.sort();
    assert_eq!(names, ["Acme Corp", "Acme Corp (company:2)", "Acme Corp (company:2) 2", "Acme_Corp"]);
    let mut unique = ids.clone();
    unique.sort();
    unique.dedup();
    assert_eq!(unique.len(), ids.len());
    // All keep the names they have.
    assert_eq!(numbers(&sync(&store, "3", &items).await), (0, 0, 8));
    // When the name is free, it is taken.
    store.update(&own, &rename("My users"), None, &ann(0)).await.unwrap();
    assert_eq!(numbers(&sync(&store, "4", &items).await), (0, 1, 7));
    assert_eq!(way(&store, &ids[4]).await, "Companies/Acme Corp/Users/Jane Doe/Contact.md");
}

pub async fn what_is_gone_goes_to_the_trash_and_comes_back(store: Store) {
    let ids = sync(&store, "1", &acme()).await.ids;
    let tickets = SyncRun { source: "codex-tickets", run_id: "1" };
    let ticket = synced("ticket:5", SourceKind::Ticket, SyncParent::Item(ids[1].clone()), "Ticket_5.md");
    let ticket_id = store.sync_items(tickets, &[ticket], &ann(0)).await.unwrap().ids.remove(0);
    sync(&store, "2", &acme()[..3]).await;
    assert_eq!(store.sweep(run("2"), &ann(10)).await.unwrap(), 1, "the person with the card");
    assert_eq!(store.sweep(run("2"), &ann(10)).await.unwrap(), 0);
    assert!(store.item(&ids[3], ALL).await.is_err());
    assert!(store.item(&ticket_id, ALL).await.is_ok(), "of another source");
    let entry = store.trashed().await.unwrap().remove(0);
    assert_eq!((entry.by_sync, entry.items, entry.own_items, entry.trashed_at), (true, 2, 0, at(10)));
    // The company goes with all in it, comes back, and the person too.
    sync(&store, "3", &acme()[..1]).await;
    assert_eq!(store.sweep(run("3"), &ann(20)).await.unwrap(), 1);
    assert!(store.item(&ticket_id, ALL).await.is_err());
    let back = sync(&store, "4", &acme()).await;
    assert_eq!(back.ids, ids);
    assert_eq!(numbers(&back).0, 0);
    assert_eq!(way(&store, &ids[4]).await, "Companies/Acme Corp/Users/Jane Doe/Contact.md");
    assert_eq!(way(&store, &ticket_id).await, "Companies/Acme Corp/Ticket_5.md");
    assert!(store.trashed().await.unwrap().is_empty());
    assert_eq!(numbers(&sync(&store, "5", &acme()).await), (0, 0, 5));
    // An administrator's deletion lasts until the next run.
    store.trash(&ids[0], &admin(0)).await.unwrap();
    assert_eq!(sync(&store, "6", &acme()).await.ids, ids);
    assert_eq!(way(&store, &ids[4]).await, "Companies/Acme Corp/Users/Jane Doe/Contact.md");
}

pub async fn notes_of_people_in_it_are_not_removed_by_age(store: Store) {
    let ids = sync(&store, "1", &acme()).await.ids;
    let note = article(&store, &ids[2], "note", "mine").await;
    sync(&store, "2", &acme()[..1]).await;
    store.sweep(run("2"), &ann(10)).await.unwrap();
    assert_eq!(store.trashed().await.unwrap()[0].own_items, 1);
    assert_eq!(store.purge_expired(at(1000)).await.unwrap().items, 0);
    sync(&store, "3", &acme()).await;
    assert_eq!(store.item(&note, ALL).await.unwrap().content, "mine");
    store.trash(&note, &ann(20)).await.unwrap();
    sync(&store, "4", &acme()[..1]).await;
    store.sweep(run("4"), &ann(20)).await.unwrap();
    assert_eq!(store.purge_expired(at(1000)).await.unwrap().items, 5);
}

pub async fn folders_of_both_kinds_share_companies(store: Store) {
    let own = folder(&store, ROOT_ID, "Companies").await;
    let ids = sync(&store, "1", &acme()).await.ids;
    assert_eq!(ids[0], own);
    let companies = store.item(&own, ALL).await.unwrap();
    assert!(!companies.read_only);
    assert_eq!(names(&store, ROOT_ID).await, ["Companies"]);
    // It may be called otherwise and stand elsewhere.
    let attic = folder(&store, ROOT_ID, "Attic").await;
    store.update(&own, &rename("Customers"), None, &ann(0)).await.unwrap();
    store.move_to(&own, &attic, &ann(0)).await.unwrap();
    assert_eq!(numbers(&sync(&store, "2", &acme()).await), (0, 0, 5));
    assert_eq!(way(&store, &ids[1]).await, "Attic/Customers/Acme Corp");
}

pub async fn a_sync_that_names_nothing_is_refused(store: Store) {
    let orphan = synced("company:1", SourceKind::Company, under("companies"), "Acme");
    let refused = store.sync_items(run("1"), std::slice::from_ref(&orphan), &ann(0)).await;
    assert!(matches!(refused, Err(StoreError::Invalid(_))), "{refused:?}");
    let gone = SyncedItem { parent: SyncParent::Item("nobody".to_owned()), ..orphan.clone() };
    assert!(matches!(store.sync_items(run("1"), &[gone], &ann(0)).await, Err(StoreError::Invalid(_))));
    let twice = SyncedItem { parent: SyncParent::Root, ..orphan };
    assert!(matches!(store.sync_items(run("1"), &[twice.clone(), twice], &ann(0)).await, Err(StoreError::Invalid(_))));
    let leaf = article(&store, ROOT_ID, "leaf", "").await;
    let inside = synced("asset:1", SourceKind::Asset, SyncParent::Item(leaf), "pc.md");
    assert!(matches!(store.sync_items(run("1"), &[inside], &ann(0)).await, Err(StoreError::Invalid(_))));
    assert_eq!(names(&store, ROOT_ID).await, ["leaf"]);
    assert_eq!(store.sync_items(run("1"), &[], &ann(0)).await.unwrap(), SyncOutcome::default());
}

pub async fn companies_and_tickets_are_merged(store: Store) {
    let ids = sync(&store, "1", &acme()).await.ids;
    let row = |id: &str, name: &str, folder: Option<&String>| CompanyRow {
        id: id.to_owned(),
        name: name.to_owned(),
        account_number: format!("C-{id}"),
        folder_id: folder.cloned(),
    };
    store.merge_companies(&[row("1", "Acme", Some(&ids[1])), row("2", "Beta", None)], at(0)).await.unwrap();
    store.merge_companies(&[row("1", "Acme Corp", Some(&ids[1]))], at(9)).await.unwrap();
    let context = store.context_of(ContextOwner::Company("1"), ALL).await.unwrap();
    assert_eq!(context.iter().map(|item| item.id.as_str()).collect::<Vec<_>>(), [ids[1].as_str()]);
    assert_eq!(store.counts().await.unwrap().companies, 2);
    assert_eq!(store.keep_companies(&path(&["1"])).await.unwrap(), 1);
    assert_eq!(store.counts().await.unwrap().companies, 1);
    let ticket = |items: &[&String]| TicketRow { number: "5".to_owned(), item_ids: items.iter().map(|id| (*id).clone()).collect() };
    let nobody = "nobody".to_owned();
    store.merge_tickets(&[ticket(&[&ids[4], &nobody])]).await.unwrap();
    store.merge_tickets(&[ticket(&[&ids[4], &ids[3]])]).await.unwrap();
    assert_eq!(store.context_of(ContextOwner::Ticket("5"), ALL).await.unwrap().len(), 2);
}

pub async fn a_job_is_taken_once(store: Store) {
    assert_eq!(store.state("sync").await.unwrap(), None);
    assert!(!store.set_state("sync", Some("x"), "y").await.unwrap());
    assert!(store.set_state("sync", None, "running").await.unwrap());
    assert!(!store.set_state("sync", None, "running").await.unwrap());
    let takers = (0..8).map(|number| {
        let store = store.clone();
        tokio::spawn(async move { store.set_state("sync", Some("running"), &format!("taken {number}")).await.unwrap() })
    });
    let mut taken = 0;
    for taker in takers.collect::<Vec<_>>() {
        taken += usize::from(taker.await.unwrap());
    }
    assert_eq!(taken, 1);
    assert!(store.state("sync").await.unwrap().unwrap().starts_with("taken"));
}
