//! What the past of a device shows, and whose tickets its page leaves out.

use hivematrix_shared::auth::PermissionLevel::{Admin, Billing, Client, Technician};
use http::StatusCode;
use serde_json::json;
use sqlx::PgPool;

use crate::people::{PEOPLE, world};

#[sqlx::test(migrations = "../../migrations/codex")]
async fn backup_and_patch_history_is_shown_to_staff_and_to_its_own_customer(pool: PgPool) {
    let world = world(pool);
    world.sql(PEOPLE).await;
    world
        .sql(
            "insert into asset_history values (1, '2025-11-20', 0.5, 'FullyPatched'), (1, '2025-11-21', 1.25, '<b>odd</b>'),
                 (1, '2025-11-22', null, null)",
        )
        .await;
    for level in [Admin, Technician, Billing, Client] {
        let answer = world.get_as(level, "/assets/api/1/history").await;
        assert_eq!(answer.status, StatusCode::OK, "{level}");
        let answer = answer.json();
        assert_eq!((&answer["success"], &answer["hostname"]), (&json!(true), &json!("MINE-PC")));
        assert_eq!(
            answer["history"],
            json!([
                {"day": "2025-11-22", "backup_usage_tb": null, "patch_status": null, "patch_state": "unknown"},
                {"day": "2025-11-21", "backup_usage_tb": "1.25", "patch_status": "<b>odd</b>", "patch_state": "unknown"},
                {"day": "2025-11-20", "backup_usage_tb": "0.50", "patch_status": "FullyPatched", "patch_state": "up_to_date"},
            ])
        );
        let page = world.get_as(level, "/assets/1").await.text();
        for shown in [
            "Backup and Patch History",
            "Nov 21, 2025",
            "1.25 TB",
            "no backup reported",
            "0.50 TB on Nov 20, 2025",
        ] {
            assert!(page.contains(shown), "{level}: {shown}");
        }
        assert!(!page.contains("<b>odd"), "escaped");
    }
    assert_eq!(world.get_as(Client, "/assets/api/2/history").await.status, StatusCode::FORBIDDEN);
    assert_eq!(world.get_as(Admin, "/assets/api/99/history").await.status, StatusCode::NOT_FOUND);
    assert_eq!(
        world.get("/assets/api/1/history").await.status,
        StatusCode::FORBIDDEN,
        "a service is no user"
    );
    let empty = world.get_as(Technician, "/assets/2").await.text();
    assert!(empty.contains("Nothing is recorded yet"));
}

#[sqlx::test(migrations = "../../migrations/codex")]
async fn a_ticket_that_is_gone_stands_on_no_page_of_what_it_belongs_to(pool: PgPool) {
    let world = world(pool);
    world.sql(PEOPLE).await;
    let pages =
        [("/assets/2", "of jon"), ("/companies/100002", "the theirs-srv is down"), ("/contacts/2", "of jon")];
    for (path, subject) in pages {
        assert!(world.get_as(Technician, path).await.text().contains(subject), "{path}");
    }
    world
        .sql("update ticket_details set status = case when external_id = 2 then 'spam' else 'deleted' end")
        .await;
    for (path, subject) in pages {
        assert!(!world.get_as(Technician, path).await.text().contains(subject), "{path}");
    }
}
