//! Folders (§4, §12): what is shown, and by which address.

use hivematrix_shared::auth::PermissionLevel::{Billing, Technician};
use http::StatusCode;
use sqlx::PgPool;

use crate::support::{World, between};

/// W19: links with ids from the start, so that all can be read without scripts.
#[sqlx::test(migrations = "../../migrations/knowledgetree")]
async fn a_folder_is_readable_without_scripts(pool: PgPool) {
    let world = World::new(pool).await;
    let network = world.folder("root", "Network").await;
    let switches = world.folder(&network, "Switches").await;
    world.folder(&switches, "Old").await;
    let article = world.article(&switches, "Replace a switch", "Label every cable.").await;
    let html = world.page("/browse/Network/Switches").await;
    let path = between(&html, "id=\"pathbar-breadcrumb\"", "</nav>");
    for (id, href) in
        [("root", "/browse/"), (&network, "/browse/Network"), (&switches, "/browse/Network/Switches")]
    {
        assert!(path.contains(&format!("href=\"/knowledgetree{href}\" data-node-id=\"{id}\"")), "{path}");
    }
    assert!(path.contains("aria-current=\"page\">Switches</a>"), "{path}");
    let items = between(&html, "id=\"file-browser\"", "</ul>");
    assert!(items.contains("href=\"/knowledgetree/browse/Network/Switches/Old\""), "{items}");
    assert!(items.contains(&format!("href=\"/knowledgetree/view/{}\"", article.id)), "{items}");
    assert!(items.contains(&format!(
        "data-id=\"{}\" data-name=\"Replace a switch\" data-is-folder=\"false\"",
        article.id
    )));
    assert!(items.find("Old").unwrap() < items.find("Replace a switch").unwrap(), "folders first");
    assert_eq!(between(&html, "id=\"item-count\">", "<"), "2 items");
    let container = between(&html, "id=\"file-browser-container\"", ">");
    for data in [
        &format!("data-node-id=\"{switches}\""),
        "data-path=\"/Network/Switches\"",
        "data-parent-path=\"/Network\"",
    ] {
        assert!(container.contains(data), "{data}: {container}");
    }
    assert!(
        between(&html, "id=\"sidebar-tree\"", "</nav>")
            .contains("/knowledgetree/browse/Network/Switches/Old")
    );
}

/// §12.2: scripts and tests of the original suite look for these.
#[sqlx::test(migrations = "../../migrations/knowledgetree")]
async fn every_id_of_the_contract_is_on_the_page(pool: PgPool) {
    let world = World::new(pool).await;
    let article = world.article("root", "Note", "x").await;
    let folder = world.page("/browse/").await;
    let open = world.page(&format!("/browse/?article={}", article.id)).await;
    let both = [
        "file-browser-container",
        "nav-back",
        "nav-forward",
        "pathbar-breadcrumb",
        "search-input",
        "search-results",
        "article-title",
        "kt-sidebar",
        "sidebar-tree",
        "context-menu",
        "context-open",
        "context-rename",
        "context-move",
        "context-delete",
        "context-separator",
        "context-new-folder",
        "context-new-attached",
        "context-new-article",
        "move-modal",
        "folder-list",
        "close-move-modal",
        "cancel-move-btn",
        "confirm-move-btn",
        "context-modal",
        "modal-message",
        "context-tree-container",
        "context-textarea",
        "generate-context-btn",
        "close-context-modal",
    ];
    let of_folder = ["item-count", "view-switcher", "view-grid", "view-list", "file-browser"];
    let of_article = [
        "article-actions",
        "btn-export-context",
        "btn-edit-article",
        "btn-mode-wysiwyg",
        "btn-mode-markdown",
        "btn-export-edit",
        "btn-save-article",
        "btn-cancel-edit",
        "article-view",
        "article-display",
        "article-editor",
        "article-markdown-editor",
        "article-files",
        "file-upload-input",
        "upload-btn",
    ];
    for (html, ids) in [(&folder, &both[..]), (&open, &both), (&folder, &of_folder), (&open, &of_article)] {
        for id in ids {
            assert_eq!(html.matches(&format!(" id=\"{id}\"")).count(), 1, "{id}");
        }
    }
    assert!(folder.contains("KnowledgeTree - Knowledge Base</h1>"));
    assert!(folder.contains("href=\"/knowledgetree/admin/settings\""));
    let technician = world.page_as(Technician, "/browse/").await.text();
    assert!(!technician.contains("/admin/settings") && technician.contains("id=\"btn-new\""));
    let billing = world.page_as(Billing, "/browse/").await.text();
    assert!(
        !billing.contains("id=\"btn-new\"") && !billing.contains("id=\"move-modal\""),
        "who may only read is offered no more"
    );
}

