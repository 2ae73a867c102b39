//! Making and changing items.

use hivematrix_knowledgetree::{
    domain::{
        item::{ContentFormat, Expected, ItemChange, NewContent, NewItem, ROOT_ID},
        order::MAX_DEPTH,
    },
    store::{Entity, StoreError},
};

use crate::support::*;

pub async fn an_item_is_made_with_times_and_author(store: Store) {
    let item = NewItem { is_attached: true, ..new_article(ROOT_ID, "Ä %_\\' note", "a\0b") };
    let made = store.create(&item, &ann(0)).await.unwrap();
    assert_eq!((made.name.as_str(), made.content.as_str()), ("Ä %_\\' note", "ab"));
    assert_eq!(made.content_format, Some(ContentFormat::Markdown));
    assert!(!made.is_attached, "articles are not attached");
    assert!(!made.read_only);
    assert_eq!((made.created_at, made.updated_at, made.version), (Some(at(0)), Some(at(0)), 1));
    assert_eq!((made.created_by.as_deref(), made.updated_by.as_deref()), (Some("ann"), Some("ann")));
    assert_eq!(store.item(&made.id, ALL).await.unwrap(), made);
    let attached = attached(&store, ROOT_ID, "attached").await;
    let folder = store.item(&attached, ALL).await.unwrap();
    assert!(folder.is_folder && folder.is_attached && folder.content.is_empty());
    assert_ne!(folder.id, made.id);
}

pub async fn no_item_comes_under_what_is_not_a_folder(store: Store) {
    let leaf = article(&store, ROOT_ID, "leaf", "").await;
    let made = store.create(&new_folder(&leaf, "x"), &ann(0)).await;
    assert!(matches!(made, Err(StoreError::NotAFolder { id }) if id == leaf));
    let made = store.create(&new_folder("nobody", "x"), &ann(0)).await;
    assert!(matches!(made, Err(StoreError::NotFound { entity: Entity::Parent, .. })));
    let f = folder(&store, ROOT_ID, "f").await;
    assert!(matches!(store.move_to(&f, &leaf, &ann(0)).await, Err(StoreError::NotAFolder { .. })));
    let moved = store.move_to(&f, "nobody", &ann(0)).await;
    assert!(matches!(moved, Err(StoreError::NotFound { entity: Entity::Parent, .. })));
    assert!(matches!(store.copy(&f, &leaf, None, &ann(0)).await, Err(StoreError::NotAFolder { .. })));
}

pub async fn names_are_unique_among_siblings(store: Store) {
    let a = folder(&store, ROOT_ID, "a").await;
    let b = article(&store, ROOT_ID, "b", "").await;
    let taken = |result: Result<_, StoreError>, by: &str| matches!(result, Err(StoreError::NameTaken { existing_id }) if existing_id == by);
    assert!(taken(store.create(&new_article(ROOT_ID, "a", ""), &ann(0)).await, &a));
    assert!(taken(store.update(&b, &rename("a"), None, &ann(0)).await, &a));
    // Other case, other name; other folder, other siblings.
    folder(&store, ROOT_ID, "A").await;
    folder(&store, &a, "a").await;
    store.update(&b, &rename("c"), None, &ann(0)).await.unwrap();
    folder(&store, ROOT_ID, "b").await;
}

