//! Contacts by hand: changing, merging, making and deleting them, and their pages.

use hivematrix_shared::{
    auth::PermissionLevel::{Admin, Billing, Client, Technician},
    testing::TestResponse,
};
use http::{Method, StatusCode};
use serde_json::{Value, json};
use sqlx::PgPool;

use crate::support::World;

pub const PEOPLE: &str = r#"
    insert into companies (account_number, name, external_id, head_user_id, head_name) values
        ('100001', 'Mine', 1, 12, 'Jon Doe'), ('100002', 'Theirs', 2, null, null), ('100003', 'Ärzte & Söhne <b>', 3, null, null);
    insert into contacts (id, external_id, external_source, first_name, last_name, name, email, primary_email, active, vip_user,
            mobile_phone_number, background_information) values
        (1, 11, 'freshservice', 'Client', null, 'Client', 'Client@Example.test', 'Client@Example.test', true, false, '+1 555 01', 'secret note'),
        (2, 12, 'freshservice', 'Jon', 'Doe', 'Jon Doe', 'jon@c2.example', 'jon@c2.example', true, true, null, null),
        (3, null, 'manual', 'Jonathan', 'Doe', 'Jonathan Doe', 'jonathan@c2.example', 'jonathan@c2.example', true, false, '+1 555 03', null),
        (4, 14, 'freshservice', 'Old', '50%_off', 'Old 50%_off', 'old@c3.example', 'old@c3.example', false, false, null, null);
    insert into contact_company_link (contact_id, company_account_number) values (1, '100001'), (2, '100002'), (3, '100003'), (4, '100003');
    insert into assets (id, external_id, rmm_provider, hostname, company_account_number, hardware_type, operating_system, online,
            last_logged_in_user, int_ip_address, patch_status, web_remote_url, portal_url, udf1, udf2, udf9, udf10) values
        (1, 'u1', 'datto', 'MINE-PC', '100001', 'Desktop', 'Windows 11', true, 'client', '10.0.0.1', 'FullyPatched',
            'https://rmm.example/web/1', 'https://rmm.example/1', 'tenant-7', '111111-BITLOCKER', 'WINKEY-9', 'note of staff'),
        (2, 'u2', 'datto', 'THEIRS-SRV', '100002', 'Server', 'Windows Server', false, null, '10.0.0.2', 'ApprovedPending',
            'javascript:alert(1)', null, null, null, '  ', null),
        (3, null, null, 'theirs-switch', '100002', 'Network Device', null, null, null, null, null, null, null, null, null, null, null);
    insert into asset_contact_link (asset_id, contact_id) values (1, 1), (2, 2), (2, 1), (3, 3);
    insert into ticket_details (external_id, subject, status, company_account_number, requester_email, requester_id, last_updated_at) values
        (1, 'of client', 'open', '100001', 'client@example.test', 11, '2025-11-20T00:00:00Z'),
        (2, 'of jon', 'closed', '100002', 'JON@c2.example', 12, '2025-11-21T00:00:00Z'),
        (3, 'the theirs-srv is down', 'open', '100002', 'nobody@c2.example', 99, '2025-11-19T00:00:00Z');
    alter sequence contacts_id_seq restart 100;
    alter sequence assets_id_seq restart 100;
"#;

pub const CONFIGURED: [&str; 4] =
    ["--freshservice-domain", "msp.freshservice.com", "--freshservice-api-key", "k3y"];

pub fn world(pool: PgPool) -> World {
    World::at(pool, crate::support::NOW, &CONFIGURED)
}

pub async fn send(
    world: &World,
    level: hivematrix_shared::auth::PermissionLevel,
    method: Method,
    path: &str,
    body: Value,
) -> TestResponse {
    world.call_as(level, method, path, &body).await
}

async fn text(world: &World, statement: &str) -> Option<String> {
    sqlx::query_scalar(sqlx::AssertSqlSafe(statement.to_owned())).fetch_one(&world.pool).await.unwrap()
}

