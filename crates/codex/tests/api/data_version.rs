//! Answers that somebody has already are not made again (codex-api.md, weak points: paging, ETag, gzip).

use hivematrix_codex::store::data_version;
use hivematrix_shared::{
    auth::PermissionLevel::{Admin, Client, Technician},
    testing::TestResponse,
};
use http::StatusCode;
use serde_json::Value;
use sqlx::{AssertSqlSafe, PgPool};

use crate::{described, support::World};

const WORLD: &str = "
    insert into companies (account_number, name) values ('1', 'Alpha'), ('2', 'Beta');
    insert into contacts (id, name, email, primary_email) values
        (1, 'Client', 'client@example.test', 'client@example.test'), (2, 'Bo', 'bo@x.example', 'bo@x.example');
    insert into contact_company_link (contact_id, company_account_number) values (1, '1'), (2, '2');
    insert into assets (id, hostname, company_account_number) values (1, 'pc', '1');
    insert into locations (id, name, company_account_number) values (1, 'HQ', '1');
    insert into ticket_details (id, external_id, subject, status, company_account_number, last_updated_at) values
        (1, 101, 'first', 'open', '1', '2025-01-01T00:00:00Z');
    insert into ticket_time_entries (id, external_id, external_source, ticket_id, hours) values (1, 1, 'freshservice', 1, 1);
";

const LIST: &str = "/api/companies";
const BULK: &str = "/api/companies/bulk";
const TICKETS: &str = "/api/companies/bulk?include_tickets=true";

async fn ask(world: &World, token: String, path: &str, tag: &str) -> TestResponse {
    let request = world.client.get(path).bearer(token);
    let answer =
        if tag.is_empty() { request.send().await } else { request.header("if-none-match", tag).send().await };
    described::checked(&world.client, "GET", path, answer).await
}

/// The tags of the three answers; each is a 304 to whoever has it.
async fn tags(world: &World) -> [String; 3] {
    let mut tags = Vec::new();
    for path in [LIST, BULK, TICKETS] {
        let answer = ask(world, world.token(Technician), path, "").await;
        let tag = answer.header("etag").to_owned();
        assert!(tag.starts_with("W/\"") && answer.status == StatusCode::OK, "{path}: {tag}");
        let again = ask(world, world.token(Technician), path, &tag).await;
        assert_eq!(
            (again.status, again.header("etag"), again.body.len()),
            (StatusCode::NOT_MODIFIED, &*tag, 0),
            "{path}"
        );
        tags.push(tag);
    }
    tags.try_into().unwrap()
}

#[sqlx::test(migrator = "hivematrix_codex::MIGRATOR")]
async fn every_change_of_an_answer_changes_its_tag_and_no_other_does(pool: PgPool) {
    let world = World::new(pool);
    world.sql(WORLD).await;
    let mut before = tags(&world).await;
    assert_eq!(tags(&world).await, before, "as long as nothing changes");
    // Statement, and whether it changes the list, the bulk answer without and with tickets.
    for (statement, changes) in [
        ("update companies set email_system = 'Exchange' where account_number = '1'", [true; 3]),
        ("update companies set compliance_level = 'hipaa' where account_number = '2'", [true; 3]),
        ("update companies set name = name", [false; 3]),
        ("insert into companies (account_number, name) values ('3', 'Gamma')", [true; 3]),
        ("delete from companies where account_number = '3'", [true; 3]),
        ("update assets set online = true", [false, true, true]),
        ("update assets set backup_usage_tb = 1.5", [false, true, true]),
        (
            "insert into assets (id, hostname, company_account_number) values (9, 'new', '2')",
            [false, true, true],
        ),
        ("update contacts set work_phone_number = '+1' where id = 2", [false, true, true]),
        ("delete from contact_company_link where contact_id = 2", [false, true, true]),
        ("update locations set address = '1 Way'", [false, true, true]),
        ("delete from locations", [false, true, true]),
        ("update ticket_details set notes = '[{\"body\": \"x\"}]'", [false, false, true]),
        ("update ticket_details set total_hours_spent = 2", [false, false, true]),
        ("update ticket_time_entries set hours = 2", [false, false, true]),
        (
            "insert into ticket_details (id, external_id, subject, company_account_number) values (9, 102, 'x', '2')",
            [false, false, true],
        ),
        ("update billing_plans set per_user_cost = 1", [false; 3]),
        ("update psa_agents set active = false", [false; 3]),
        ("begin; update companies set name = 'Undone'; rollback", [false; 3]),
        ("truncate ticket_time_entries", [false, false, true]),
    ] {
        world.sql(statement).await;
        let after = tags(&world).await;
        for at in 0..3 {
            assert_eq!(before[at] != after[at], changes[at], "{statement}: answer {at}");
        }
        before = after;
    }
    data_version::fold(&world.pool).await.unwrap();
    assert_eq!(tags(&world).await, before, "adding the steps up changes nothing");
    let rows: i64 =
        sqlx::query_scalar("select count(*) from data_changes").fetch_one(&world.pool).await.unwrap();
    assert_eq!(rows, 3, "one row for each part");
}

