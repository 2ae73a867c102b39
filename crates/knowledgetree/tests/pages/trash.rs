//! The page of the trash.

use hivematrix_shared::auth::PermissionLevel::{Billing, Technician};
use sqlx::PgPool;

use crate::support::{World, between};

#[sqlx::test(migrations = "../../migrations/knowledgetree")]
async fn the_trash_says_what_was_where_and_who_did_it(pool: PgPool) {
    let world = World::new(pool).await;
    assert!(world.page("/trash").await.contains("The trash is empty"));
    let place = world.folder("root", "Network").await;
    let folder = world.folder(&place, "Old").await;
    world.article(&folder, "Note", "x").await;
    world.store.trash(&folder, &world.author()).await.unwrap();
    let html = world.page("/trash").await;
    let row = between(&html, &format!("data-trash-id=\"{folder}\""), "</tr>");
    for words in [
        "Old",
        "Folder, 2 items in all",
        "amy@example.test",
        &format!("href=\"/knowledgetree/view/{place}\">Network</a>"),
    ] {
        assert!(row.contains(words), "{words}: {row}");
    }
    assert!(row.contains("data-restore") && row.contains("data-purge"));
    let technician = world.page_as(Technician, "/trash").await.text();
    assert!(
        technician.contains("data-restore") && !technician.contains("data-purge"),
        "only an administrator purges"
    );
    let billing = world.page_as(Billing, "/trash").await.text();
    assert!(billing.contains("Old") && !billing.contains("data-restore"));
    world.store.trash(&place, &world.author()).await.unwrap();
    assert!(world.page("/trash").await.contains("a folder that is gone"));
}