#[sqlx::test(migrations = "../../migrations/codex")]
async fn who_may_write_people_and_devices(pool: PgPool) {
    let world = world(pool);
    world.sql(PEOPLE).await;
    for (method, path, body, technician) in [
        (Method::PUT, "/contacts/1/update", json!({"job_title": "x"}), true),
        (Method::POST, "/api/contacts", json!({"email": "n@c1.example"}), true),
        (Method::POST, "/api/contacts/1/merge", json!({"into": 1}), true),
        (Method::DELETE, "/api/contacts/3", json!({}), false),
        (Method::PUT, "/assets/1/update-contacts", json!({"contact_ids": [1]}), true),
        (Method::POST, "/api/assets", json!({"hostname": "n", "company_account_number": "100001"}), true),
        (Method::PUT, "/api/assets/3", json!({"hostname": "m"}), true),
        (Method::DELETE, "/api/assets/3", json!({}), false),
        (Method::POST, "/api/asset/1/reveal", json!({"field": "udf2"}), true),
        (Method::POST, "/api/review/1/merge", json!({}), true),
        (Method::POST, "/api/review/1/link", json!({"account_number": "100001"}), true),
    ] {
        let anonymous = world.client.request(method.clone(), path).json(&body).send().await;
        assert_eq!(anonymous.status, StatusCode::UNAUTHORIZED, "{method} {path}");
        let service = world.identity.service_token("brainhair", "codex");
        let alone = world.client.request(method.clone(), path).bearer(service).json(&body).send().await;
        assert_eq!(alone.status, StatusCode::FORBIDDEN, "{method} {path} by a service alone");
        for level in [Client, Billing] {
            let answer = send(&world, level, method.clone(), path, body.clone()).await;
            assert_eq!(answer.status, StatusCode::FORBIDDEN, "{method} {path} {level}");
            assert_eq!(answer.json()["error"], "Insufficient permissions");
        }
        let answer = send(&world, Technician, method.clone(), path, body.clone()).await;
        assert_eq!(answer.status != StatusCode::FORBIDDEN, technician, "{method} {path}: {}", answer.text());
    }
    for path in ["/assets/1/assign-user", "/assets/1/unassign-user/1"] {
        for level in [Client, Billing] {
            let form = world.client.post(path).bearer(world.token(level)).form(&[("contact_id", "1")]);
            assert_eq!(form.send().await.status, StatusCode::FORBIDDEN, "{path} {level}");
        }
    }
    for path in ["/contacts/", "/contacts/1", "/assets/", "/assets/1", "/search", "/review"] {
        assert_eq!(world.get(path).await.status, StatusCode::FORBIDDEN, "{path}: pages are for users");
        assert_eq!(world.client.get(path).send().await.status, StatusCode::UNAUTHORIZED, "{path}");
        let expected = if path == "/review" { StatusCode::FORBIDDEN } else { StatusCode::OK };
        assert_eq!(world.get_as(Client, path).await.status, expected, "{path}");
        assert_eq!(world.get_as(Billing, path).await.status, StatusCode::OK, "{path}");
    }
}

