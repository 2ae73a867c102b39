//! What happens when several do something at once.

use std::time::Duration;

use hivematrix_knowledgetree::{
    domain::{
        item::{Expected, ROOT_ID},
        records::Record,
    },
    store::StoreError,
};
use tokio::task::JoinHandle;

use crate::support::*;

/// Every item of the tree is reached from the root once, and no two siblings have one name.
pub async fn is_a_tree(store: &Store) {
    let mut seen = std::collections::HashSet::from([None]);
    let mut names = std::collections::HashSet::new();
    for record in dump(store).await {
        if let Record::Item(item) = record
            && item.trash_root.is_none()
        {
            assert!(seen.contains(&item.parent_id), "{} is nowhere", item.name);
            assert!(names.insert((item.parent_id.clone(), item.name.clone())), "{} is there twice", item.name);
            assert!(seen.insert(Some(item.id.clone())), "{} was reached twice", item.name);
        }
    }
    let counts = store.counts().await.unwrap();
    assert_eq!(counts.folders + counts.articles + 1, i64::try_from(seen.len()).unwrap(), "some are out of reach");
}

async fn all<T>(tasks: Vec<JoinHandle<T>>) -> Vec<T> {
    let mut results = Vec::new();
    for task in tasks {
        results.push(task.await.unwrap());
    }
    results
}

pub async fn of_two_of_one_name_one_is_made(store: Store) {
    for round in 0..5 {
        let name = format!("n{round}");
        let tasks = (0..6).map(|_| {
            let (store, name) = (store.clone(), name.clone());
            tokio::spawn(async move { store.create(&new_folder(ROOT_ID, &name), &ann(0)).await })
        });
        let results = all(tasks.collect()).await;
        let made: Vec<_> = results.iter().filter_map(|result| result.as_ref().ok()).collect();
        assert_eq!(made.len(), 1);
        for result in &results {
            assert!(matches!(result, Ok(_)) || matches!(result, Err(StoreError::NameTaken { existing_id }) if *existing_id == made[0].id), "{result:?}");
        }
    }
    // One is renamed to what another is made as.
    for round in 0..5 {
        let name = format!("r{round}");
        let other = folder(&store, ROOT_ID, &format!("other{round}")).await;
        let (a, b) = tokio::join!(
            store.create(&new_folder(ROOT_ID, &name), &ann(0)),
            async { store.update(&other, &rename(&name), None, &ann(0)).await }
        );
        assert_eq!(usize::from(a.is_ok()) + usize::from(b.is_ok()), 1, "{a:?} {b:?}");
    }
    is_a_tree(&store).await;
}

pub async fn two_moves_make_no_circle(store: Store) {
    for round in 0..8 {
        let a = folder(&store, ROOT_ID, &format!("a{round}")).await;
        let b = folder(&store, ROOT_ID, &format!("b{round}")).await;
        let (one, two) = (store.clone(), store.clone());
        let (a2, b2) = (a.clone(), b.clone());
        let tasks = vec![
            tokio::spawn(async move { one.move_to(&a, &b, &ann(0)).await }),
            tokio::spawn(async move { two.move_to(&b2, &a2, &ann(0)).await }),
        ];
        let results = all(tasks).await;
        assert_eq!(results.iter().filter(|result| result.is_ok()).count(), 1, "{results:?}");
        assert!(results.iter().any(|result| matches!(result, Err(StoreError::Cycle))), "{results:?}");
    }
    is_a_tree(&store).await;
}

pub async fn nothing_is_made_in_what_is_being_deleted(store: Store) {
    for round in 0..8 {
        let top = folder(&store, ROOT_ID, &format!("top{round}")).await;
        let inner = folder(&store, &top, "inner").await;
        let makers = (0..4).map(|number| {
            let (store, inner) = (store.clone(), inner.clone());
            tokio::spawn(async move { store.create(&new_folder(&inner, &format!("m{number}")), &ann(0)).await })
        });
        let mut tasks: Vec<_> = makers.collect();
        let (deleter, id) = (store.clone(), top.clone());
        let deleted = tokio::spawn(async move { deleter.trash(&id, &ann(0)).await });
        let results = all(std::mem::take(&mut tasks)).await;
        let made = results.iter().filter(|result| result.is_ok()).count();
        // What was made before went along; what came later was refused.
        assert_eq!(deleted.await.unwrap().unwrap(), 2 + made as u64);
        for result in results {
            assert!(matches!(result, Ok(_) | Err(StoreError::NotFound { .. })), "{result:?}");
        }
    }
    assert_eq!(names(&store, ROOT_ID).await, [""; 0]);
    is_a_tree(&store).await;
}

pub async fn of_two_editors_one_wins(store: Store) {
    let id = article(&store, ROOT_ID, "a", "start").await;
    for round in 0..5 {
        let seen = store.item(&id, ALL).await.unwrap();
        let tasks = (0..6).map(|editor| {
            let (store, id) = (store.clone(), id.clone());
            let expected = Some(Expected::UpdatedAt(seen.updated_at));
            tokio::spawn(async move {
                store.update(&id, &rewrite(&format!("{round} {editor}")), expected, &ann(round)).await
            })
        });
        let results = all(tasks.collect()).await;
        let won: Vec<_> = results.iter().filter_map(|result| result.as_ref().ok()).collect();
        assert_eq!(won.len(), 1, "{results:?}");
        assert_eq!(store.item(&id, ALL).await.unwrap().content, won[0].content);
    }
    assert_eq!(store.versions(&id, ALL).await.unwrap().len(), 6);
}

pub async fn many_writers_leave_a_tree(store: Store) {
    let mut folders = Vec::new();
    for number in 0..6 {
        folders.push(folder(&store, ROOT_ID, &format!("f{number}")).await);
    }
    let tasks = (0..6_usize).map(|writer| {
        let (store, folders) = (store.clone(), folders.clone());
        tokio::spawn(async move {
            for step in 0..12_usize {
                let (one, other) = (&folders[(writer + step) % 6], &folders[(writer * 5 + step * 3) % 6]);
                // Most of these are refused; none may fail.
                let result = match (writer + step) % 5 {
                    0 => store.create(&new_article(one, &format!("n{}", step % 3), "x"), &ann(0)).await.map(drop),
                    1 => store.move_to(one, other, &ann(0)).await,
                    2 => store.copy(other, one, Some(&format!("c{}", step % 2)), &ann(0)).await.map(drop),
                    3 => store.trash(one, &ann(0)).await.map(drop),
                    _ => store.restore(other, None, &ann(0)).await.map(drop),
                };
                if let Err(error @ (StoreError::Failed(_) | StoreError::Unavailable(_))) = result {
                    panic!("{error}");
                }
            }
        })
    });
    all(tasks.collect()).await;
    is_a_tree(&store).await;
}

pub async fn a_call_that_is_given_up_blocks_nobody(store: Store) {
    let a = folder(&store, ROOT_ID, "a").await;
    // Given up at many different moments.
    for micros in (0..60).map(|step| step * 150) {
        let call = store.create(&new_folder(&a, &format!("{micros}")), &ann(0));
        let _ = tokio::time::timeout(Duration::from_micros(micros), call).await;
    }
    let done = tokio::time::timeout(Duration::from_secs(10), store.create(&new_folder(&a, "last"), &ann(0))).await;
    done.expect("somebody still holds the lock").unwrap();
    is_a_tree(&store).await;
}
