//! Devices: lists, pages, users, secrets and those that were made by hand; one search over everything.

use std::{
    fmt,
    sync::{Arc, Mutex},
};

use hivematrix_shared::auth::PermissionLevel::{Admin, Billing, Client, Technician};
use http::{Method, StatusCode};
use serde_json::{Value, json};
use sqlx::PgPool;
use tracing::{
    Event, Subscriber,
    field::{Field, Visit},
    subscriber::DefaultGuard,
};
use tracing_subscriber::{Layer, layer::Context, layer::SubscriberExt};

use crate::{
    people::{PEOPLE, send, world},
    support::World,
};

/// Everything that is logged on this thread, a line an event.
#[derive(Clone, Default)]
struct Lines(Arc<Mutex<Vec<String>>>);

impl<S: Subscriber> Layer<S> for Lines {
    fn on_event(&self, event: &Event<'_>, _: Context<'_, S>) {
        let mut line = Line(String::new());
        event.record(&mut line);
        self.0.lock().unwrap().push(line.0);
    }
}

impl Lines {
    /// Listens on this thread as long as the guard lives.
    fn listen() -> (Self, DefaultGuard) {
        let lines = Self::default();
        let guard = tracing::subscriber::set_default(tracing_subscriber::registry().with(lines.clone()));
        (lines, guard)
    }
}

struct Line(String);

impl Visit for Line {
    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        self.0 += &format!("{}={value:?} ", field.name());
    }
}

async fn users_of(world: &World, asset: i64) -> Vec<i64> {
    sqlx::query_scalar("select contact_id from asset_contact_link where asset_id = $1 order by 1")
        .bind(asset)
        .fetch_all(&world.pool)
        .await
        .unwrap()
}

fn names(answer: &Value, rows: &str, member: &str) -> Vec<String> {
    answer[rows].as_array().unwrap().iter().map(|row| row[member].as_str().unwrap().to_owned()).collect()
}

#[sqlx::test(migrations = "../../migrations/codex")]
async fn users_of_a_device_are_set_added_and_taken_away(pool: PgPool) {
    let world = world(pool);
    world.sql(PEOPLE).await;
    let set =
        send(&world, Technician, Method::PUT, "/assets/1/update-contacts", json!({"contact_ids": [1, 2, 2]}))
            .await;
    assert_eq!(set.status, StatusCode::OK, "{}", set.text());
    assert_eq!(users_of(&world, 1).await, [1, 2]);
    let form = |path: &str, contact: &str| {
        let request =
            world.client.post(path).bearer(world.token(Technician)).header("x-forwarded-prefix", "/codex");
        request.form(&[("contact_id", contact)]).send()
    };
    let added = form("/assets/1/assign-user", "3").await;
    assert_eq!((added.status, added.header("location")), (StatusCode::FOUND, "/codex/assets/1"));
    let gone = form("/assets/1/unassign-user/2", "").await;
    assert_eq!((gone.status, gone.header("location")), (StatusCode::FOUND, "/codex/assets/1"));
    assert_eq!(users_of(&world, 1).await, [1, 3]);
    assert_eq!(form("/assets/1/assign-user", "99").await.status, StatusCode::BAD_REQUEST);
    assert_eq!(form("/assets/1/assign-user", "x").await.status, StatusCode::BAD_REQUEST);
    assert_eq!(form("/assets/99/unassign-user/1", "").await.status, StatusCode::NOT_FOUND);
    let history: Vec<(String, Option<String>, Option<String>)> =
        sqlx::query_as("select actor, old_value, new_value from change_log where entity = 'assets' and entity_id = '1' order by id")
            .fetch_all(&world.pool)
            .await
            .unwrap();
    let by = "technician@example.test".to_owned();
    let change = |old: &str, new: &str| (by.clone(), Some(old.to_owned()), Some(new.to_owned()));
    assert_eq!(
        history,
        [
            change("Client", "Client, Jon Doe"),
            change("Client, Jon Doe", "Client, Jon Doe, Jonathan Doe"),
            change("Client, Jon Doe, Jonathan Doe", "Client, Jonathan Doe"),
        ]
    );
}

