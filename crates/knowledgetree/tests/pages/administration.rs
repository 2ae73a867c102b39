//! The administration (§11).

use sqlx::PgPool;

use crate::support::{World, between};

#[sqlx::test(migrations = "../../migrations/knowledgetree")]
async fn the_administration_has_every_part_of_the_contract(pool: PgPool) {
    let world = World::new(pool).await;
    world.article("root", "Note", "x").await;
    let html = world.page("/admin/settings").await;
    assert!(
        html.contains("<title>Admin Settings - HiveMatrix</title>")
            && html.contains("KnowledgeTree Admin Settings</h1>")
    );
    for id in [
        "toast-container",
        "sync-codex-btn",
        "sync-tickets-btn",
        "sync-tickets-overwrite",
        "codex-sync-output",
        "export-data-btn",
        "export-zip-btn",
        "import-file-input",
        "import-data-btn",
        "wipe-db-btn",
    ] {
        assert_eq!(html.matches(&format!(" id=\"{id}\"")).count(), 1, "{id}");
    }
    assert!(
        html.contains("href=\"/knowledgetree/admin/export\"")
            && html.contains("href=\"/knowledgetree/browse/\"")
    );
    assert_eq!(between(&html, "id=\"store-kind\">", "<"), "PostgreSQL");
    assert!(html.contains("Connected") && html.contains("30 days"));
    assert!(between(&html, "id=\"codex-sync-output\"", ">").contains("hidden"));
}