pub async fn a_change_keeps_the_former_state(store: Store) {
    let id = article(&store, ROOT_ID, "one", "first").await;
    let html = NewContent { text: "<p>é🦀</p>".to_owned(), format: ContentFormat::Html, links: vec![] };
    let change = ItemChange { name: Some("two".to_owned()), content: Some(html), is_attached: Some(true) };
    let bob = hivematrix_knowledgetree::domain::item::Author { user: "bob", ..ann(60) };
    let changed = store.update(&id, &change, None, &bob).await.unwrap();
    assert_eq!((changed.name.as_str(), changed.content.as_str()), ("two", "<p>é🦀</p>"));
    assert_eq!(changed.content_format, Some(ContentFormat::Html));
    assert_eq!((changed.version, changed.updated_at, changed.created_at), (2, Some(at(60)), Some(at(0))));
    assert_eq!((changed.updated_by.as_deref(), changed.created_by.as_deref()), (Some("bob"), Some("ann")));
    assert!(!changed.is_attached, "articles are not attached");
    let versions = store.versions(&id, ALL).await.unwrap();
    let seen: Vec<_> = versions.iter().map(|v| (v.version, v.name.as_str(), v.chars, v.by.as_deref())).collect();
    assert_eq!(seen, [(2, "two", 9, Some("bob")), (1, "one", 5, Some("ann"))]);
    let first = store.version(&id, 1, ALL).await.unwrap();
    assert_eq!((first.content.as_str(), first.at), ("first", Some(at(0))));
    assert_eq!(store.version(&id, 2, ALL).await.unwrap().content, "<p>é🦀</p>");
    let missing = store.version(&id, 3, ALL).await;
    assert!(matches!(missing, Err(StoreError::NotFound { entity: Entity::Version, .. })));
}

pub async fn a_change_of_nothing_changes_nothing(store: Store) {
    let id = article(&store, ROOT_ID, "one", "first").await;
    let before = store.item(&id, ALL).await.unwrap();
    let change = ItemChange { name: Some("one".to_owned()), ..rewrite("first") };
    assert_eq!(store.update(&id, &change, None, &ann(60)).await.unwrap(), before);
    assert_eq!(store.update(&id, &ItemChange::default(), None, &ann(60)).await.unwrap(), before);
    assert_eq!(store.versions(&id, ALL).await.unwrap().len(), 1);
    // The text of a folder is nothing.
    let f = folder(&store, ROOT_ID, "f").await;
    assert_eq!(store.update(&f, &rewrite("text"), None, &ann(60)).await.unwrap().content, "");
}

pub async fn a_second_editor_is_told(store: Store) {
    let id = article(&store, ROOT_ID, "one", "first").await;
    let seen = store.item(&id, ALL).await.unwrap();
    let (by_time, by_version) = (Expected::UpdatedAt(seen.updated_at), Expected::Version(seen.version));
    // The clock stands still.
    let saved = store.update(&id, &rewrite("second"), Some(by_time), &ann(0)).await.unwrap();
    assert!(saved.updated_at > seen.updated_at);
    for expected in [by_time, by_version] {
        match store.update(&id, &rewrite("third"), Some(expected), &ann(0)).await {
            Err(StoreError::Conflict { current }) => assert_eq!(*current, saved),
            other => panic!("{other:?}"),
        }
    }
    assert_eq!(store.item(&id, ALL).await.unwrap().content, "second");
    store.update(&id, &rewrite("third"), Some(Expected::Version(2)), &ann(0)).await.unwrap();
}

pub async fn the_root_changes_in_text_only(store: Store) {
    let f = folder(&store, ROOT_ID, "f").await;
    let root = |result: Result<(), StoreError>| matches!(result, Err(StoreError::Root));
    assert!(root(store.update(ROOT_ID, &rename("x"), None, &admin(0)).await.map(drop)));
    assert!(root(store.move_to(ROOT_ID, &f, &admin(0)).await));
    assert!(root(store.copy(ROOT_ID, &f, None, &admin(0)).await.map(drop)));
    assert!(root(store.trash(ROOT_ID, &admin(0)).await.map(drop)));
    let changed = store.update(ROOT_ID, &rewrite("# Hello"), None, &ann(0)).await.unwrap();
    assert_eq!((changed.content.as_str(), changed.version), ("# Hello", 2));
    store.set_up().await.unwrap();
    assert_eq!(store.item(ROOT_ID, ALL).await.unwrap().content, "# Hello");
}

