//! The pages of administrators.

use hivematrix_shared::auth::PermissionLevel::{Admin, Billing, Technician};
use http::StatusCode;
use serde_json::Value;
use sqlx::PgPool;

use crate::{admin::Instance, support::World};

const CONF: &str = "[freshservice]\ndomain = acme.example\napi_key = s3cret-key\n[webhooks]\nsecret = h00k\n";

#[sqlx::test(migrator = "hivematrix_codex::MIGRATOR")]
async fn the_admin_page_shows_what_is_set_and_no_secret(pool: PgPool) {
    sqlx::raw_sql(
        "insert into companies (account_number, name) values ('1', 'A'), ('2', 'B'); \
         insert into contacts (name, primary_email, email, active) values ('x', 'x', 'x', true), ('y', 'y', 'y', false)",
    )
    .execute(&pool)
    .await
    .unwrap();
    let here = Instance::new(pool, CONF, &["--sync-psa-schedule", "hourly"]);
    let page = here.send("GET", "/admin/", Value::Null, Admin).await.text();
    assert!(page.contains("value=\"acme.example\""));
    assert!(!page.contains("s3cret-key") && !page.contains("h00k"), "no secret reaches a page");
    assert!(page.contains("Configured. Leave it empty to keep it."));
    assert!(page.contains("Fixed by an argument of the command line."));
    assert!(page.contains("<td class=\"text-right\">2 (1 active)</td>"));
    assert!(page.contains("every hour"), "the schedule: {page}");
    for id in ["sync", "progress", "history", "statistics", "psa", "rmm", "scheduler", "data"] {
        assert!(page.contains(&format!("id=\"{id}\"")), "{id}");
        let reachable = id == "progress" || page.contains(&format!("href=\"#{id}\""));
        assert!(reachable, "{id} has an anchor");
    }
    assert!(
        !page.contains("<script>") && !page.contains("style=") && !page.contains("onclick"),
        "nothing inline"
    );
    // Every field has its own label.
    for part in page.split("data-key=").skip(1) {
        let key = part.split('"').nth(1).unwrap();
        assert!(page.contains(&format!("-{key}\">")), "{key} has a label");
    }
}

#[sqlx::test(migrator = "hivematrix_codex::MIGRATOR")]
async fn what_changes_with_a_sync_or_a_setting_is_marked_to_be_drawn_again(pool: PgPool) {
    let here = Instance::new(pool, CONF, &[]);
    let page = here.send("GET", "/admin/", Value::Null, Admin).await.text();
    for part in [
        "statistics",
        "schedule",
        "data-type",
        "webhooks",
        "freshservice-psa",
        "datto-rmm",
        "freshservice-api_key-help",
    ] {
        assert_eq!(page.matches(&format!("data-part=\"{part}\"")).count(), 1, "{part}: {page}");
    }
}

#[sqlx::test(migrator = "hivematrix_codex::MIGRATOR")]
async fn a_vendors_form_stores_every_field_of_its_card_and_refuses_others_by_name(pool: PgPool) {
    let here = Instance::new(pool, CONF, &[]);
    let said = async |fields: &[(&str, &str)]| here.form("/admin/update-freshservice", fields).await.2;
    let cookie = said(&[("helpdesk_group_id", "77"), ("fs_api_key", "")]).await;
    assert!(cookie.starts_with("codex_session=success"), "{cookie}");
    let conf = std::fs::read_to_string(here.path("codex.conf")).unwrap();
    assert!(conf.contains("helpdesk_group_id = 77") && conf.contains("s3cret-key"), "{conf}");
    let cookie = said(&[("helpdesk_group_id", "78"), ("fs_agents", "1")]).await;
    assert!(cookie.starts_with("codex_session=error") && cookie.contains("fs_agents"), "{cookie}");
    let conf = std::fs::read_to_string(here.path("codex.conf")).unwrap();
    assert!(conf.contains("helpdesk_group_id = 77"), "nothing of it is stored: {conf}");
}

