//! The page of plans and its forms.

use hivematrix_shared::{
    auth::PermissionLevel::{Admin, Billing, Client, Technician},
    testing::TestResponse,
};
use http::StatusCode;
use serde_json::json;
use sqlx::PgPool;

use crate::{plans::WORLD, support::World};

pub async fn world(pool: PgPool) -> World {
    let world = World::new(pool);
    world.sql(WORLD).await;
    world
}

impl World {
    pub async fn form(&self, path: &str, fields: &[(&str, &str)]) -> TestResponse {
        let path = format!("/billing-plans/{path}");
        let request =
            self.client.post(&path).bearer(self.token(Admin)).header("x-forwarded-prefix", "/codex");
        request.form(fields).send().await
    }

    /// Where a form led to, and what the next page said.
    pub async fn said(&self, answer: TestResponse) -> (String, String) {
        assert_eq!(answer.status, StatusCode::FOUND, "{}", answer.text());
        let cookie = answer.header("set-cookie").split(';').next().unwrap().to_owned();
        assert!(cookie.starts_with("codex_session="), "the gateway owns `session`");
        let page = self
            .client
            .get("/billing-plans/")
            .bearer(self.token(Admin))
            .header("cookie", &cookie)
            .send()
            .await;
        assert!(page.header("set-cookie").starts_with("codex_session=; "), "it is said once");
        let text = page.text();
        let said: Vec<&str> = text
            .split("class=\"toast toast--")
            .skip(1)
            .map(|toast| {
                let text = toast.split("toast__text\">").nth(1).unwrap();
                text.split("</span>").next().unwrap()
            })
            .collect();
        (answer.header("location").to_owned(), said.join(" | "))
    }
}

#[sqlx::test(migrator = "hivematrix_codex::MIGRATOR")]
async fn every_form_leads_back_and_says_how_it_went(pool: PgPool) {
    let world = world(pool).await;
    for (path, fields, location, said) in [
        (
            "create",
            vec![("new_plan_name", "Gold & Co")],
            "/codex/billing-plans/?plan=Gold+%26+Co",
            "Plan “Gold &#38; Co” created with the terms Month to Month, 1 Year, 2 Year, 3 Year",
        ),
        (
            "create",
            vec![("new_plan_name", "Basic")],
            "/codex/billing-plans/?plan=Basic",
            "There is a plan “Basic” already",
        ),
        ("create", vec![], "/codex/billing-plans/", "Not saved: plan_name must not be empty."),
        (
            "save",
            vec![("plan_name", "Basic"), ("plan_ids", "3"), ("per_user_cost_3", "many")],
            "/codex/billing-plans/?plan=Basic",
            "Not saved: per_user_cost_3 must be a number.",
        ),
        (
            "copy-terms",
            vec![("plan_name", "Premium"), ("source_term", "1-Year")],
            "/codex/billing-plans/?plan=Premium",
            "“1-Year” of “Premium” copied to 1 other term",
        ),
        ("delete", vec![("plan_name", "Nope")], "/codex/billing-plans/", "Plan not found"),
        (
            "features/categories/add",
            vec![("category_name", "MFA")],
            "/codex/billing-plans/?tab=features",
            "Category “MFA” added",
        ),
        (
            "features/add",
            vec![("feature_type", "mfa"), ("option_name", "Duo")],
            "/codex/billing-plans/?tab=features",
            "Option “Duo” added",
        ),
        (
            "features/add",
            vec![("feature_type", "mfa"), ("option_name", "Duo")],
            "/codex/billing-plans/?tab=features",
            "The category has the option “Duo” already",
        ),
        (
            "features/101/edit",
            vec![("option_name", "Duo")],
            "/codex/billing-plans/?tab=features",
            "The category has this option already; remove this one and have that one in its place",
        ),
        (
            "features/999/edit",
            vec![("option_name", "x")],
            "/codex/billing-plans/?tab=features",
            "Feature option not found",
        ),
        ("features/x/delete", vec![], "/codex/billing-plans/?tab=features", "Feature option not found"),
        (
            "features/3/delete",
            vec![("replace_with", "Huntress")],
            "/codex/billing-plans/?tab=features",
            "Option removed; 1 plan and 1 company now with “Huntress”",
        ),
        (
            "features/categories/mfa/edit",
            vec![("category_name", "Two Factors")],
            "/codex/billing-plans/?tab=features",
            "Category renamed to “Two Factors”",
        ),
        (
            "features/categories/two_factors/delete",
            vec![],
            "/codex/billing-plans/?tab=features",
            "Category “two_factors” removed",
        ),
    ] {
        let answer = world.form(path, &fields).await;
        if path == "features/101/edit" {
            // 101 is `Not Included` of the new category, which keeps its name.
            let (_, text) = world.said(answer).await;
            assert!(text.contains("keeps its name"), "{text}");
            continue;
        }
        assert_eq!(world.said(answer).await, (location.to_owned(), said.to_owned()), "{path} {fields:?}");
    }
}

