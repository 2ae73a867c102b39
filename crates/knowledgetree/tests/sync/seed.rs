//! Knowledge that a new tree begins with.

use std::path::Path;

use hivematrix_knowledgetree::{
    domain::{
        item::{ROOT_ID, Visibility},
        synced::ContextOwner,
    },
    jobs::seed::plant,
};
use sqlx::PgPool;

use crate::support::Suite;

const DEMO: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../deploy/demo/knowledge.json");

#[sqlx::test(migrations = "../../migrations/knowledgetree")]
async fn a_demo_begins_with_articles_an_attached_folder_and_tickets_that_know_some(pool: PgPool) {
    let suite = Suite::start(pool).await;
    assert!(plant(suite.store.as_ref(), Path::new(DEMO), &suite.clock).await.unwrap());
    assert!(suite.item("Standards").await.is_attached);
    assert!(suite.item("Runbooks/Network/VPN drops on Wi-Fi").await.content.contains("```powershell"));
    let context = suite.store.context_of(ContextOwner::Ticket("47967"), Visibility::All).await.unwrap();
    assert_eq!(context.iter().map(|item| item.name.as_str()).collect::<Vec<_>>(), ["Suspicious mail"]);

    // Once: what people delete does not come back.
    let network = suite.item("Runbooks/Network").await;
    suite.store.trash(&network.id, &suite.author()).await.unwrap();
    assert!(!plant(suite.store.as_ref(), Path::new(DEMO), &suite.clock).await.unwrap());
    assert!(!suite.exists("Runbooks/Network").await);
}

#[sqlx::test(migrations = "../../migrations/knowledgetree")]
async fn a_tree_with_something_in_it_stays_as_it_is(pool: PgPool) {
    let suite = Suite::start(pool).await;
    suite.write(ROOT_ID, "Mine", "x").await;
    assert!(!plant(suite.store.as_ref(), Path::new(DEMO), &suite.clock).await.unwrap());
    assert_eq!(suite.paths().await, ["Mine"]);
}