#[sqlx::test(migrations = "../../migrations/codex")]
async fn secrets_are_in_no_answer_but_the_one_that_was_asked_for(pool: PgPool) {
    let world = world(pool);
    world.sql(PEOPLE).await;
    for level in [Admin, Technician, Billing, Client] {
        for path in [
            "/assets/",
            "/assets/1",
            "/assets/api/search",
            "/assets/export.csv",
            "/api/assets",
            "/api/asset/1",
            "/api/search?q=mine",
            "/api/companies/100001/assets",
            "/api/companies/bulk",
        ] {
            let answer = world.get_as(level, path).await.text();
            for secret in ["BITLOCKER", "WINKEY"] {
                assert!(!answer.contains(secret), "{path} {level}");
            }
            let staff_only = path == "/assets/1" && level != Client;
            assert_eq!(answer.contains("note of staff"), staff_only, "{path} {level}");
        }
        let page = world.get_as(level, "/assets/1").await.text();
        assert_eq!(page.contains("data-reveal=\"udf2\""), matches!(level, Admin | Technician), "{level}");
        assert_eq!(page.contains("BitLocker Key"), level != Client, "{level}");
        assert_eq!(
            page.contains("https://rmm.example/web/1"),
            matches!(level, Admin | Technician),
            "{level}"
        );
        let rows = world.get_as(level, "/assets/api/search?search=mine").await.json();
        let link = rows["assets"][0]["web_remote_url"].as_str();
        assert_eq!(link.is_some(), matches!(level, Admin | Technician), "{level}");
    }
    let before: i64 = sqlx::query_scalar("select xmin::text::bigint from assets where id = 1")
        .fetch_one(&world.pool)
        .await
        .unwrap();
    let shown = send(&world, Technician, Method::POST, "/api/asset/1/reveal", json!({"field": "udf2"})).await;
    assert_eq!((shown.status, shown.header("cache-control")), (StatusCode::OK, "no-store"));
    assert_eq!(
        shown.json(),
        json!({"success": true, "field": "udf2", "label": "BitLocker Key", "value": "111111-BITLOCKER"})
    );
    let after: i64 = sqlx::query_scalar("select xmin::text::bigint from assets where id = 1")
        .fetch_one(&world.pool)
        .await
        .unwrap();
    assert_eq!(before, after, "looking changes nothing");
    assert!(!world.get_as(Admin, "/assets/2").await.text().contains("javascript:"), "a link is a page");
}

#[sqlx::test(migrations = "../../migrations/codex")]
async fn who_looks_at_a_secret_is_written_down_and_the_secret_is_not(pool: PgPool) {
    let world = world(pool);
    world.sql(PEOPLE).await;
    let (lines, _guard) = Lines::listen();
    let shown = send(&world, Technician, Method::POST, "/api/asset/1/reveal", json!({"field": "udf9"})).await;
    assert_eq!(shown.json()["value"], "WINKEY-9");
    let lines = lines.0.lock().unwrap().clone();
    let line = lines.iter().find(|line| line.contains("secret of a device shown")).unwrap();
    for part in ["asset=1", "MINE-PC", "udf9", "technician@example.test"] {
        assert!(line.contains(part), "{part} in {line}");
    }
    assert!(lines.iter().all(|line| !line.contains("WINKEY")), "{lines:?}");
}

