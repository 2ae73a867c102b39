//! Records of files.

use hivematrix_knowledgetree::{
    domain::{
        files::{FileRecord, NewFile},
        item::ROOT_ID,
    },
    store::StoreError,
};
use uuid::Uuid;

use crate::support::*;

pub fn new_file(name: &str, hash: &str, text: Option<&str>) -> NewFile {
    let id = Uuid::new_v4().to_string();
    NewFile {
        filename: format!("{id}.txt"),
        id,
        original_filename: name.to_owned(),
        size: 3,
        content_type: "text/plain".to_owned(),
        content_hash: hash.to_owned(),
        text: text.map(str::to_owned),
    }
}

pub async fn record(store: &Store, item: &str, name: &str, hash: &str) -> FileRecord {
    store.add_file(item, &new_file(name, hash, None), &ann(0)).await.unwrap()
}

pub async fn a_file_belongs_to_its_item(store: Store) {
    let a = article(&store, ROOT_ID, "a", "").await;
    let second = record(&store, &a, "b10.txt", "h").await;
    let first = record(&store, &a, "B9.txt", "h").await;
    assert_eq!((first.size, first.content_type.as_deref(), first.uploaded_by.as_deref()), (Some(3), Some("text/plain"), Some("ann")));
    assert_eq!((first.created_at, first.content_hash.as_deref()), (Some(at(0)), Some("h")));
    assert_eq!(store.files(&a, ALL).await.unwrap(), [first.clone(), second.clone()]);
    assert_eq!(store.file_by_name(&first.filename, ALL).await.unwrap(), (first.clone(), a.clone()));
    assert_eq!(store.delete_file(&first.id).await.unwrap(), first);
    assert!(matches!(store.delete_file(&first.id).await, Err(StoreError::NotFound { .. })));
    assert!(matches!(store.file_by_name(&first.filename, ALL).await, Err(StoreError::NotFound { .. })));
    assert_eq!(store.files(&a, ALL).await.unwrap(), [second]);
    let lost = store.add_file("nobody", &new_file("x.txt", "h", None), &ann(0)).await;
    assert!(matches!(lost, Err(StoreError::NotFound { .. })));
    assert_eq!(store.counts().await.unwrap().files, 1);
}

pub async fn a_hash_is_free_when_no_file_has_it(store: Store) {
    let a = article(&store, ROOT_ID, "a", "").await;
    let one = record(&store, &a, "1.txt", "shared").await;
    let two = record(&store, &a, "2.txt", "shared").await;
    let asked = path(&["other", "shared"]);
    assert_eq!(store.unreferenced(&asked).await.unwrap(), ["other"]);
    store.delete_file(&one.id).await.unwrap();
    assert_eq!(store.unreferenced(&asked).await.unwrap(), ["other"]);
    store.trash(&a, &ann(0)).await.unwrap();
    assert_eq!(store.unreferenced(&asked).await.unwrap(), ["other"], "the trash still needs it");
    store.restore(&a, None, &ann(0)).await.unwrap();
    store.delete_file(&two.id).await.unwrap();
    assert_eq!(store.unreferenced(&asked).await.unwrap(), ["other", "shared"]);
}
