//! What the page of plans tells before something is done, and where its parts are.

use hivematrix_shared::auth::PermissionLevel::Admin;
use sqlx::PgPool;

use crate::plan_forms::world;

#[sqlx::test(migrator = "hivematrix_codex::MIGRATOR")]
async fn who_removes_a_feature_is_told_before_what_has_it(pool: PgPool) {
    let world = world(pool).await;
    let page = world.get_as(Admin, "/billing-plans/?tab=features").await.text();
    let told = |dialog: &str, category: &str| {
        let section =
            page.split("<section").find(|section| section.contains(&format!(">{category}</code>"))).unwrap();
        let opener = section.split("<button").find(|button| button.contains(dialog)).unwrap();
        let fill = opener.split("data-fill=\"").nth(1).unwrap().split('"').next().unwrap();
        let fill: serde_json::Value = serde_json::from_str(&fill.replace("&#34;", "\"")).unwrap();
        (fill["used"].as_bool().unwrap(), fill["users"].as_str().unwrap().to_owned())
    };
    // One plan has it in both of its terms, another company has agreed upon it.
    assert_eq!(told("remove-category-dialog", "soc"), (true, "1 plan and 1 company".to_owned()));
    assert_eq!(told("remove-option-dialog", "soc"), (true, "1 plan and 1 company".to_owned()));
    assert_eq!(told("remove-category-dialog", "antivirus"), (true, "1 plan".to_owned()));
    assert_eq!(told("remove-category-dialog", "web_filtering"), (false, "nothing".to_owned()));
    assert!(page.contains("class=\"t-nowrap\">1 plan and 1 company</td>"), "the table says the same: {page}");
    let (_, said) = world.said(world.form("features/categories/soc/delete", &[]).await).await;
    assert_eq!(
        said,
        "The category “soc” is used by 1 plan and 1 company. Confirm that they lose it (confirm)."
    );
    let (_, said) = world.said(world.form("features/3/delete", &[]).await).await;
    assert!(
        said.ends_with(
            "Choose what they get instead (replace_with), or confirm that they lose it (confirm)."
        ),
        "{said}"
    );
}

#[sqlx::test(migrator = "hivematrix_codex::MIGRATOR")]
async fn import_and_export_have_their_card_and_plans_an_anchor(pool: PgPool) {
    let world = world(pool).await;
    world.sql("insert into billing_plans (plan_name, term_length) values ('Break/Fix & Co', '1 Year'); \
               update companies set plan_selected = 'Break/Fix & Co', billing_plan = 'Break/Fix & Co' where account_number = '1'").await;
    let page = world.get_as(Admin, "/billing-plans/").await.text();
    let card = page
        .split("id=\"exchange-title\">Import / Export<")
        .nth(1)
        .unwrap()
        .split("</section>")
        .next()
        .unwrap();
    assert!(card.contains("Import JSON") && card.contains("/billing-plans/export\""), "{card}");
    let anchor = "plan-Break%2FFix%20%26%20Co";
    assert!(page.contains(&format!("id=\"{anchor}\"")), "{page}");
    let company = world.get_as(Admin, "/companies/1").await.text();
    assert!(
        company.contains(&format!("/billing-plans/?plan=Break%2FFix%20%26%20Co#{anchor}\"")),
        "{company}"
    );
}
