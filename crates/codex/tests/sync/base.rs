//! Companies, contacts, agents and groups.

use hivematrix_codex::sync::{BasePart, Reach};
use hivematrix_simulators::freshservice::{Collection, Fault, FaultMode};
use hivematrix_simulators::world::Size;
use serde_json::{Map, Value, json};
use sqlx::PgPool;

use crate::harness::{SMALL, World};

fn members(value: Value) -> Map<String, Value> {
    value.as_object().unwrap().clone()
}

async fn base(world: &World) -> hivematrix_codex::sync::Report {
    let sync = world.sync();
    sync.base(&BasePart::ALL).await.unwrap();
    sync.report
}

/// Vendor id and account number of some company with tickets.
async fn a_company(world: &World) -> (u64, String) {
    let (id, number): (i64, String) = sqlx::query_as(
        "select external_id, account_number from companies c
         order by (select count(*) from ticket_details t where t.company_account_number = c.account_number) desc limit 1",
    )
    .fetch_one(&world.pool)
    .await
    .unwrap();
    (id.unsigned_abs(), number)
}

#[sqlx::test(migrator = "hivematrix_codex::MIGRATOR")]
async fn the_base_sync_stores_all_and_repeats_harmlessly(pool: PgPool) {
    let world = World::new(pool).await;
    let counts = base(&world).await.counts();
    assert!(
        counts.companies >= 6 && counts.agents >= 4 && counts.contacts >= 25 && counts.groups >= 1,
        "{counts:?}"
    );
    let again = base(&world).await.counts();
    assert_eq!(
        (again.companies, again.contacts, again.agents),
        (counts.companies, counts.contacts, counts.agents)
    );
    assert_eq!(world.number("select count(*) from companies").await, counts.companies as i64);
    assert_eq!(world.number("select count(*) from contacts").await, counts.contacts as i64);
    assert_eq!(again.removed, 0);
    assert!(world.number("select count(*) from contact_company_link").await > 20);
}

#[sqlx::test(migrator = "hivematrix_codex::MIGRATOR")]
async fn tickets_find_a_company_that_comes_later(pool: PgPool) {
    let world = World::new(pool).await;
    world.tickets(Reach::Full).await;
    let linked = "select count(*) from ticket_details where company_account_number is not null";
    assert_eq!(world.number(linked).await, 0);
    base(&world).await;
    assert!(world.number(linked).await > 100);
}

#[sqlx::test(migrator = "hivematrix_codex::MIGRATOR")]
async fn a_changed_account_number_takes_everything_along(pool: PgPool) {
    let world = World::new(pool).await;
    base(&world).await;
    world.tickets(Reach::Full).await;
    let (id, number) = a_company(&world).await;
    sqlx::query("insert into assets (hostname, company_account_number) values ('pc', $1)")
        .bind(&number)
        .execute(&world.pool)
        .await
        .unwrap();
    let change = members(json!({"custom_fields": {"account_number": 999_111}}));
    world.vendor.control.change_record(Collection::Departments, id, change);
    let before = world.number("select count(*) from companies").await;
    base(&world).await;
    assert_eq!(world.number("select count(*) from companies").await, before);
    for sql in [
        "select count(*) from assets where company_account_number = '999111'",
        "select count(*) from ticket_details where company_account_number = '999111'",
        "select count(*) from contact_company_link where company_account_number = '999111'",
    ] {
        assert!(world.number(sql).await > 0, "{sql}");
    }
}

#[sqlx::test(migrator = "hivematrix_codex::MIGRATOR")]
async fn what_a_person_has_edited_stays(pool: PgPool) {
    let world = World::new(pool).await;
    base(&world).await;
    let (id, number) = a_company(&world).await;
    sqlx::query("update companies set name = 'Ours', edited_fields = '{name}' where account_number = $1")
        .bind(&number)
        .execute(&world.pool)
        .await
        .unwrap();
    let change = members(json!({"name": "Theirs", "description": "New words"}));
    world.vendor.control.change_record(Collection::Departments, id, change);
    base(&world).await;
    let row: (String, Option<String>) =
        sqlx::query_as("select name, description from companies where account_number = $1")
            .bind(&number)
            .fetch_one(&world.pool)
            .await
            .unwrap();
    assert_eq!(row, ("Ours".to_owned(), Some("New words".to_owned())));
}