#[sqlx::test(migrations = "../../migrations/codex")]
async fn devices_are_made_changed_and_deleted_by_hand(pool: PgPool) {
    let world = world(pool);
    world.sql(PEOPLE).await;
    let body = json!({"hostname": " SW-1 ", "company_account_number": "100001", "hardware_type": "Network Device", "contact_ids": [1]});
    let made = send(&world, Technician, Method::POST, "/api/assets", body).await;
    assert_eq!(made.status, StatusCode::CREATED, "{}", made.text());
    let id = made.json()["id"].as_i64().unwrap();
    assert_eq!(users_of(&world, id).await, [1]);
    let path = format!("/api/assets/{id}");
    let body = json!({"company_account_number": "100002", "description": "rack 2", "hardware_type": ""});
    assert_eq!(send(&world, Technician, Method::PUT, &path, body).await.status, StatusCode::OK);
    let page = world.get_as(Technician, &format!("/assets/{id}")).await.text();
    assert!(
        page.contains("SW-1")
            && page.contains("rack 2")
            && page.contains("Company</td>")
            && page.contains("Not monitored"),
        "{page}"
    );
    assert_eq!(send(&world, Admin, Method::DELETE, &path, json!({})).await.status, StatusCode::OK);
    assert_eq!(world.get_as(Admin, &format!("/assets/{id}")).await.status, StatusCode::NOT_FOUND);
    let grave: String =
        sqlx::query_scalar("select name || '|' || reason from tombstones where kind = 'assets'")
            .fetch_one(&world.pool)
            .await
            .unwrap();
    assert_eq!(grave, "SW-1|deleted by admin@example.test");
}

#[sqlx::test(migrations = "../../migrations/codex")]
async fn lists_search_literally_sort_filter_and_page(pool: PgPool) {
    let world = world(pool);
    world.sql(PEOPLE).await;
    let contacts = async |query: &str| {
        let answer = world.get_as(Technician, &format!("/contacts/api/search{query}")).await;
        assert_eq!(answer.status, StatusCode::OK, "{query}: {}", answer.text());
        names(&answer.json(), "contacts", "name")
    };
    let all = ["Client", "Jon Doe", "Jonathan Doe"];
    for (query, expected) in [
        ("", &all[..]),
        ("?search=DOE", &all[1..]),
        ("?search=555%2001", &all[..1]),
        ("?search=c2.EXAMPLE&order=desc", &["Jonathan Doe", "Jon Doe"]),
        ("?search=%25", &[]),
        ("?search=_", &[]),
        ("?search=50%25_&show_inactive=1", &["Old 50%_off"]),
        ("?search=%5C", &[]),
        ("?search=doe%0Ajon", &[]),
        ("?sort_by=email&order=desc", &["Jonathan Doe", "Jon Doe", "Client"]),
        ("?sort_by=vip_user&order=desc", &["Jon Doe", "Client", "Jonathan Doe"]),
        ("?sort_by=phone", &["Client", "Jonathan Doe", "Jon Doe"]),
        ("?sort_by=company", &["Client", "Jon Doe", "Jonathan Doe"]),
        ("?sort_by=active&show_inactive=1", &["Old 50%_off", "Client", "Jon Doe", "Jonathan Doe"]),
        ("?sort_by=nonsense", &all),
        ("?vip=1", &all[1..2]),
        ("?vip=0&company=100003", &all[2..]),
        ("?company=none", &[]),
        ("?per_page=2&page=2", &all[2..]),
        ("?per_page=2&page=9", &[]),
        ("?search=%00", &all),
        ("?company=%00", &all),
    ] {
        assert_eq!(contacts(query).await, expected, "{query}");
    }
    let assets = async |query: &str| {
        let answer = world.get_as(Technician, &format!("/assets/api/search{query}")).await;
        assert_eq!(answer.status, StatusCode::OK, "{query}: {}", answer.text());
        names(&answer.json(), "assets", "hostname")
    };
    for (query, expected) in [
        ("", &["MINE-PC", "THEIRS-SRV", "theirs-switch"][..]),
        ("?search=mine", &["MINE-PC"]),
        ("?search=theirs", &["THEIRS-SRV", "theirs-switch"]),
        ("?sort_by=hardware_type", &["MINE-PC", "theirs-switch", "THEIRS-SRV"]),
        ("?sort_by=operating_system&order=desc", &["theirs-switch", "THEIRS-SRV", "MINE-PC"]),
        ("?sort_by=company&order=desc", &["THEIRS-SRV", "theirs-switch", "MINE-PC"]),
        ("?online=1", &["MINE-PC"]),
        // Of the switch nobody knows.
        ("?online=0", &["THEIRS-SRV"]),
        ("?search=10.0.0.2", &["THEIRS-SRV"]),
        ("?search=10.0.0", &[]),
        ("?type=server", &["THEIRS-SRV"]),
        ("?patch=FullyPatched", &["MINE-PC"]),
        ("?company=100002&type=Server", &["THEIRS-SRV"]),
        ("?search=%25", &[]),
    ] {
        assert_eq!(assets(query).await, expected, "{query}");
    }
    for key in [
        "antivirus_product",
        "int_ip_address",
        "ext_ip_address",
        "domain",
        "last_logged_in_user",
        "last_seen",
        "patch_status",
        "online",
    ] {
        for order in ["asc", "desc"] {
            assert_eq!(assets(&format!("?sort_by={key}&order={order}")).await.len(), 3, "{key} {order}");
        }
    }
}

