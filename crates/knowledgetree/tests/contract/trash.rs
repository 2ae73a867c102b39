//! What was deleted.

use hivematrix_knowledgetree::{domain::item::ROOT_ID, store::StoreError};

use crate::support::*;

pub async fn what_is_deleted_is_gone_and_comes_back(store: Store) {
    let a = folder(&store, ROOT_ID, "a").await;
    let b = folder(&store, &a, "b").await;
    let c = article(&store, &b, "c", "needle").await;
    let file = crate::files::record(&store, &c, "a.txt", "h").await;
    store.update(&c, &rewrite("needle two"), None, &ann(0)).await.unwrap();
    assert_eq!(store.trash(&b, &ann(60)).await.unwrap(), 2);
    for id in [&b, &c] {
        assert!(matches!(store.item(id, ALL).await, Err(StoreError::NotFound { .. })));
        assert!(matches!(store.trash(id, &ann(60)).await, Err(StoreError::NotFound { .. })));
    }
    assert!(matches!(store.file_by_name(&file.filename, ALL).await, Err(StoreError::NotFound { .. })));
    assert!(matches!(store.delete_file(&file.id).await, Err(StoreError::NotFound { .. })));
    assert!(store.search(&hivematrix_knowledgetree::domain::search::SearchQuery::new("needle")).await.unwrap().is_empty());
    assert_eq!(names(&store, &a).await, [""; 0]);
    let [entry] = &store.trashed().await.unwrap()[..] else { panic!() };
    assert_eq!((entry.id.as_str(), entry.name.as_str(), entry.is_folder, entry.items), (b.as_str(), "b", true, 2));
    assert_eq!((entry.former_parent_id.as_deref(), entry.former_parent_name.as_deref()), (Some(a.as_str()), Some("a")));
    assert_eq!((entry.trashed_at, entry.trashed_by.as_deref(), entry.by_sync), (at(60), Some("ann"), false));
    assert!(matches!(store.restore(&c, None, &ann(61)).await, Err(StoreError::NotFound { .. })), "only whole subtrees");
    let restored = store.restore(&b, None, &ann(61)).await.unwrap();
    assert_eq!((restored.parent_id.as_deref(), restored.updated_at), (Some(a.as_str()), Some(at(61))));
    assert_eq!(way(&store, &c).await, "a/b/c");
    assert_eq!(store.versions(&c, ALL).await.unwrap().len(), 2);
    assert_eq!(store.files(&c, ALL).await.unwrap(), [file]);
    assert!(store.trashed().await.unwrap().is_empty());
}

pub async fn what_lost_its_folder_comes_back_under_the_root(store: Store) {
    let a = folder(&store, ROOT_ID, "a").await;
    let b = folder(&store, &a, "b").await;
    store.trash(&b, &ann(0)).await.unwrap();
    store.trash(&a, &ann(1)).await.unwrap();
    let entries = store.trashed().await.unwrap();
    assert_eq!(entries.iter().map(|entry| entry.name.as_str()).collect::<Vec<_>>(), ["a", "b"], "the latest first");
    assert_eq!(entries[1].former_parent_name, None, "it is in the trash itself");
    store.restore(&b, None, &ann(2)).await.unwrap();
    assert_eq!(way(&store, &b).await, "b");
}

pub async fn a_taken_name_keeps_it_in_the_trash(store: Store) {
    let a = folder(&store, ROOT_ID, "a").await;
    store.trash(&a, &ann(0)).await.unwrap();
    let newer = folder(&store, ROOT_ID, "a").await;
    assert!(matches!(store.restore(&a, None, &ann(1)).await, Err(StoreError::NameTaken { existing_id }) if existing_id == newer));
    assert_eq!(store.trashed().await.unwrap().len(), 1);
    let restored = store.restore(&a, Some("a (2)"), &ann(1)).await.unwrap();
    assert_eq!((restored.id, restored.name.as_str(), restored.version), (a.clone(), "a (2)", 2));
    assert_eq!(store.versions(&a, ALL).await.unwrap()[1].name, "a");
}

pub async fn protected_items_are_deleted_by_administrators_only(store: Store) {
    let ids = store.sync_items(run("1"), &acme(), &ann(0)).await.unwrap().ids;
    // The folder of all companies is not protected, but what is in it is.
    for id in &ids {
        assert!(matches!(store.trash(id, &ann(1)).await, Err(StoreError::ReadOnly { .. })), "{id}");
    }
    assert_eq!(store.trash(&ids[4], &admin(1)).await.unwrap(), 1);
    assert_eq!(store.trash(&ids[0], &admin(1)).await.unwrap(), 4);
}

pub async fn purging_removes_files_and_history(store: Store) {
    let a = folder(&store, ROOT_ID, "a").await;
    let b = article(&store, &a, "b", "").await;
    let keep = article(&store, ROOT_ID, "keep", "").await;
    store.update(&b, &rewrite("x"), None, &ann(0)).await.unwrap();
    let file = crate::files::record(&store, &b, "a.txt", "shared").await;
    crate::files::record(&store, &keep, "b.txt", "shared").await;
    let own = crate::files::record(&store, &a, "c.txt", "own").await;
    assert!(matches!(store.purge(&a).await, Err(StoreError::NotFound { .. })), "only from the trash");
    store.trash(&a, &ann(0)).await.unwrap();
    assert!(matches!(store.purge(&b).await, Err(StoreError::NotFound { .. })), "only whole subtrees");
    let mut purged = store.purge(&a).await.unwrap();
    purged.files.sort_by_key(|file| file.original_filename.clone());
    assert_eq!((purged.items, purged.files), (2, vec![file, own]));
    let free = store.unreferenced(&path(&["shared", "own"])).await.unwrap();
    assert_eq!(free, ["own"]);
    assert!(store.trashed().await.unwrap().is_empty());
    assert!(matches!(store.restore(&a, None, &ann(0)).await, Err(StoreError::NotFound { .. })));
    // Nothing is left of it.
    let left = format!("{:?}", dump(&store).await);
    assert!(!left.contains(&b) && left.contains(&keep), "{left}");
}

pub async fn the_trash_is_emptied_by_age(store: Store) {
    for (name, seconds) in [("old", 0), ("older", -60), ("new", 100)] {
        let id = folder(&store, ROOT_ID, name).await;
        article(&store, &id, "x", "").await;
        store.trash(&id, &ann(seconds)).await.unwrap();
    }
    let purged = store.purge_expired(at(50)).await.unwrap();
    assert_eq!(purged.items, 4);
    assert_eq!(store.purge_expired(at(50)).await.unwrap().items, 0);
    assert_eq!(store.trashed().await.unwrap().len(), 1);
}