#[sqlx::test(migrations = "../../migrations/codex")]
async fn a_change_by_hand_is_remembered_marked_and_told(pool: PgPool) {
    let world = world(pool);
    world.sql(PEOPLE).await;
    let body = json!({
        "first_name": "John", "last_name": " Doe ", "email": "john@c2.example", "secondary_emails": "jon@c2.example, j@x.example",
        "job_title": "Head", "mobile_phone_number": "", "vip_user": false, "is_agent": true, "time_zone": "UTC",
        "company_account_numbers": ["100003", "100002"], "asset_ids": [2, 3]
    });
    let done = send(&world, Technician, Method::PUT, "/contacts/2/update", body).await;
    assert_eq!(
        (done.status, done.json()["success"].clone()),
        (StatusCode::OK, json!(true)),
        "{}",
        done.text()
    );
    let row = text(
        &world,
        "select concat_ws('|', name, email, primary_email, secondary_emails, job_title, title, vip_user, is_agent, edited_fields) from contacts where id = 2",
    )
    .await;
    assert_eq!(
        row.as_deref(),
        Some(
            "John Doe|john@c2.example|john@c2.example|[\"jon@c2.example\", \"j@x.example\"]|Head|Head|f|t|\
             {company_account_numbers,email,first_name,is_agent,job_title,secondary_emails,time_zone,vip_user}"
        )
    );
    let links = "select string_agg(company_account_number || origin, ',' order by company_account_number) from contact_company_link where contact_id = 2";
    assert_eq!(text(&world, links).await.as_deref(), Some("100002manual,100003manual"));
    let history = "select string_agg(field || ' by ' || actor, ',' order by field) from change_log where entity = 'contacts' \
                   and not field = any ('{title,primary_email}')";
    assert_eq!(
        text(&world, history).await.as_deref(),
        Some(
            "assets by technician@example.test,companies by technician@example.test,email by technician@example.test,\
             first_name by technician@example.test,is_agent by technician@example.test,job_title by technician@example.test,\
             name by technician@example.test,secondary_emails by technician@example.test,time_zone by technician@example.test,\
             vip_user by technician@example.test"
        )
    );
    let page = world.get_as(Technician, "/contacts/2").await.text();
    assert!(
        page.contains("John Doe")
            && page.contains("technician@example.test")
            && page.contains("edited</span>"),
        "{page}"
    );
    assert!(!world.get_as(Client, "/contacts/1").await.text().contains("Change history"));

    // No further addresses are none, however the sync wrote that down.
    world.sql("update contacts set secondary_emails = '[]' where id = 1; delete from change_log").await;
    let title = json!({"job_title": "Clerk", "secondary_emails": ""});
    assert_eq!(
        send(&world, Technician, Method::PUT, "/contacts/1/update", title).await.status,
        StatusCode::OK
    );
    let fields = text(&world, "select string_agg(field, ',' order by field) from change_log").await;
    assert_eq!(fields.as_deref(), Some("job_title,title"));

    // The same again changes nothing, and a released field follows the PSA again.
    let again = json!({"first_name": "John", "release_fields": ["job_title", "nonsense"]});
    assert_eq!(
        send(&world, Technician, Method::PUT, "/contacts/2/update", again).await.status,
        StatusCode::OK
    );
    let edited = text(&world, "select edited_fields::text from contacts where id = 2").await.unwrap();
    assert!(!edited.contains("job_title") && edited.contains("first_name"), "{edited}");
}