#[sqlx::test(migrations = "../../migrations/codex")]
async fn rows_of_the_lists_have_the_members_of_the_contract(pool: PgPool) {
    let world = world(pool);
    world.sql(PEOPLE).await;
    insta::assert_json_snapshot!(
        "contacts_search",
        world.get_as(Technician, "/contacts/api/search?search=jon&per_page=1").await.json()
    );
    insta::assert_json_snapshot!(
        "assets_search",
        world.get_as(Technician, "/assets/api/search?search=mine").await.json()
    );
    insta::assert_json_snapshot!(
        "search_everywhere",
        world.get_as(Technician, "/api/search?q=theirs").await.json()
    );
}

#[sqlx::test(migrations = "../../migrations/codex")]
async fn a_client_finds_only_what_is_its_companys(pool: PgPool) {
    let world = world(pool);
    world.sql(PEOPLE).await;
    for path in [
        "/contacts/",
        "/contacts/api/search?show_inactive=1",
        "/contacts/export.csv",
        "/assets/",
        "/assets/api/search",
        "/assets/export.csv",
        "/search?q=e",
        "/api/search?q=e",
        "/api/search?q=theirs",
        "/contacts/?company=100002",
        "/assets/?company=100002",
        "/contacts/api/search?company=100002",
        "/contacts/1",
        "/assets/1",
    ] {
        let answer = world.get_as(Client, path).await;
        assert_eq!(answer.status, StatusCode::OK, "{path}");
        let text = answer.text();
        for foreign in [
            "Theirs",
            "THEIRS",
            "Jon Doe",
            "c2.example",
            "of jon",
            "secret note",
            "note of staff",
            "tenant-7",
        ] {
            assert!(!text.contains(foreign), "{path} shows {foreign}");
        }
    }
    for path in ["/contacts/2", "/assets/2"] {
        assert_eq!(world.get_as(Client, path).await.status, StatusCode::FORBIDDEN, "{path}");
    }
    for path in ["/contacts/99", "/assets/99", "/contacts/x", "/assets/%00"] {
        assert_eq!(world.get_as(Client, path).await.status, StatusCode::NOT_FOUND, "{path}");
    }
    let own = world.get_as(Client, "/assets/api/search").await.json();
    assert_eq!(own["pagination"]["total"], 1);
}

#[sqlx::test(migrations = "../../migrations/codex")]
async fn pages_show_tickets_patches_and_links(pool: PgPool) {
    let world = world(pool);
    world.sql(PEOPLE).await;
    let server = world.get_as(Technician, "/assets/2").await.text();
    assert!(
        server.contains("the theirs-srv is down")
            && server.contains("of jon")
            && !server.contains("of client")
    );
    assert!(
        server.contains("https://msp.freshservice.com/helpdesk/tickets/3")
            && server.contains("Patches pending")
    );
    assert!(server.contains("Other company"), "a user of another company is told apart");
    let contact = world.get_as(Technician, "/contacts/2").await.text();
    assert!(
        contact.contains("of jon")
            && contact.contains("THEIRS-SRV")
            && contact.contains("https://msp.freshservice.com/a/requesters/12")
    );
    let list = world.get_as(Technician, "/contacts/?search=old&show_inactive=1").await.text();
    assert!(list.contains("&#60;b&#62;") && !list.contains("<b>") && list.contains("Inactive"), "{list}");
    for (path, to) in [("/contacts", "/codex/contacts/"), ("/assets", "/codex/assets/")] {
        let answer = world
            .client
            .get(path)
            .bearer(world.token(Admin))
            .header("x-forwarded-prefix", "/codex")
            .send()
            .await;
        assert_eq!((answer.status, answer.header("location")), (StatusCode::PERMANENT_REDIRECT, to));
    }
    let csv = world.get_as(Billing, "/contacts/export.csv?show_inactive=1").await.text();
    assert!(csv.contains("Jon Doe,jon@c2.example") && csv.contains("Theirs"), "{csv}");
    assert!(world.get_as(Billing, "/assets/export.csv").await.text().contains("THEIRS-SRV,Theirs,Server"));
}