pub async fn protected_items_do_not_change(store: Store) {
    let outcome = store.sync_items(run("1"), &acme(), &ann(0)).await.unwrap();
    let (company, contact) = (&outcome.ids[1], &outcome.ids[4]);
    let refused = |result: Result<(), StoreError>, by: &str| matches!(result, Err(StoreError::ReadOnly { id }) if id == by);
    for author in [ann(1), admin(1)] {
        assert!(refused(store.update(contact, &rewrite("x"), None, &author).await.map(drop), contact));
        assert!(refused(store.update(company, &rename("x"), None, &author).await.map(drop), company));
        assert!(refused(store.move_to(company, ROOT_ID, &author).await, company));
    }
    // People's own items in it.
    let note = article(&store, company, "note", "").await;
    store.update(&note, &rewrite("x"), None, &ann(1)).await.unwrap();
    crate::files::record(&store, contact, "a.txt", "h").await;
    // A copy is nobody's but its maker's.
    let copied = store.copy(company, ROOT_ID, None, &ann(1)).await.unwrap();
    assert!(!copied.read_only && copied.source.is_none());
    store.update(&copied.id, &rename("mine"), None, &ann(1)).await.unwrap();
}

pub async fn a_move_takes_all_below_along(store: Store) {
    let a = folder(&store, ROOT_ID, "a").await;
    let b = folder(&store, &a, "b").await;
    let c = article(&store, &b, "c", "x").await;
    let target = folder(&store, ROOT_ID, "target").await;
    store.move_to(&b, &target, &ann(30)).await.unwrap();
    assert_eq!(way(&store, &c).await, "target/b/c");
    assert_eq!(names(&store, &a).await, [""; 0]);
    let moved = store.item(&b, ALL).await.unwrap();
    assert_eq!((moved.parent_id.as_deref(), moved.updated_at, moved.version), (Some(target.as_str()), Some(at(30)), 1));
    assert_eq!(store.resolve(&path(&["target", "b", "c"]), ALL).await.unwrap().id, c);
    // There already: nothing changes.
    store.move_to(&b, &target, &ann(90)).await.unwrap();
    assert_eq!(store.item(&b, ALL).await.unwrap(), moved);
    store.move_to(&b, ROOT_ID, &ann(90)).await.unwrap();
    assert_eq!(way(&store, &c).await, "b/c");
}

pub async fn no_folder_comes_into_itself(store: Store) {
    let a = folder(&store, ROOT_ID, "a").await;
    let b = folder(&store, &a, "b").await;
    let c = folder(&store, &b, "c").await;
    for target in [&a, &b, &c] {
        assert!(matches!(store.move_to(&a, target, &ann(0)).await, Err(StoreError::Cycle)), "{target}");
        assert!(matches!(store.copy(&a, target, None, &ann(0)).await, Err(StoreError::Cycle)));
    }
    assert_eq!(way(&store, &c).await, "a/b/c");
}

pub async fn moves_keep_names_unique(store: Store) {
    let a = folder(&store, ROOT_ID, "a").await;
    let inner = folder(&store, &a, "x").await;
    let outer = article(&store, ROOT_ID, "x", "").await;
    assert!(matches!(store.move_to(&inner, ROOT_ID, &ann(0)).await, Err(StoreError::NameTaken { existing_id }) if existing_id == outer));
    assert!(matches!(store.copy(&inner, ROOT_ID, None, &ann(0)).await, Err(StoreError::NameTaken { .. })));
    let copied = store.copy(&inner, ROOT_ID, Some("y"), &ann(0)).await.unwrap();
    assert_eq!(copied.name, "y");
}

pub async fn a_copy_is_an_items_own(store: Store) {
    let a = folder(&store, ROOT_ID, "a").await;
    let b = attached(&store, &a, "b").await;
    let target = folder(&store, ROOT_ID, "target").await;
    let linked = NewItem {
        content: Some(NewContent { links: vec![target.clone()], ..text("see") }),
        ..new_article(&b, "c", "")
    };
    let c = store.create(&linked, &ann(0)).await.unwrap().id;
    store.update(&c, &rewrite("see more"), None, &ann(0)).await.unwrap();
    let file = crate::files::record(&store, &c, "a.txt", "hash").await;
    let copied = store.copy(&a, &target, Some("a2"), &ann(60)).await.unwrap();
    assert_eq!((copied.name.as_str(), copied.created_at, copied.version), ("a2", Some(at(60)), 1));
    let copy_of_b = store.resolve(&path(&["target", "a2", "b"]), ALL).await.unwrap();
    assert!(store.item(&copy_of_b.id, ALL).await.unwrap().is_attached);
    let copy_of_c = store.resolve(&path(&["target", "a2", "b", "c"]), ALL).await.unwrap();
    let item = store.item(&copy_of_c.id, ALL).await.unwrap();
    assert_eq!((item.content.as_str(), item.version), ("see more", 1));
    assert_eq!(store.versions(&item.id, ALL).await.unwrap().len(), 1);
    let copied_file = &store.files(&item.id, ALL).await.unwrap()[0];
    assert_ne!((&copied_file.id, &copied_file.filename), (&file.id, &file.filename));
    assert_eq!(copied_file.filename, format!("{}.txt", copied_file.id));
    assert_eq!((&copied_file.content_hash, copied_file.size), (&file.content_hash, file.size));
    // The original is untouched.
    assert_eq!(way(&store, &c).await, "a/b/c");
    store.trash(&copied.id, &ann(0)).await.unwrap();
    assert_eq!(store.files(&c, ALL).await.unwrap().len(), 1);
}