#[sqlx::test(migrator = "hivematrix_codex::MIGRATOR")]
async fn links_of_the_vendor_are_replaced_and_others_stay(pool: PgPool) {
    let world = World::new(pool).await;
    base(&world).await;
    let numbers: Vec<String> = sqlx::query_scalar("select account_number from companies order by 1")
        .fetch_all(&world.pool)
        .await
        .unwrap();
    let (person, external): (i64, i64) = sqlx::query_as(
        "select c.id, c.external_id from contacts c join contact_company_link l on l.contact_id = c.id
         where l.company_account_number = $1 limit 1",
    )
    .bind(&numbers[0])
    .fetch_one(&world.pool)
    .await
    .unwrap();
    sqlx::query("insert into contact_company_link values ($1, $2, 'manual') on conflict do nothing")
        .bind(person)
        .bind(&numbers[1])
        .execute(&world.pool)
        .await
        .unwrap();
    let to: i64 = sqlx::query_scalar("select external_id from companies where account_number = $1")
        .bind(&numbers[2])
        .fetch_one(&world.pool)
        .await
        .unwrap();
    let change = members(json!({"department_ids": [to]}));
    world.vendor.control.change_record(Collection::Requesters, external.unsigned_abs(), change);
    base(&world).await;
    let links: Vec<(String, String)> = sqlx::query_as(
        "select company_account_number, origin from contact_company_link where contact_id = $1 order by 1",
    )
    .bind(person)
    .fetch_all(&world.pool)
    .await
    .unwrap();
    let manual = (numbers[1].clone(), "manual".to_owned());
    assert_eq!(links, [manual, (numbers[2].clone(), "psa".to_owned())]);
}

#[sqlx::test(migrator = "hivematrix_codex::MIGRATOR")]
async fn contacts_may_exchange_addresses_and_share_none(pool: PgPool) {
    let world = World::new(pool).await;
    base(&world).await;
    let people: Vec<(i64, String)> =
        sqlx::query_as("select external_id, email from contacts order by external_id limit 3")
            .fetch_all(&world.pool)
            .await
            .unwrap();
    for (person, email) in [(0, &people[1].1), (1, &people[0].1)] {
        let change = members(json!({ "primary_email": email }));
        world.vendor.control.change_record(Collection::Requesters, people[person].0.unsigned_abs(), change);
    }
    let double =
        json!({"first_name": "Second", "primary_email": people[2].1.to_uppercase(), "department_ids": []});
    world.vendor.control.add_record(Collection::Requesters, 19_999_999_999, members(double));
    let report = base(&world).await;
    let after: Vec<(i64, String)> =
        sqlx::query_as("select external_id, email from contacts order by external_id limit 3")
            .fetch_all(&world.pool)
            .await
            .unwrap();
    assert_eq!((&after[0].1, &after[1].1, &after[2].1), (&people[1].1, &people[0].1, &people[2].1));
    assert_eq!(world.number("select count(*) from contacts where external_id = 19999999999").await, 0);
    assert!(
        report.output().contains("contact 19999999999 has the address of contact"),
        "{}",
        report.output()
    );
}

#[sqlx::test(migrator = "hivematrix_codex::MIGRATOR")]
async fn nothing_is_removed_after_an_empty_a_failed_or_a_short_list(pool: PgPool) {
    let world = World::new(pool).await;
    base(&world).await;
    let count = |table: &'static str| world.number(table);
    let tables = [
        "select count(*) from companies",
        "select count(*) from contacts",
        "select count(*) from psa_agents",
    ];
    let mut before = Vec::new();
    for table in tables {
        before.push(count(table).await);
    }
    for mode in
        [FaultMode::EmptyPage, FaultMode::NotFound, FaultMode::Status { status: 500 }, FaultMode::HtmlPage]
    {
        world.vendor.control.clear_faults();
        for path in ["/departments", "/requesters", "/agents"] {
            world.vendor.control.add_fault(Fault::always(mode.clone()).on(path));
        }
        let result = world.sync().base(&BasePart::ALL).await;
        assert_eq!(result.is_ok(), mode == FaultMode::EmptyPage, "{mode:?}");
        for (table, before) in tables.iter().zip(&before) {
            assert_eq!(count(table).await, *before, "{mode:?} {table}");
        }
    }
}