#[sqlx::test(migrator = "hivematrix_codex::MIGRATOR")]
async fn a_message_is_shown_once_and_as_text(pool: PgPool) {
    let world = World::new(pool);
    let token = world.token(Admin);
    let cookie = "codex_session=error=%3Cb%3Eboom%3C%2Fb%3E";
    let answer = world.client.get("/admin/").bearer(token).header("cookie", cookie).send().await;
    assert!(answer.text().contains("toast--error"));
    assert!(answer.text().contains("&#60;b&#62;boom") && !answer.text().contains("<b>boom"));
    assert!(
        answer.header("set-cookie").starts_with("codex_session=; ")
            && answer.header("set-cookie").contains("Max-Age=0")
    );
    let quiet = world.get_as(Admin, "/admin/").await;
    assert!(!quiet.text().contains("toast--error"));
}

#[sqlx::test(migrator = "hivematrix_codex::MIGRATOR")]
async fn the_agents_page_lists_users_and_agents_of_the_psa(pool: PgPool) {
    let world = World::new(pool);
    assert!(
        world.get_as(Admin, "/agents").await.text().contains("Sync from Keycloak to read who may sign in.")
    );
    world
        .sql(
            "insert into agents (keycloak_id, username, email, first_name, last_name, enabled) values \
                 ('k1', '<ada>', 'ada@x.example', 'Ada', 'L', true), ('k2', 'bo', null, null, null, false); \
             insert into psa_agents (external_id, external_source, first_name, last_name, active) values \
                 (77, 'freshservice', 'Zoe', 'Z', true), (78, 'freshservice', 'Amy', 'A', false)",
        )
        .await;
    let page = world.get_as(Admin, "/agents").await.text();
    assert!(page.contains("2 users, 1 enabled") && page.contains("2 agents, 1 active"), "{page}");
    assert!(page.contains("&#60;ada&#62;") && !page.contains("<ada>"));
    assert!(
        page.contains("data-edit=\"k1\"") && page.contains(">Ada L</td>") && page.contains(">Never</td>")
    );
    assert!(page.find("Zoe").unwrap() < page.find("Amy").unwrap(), "active ones first");
}

#[sqlx::test(migrator = "hivematrix_codex::MIGRATOR")]
async fn only_administrators_open_these_pages(pool: PgPool) {
    let world = World::new(pool);
    for path in ["/admin/", "/agents"] {
        for level in [Technician, Billing] {
            assert_eq!(world.get_as(level, path).await.status, StatusCode::FORBIDDEN, "{path} {level}");
        }
        assert_eq!(world.get_as(Admin, path).await.status, StatusCode::OK, "{path}");
    }
    assert_eq!(world.get("/admin/").await.status, StatusCode::OK, "a service may look (codex-pages.md §1.1)");
    assert_eq!(world.get("/agents").await.status, StatusCode::FORBIDDEN);
    let bare = world
        .client
        .get("/admin")
        .bearer(world.token(Admin))
        .header("x-forwarded-prefix", "/codex")
        .send()
        .await;
    assert_eq!((bare.status, bare.header("location")), (StatusCode::PERMANENT_REDIRECT, "/codex/admin/"));
}

#[sqlx::test(migrator = "hivematrix_codex::MIGRATOR")]
async fn the_view_of_the_knowledge_tree_is_chosen_in_the_settings(pool: PgPool) {
    let world = World::new(pool);
    let page = world.get_as(Technician, "/settings").await.text();
    assert!(page.contains("name=\"knowledgetree_view_preference\" value=\"grid\" checked"), "{page}");
    let token = world.token(Technician);
    let change = serde_json::json!({ "knowledgetree_view_preference": "tree" });
    world.client.put("/api/my/settings").bearer(token).json(&change).send().await;
    let page = world.get_as(Technician, "/settings").await.text();
    assert!(page.contains("name=\"knowledgetree_view_preference\" value=\"tree\" checked"));
}