pub async fn trees_have_an_end(store: Store) {
    let mut parent = ROOT_ID.to_owned();
    for depth in 2..=MAX_DEPTH {
        parent = folder(&store, &parent, &format!("{depth}")).await;
    }
    assert!(matches!(store.create(&new_folder(&parent, "x"), &ann(0)).await, Err(StoreError::Invalid(_))));
    let pair = folder(&store, ROOT_ID, "pair").await;
    folder(&store, &pair, "below").await;
    let nearly = store.breadcrumbs(&parent, ALL).await.unwrap()[MAX_DEPTH - 2].id.clone();
    assert!(matches!(store.move_to(&pair, &nearly, &ann(0)).await, Err(StoreError::Invalid(_))));
    assert!(matches!(store.copy(&pair, &nearly, None, &ann(0)).await, Err(StoreError::Invalid(_))));
    assert_eq!(way(&store, &pair).await, "pair");
    let above = store.breadcrumbs(&parent, ALL).await.unwrap()[MAX_DEPTH - 3].id.clone();
    store.move_to(&pair, &above, &ann(0)).await.unwrap();
}

pub async fn links_are_found_from_their_targets(store: Store) {
    let target = article(&store, ROOT_ID, "target", "").await;
    let other = article(&store, ROOT_ID, "other", "").await;
    let linking = |links: &[&str]| NewContent { links: path(links), ..text("see [there]") };
    let from = NewItem {
        content: Some(linking(&[&target, &target, "nobody", "\0"])),
        ..new_article(ROOT_ID, "from", "")
    };
    let from = store.create(&from, &ann(0)).await.unwrap().id;
    let back = async |id: &str| {
        let links = store.back_links(id, ALL).await.unwrap();
        links.into_iter().map(|link| link.name).collect::<Vec<_>>()
    };
    assert_eq!(back(&target).await, ["from"]);
    let change = ItemChange { content: Some(linking(&[&other])), ..ItemChange::default() };
    store.update(&from, &change, None, &ann(0)).await.unwrap();
    assert_eq!(back(&target).await, [""; 0]);
    assert_eq!(back(&other).await, ["from"]);
    store.trash(&from, &ann(0)).await.unwrap();
    assert_eq!(back(&other).await, [""; 0]);
    store.restore(&from, None, &ann(0)).await.unwrap();
    assert_eq!(back(&other).await, ["from"]);
}

pub async fn a_former_state_comes_back(store: Store) {
    let id = article(&store, ROOT_ID, "one", "first").await;
    store.update(&id, &ItemChange { name: Some("two".to_owned()), ..rewrite("second") }, None, &ann(1)).await.unwrap();
    let stale = store.restore_version(&id, 1, vec![], Some(Expected::Version(1)), &ann(2)).await;
    assert!(matches!(stale, Err(StoreError::Conflict { .. })));
    let back = store.restore_version(&id, 1, vec![], Some(Expected::Version(2)), &ann(2)).await.unwrap();
    assert_eq!((back.name.as_str(), back.content.as_str(), back.version), ("two", "first", 3));
    assert_eq!(store.version(&id, 2, ALL).await.unwrap().content, "second");
    assert!(matches!(store.restore_version(&id, 9, vec![], None, &ann(2)).await, Err(StoreError::NotFound { .. })));
}
