//! What people did to contacts outlives every sync.

use hivematrix_codex::store::{changes, contact_edit, contact_links, contact_merge};
use hivematrix_codex::sync::BasePart;
use sqlx::PgPool;

use crate::harness::World;

async fn base(world: &World) {
    world.sync().base(&BasePart::ALL).await.unwrap();
}

#[sqlx::test(migrator = "hivematrix_codex::MIGRATOR")]
async fn a_merged_contact_does_not_come_back(pool: PgPool) {
    let world = World::new(pool).await;
    base(&world).await;
    let before = world.number("select count(*) from contacts").await;
    let ids: Vec<i64> = sqlx::query_scalar("select id from contacts order by id limit 2")
        .fetch_all(&world.pool)
        .await
        .unwrap();
    let mut tx = world.pool.begin().await.unwrap();
    let into = contact_edit::lock(&mut tx, ids[0]).await.unwrap().unwrap();
    let from = contact_edit::lock(&mut tx, ids[1]).await.unwrap().unwrap();
    contact_merge::merge(&mut tx, into, from, "jo").await.unwrap();
    tx.commit().await.unwrap();

    base(&world).await;
    assert_eq!(world.number("select count(*) from contacts").await, before - 1);
    let emails: i64 =
        sqlx::query_scalar("select jsonb_array_length(secondary_emails)::bigint from contacts where id = $1")
            .bind(ids[0])
            .fetch_one(&world.pool)
            .await
            .unwrap();
    assert_eq!(emails, 1, "its address stays with the one that took it over");

    // When the one that stayed goes, the other one is somebody again.
    sqlx::query("delete from contacts where id = $1").bind(ids[0]).execute(&world.pool).await.unwrap();
    base(&world).await;
    assert_eq!(world.number("select count(*) from contacts").await, before);
}

#[sqlx::test(migrator = "hivematrix_codex::MIGRATOR")]
async fn companies_and_marks_that_were_set_by_hand_stay(pool: PgPool) {
    let world = World::new(pool).await;
    base(&world).await;
    let id: i64 = sqlx::query_scalar(
        "select contact_id from contact_company_link where origin = 'psa' order by 1 limit 1",
    )
    .fetch_one(&world.pool)
    .await
    .unwrap();
    let other: String = sqlx::query_scalar(
        "select account_number from companies where account_number not in
             (select company_account_number from contact_company_link where contact_id = $1) order by 1 limit 1",
    )
    .bind(id)
    .fetch_one(&world.pool)
    .await
    .unwrap();
    let mut tx = world.pool.begin().await.unwrap();
    changes::acting(&mut tx, "jo").await.unwrap();
    let mut contact = contact_edit::lock(&mut tx, id).await.unwrap().unwrap();
    contact.person.is_agent = !contact.person.is_agent;
    assert!(contact_links::set_companies(&mut tx, id, std::slice::from_ref(&other)).await.unwrap());
    contact_edit::update(&mut tx, id, &contact.person, &["is_agent", contact_links::COMPANIES], &[])
        .await
        .unwrap();
    tx.commit().await.unwrap();

    base(&world).await;
    let links = || async {
        sqlx::query_scalar::<_, String>(
            "select company_account_number from contact_company_link where contact_id = $1 order by 1",
        )
        .bind(id)
        .fetch_all(&world.pool)
        .await
        .unwrap()
    };
    assert_eq!(links().await, std::slice::from_ref(&other));
    let is_agent: bool = sqlx::query_scalar("select is_agent from contacts where id = $1")
        .bind(id)
        .fetch_one(&world.pool)
        .await
        .unwrap();
    assert_eq!(is_agent, contact.person.is_agent);

    // Given back to the vendor, its companies are there again beside those set by hand.
    sqlx::query("update contacts set edited_fields = '{}' where id = $1")
        .bind(id)
        .execute(&world.pool)
        .await
        .unwrap();
    base(&world).await;
    let companies = links().await;
    assert!(companies.len() > 1 && companies.contains(&other), "{companies:?}");
}