#[sqlx::test(migrator = "hivematrix_codex::MIGRATOR")]
async fn a_plan_is_saved_as_the_original_sends_it(pool: PgPool) {
    let world = world(pool).await;
    let fields = [
        ("plan_name", "Premium"),
        ("plan_ids", "1"),
        ("plan_ids", "2"),
        ("support_level_1", "All Inclusive"),
        ("per_user_cost_1", "80.10"),
        ("backup_included_tb_1", "2.5"),
        ("feature_antivirus_1", "Not Included"),
        ("feature_web_filtering_1", "DNSFilter"),
        ("per_user_cost_2", "90"),
    ];
    world.form("save", &fields).await;
    let saved = world.get("/billing-plans/api/plans/Premium/1%20Year").await.json()["plan"].clone();
    assert_eq!(
        (
            &saved["per_user_cost"],
            &saved["backup_included_tb"],
            &saved["per_server_cost"],
            &saved["support_level"]
        ),
        (&json!(80.1), &json!(2.5), &json!(199.98), &json!("All Inclusive"))
    );
    assert_eq!(
        saved["features"],
        json!({"antivirus": "Not Included", "soc": "Arctic Wolf", "web_filtering": "DNSFilter"})
    );
    let other = world.get("/api/billing-plans/2").await.json();
    assert_eq!((&other["per_user_cost"], &other["per_server_cost"]), (&json!(90.0), &json!(210.0)));

    let bulk = [fields.as_slice(), &[("bulk_edit", "true")]].concat();
    world.form("save", &bulk).await;
    let other = world.get("/billing-plans/api/plans/Premium/monthly").await.json()["plan"].clone();
    assert_eq!(
        (&other["per_user_cost"], &other["features"]["web_filtering"]),
        (&json!(80.1), &json!("DNSFilter"))
    );
}

#[sqlx::test(migrator = "hivematrix_codex::MIGRATOR")]
async fn a_plan_in_use_is_deleted_with_a_word_about_its_companies(pool: PgPool) {
    let world = world(pool).await;
    let (_, said) = world.said(world.form("delete", &[("plan_name", "Premium")]).await).await;
    assert!(said.starts_with("2 companies have the plan “Premium”"), "{said}");
    let answer = world.form("delete", &[("plan_name", "Premium"), ("reassign_to", "Basic")]).await;
    let (_, said) = world.said(answer).await;
    assert_eq!(said, "Plan “Premium” deleted with 2 terms; 2 companies now have “Basic”");
    let answer = world.form("delete", &[("plan_name", "Basic"), ("force", "true")]).await;
    assert_eq!(world.said(answer).await.1, "Plan “Basic” deleted with 1 term");
}

fn upload(name: &str, content: &str) -> Vec<u8> {
    format!(
        "--b\r\nContent-Disposition: form-data; name=\"json_file\"; filename=\"{name}\"\r\n\
         Content-Type: application/json\r\n\r\n{content}\r\n--b--\r\n"
    )
    .into_bytes()
}

#[sqlx::test(migrator = "hivematrix_codex::MIGRATOR")]
async fn a_file_is_imported_by_its_form(pool: PgPool) {
    let world = world(pool).await;
    let good = json!({"plans": [
        {"plan_name": "Gold", "term_length": "1 Year"}, {"plan_name": "A"}, {"plan_name": "B"}, {"plan_name": "C"}, {"plan_name": "D"},
    ], "feature_options": []})
    .to_string();
    for (name, content, expected) in [
        ("plans.txt", good.as_str(), "The name of the file must end in .json."),
        ("", good.as_str(), "Choose a file to import."),
        ("plans.json", "{", "The file is not JSON"),
        (
            "plans.json",
            r#"{"default_plans_data": [], "default_features": []}"#,
            "The file has the older form",
        ),
        (
            "plans.JSON",
            good.as_str(),
            "Imported 1 plan term and 0 options; left 0 plan terms and 0 options as they were; 4 errors | \
            Plan 2 (A): term_length is missing · Plan 3 (B): term_length is missing · Plan 4 (C): term_length is missing · and 1 more",
        ),
    ] {
        let request = world.client.post("/billing-plans/import").bearer(world.token(Admin));
        let answer = request.body("multipart/form-data; boundary=b", upload(name, content)).send().await;
        let (_, said) = world.said(answer).await;
        assert!(said.starts_with(expected), "{name} {content}: {said}");
    }
    let nothing = world.client.post("/billing-plans/import").bearer(world.token(Admin));
    let nothing = nothing.body("multipart/form-data; boundary=b", b"--b--\r\n".to_vec()).send().await;
    assert_eq!(world.said(nothing).await.1, "Choose a file to import.");
    for kind in ["multipart/form-data", "text/plain"] {
        let odd = world.client.post("/billing-plans/import").bearer(world.token(Admin));
        let (_, said) = world.said(odd.body(kind, b"x".to_vec()).send().await).await;
        assert!(said.contains("multipart/form-data"), "{kind}: {said}");
    }
    let large = upload("plans.json", &"x".repeat(17 << 20));
    let large = world
        .client
        .post("/billing-plans/import")
        .bearer(world.token(Admin))
        .body("multipart/form-data; boundary=b", large);
    assert_eq!(world.said(large.send().await).await.1, "The file is larger than 16 MB.");
}