#[sqlx::test(migrations = "../../migrations/codex")]
async fn what_cannot_be_taken_changes_nothing(pool: PgPool) {
    let world = world(pool);
    world.sql(PEOPLE).await;
    for (method, path, body, status, error) in [
        (Method::PUT, "/contacts/2/update", json!({}), 400, "No data provided"),
        (Method::PUT, "/contacts/2/update", json!([]), 400, ""),
        (Method::PUT, "/contacts/2/update", json!({"email": "nonsense"}), 400, "is no e-mail address"),
        (
            Method::PUT,
            "/contacts/2/update",
            json!({"first_name": "X", "active": "perhaps"}),
            400,
            "cannot be taken",
        ),
        (
            Method::PUT,
            "/contacts/2/update",
            json!({"first_name": "X", "email": "CLIENT@example.TEST"}),
            409,
            "Client has the address",
        ),
        (
            Method::PUT,
            "/contacts/2/update",
            json!({"first_name": "X", "company_account_numbers": ["100001", "9"]}),
            400,
            "no company 9",
        ),
        (
            Method::PUT,
            "/contacts/2/update",
            json!({"first_name": "X", "asset_ids": [99]}),
            400,
            "no device 99",
        ),
        (Method::PUT, "/contacts/2/update", json!({"first_name": "X\u{0}"}), 400, ""),
        (Method::PUT, "/contacts/99/update", json!({"first_name": "X"}), 404, "Contact not found"),
        (Method::POST, "/api/contacts", json!({"first_name": "X"}), 400, "needs an e-mail"),
        (Method::POST, "/api/contacts", json!({"email": "JON@c2.example"}), 409, "Jon Doe has the address"),
        (Method::POST, "/api/contacts/2/merge", json!({"into": 2}), 400, "into itself"),
        (Method::POST, "/api/contacts/2/merge", json!({"into": 99}), 404, "Contact not found"),
        (Method::DELETE, "/api/contacts/2", json!({}), 409, "next sync would bring it back"),
        (Method::DELETE, "/api/contacts/99", json!({}), 404, "Contact not found"),
        (Method::PUT, "/assets/2/update-contacts", json!({"contact_ids": [1, 99]}), 400, "no contact 99"),
        (Method::PUT, "/assets/99/update-contacts", json!({"contact_ids": []}), 404, "Asset not found"),
        (
            Method::POST,
            "/api/assets",
            json!({"hostname": " ", "company_account_number": "100001"}),
            400,
            "needs a host name",
        ),
        (Method::POST, "/api/assets", json!({"hostname": "x"}), 400, "needs a company"),
        (
            Method::POST,
            "/api/assets",
            json!({"hostname": "x", "company_account_number": "9"}),
            400,
            "no company 9",
        ),
        (Method::PUT, "/api/assets/2", json!({"hostname": "x"}), 409, "reported by the RMM"),
        (Method::DELETE, "/api/assets/2", json!({}), 409, "reported by the RMM"),
        (Method::POST, "/api/asset/1/reveal", json!({"field": "udf1"}), 400, "no such secret"),
        (Method::POST, "/api/asset/2/reveal", json!({"field": "udf9"}), 404, "Nothing stored"),
        (Method::POST, "/api/asset/99/reveal", json!({"field": "udf2"}), 404, "Asset not found"),
    ] {
        let answer = send(&world, Admin, method.clone(), path, body.clone()).await;
        assert_eq!(answer.status.as_u16(), status, "{method} {path} {body}: {}", answer.text());
        assert!(answer.text().contains(error), "{method} {path} {body}: {}", answer.text());
    }
    let counts = "select concat_ws(',', (select count(*) from contacts), (select count(*) from assets), (select count(*) from change_log), \
                  (select count(*) from tombstones), (select name from contacts where id = 2))";
    assert_eq!(text(&world, counts).await.as_deref(), Some("4,3,0,0,Jon Doe"));
}

#[sqlx::test(migrations = "../../migrations/codex")]
async fn a_contact_is_made_and_deleted_by_hand(pool: PgPool) {
    let world = world(pool);
    world.sql(PEOPLE).await;
    let body = json!({"first_name": "New", "email": "new@c1.example", "company_account_numbers": ["100001"], "asset_ids": [1]});
    let made = send(&world, Technician, Method::POST, "/api/contacts", body).await;
    assert_eq!(made.status, StatusCode::CREATED, "{}", made.text());
    let id = made.json()["id"].as_i64().unwrap();
    let page = world.get_as(Technician, &format!("/contacts/{id}")).await.text();
    assert!(page.contains("new@c1.example") && page.contains("MINE-PC") && page.contains("made by hand"));
    let deleted = send(&world, Admin, Method::DELETE, &format!("/api/contacts/{id}"), json!({})).await;
    assert_eq!(deleted.status, StatusCode::OK, "{}", deleted.text());
    assert_eq!(world.get_as(Admin, &format!("/contacts/{id}")).await.status, StatusCode::NOT_FOUND);
    let grave = text(&world, "select name || '|' || reason from tombstones where kind = 'contacts'").await;
    assert_eq!(grave.as_deref(), Some("New|deleted by admin@example.test"));
    // A vendor that is not in use any more brings nothing back.
    world.sql("update contacts set external_source = 'superops' where id = 4").await;
    assert_eq!(
        send(&world, Admin, Method::DELETE, "/api/contacts/4", json!({})).await.status,
        StatusCode::OK
    );
}