/// §4: `?`, `#`, `%` and spaces in names.
#[sqlx::test(migrations = "../../migrations/knowledgetree")]
async fn names_with_signs_of_addresses_lead_to_their_items(pool: PgPool) {
    let world = World::new(pool).await;
    let mut parent = "root".to_owned();
    let mut address = "/browse/".to_owned();
    for name in ["50%41 off", "Q&A? #1", "a+b;c=d", "Größe 日本"] {
        parent = world.folder(&parent, name).await;
        let html = world.page(&address).await;
        let items = between(&html, "id=\"file-browser\"", "</ul>");
        let row = between(items, &format!("data-id=\"{parent}\""), "</a>");
        address = between(row, "href=\"/knowledgetree", "\"").to_owned();
        assert!(
            world.page(&address).await.contains(&format!("data-node-id=\"{parent}\"")),
            "{name}: {address}"
        );
    }
    assert_eq!(world.leads_to(&format!("/view/{parent}")).await, format!("/knowledgetree{address}"));
}

/// A folder may have ten thousand items: a page shows some, and all can be reached.
#[sqlx::test(migrations = "../../migrations/knowledgetree")]
async fn a_long_folder_comes_in_parts(pool: PgPool) {
    let world = World::new(pool).await;
    for number in 1..=503 {
        world.article("root", &format!("Note {number}"), "").await;
    }
    let first = world.page("/browse/").await;
    assert_eq!(between(&first, "id=\"item-count\">", "<"), "503 items");
    assert_eq!(first.matches("<li class=\"kt-file").count(), 500);
    assert!(first.contains("href=\"/knowledgetree/browse/?from=500\">Show the next 3 of 503</a>"));
    let rest = world.page("/browse/?from=500").await;
    assert_eq!(rest.matches("<li class=\"kt-file").count(), 3);
    assert!(rest.contains("Note 503") && rest.contains("href=\"/knowledgetree/browse/?from=0\""));
    let stale = world.page("/browse/?from=9999").await;
    assert_eq!(stale.matches("<li class=\"kt-file").count(), 500, "a stale address shows the beginning");
}

#[sqlx::test(migrations = "../../migrations/knowledgetree")]
async fn an_empty_folder_says_what_to_do(pool: PgPool) {
    let world = World::new(pool).await;
    world.folder("root", "Empty").await;
    let html = world.page("/browse/Empty").await;
    assert!(html.contains("This folder is empty") && html.contains("data-new=\"article\""));
    let reader = world.page_as(Billing, "/browse/Empty").await.text();
    assert!(reader.contains("Nobody has written anything here yet.") && !reader.contains("data-new="));
}

/// The view that somebody chose comes with the first page, without a script.
#[sqlx::test(migrations = "../../migrations/knowledgetree")]
async fn the_chosen_view_is_drawn_at_once(pool: PgPool) {
    let world = World::new(pool).await;
    for (cookie, class) in [
        ("", "kt-files\""),
        ("knowledgetree_view=tree", "kt-files kt-files--list\""),
        ("knowledgetree_view=\"><b>", "kt-files\""),
    ] {
        let token = world.identity.user_token(Technician);
        let request =
            world.client.get("/browse/").bearer(token).header("accept", "text/html").header("cookie", cookie);
        let html = request.send().await.text();
        assert!(html.contains(&format!("<ul class=\"{class} id=\"file-browser\"")), "{cookie}: {html}");
    }
}

#[sqlx::test(migrations = "../../migrations/knowledgetree")]
async fn the_root_may_have_a_text_of_its_own(pool: PgPool) {
    let world = World::new(pool).await;
    assert!(
        !world.page("/browse/").await.contains("kt-article--welcome"),
        "the heading of a new root is that of the page"
    );
    let body = serde_json::json!({"content": "Read the **rules** first."});
    let answer = world.call(http::Method::PUT, "/api/node/root", body).await;
    assert_eq!(answer.status, StatusCode::OK, "{}", answer.text());
    assert!(world.page("/browse/").await.contains("Read the <strong>rules</strong> first."));
    let open = world.page("/browse/?article=root").await;
    assert!(
        open.contains("id=\"btn-edit-article\"") && !open.contains("id=\"upload-btn\""),
        "it can be written, it has no files"
    );
}
