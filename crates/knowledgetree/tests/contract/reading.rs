//! Looking at the tree.

use hivematrix_knowledgetree::{
    domain::{
        item::{COMPANIES_ID, ROOT_ID, ROOT_NAME, Visibility},
        listing::{FolderNode, Place},
        search::SearchQuery,
        synced::ContextOwner,
    },
    store::{Entity, StoreError},
};

use crate::support::*;

const CLIENT: Visibility = Visibility::WithoutCompanies;

fn is_missing<T: std::fmt::Debug>(result: Result<T, StoreError>) -> bool {
    matches!(result, Err(StoreError::NotFound { .. }))
}

pub async fn an_empty_store_has_its_root(store: Store) {
    store.set_up().await.unwrap();
    store.ping().await.unwrap();
    let root = store.item(ROOT_ID, ALL).await.unwrap();
    assert_eq!((root.name.as_str(), root.parent_id, root.is_folder), (ROOT_NAME, None, true));
    assert!(root.content.starts_with("# Welcome"));
    assert!(store.children(ROOT_ID, ALL).await.unwrap().is_empty());
    assert_eq!(store.counts().await.unwrap().folders, 1);
}

pub async fn children_come_folders_first_then_by_name(store: Store) {
    for name in ["b", "a10", "a2", "Z"] {
        article(&store, ROOT_ID, name, "").await;
    }
    for name in ["folder", "Alpha"] {
        folder(&store, ROOT_ID, name).await;
    }
    assert_eq!(names(&store, ROOT_ID).await, ["Alpha", "folder", "a2", "a10", "b", "Z"]);
    let items = store.children_with_content(ROOT_ID, ALL).await.unwrap();
    assert_eq!(items.len(), 6);
    assert!(items.iter().all(|item| item.parent_id.as_deref() == Some(ROOT_ID)));
    assert!(is_missing(store.children("nobody", ALL).await));
    let leaf = items.last().unwrap();
    assert!(store.children(&leaf.id, ALL).await.unwrap().is_empty());
}

pub async fn paths_are_matched_name_by_name(store: Store) {
    let a = folder(&store, ROOT_ID, "a b%41?#").await;
    let c = article(&store, &a, "C", "").await;
    let resolve = async |names: &[&str]| store.resolve(&path(names), ALL).await.map(|found| found.id);
    assert_eq!(resolve(&[]).await.unwrap(), ROOT_ID);
    assert_eq!(resolve(&["a b%41?#"]).await.unwrap(), a);
    assert_eq!(resolve(&["a b%41?#", "C"]).await.unwrap(), c);
    for wrong in [&["a b%41?#", "c"][..], &["C"], &[""], &["a b%41?#", "C", "x"], &["a\0"]] {
        assert!(is_missing(resolve(wrong).await), "{wrong:?}");
    }
    let long = vec!["x"; 5000];
    assert!(is_missing(resolve(&long).await));
}

pub async fn breadcrumbs_lead_from_the_root(store: Store) {
    let mut parent = ROOT_ID.to_owned();
    for depth in 1..=30 {
        parent = folder(&store, &parent, &format!("f{depth}")).await;
    }
    let steps = store.breadcrumbs(&parent, ALL).await.unwrap();
    assert_eq!(steps.len(), 31);
    assert_eq!((steps[0].id.as_str(), steps[1].name.as_str(), steps[30].name.as_str()), (ROOT_ID, "f1", "f30"));
    assert_eq!(store.breadcrumbs(ROOT_ID, ALL).await.unwrap().len(), 1);
    assert!(is_missing(store.breadcrumbs("nobody", ALL).await));
}

pub async fn a_listing_has_all_at_once(store: Store) {
    let a = folder(&store, ROOT_ID, "a").await;
    let b = article(&store, &a, "b", &"🦀".repeat(300)).await;
    folder(&store, &a, "c").await;
    let by_id = store.browse(Place::Id(&a), false, ALL).await.unwrap();
    let by_path = store.browse(Place::Path(&path(&["a"])), false, ALL).await.unwrap();
    assert_eq!(by_id, by_path);
    assert_eq!(by_id.item.name, "a");
    assert_eq!(by_id.breadcrumbs.iter().map(|step| step.name.as_str()).collect::<Vec<_>>(), [ROOT_NAME, "a"]);
    assert_eq!(by_id.children.iter().map(|child| child.name.as_str()).collect::<Vec<_>>(), ["c", "b"]);
    assert!(by_id.children.iter().all(|child| child.excerpt.is_none()));
    let with = store.browse(Place::Id(&a), true, ALL).await.unwrap();
    assert_eq!(with.children[0].excerpt, None, "folders have no text");
    assert_eq!(with.children[1].excerpt.as_deref(), Some("🦀".repeat(201).as_str()));
    let leaf = store.browse(Place::Id(&b), true, ALL).await.unwrap();
    assert_eq!((leaf.item.id, leaf.children.len(), leaf.breadcrumbs.len()), (b, 0, 3));
    assert!(is_missing(store.browse(Place::Id("nobody"), true, ALL).await));
    assert!(is_missing(store.browse(Place::Path(&path(&["a", "nobody"])), true, ALL).await));
}

