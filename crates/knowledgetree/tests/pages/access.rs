//! Who may see which page, what every page keeps to, and what is shown where there is none.

use hivematrix_shared::auth::PermissionLevel::{Admin, Billing, Client, Technician};
use http::StatusCode;
use serde_json::Value;
use sqlx::PgPool;

use crate::support::{HOSTILE, World};

/// knowledgetree.md §2.1, §5.1.
#[sqlx::test(migrations = "../../migrations/knowledgetree")]
async fn each_page_opens_for_those_it_is_for_and_never_for_a_service(pool: PgPool) {
    let world = World::new(pool).await;
    for (path, allowed) in [
        ("/browse/", &[Admin, Technician, Billing, Client][..]),
        ("/search?query=x", &[Admin, Technician, Billing, Client]),
        ("/trash", &[Admin, Technician, Billing]),
        ("/admin/settings", &[Admin]),
    ] {
        for level in [Admin, Technician, Billing, Client] {
            let expected = if allowed.contains(&level) { StatusCode::OK } else { StatusCode::FORBIDDEN };
            assert_eq!(world.page_as(level, path).await.status, expected, "{path} {level}");
        }
        let token = world.identity.service_token("brainhair", "knowledgetree");
        let answer = world.client.get(path).bearer(token).send().await;
        assert_eq!(
            (answer.status, &answer.json()["error"]),
            (StatusCode::FORBIDDEN, &Value::from("This endpoint is for users only")),
            "{path}"
        );
        assert_eq!(world.client.get(path).send().await.status, StatusCode::UNAUTHORIZED, "{path}");
    }
    for path in ["/", "/browse"] {
        assert_eq!(world.leads_to(path).await, "/knowledgetree/browse/");
    }
}

/// W9, W10.
#[sqlx::test(migrations = "../../migrations/knowledgetree")]
async fn pages_keep_hostile_names_as_text_and_run_nothing_inline(pool: PgPool) {
    let world = World::new(pool).await;
    let folder = world.folder("root", HOSTILE).await;
    let text = "<img src=x onerror=alert(1)> <p onclick=\"x()\" style=\"color:red\">red</p> printer [x](javascript:alert(1))";
    let article = world.article(&folder, HOSTILE, text).await;
    let gone = world.folder("root", &format!("Gone {HOSTILE}")).await;
    world.store.trash(&gone, &world.author()).await.unwrap();
    let inside = world.leads_to(&format!("/view/{}", article.id)).await;
    let inside = inside.strip_prefix("/knowledgetree").unwrap();
    for path in ["/browse/", inside, "/search?query=printer", "/trash", "/admin/settings"] {
        let html = world.page(path).await;
        for raw in [
            "<script>",
            "<img src=x",
            "<p onclick",
            "href=\"javascript:",
            " style=\"",
            " onclick=\"",
            " onerror=\"",
        ] {
            assert!(!html.contains(raw), "{path} holds {raw}: {html}");
        }
        for part in html.split("href=\"").skip(1).chain(html.split("src=\"").skip(1)) {
            let address = part.split('"').next().unwrap();
            assert!(
                address.starts_with("/knowledgetree/") || address == "#" || address == "x",
                "{path} links to {address}"
            );
        }
    }
    assert!(
        world
            .page(inside)
            .await
            .contains("North &#60;script&#62;alert(&#39;1&#39;)&#60;\\script&#62; &#38; &#34;Sons&#34;")
    );
}

/// W2: names of companies are not for customers, whichever way they ask.
#[sqlx::test(migrations = "../../migrations/knowledgetree")]
async fn a_client_sees_nothing_of_companies_and_no_names_of_staff(pool: PgPool) {
    let world = World::new(pool).await;
    let companies = world.folder("root", "Companies").await;
    let secret = world.article(&companies, "Acme printer", "The password is on the printer.").await;
    let open = world.article("root", "How to reboot", "Press the button.").await;
    let root = world.page_as(Client, "/browse/").await.text();
    assert!(root.contains("How to reboot") && !root.contains("Companies"), "{root}");
    for path in ["/browse/Companies", &format!("/view/{}", secret.id)] {
        assert_eq!(world.page_as(Client, path).await.status, StatusCode::NOT_FOUND, "{path}");
        assert!(world.page_as(Technician, path).await.status.as_u16() < 400, "{path}");
    }
    assert!(!world.page_as(Client, "/search?query=printer").await.text().contains("Acme"));
    let article = world.page_as(Client, &format!("/browse/?article={}", open.id)).await.text();
    assert!(article.contains("Press the button."));
    for hidden in
        ["amy@example.test", "btn-edit-article", "btn-history", "name-form", "href=\"/knowledgetree/trash\""]
    {
        assert!(!article.contains(hidden), "{hidden}");
    }
}

/// W22: what is not there is 404 with a way to the root.
#[sqlx::test(migrations = "../../migrations/knowledgetree")]
async fn what_is_not_there_is_a_page_with_a_way_to_the_root(pool: PgPool) {
    let world = World::new(pool).await;
    for path in
        ["/browse/nowhere", "/browse/100%25/x", "/view/nothing", "/browse/?article=nothing", "/browse/%ff"]
    {
        let answer = world.page_as(Admin, path).await;
        assert_eq!(answer.status, StatusCode::NOT_FOUND, "{path}");
        assert!(answer.text().contains("href=\"/knowledgetree/browse/\">Go to the root</a>"), "{path}");
        let token = world.identity.user_token(Admin);
        let called = world.client.get(path).bearer(token).header("accept", "application/json").send().await;
        assert_eq!(
            (called.status, &called.json()["error"]),
            (StatusCode::NOT_FOUND, &Value::from("Node not found"))
        );
    }
}

/// §2.5: the words of upstream where the store is away; calls get a problem.
#[sqlx::test(migrations = "../../migrations/knowledgetree")]
async fn a_store_that_is_away_is_said_in_the_words_of_the_contract(pool: PgPool) {
    let world = World::new(pool.clone()).await;
    pool.close().await;
    for path in ["/browse/?from=3", "/view/root", "/search?query=x", "/trash"] {
        let answer = world.page_as(Admin, path).await;
        assert_eq!(answer.status, StatusCode::SERVICE_UNAVAILABLE, "{path}: {}", answer.text());
        assert!(answer.text().contains("<title>Database Not Configured"), "{path}");
        assert!(
            answer.text().contains(&format!("href=\"/knowledgetree{path}\">Try again</a>")),
            "{path}: {}",
            answer.text()
        );
        assert!(!answer.header("retry-after").is_empty());
    }
    let token = world.identity.user_token(Admin);
    let called = world.client.get("/browse/").bearer(token).header("accept", "application/json").send().await;
    assert_eq!(called.json()["error"], "Database not configured");
    let settings = world.page("/admin/settings").await;
    assert!(settings.contains("Does not answer"), "the administration says so and opens");
}