#[sqlx::test(migrations = "../../migrations/codex")]
async fn one_search_finds_everything(pool: PgPool) {
    let world = world(pool);
    world.sql(PEOPLE).await;
    for (q, companies, contacts, assets) in [
        ("", 0, 0, 0),
        ("theirs", 1, 0, 2),
        ("10.0.0.2", 0, 0, 1),
        ("100001", 1, 0, 0),
        ("jon", 0, 2, 0),
        ("%", 0, 1, 0),
        ("nobody here", 0, 0, 0),
    ] {
        let found = world
            .get_as(Technician, &format!("/api/search?q={}", q.replace('%', "%25").replace(' ', "+")))
            .await
            .json();
        let count = |kind: &str| found[kind]["items"].as_array().unwrap().len();
        assert_eq!(
            (count("companies"), count("contacts"), count("assets")),
            (companies, contacts, assets),
            "{q}"
        );
    }
    world.sql("insert into assets (hostname, company_account_number) select 'BULK-' || n, '100001' from generate_series(1, 30) n").await;
    let found = world.get_as(Technician, "/api/search?q=bulk-").await.json();
    assert_eq!(
        (found["assets"]["items"].as_array().unwrap().len(), &found["assets"]["more"]),
        (20, &json!(true))
    );
    let page = world.get_as(Technician, "/search?q=bulk-").await.text();
    assert!(page.contains("/assets/?search=bulk-") && page.contains("BULK-1"));
    assert!(world.get_as(Technician, "/search?q=%3Cscript%3E").await.text().contains("&#60;script&#62;"));
}

#[sqlx::test(migrations = "../../migrations/codex")]
async fn see_all_leads_to_all_that_was_found(pool: PgPool) {
    let world = world(pool);
    world
        .sql(
            "insert into companies (account_number, name, domains, billing_plan)
                 select 'z' || n, 'Firm ' || n, '[\"bulk.example\"]', case when n % 2 = 0 then 'Inactive' end
                 from generate_series(1, 30) n;
             insert into contacts (name, email, primary_email, active)
                 select 'Person ' || n, n || '@bulk.example', n || '@bulk.example', n % 3 > 0 from generate_series(1, 30) n;
             insert into assets (hostname, company_account_number, ext_ip_address, online)
                 select 'host-' || n, 'z1', '203.0.113.9', case n when 1 then true when 2 then false end
                 from generate_series(1, 30) n;",
        )
        .await;
    for (q, list, count) in [
        ("bulk.example", "companies", "30 companies match"),
        ("bulk.example", "contacts", "30 contacts match"),
        ("203.0.113.9", "assets", "30 assets match"),
    ] {
        let page = world.get_as(Technician, &format!("/search?q={q}")).await.text();
        let link = page.split("href=\"").find(|part| part.starts_with(&format!("/{list}/?search="))).unwrap();
        let link = link.split('"').next().unwrap().replace("&#38;", "&");
        let shown = world.get_as(Technician, &link).await.text();
        assert!(shown.contains(count), "{link}: {shown}");
    }
    let page = world.get_as(Technician, "/search?q=host-").await.text();
    let badges = |word: &str| page.matches(&format!(">{word}</span>")).count();
    assert_eq!((badges("Online"), badges("Offline"), badges("Unknown")), (1, 1, 18), "nobody knows of most");
}