#[sqlx::test(migrations = "../../migrations/codex")]
async fn two_records_of_one_person_become_one(pool: PgPool) {
    let world = world(pool);
    world.sql(PEOPLE).await;
    world
        .sql(
            "update contacts set external_id = 13, external_source = 'freshservice' where id = 3; \
               insert into review_items (kind, subject, other, detail, found_at, last_seen_at) values \
               ('duplicate_contact', 'freshservice:13', 'freshservice:12', 'one address', now(), now()), \
               ('duplicate_contact', 'freshservice:13', 'freshservice:11', 'another', now(), now())",
        )
        .await;
    let merged = send(&world, Technician, Method::POST, "/api/contacts/2/merge", json!({"into": 3})).await;
    assert_eq!(merged.status, StatusCode::OK, "{}", merged.text());
    let state = "select concat_ws('|', \
        (select string_agg(company_account_number || origin, ',' order by company_account_number) from contact_company_link where contact_id = 3), \
        (select string_agg(asset_id::text, ',' order by asset_id) from asset_contact_link where contact_id = 3), \
        (select secondary_emails::text from contacts where id = 3), \
        (select string_agg(external_source || external_id || contact_id || merged_by, ',') from contact_aliases), \
        (select reason from tombstones), \
        (select head_user_id || head_name from companies where account_number = '100001'), \
        (select requester_email || requester_id from ticket_details where external_id = 2), \
        (select string_agg(other || coalesce(resolution, 'open'), ',' order by id) from review_items))";
    assert_eq!(
        text(&world, state).await.as_deref(),
        Some(
            "100002manual,100003psa|2,3|[\"jon@c2.example\"]|freshservice123technician@example.test|\
             merged into contact 3 (jonathan@c2.example)|13Jonathan Doe|JON@c2.example12|freshservice:12merged,freshservice:11open"
        )
    );
    let page = world.get_as(Technician, "/contacts/3").await.text();
    assert!(
        page.contains("of jon")
            && page.contains("with 1 merged record")
            && page.contains("Jon Doe &#60;jon@c2.example&#62;"),
        "{page}"
    );
    assert_eq!(world.get_as(Technician, "/contacts/2").await.status, StatusCode::NOT_FOUND);
}

#[sqlx::test(migrations = "../../migrations/codex")]
async fn a_record_made_by_hand_takes_over_the_vendors_key(pool: PgPool) {
    let world = world(pool);
    world.sql(PEOPLE).await;
    let merged = send(&world, Technician, Method::POST, "/api/contacts/2/merge", json!({"into": 3})).await;
    assert_eq!(merged.status, StatusCode::OK, "{}", merged.text());
    let row = text(&world, "select concat_ws('|', external_source, external_id, name, email, edited_fields) from contacts where id = 3").await;
    assert_eq!(
        row.as_deref(),
        Some(
            "freshservice|12|Jonathan Doe|jonathan@c2.example|{email,first_name,last_name,secondary_emails}"
        )
    );
    assert_eq!(text(&world, "select count(*)::text from contact_aliases").await.as_deref(), Some("0"));
}

#[sqlx::test(migrations = "../../migrations/codex")]
async fn merging_the_same_pair_both_ways_at_once_loses_nothing(pool: PgPool) {
    let world = world(pool);
    world.sql(PEOPLE).await;
    let merge = |from: i64, into: i64| {
        let path = format!("/api/contacts/{from}/merge");
        world
            .client
            .request(Method::POST, &path)
            .bearer(world.token(Technician))
            .json(&json!({"into": into}))
            .send()
    };
    let (one, other) = futures::future::join(merge(2, 3), merge(3, 2)).await;
    let mut statuses = [one.status.as_u16(), other.status.as_u16()];
    statuses.sort_unstable();
    assert_eq!(statuses, [200, 404]);
    assert_eq!(
        text(&world, "select count(*)::text from contacts where id in (2, 3)").await.as_deref(),
        Some("1")
    );
}