#[sqlx::test(migrator = "hivematrix_codex::MIGRATOR")]
async fn the_page_is_for_reading_unless_one_may_edit(pool: PgPool) {
    let world = world(pool).await;
    let admin = world.get_as(Admin, "/billing-plans/").await.text();
    for part in [
        "Create New Billing Plan",
        "Save Changes",
        "Copy to Terms",
        "Delete Plan",
        "Import JSON",
        "2 companies",
    ] {
        assert!(admin.contains(part), "{part}");
    }
    assert!(!admin.contains("style=") && !admin.contains("onclick"), "nothing inline");
    assert!(
        !admin.contains("which is not listed here")
            && admin.contains("class=\"badge badge--success\">Premium")
    );
    for level in [Technician, Billing] {
        let page = world.get_as(level, "/billing-plans/").await.text();
        assert!(
            page.contains("readonly") && page.contains("disabled") && page.contains("Premium"),
            "{level}"
        );
        for part in ["Save Changes", "Create New Billing Plan", "Import JSON", "modal"] {
            assert!(!page.contains(part), "{level} {part}");
        }
        let features = world.get_as(level, "/billing-plans/?tab=features").await.text();
        assert!(features.contains("Arctic Wolf") && features.contains("Only administrators"), "{level}");
    }
    let client = world.get_as(Client, "/billing-plans/").await.text();
    assert!(!client.contains("Premium") && client.contains("No plan to show"), "not linked to a company");
    world
        .sql("insert into contacts (id, name, email, primary_email) values (1, 'C', 'client@example.test', 'client@example.test'); \
              insert into contact_company_link (contact_id, company_account_number) values (1, '2')")
        .await;
    let own = world.get_as(Client, "/billing-plans/").await.text();
    assert!(
        own.contains("Arctic Wolf") && own.contains("Month to Month") && own.contains("1 company"),
        "{own}"
    );
    for part in ["1 Year", "Huntress", "DNSFilter", "Basic"] {
        assert!(!own.contains(part), "{part} is not its own");
    }
    let options = world.get_as(Client, "/billing-plans/?tab=features").await.text();
    assert_eq!(options, own, "there are no options to see");
    assert!(world.get("/billing-plans/").await.text().contains("readonly"), "services read");
    let found = world.get_as(Admin, "/billing-plans/?search=prem").await.text();
    assert!(found.contains("1 of 2 plans match") && !found.contains("data-plan=\"Basic\""));
    assert!(
        found.contains("<details class=\"card\" id=\"plan-Premium\" data-plan=\"Premium\" open>"),
        "the only one is open"
    );
    let open = world.get_as(Admin, "/billing-plans/?plan=Basic").await.text();
    assert!(open.contains("data-plan=\"Basic\" open") && !open.contains("data-plan=\"Premium\" open"));
    let root = world.get_as(Admin, "/billing-plans").await;
    assert_eq!((root.status, root.header("location")), (StatusCode::PERMANENT_REDIRECT, "/billing-plans/"));
}

#[sqlx::test(migrator = "hivematrix_codex::MIGRATOR")]
async fn the_page_tells_of_companies_without_prices(pool: PgPool) {
    let world = world(pool).await;
    world.sql("insert into companies (account_number, name, plan_selected, contract_term) values ('8', 'E', 'Silver', '1 Year'), ('9', 'F', 'Basic', '2-Year')").await;
    let page = world.get_as(Admin, "/billing-plans/").await.text();
    assert!(page.contains("1 company has the plan “Silver”, which is not listed here."));
    assert!(page.contains("1 company has “Basic” in a term it does not have here: 2 Year."));
    assert!(!page.contains("Inactive"), "those are meant to have none");
}

#[sqlx::test(migrator = "hivematrix_codex::MIGRATOR")]
async fn text_of_people_is_never_markup(pool: PgPool) {
    let world = world(pool).await;
    world.form("create", &[("new_plan_name", "<b>\"'&")]).await;
    world
        .form("features/add", &[("feature_type", "soc"), ("option_name", "<i>\"'&"), ("description", "<u>")])
        .await;
    for path in ["/billing-plans/", "/billing-plans/?tab=features", "/billing-plans/?search=%3Cb%3E"] {
        let page = world.get_as(Admin, path).await.text();
        assert!(!page.contains("<b>") && !page.contains("<i>\"") && !page.contains("<u>"), "{path}");
    }
}
