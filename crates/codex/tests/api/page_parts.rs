//! Parts of pages that people stumbled over: what is marked, what is offered, and what a browser without scripts sees.

use hivematrix_shared::auth::PermissionLevel::{Admin, Billing, Client, Technician};
use http::Method;
use serde_json::json;
use sqlx::PgPool;

use crate::{
    people::{PEOPLE, send, world},
    support::World,
};

/// What stands between two marks.
fn between<'a>(page: &'a str, from: &str, to: &str) -> &'a str {
    let rest = page.split(from).nth(1).unwrap_or_else(|| panic!("no {from} in {page}"));
    rest.split(to).next().unwrap()
}

/// More companies than a filter lists.
async fn many_companies(world: &World) {
    world
        .sql(
            "insert into companies (account_number, name) \
             select (200000 + n)::text, 'Company ' || n from generate_series(1, 401) n",
        )
        .await;
}

#[sqlx::test(migrator = "hivematrix_codex::MIGRATOR")]
async fn an_address_that_was_changed_by_hand_can_follow_the_psa_again(pool: PgPool) {
    let world = world(pool);
    world.sql(PEOPLE).await;
    let main = async |level| {
        let page = world.get_as(level, "/companies/100001").await.text();
        between(&page, "Main Location", "location-item\"").to_owned()
    };
    let before = main(Technician).await;
    assert!(!before.contains(">edited<") && !before.contains("data-follow"), "{before}");
    let changed = json!({"address": "1 Harbour Street <b>"});
    let done = send(&world, Technician, Method::PUT, "/companies/100001/update", changed).await;
    assert!(done.status.is_success(), "{}", done.text());
    let after = main(Technician).await;
    assert!(after.contains(">edited<") && after.contains("data-follow=\"address\""), "{after}");
    assert!(after.contains("1 Harbour Street &#60;b&#62;"), "{after}");
    let read = main(Billing).await;
    assert!(
        read.contains(">edited<") && !read.contains("data-follow"),
        "who may not change it is told: {read}"
    );
    let done = send(&world, Technician, Method::DELETE, "/companies/100001/edited/address", json!({})).await;
    assert!(done.status.is_success(), "{}", done.text());
    assert!(!main(Technician).await.contains(">edited<"));
}

#[sqlx::test(migrator = "hivematrix_codex::MIGRATOR")]
async fn a_portal_has_a_card_and_without_one_only_those_who_can_enter_it(pool: PgPool) {
    let world = world(pool);
    world.sql(PEOPLE).await;
    let shown = "id=\"systems\" aria-labelledby=\"systems-title\">";
    let while_editing = "id=\"systems\" aria-labelledby=\"systems-title\" data-edit hidden>";
    let page = world.get_as(Technician, "/companies/100001").await.text();
    assert!(page.contains(while_editing), "{page}");
    assert!(!world.get_as(Billing, "/companies/100001").await.text().contains("Technology"));
    world
        .sql(
            "update companies set datto_portal_url = 'https://rmm.example/9' where account_number = '100001'",
        )
        .await;
    for level in [Technician, Billing] {
        let page = world.get_as(level, "/companies/100001").await.text();
        assert!(page.contains(shown) && page.contains("href=\"https://rmm.example/9\""), "{level}: {page}");
    }
}

#[sqlx::test(migrator = "hivematrix_codex::MIGRATOR")]
async fn the_page_of_a_company_leads_to_its_whole_lists(pool: PgPool) {
    let world = world(pool);
    world.sql(PEOPLE).await;
    let page = world.get_as(Billing, "/companies/100003").await.text();
    let link = "/contacts/?company=100003&amp;show_inactive=1\">See all<";
    assert!(page.contains(link), "{page}");
    assert!(!page.contains("/assets/?company=100003"), "of nothing there is nothing to see");
    let listed = world.get_as(Billing, "/contacts/?company=100003&show_inactive=1").await.text();
    assert!(listed.contains("Total 2 contacts"), "as many as the page counts");
    let other = world.get_as(Billing, "/companies/100002").await.text();
    assert!(other.contains("/assets/?company=100002\">See all<"), "{other}");
}

#[sqlx::test(migrator = "hivematrix_codex::MIGRATOR")]
async fn of_many_companies_a_filter_finds_one(pool: PgPool) {
    let world = world(pool);
    world.sql(PEOPLE).await;
    let few = world.get_as(Technician, "/contacts/").await.text();
    assert!(few.contains(">Theirs</option>") && !few.contains("id=\"company-filter\""), "{few}");
    many_companies(&world).await;
    for (path, without) in [("/contacts/", true), ("/assets/", false)] {
        let page = world.get_as(Technician, path).await.text();
        let filter = between(&page, "<select class=\"form-inline__select\" name=\"company\"", "</select>");
        assert_eq!(filter.matches("<option").count(), if without { 2 } else { 1 }, "{path}: {filter}");
        assert_eq!(filter.contains("Without company"), without, "{path}: {filter}");
        assert!(page.contains("data-modal-open=\"company-filter\" hidden data-needs-script"), "{path}");
        assert!(page.contains("js/company-filter.js"), "{path}");
        let chosen = world.get_as(Technician, &format!("{path}?company=200007")).await.text();
        assert!(chosen.contains("<option value=\"200007\" selected>Company 7</option>"), "{path}");
    }
    // A client of one company has nothing to choose from.
    let own = world.get_as(Client, "/contacts/").await.text();
    assert!(!own.contains("company-filter"), "{own}");
}