/// Columns that are answered are columns whose change is noticed, whichever they are.
#[sqlx::test(migrator = "hivematrix_codex::MIGRATOR")]
async fn no_column_changes_unnoticed(pool: PgPool) {
    let world = World::new(pool);
    world.sql(WORLD).await;
    let columns: Vec<(String, String, String)> = sqlx::query_as(
        "select table_name::text, column_name::text, data_type::text from information_schema.columns
         where table_schema = 'public' and is_generated = 'NEVER' and column_name not in ('id', 'account_number')
             and table_name in ('companies', 'contacts', 'assets', 'locations', 'ticket_details', 'ticket_time_entries')
             and data_type in ('text', 'bigint', 'integer', 'numeric', 'double precision', 'timestamp with time zone')
             and column_name !~ '(^|_)(source|provider|level|number|id)$'",
    )
    .fetch_all(&world.pool)
    .await
    .unwrap();
    assert!(columns.len() > 60, "{}", columns.len());
    let version = async || {
        let all =
            [data_version::Part::Companies, data_version::Part::Belongings, data_version::Part::Tickets];
        data_version::of(&world.pool, &all).await.unwrap()
    };
    for (table, column, kind) in columns {
        let value = match kind.as_str() {
            "text" => format!("coalesce({column}, '') || 'x'"),
            "timestamp with time zone" => "'2001-01-01T00:00:00Z'".to_owned(),
            _ => format!("coalesce({column}, 0) + 1"),
        };
        let before = version().await;
        let statement = format!("update {table} set {column} = {value}");
        sqlx::raw_sql(AssertSqlSafe(statement.clone())).execute(&world.pool).await.unwrap();
        assert!(version().await > before, "{statement}");
    }
}

#[sqlx::test(migrator = "hivematrix_codex::MIGRATOR")]
async fn a_tag_belongs_to_what_was_asked_and_to_whom_it_was_answered(pool: PgPool) {
    let world = World::new(pool);
    world.sql(WORLD).await;
    let mut known = Vec::new();
    for path in [
        LIST,
        "/api/companies?limit=1",
        "/api/companies?limit=1&offset=1",
        BULK,
        TICKETS,
        "/api/companies/bulk?include_tickets=true&year=2025",
        "/api/companies/bulk?include_tickets=true&updated_since=2025-01-01",
        "/api/companies/bulk?include_tickets=true&fields=billing",
    ] {
        for level in [Admin, Client] {
            let tag = ask(&world, world.token(level), path, "").await.header("etag").to_owned();
            assert!(!known.contains(&tag), "{path} {level} shares a tag");
            known.push(tag);
        }
    }
    let all = known.join(", ");
    // None of these tags is that of another company's client.
    world.sql("delete from contact_company_link where contact_id = 1").await;
    world.sql("insert into contact_company_link (contact_id, company_account_number) values (1, '2')").await;
    let moved = ask(&world, world.token(Client), LIST, &all).await;
    assert_eq!(moved.status, StatusCode::OK);
    assert_eq!(moved.json()[0]["account_number"], "2");
    // What says the same has the same tag.
    let same =
        ask(&world, world.token(Technician), "/api/companies?limit=x", "").await.header("etag").to_owned();
    assert_eq!(ask(&world, world.token(Admin), LIST, &same).await.status, StatusCode::NOT_MODIFIED);
    let anonymous = world.client.get(LIST).header("if-none-match", "*").send().await;
    assert_eq!(anonymous.status, StatusCode::UNAUTHORIZED, "a tag is no login");
}

/// Somebody who changes the data while the answer is made: the tag is that of before, so that the change is not missed.
#[sqlx::test(migrator = "hivematrix_codex::MIGRATOR")]
async fn writers_do_not_wait_for_each_other(pool: PgPool) {
    let world = World::new(pool.clone());
    world.sql(WORLD).await;
    let before = tags(&world).await;
    let mut first = pool.begin().await.unwrap();
    sqlx::raw_sql("update companies set name = 'Alpha 2' where account_number = '1'")
        .execute(&mut *first)
        .await
        .unwrap();
    sqlx::raw_sql("update assets set hostname = 'pc2'").execute(&mut *first).await.unwrap();
    let mut second = pool.begin().await.unwrap();
    sqlx::raw_sql("set local lock_timeout = '2s'; update contacts set name = 'Bo 2' where id = 2")
        .execute(&mut *second)
        .await
        .unwrap();
    sqlx::raw_sql("update companies set name = 'Beta 2' where account_number = '2'")
        .execute(&mut *second)
        .await
        .unwrap();
    assert_eq!(tags(&world).await, before, "what is not committed is no change");
    second.commit().await.unwrap();
    let between = tags(&world).await;
    first.commit().await.unwrap();
    let after = tags(&world).await;
    assert!((0..3).all(|at| before[at] != between[at] && between[at] != after[at]), "each commit is one");
    let names = ask(&world, world.token(Technician), LIST, &between[0]).await;
    assert_eq!(
        names.json().as_array().map(Vec::len),
        Some(2),
        "{}",
        names.json().get(0).unwrap_or(&Value::Null)
    );
}
