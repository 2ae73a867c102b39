//! What belongs to tickets and companies, and what context texts are made of.

use hivematrix_knowledgetree::{
    domain::{
        item::ROOT_ID,
        material::{ContextMaterial, MaterialQuery},
        synced::{CompanyRow, ContextOwner},
    },
    store::{Entity, StoreError},
};

use crate::support::*;

const EVERYTHING: MaterialQuery<'static> = MaterialQuery { excluded: &[], limit_bytes: 1_000_000 };

pub async fn tickets_and_companies_have_context(store: Store) {
    let b = article(&store, ROOT_ID, "b", "text").await;
    let a = folder(&store, ROOT_ID, "a").await;
    let ticket = ContextOwner::Ticket("4711");
    assert!(store.context_of(ticket, ALL).await.unwrap().is_empty());
    for id in [&b, &a, &a] {
        store.link_context(ticket, id).await.unwrap();
    }
    let items = store.context_of(ticket, ALL).await.unwrap();
    assert_eq!(items.iter().map(|item| item.name.as_str()).collect::<Vec<_>>(), ["a", "b"]);
    assert_eq!((items[1].content.as_str(), items[1].parent_id.as_deref()), ("text", Some(ROOT_ID)));
    assert!(matches!(store.link_context(ticket, "nobody").await, Err(StoreError::NotFound { entity: Entity::Item, .. })));
    store.unlink_context(ticket, &a).await.unwrap();
    assert!(matches!(store.unlink_context(ticket, &a).await, Err(StoreError::NotFound { entity: Entity::Context, .. })));
    assert_eq!(store.context_of(ticket, ALL).await.unwrap().len(), 1);
    // What is in the trash is linked to nothing, and again when it comes back.
    store.trash(&b, &ann(0)).await.unwrap();
    assert!(store.context_of(ticket, ALL).await.unwrap().is_empty());
    store.restore(&b, None, &ann(0)).await.unwrap();
    assert_eq!(store.context_of(ticket, ALL).await.unwrap().len(), 1);
    let unknown = store.link_context(ContextOwner::Company("7"), &a).await;
    assert!(matches!(unknown, Err(StoreError::NotFound { entity: Entity::Company, .. })));
    let company = CompanyRow { id: "7".to_owned(), name: "Acme".to_owned(), account_number: "C-7".to_owned(), folder_id: None };
    store.merge_companies(&[company], at(0)).await.unwrap();
    store.link_context(ContextOwner::Company("C-7"), &a).await.unwrap();
    for id in ["7", "C-7"] {
        assert_eq!(store.context_of(ContextOwner::Company(id), ALL).await.unwrap()[0].id, a);
    }
    store.unlink_context(ContextOwner::Company("7"), &a).await.unwrap();
    assert!(store.context_of(ContextOwner::Company("7"), ALL).await.unwrap().is_empty());
}

/// The articles of each step, those of attached folders with the folder's name.
fn shape(material: &ContextMaterial) -> Vec<String> {
    let steps = material.path.iter().map(|step| {
        let articles = step.articles.iter().map(|article| match &article.attached_folder {
            Some(folder) => format!("{}<{}", article.name, folder.name),
            None => article.name.clone(),
        });
        format!("{}: {}", step.item.name, articles.collect::<Vec<_>>().join(" "))
    });
    steps.collect()
}

/// A small tree; ids of its parts.
async fn company(store: &Store) -> [String; 4] {
    let acme = folder(store, ROOT_ID, "Acme").await;
    article(store, ROOT_ID, "general", "g").await;
    let tickets = attached(store, &acme, "Tickets").await;
    article(store, &tickets, "T2", "two").await;
    article(store, &tickets, "T1", "one").await;
    let closed = folder(store, &tickets, "closed").await;
    article(store, &closed, "T0", "zero").await;
    let plain = folder(store, &acme, "plain").await;
    article(store, &plain, "elsewhere", "e").await;
    let notes = folder(store, &acme, "Notes").await;
    let it = article(store, &notes, "it", "itself").await;
    article(store, &notes, "Beside", "b").await;
    crate::files::record(store, &it, "plan.pdf", "h").await;
    [acme, tickets, notes, it]
}