#[sqlx::test(migrator = "hivematrix_codex::MIGRATOR")]
async fn phone_numbers_are_dialled_with_their_extension_wherever_they_stand(pool: PgPool) {
    let world = world(pool);
    world.sql(PEOPLE).await;
    world.sql("update contacts set mobile_phone_number = '+1 (555) 827-5104 ext. 7', work_phone_number = '555 01' where id = 2").await;
    let link = "href=\"tel:+15558275104;ext=7\">+1 (555) 827-5104 ext. 7<";
    for path in ["/contacts/2", "/contacts/", "/companies/100002"] {
        let page = world.get_as(Technician, path).await.text();
        assert!(page.contains(link) || path.starts_with("/companies"), "{path}: {page}");
        assert!(!page.contains("tel:+1 ") && !page.contains("tel:555 01"), "{path}: {page}");
    }
}

#[sqlx::test(migrator = "hivematrix_codex::MIGRATOR")]
async fn buttons_that_need_a_script_are_hidden_without_one(pool: PgPool) {
    let world = world(pool);
    world.sql(PEOPLE).await;
    world.sql("insert into agents (keycloak_id, username) values ('k1', 'ada')").await;
    for (path, marks) in [
        ("/contacts/3", vec!["id=\"edit\"", "data-modal-open=\"merge-dialog\"", "data-delete="]),
        (
            "/assets/3",
            vec!["data-modal-open=\"users-dialog\"", "data-modal-open=\"change-dialog\"", "data-delete="],
        ),
        ("/assets/1", vec!["data-reveal=\"udf2\""]),
        ("/agents", vec!["id=\"sync-users\"", "id=\"new-user\"", "data-edit=\"k1\""]),
    ] {
        let page = world.get_as(Admin, path).await.text();
        for mark in marks {
            let button =
                page.split("<button").find(|button| button.split('>').next().unwrap().contains(mark));
            let button = button.unwrap_or_else(|| panic!("{path} has no {mark}")).split('>').next().unwrap();
            assert!(button.contains("hidden data-needs-script"), "{path}: {button}");
        }
    }
}

#[sqlx::test(migrator = "hivematrix_codex::MIGRATOR")]
async fn regions_of_a_page_have_names_of_their_own(pool: PgPool) {
    let world = world(pool);
    world.sql(PEOPLE).await;
    for path in ["/", "/companies/", "/companies/100002", "/contacts/2", "/assets/1", "/agents", "/admin/"] {
        let page = world.get_as(Admin, path).await.text();
        assert!(
            !page.contains("role=\"region\""),
            "{path}: a table to scroll is no landmark beside its section"
        );
    }
}

#[sqlx::test(migrator = "hivematrix_codex::MIGRATOR")]
async fn the_review_says_how_much_of_it_the_page_has(pool: PgPool) {
    let world = world(pool);
    world
        .sql(
            "insert into review_items (kind, subject, detail, found_at, last_seen_at) \
             select 'rmm_site', 'datto/' || n, 'no company', now(), now() from generate_series(1, 201) n",
        )
        .await;
    let page = world.get_as(Technician, "/review").await.text();
    assert!(page.contains("data-total=\"201\">The first 200 of 201 open questions<"), "{page}");
    assert!(page.contains("form=\"link-form\" disabled>Link<"), "nothing is chosen yet");
    world.sql("delete from review_items where id in (select id from review_items limit 200)").await;
    assert!(world.get_as(Technician, "/review").await.text().contains("data-total=\"1\">1 open question<"));
}

#[sqlx::test(migrator = "hivematrix_codex::MIGRATOR")]
async fn the_settings_say_whether_the_account_is_synced(pool: PgPool) {
    let world = World::new(pool);
    let page = world.get_as(Technician, "/settings").await.text();
    assert_eq!(page.matches("<span class=\"info-item__value\">Not synced</span>").count(), 2, "{page}");
    assert!(page.contains("alert--warning") && page.contains("is not synced yet"), "{page}");
    world
        .sql("insert into agents (keycloak_id, username, email) values ('k', 'tess', 'technician@example.test')")
        .await;
    let page = world.get_as(Technician, "/settings").await.text();
    assert!(page.contains(">tess<") && page.contains(">technician@example.test<"), "{page}");
    assert!(!page.contains("ot synced"), "{page}");
}