#[sqlx::test(migrator = "hivematrix_codex::MIGRATOR")]
async fn what_is_too_long_for_an_index_costs_its_own_row_only(pool: PgPool) {
    let world = World::new(pool).await;
    // Random letters, which the database cannot pack.
    let long: String = (0..200).map(|_| uuid::Uuid::new_v4().simple().to_string()).collect();
    let person =
        json!({"first_name": "L", "primary_email": format!("{long}@x.example"), "department_ids": []});
    world.vendor.control.add_record(Collection::Requesters, 19_999_999_999, members(person));
    let report = base(&world).await;
    assert!(world.number("select count(*) from contacts").await > 10);
    assert_eq!(world.number("select count(*) from contacts where external_id = 19999999999").await, 0);
    assert!(report.output().contains("contact 19999999999 could not be stored"), "{}", report.output());
}

#[sqlx::test(migrator = "hivematrix_codex::MIGRATOR")]
async fn a_row_the_vendor_does_not_tell_about_stays_and_the_others_are_stored(pool: PgPool) {
    let world = World::new(pool).await;
    base(&world).await;
    let (id, _) = a_company(&world).await;
    let companies = world.number("select count(*) from companies").await;
    world.vendor.control.remove_record(Collection::Departments, id);
    world.vendor.control.add_record(
        Collection::Departments,
        77,
        members(json!({"name": "New", "custom_fields": {"account_number": 777_777}})),
    );
    let silent = Fault::always(FaultMode::Status { status: 403 }).on(&format!("/departments/{id}"));
    world.vendor.control.add_fault(silent);
    let report = base(&world).await;
    assert_eq!(report.counts().removed, 0);
    assert!(report.output().contains(&format!("companies {id}: ")), "{}", report.output());
    assert_eq!(world.number("select count(*) from companies").await, companies + 1);
}

#[sqlx::test(migrator = "hivematrix_codex::MIGRATOR")]
async fn what_the_vendor_confirms_to_be_gone_goes_and_leaves_tickets_behind(pool: PgPool) {
    let world = World::new(pool).await;
    base(&world).await;
    world.tickets(Reach::Full).await;
    let tickets = world.stored().await.len();
    let (id, number) = a_company(&world).await;
    world.vendor.control.remove_record(Collection::Departments, id);
    let report = base(&world).await;
    assert_eq!(report.counts().removed, 1);
    let left: i64 = sqlx::query_scalar("select count(*) from companies where account_number = $1")
        .bind(&number)
        .fetch_one(&world.pool)
        .await
        .unwrap();
    assert_eq!(left, 0);
    assert_eq!(world.stored().await.len(), tickets);
}

#[sqlx::test(migrator = "hivematrix_codex::MIGRATOR")]
async fn a_part_that_fails_does_not_stop_the_others(pool: PgPool) {
    let world = World::new(pool).await;
    world.vendor.control.add_fault(Fault::always(FaultMode::Status { status: 500 }).on("/departments"));
    let sync = world.sync();
    sync.base(&BasePart::ALL).await.unwrap_err();
    let counts = sync.report.counts();
    assert!(counts.companies == 0 && counts.agents > 0 && counts.contacts > 0, "{counts:?}");
}

#[sqlx::test(migrator = "hivematrix_codex::MIGRATOR")]
async fn a_broken_off_list_of_contacts_goes_on_where_it_was(pool: PgPool) {
    let size = Size { contacts: 450, ..SMALL };
    let world = World::of(pool, size).await;
    let fault = Fault::always(FaultMode::Status { status: 500 }).on("/requesters").on_page(4);
    world.vendor.control.add_fault(fault);
    world.sync().base(&BasePart::ALL).await.unwrap_err();
    assert_eq!(world.number("select count(*) from contacts").await, 0, "only a whole list is stored");
    assert_eq!(world.number("select count(*) from staged_contacts").await, 300);
    world.vendor.control.clear_faults();
    world.vendor.control.clear_requests();
    world.sync().base(&[BasePart::Contacts]).await.unwrap();
    let pages: Vec<_> = world
        .vendor
        .control
        .request_lines()
        .into_iter()
        .filter(|line| line.path == "/requesters")
        .filter_map(|line| Some(line.query.rsplit_once("page=")?.1.to_owned()))
        .collect();
    assert_eq!(pages, ["3", "4", "5"], "one page earlier than it was");
    let with_address = world.number("select count(*) from contacts").await;
    assert!((430..=450).contains(&with_address), "{with_address}");
    for table in ["select count(*) from staged_contacts", "select count(*) from contact_runs"] {
        assert_eq!(world.number(table).await, 0, "{table}");
    }
}