pub async fn the_material_is_what_stands_along_the_way(store: Store) {
    let [acme, tickets, notes, it] = company(&store).await;
    let material = store.context_material(&it, EVERYTHING, ALL).await.unwrap();
    let expected = ["KnowledgeTree Root: general", "Acme: T0<Tickets T1<Tickets T2<Tickets", "Notes: Beside it", "it: "];
    assert_eq!(shape(&material), expected);
    assert!(material.complete);
    assert_eq!(material.files[0].original_filename.as_deref(), Some("plan.pdf"));
    assert_eq!(material.path[2].articles[1].content, "itself");
    let folders = store.attached_folders(&it, ALL).await.unwrap();
    assert_eq!(folders.iter().map(|folder| folder.id.as_str()).collect::<Vec<_>>(), [tickets.as_str()]);
    let excluded = [tickets.clone()];
    let query = MaterialQuery { excluded: &excluded, ..EVERYTHING };
    let without = store.context_material(&it, query, ALL).await.unwrap();
    assert_eq!(shape(&without)[1], "Acme: ");
    // An article on the way through an attached folder stands with its own parent.
    let inside = store.resolve(&path(&["Acme", "Tickets", "T1"]), ALL).await.unwrap().id;
    let inside = store.context_material(&inside, EVERYTHING, ALL).await.unwrap();
    assert_eq!(shape(&inside), ["KnowledgeTree Root: general", "Acme: T0<Tickets", "Tickets: T1 T2", "T1: "]);
    assert_eq!(shape(&store.context_material(&acme, EVERYTHING, ALL).await.unwrap()).len(), 2);
    assert_eq!(store.context_material(&notes, EVERYTHING, ALL).await.unwrap().files, []);
    assert!(matches!(store.context_material("nobody", EVERYTHING, ALL).await, Err(StoreError::NotFound { .. })));
}

pub async fn the_material_stays_within_its_limit(store: Store) {
    let [.., it] = company(&store).await;
    // "g", then "zero", "one", "two", "b", "itself".
    for (limit, articles, complete) in [(0, 1, false), (4, 2, false), (5, 3, false), (100, 6, true)] {
        let query = MaterialQuery { excluded: &[], limit_bytes: limit };
        let material = store.context_material(&it, query, ALL).await.unwrap();
        let read: usize = material.path.iter().map(|step| step.articles.len()).sum();
        assert_eq!((read, material.complete), (articles, complete), "{limit}");
        assert_eq!(material.path.len(), 4);
    }
}

pub async fn a_subtree_gives_its_articles(store: Store) {
    let [acme, tickets, _, it] = company(&store).await;
    let all = store.subtree_material(&acme, EVERYTHING, ALL).await.unwrap();
    let shape: Vec<String> =
        all.articles.iter().map(|(path, article)| format!("{}|{}", path.join("/"), article.name)).collect();
    assert_eq!(
        shape,
        [
            "Acme/Notes|Beside", "Acme/Notes|it", "Acme/plain|elsewhere", "Acme/Tickets|T1", "Acme/Tickets|T2",
            "Acme/Tickets/closed|T0"
        ]
    );
    assert!(all.complete);
    let excluded = [tickets];
    let without = MaterialQuery { excluded: &excluded, ..EVERYTHING };
    assert_eq!(store.subtree_material(&acme, without, ALL).await.unwrap().articles.len(), 3);
    let short = MaterialQuery { limit_bytes: 1, ..EVERYTHING };
    let cut = store.subtree_material(&acme, short, ALL).await.unwrap();
    assert_eq!((cut.articles.len(), cut.complete), (2, false));
    let alone = store.subtree_material(&it, EVERYTHING, ALL).await.unwrap();
    assert_eq!(alone.articles.iter().map(|(path, _)| path.join("/")).collect::<Vec<_>>(), ["it"]);
}