pub async fn the_folder_tree_has_folders_only(store: Store) {
    let b = folder(&store, ROOT_ID, "b").await;
    attached(&store, &b, "x10").await;
    folder(&store, &b, "x9").await;
    article(&store, &b, "y", "").await;
    folder(&store, ROOT_ID, "A").await;
    fn shape(node: &FolderNode) -> String {
        let below: Vec<String> = node.children.iter().map(shape).collect();
        format!("{}{}({})", node.name, if node.is_attached { "*" } else { "" }, below.join(" "))
    }
    let tree = store.folder_tree(ALL).await.unwrap();
    assert_eq!(tree.id, ROOT_ID);
    assert_eq!(shape(&tree), format!("{ROOT_NAME}(A() b(x9() x10*()))"));
}

pub async fn clients_do_not_see_companies(store: Store) {
    let outcome = store.sync_items(run("1"), &acme(), &ann(0)).await.unwrap();
    let [companies, company, .., contact] = &outcome.ids[..] else { panic!("{outcome:?}") };
    assert_eq!(companies, COMPANIES_ID);
    let open = folder(&store, ROOT_ID, "Open").await;
    let note = article(&store, company, "secret note", "hush").await;
    let public = article(&store, &open, "public", "hush").await;
    store.link_context(ContextOwner::Ticket("5"), &note).await.unwrap();
    store.link_context(ContextOwner::Ticket("5"), &public).await.unwrap();
    let file = crate::files::record(&store, &note, "a.txt", "h").await;
    for id in [companies, company, contact, &note] {
        assert!(store.item(id, ALL).await.is_ok());
        assert!(is_missing(store.item(id, CLIENT).await), "{id}");
        assert!(is_missing(store.children(id, CLIENT).await), "{id}");
        assert!(is_missing(store.breadcrumbs(id, CLIENT).await), "{id}");
        assert!(is_missing(store.files(id, CLIENT).await), "{id}");
        assert!(is_missing(store.versions(id, CLIENT).await), "{id}");
        assert!(is_missing(store.attached_folders(id, CLIENT).await), "{id}");
    }
    assert!(is_missing(store.resolve(&path(&["Companies", "Acme Corp"]), CLIENT).await));
    assert!(is_missing(store.file_by_name(&file.filename, CLIENT).await));
    let names: Vec<String> =
        store.children(ROOT_ID, CLIENT).await.unwrap().into_iter().map(|child| child.name).collect();
    assert_eq!(names, ["Open"]);
    assert_eq!(store.folder_tree(CLIENT).await.unwrap().children.len(), 1);
    let found = store.search(&SearchQuery { visibility: CLIENT, ..SearchQuery::new("hush") }).await.unwrap();
    assert_eq!(found.iter().map(|hit| hit.item.id.as_str()).collect::<Vec<_>>(), [public.as_str()]);
    assert_eq!(store.search(&SearchQuery::new("hush")).await.unwrap().len(), 2);
    let context = store.context_of(ContextOwner::Ticket("5"), CLIENT).await.unwrap();
    assert_eq!(context.iter().map(|item| item.name.as_str()).collect::<Vec<_>>(), ["public"]);
    // Wherever it is put and however it is called.
    store.update(companies, &rename("Customers"), None, &ann(1)).await.unwrap();
    store.move_to(companies, &open, &ann(2)).await.unwrap();
    assert!(is_missing(store.item(&note, CLIENT).await));
    assert_eq!(store.children(&open, CLIENT).await.unwrap().len(), 1);
}

pub async fn any_text_may_be_asked_for_as_an_id(store: Store) {
    let long = "x".repeat(100_000);
    for id in ["", " ", "\0", "'; drop table context_items; --", "}) DETACH DELETE n //", "🦀", long.as_str()] {
        assert!(is_missing(store.item(id, ALL).await), "{id}");
        assert!(is_missing(store.browse(Place::Id(id), true, ALL).await));
        assert!(is_missing(store.update(id, &rename("x"), None, &ann(0)).await));
        assert!(is_missing(store.move_to(id, ROOT_ID, &ann(0)).await));
        assert!(is_missing(store.trash(id, &ann(0)).await));
        assert!(is_missing(store.restore(id, None, &ann(0)).await));
        assert!(is_missing(store.purge(id).await));
        assert!(is_missing(store.delete_file(id).await));
        assert!(is_missing(store.file_by_name(id, ALL).await));
        assert!(is_missing(store.unlink_context(ContextOwner::Ticket(id), id).await));
        assert!(is_missing(store.link_context(ContextOwner::Company(id), ROOT_ID).await));
        assert!(store.context_of(ContextOwner::Ticket(id), ALL).await.unwrap().is_empty());
        assert!(store.search(&SearchQuery { start: id, ..SearchQuery::new("welcome") }).await.unwrap().is_empty());
        let created = store.create(&new_folder(id, "x"), &ann(0)).await;
        assert!(matches!(created, Err(StoreError::NotFound { entity: Entity::Parent, .. })), "{created:?}");
    }
    assert_eq!(store.counts().await.unwrap().folders, 1);
}
