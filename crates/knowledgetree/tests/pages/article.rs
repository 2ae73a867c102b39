//! Articles: their addresses, and what stands beside the text.

use hivematrix_knowledgetree::domain::{
    files::NewFile,
    item::{ContentFormat, ItemChange, NewContent},
    synced::{SourceKind, SyncParent, SyncRun, SyncedItem},
};
use http::StatusCode;
use sqlx::PgPool;

use crate::support::{World, between};

/// §4: the lasting address survives renames and moves.
#[sqlx::test(migrations = "../../migrations/knowledgetree")]
async fn a_deep_link_opens_the_article_wherever_it_is_now(pool: PgPool) {
    let world = World::new(pool).await;
    let network = world.folder("root", "Network").await;
    let archive = world.folder("root", "Archive 1/2".replace('/', "-").as_str()).await;
    let article = world.article(&network, "VPN", "Use *this* one.").await;
    let view = format!("/view/{}", article.id);
    let first = world.leads_to(&view).await;
    assert_eq!(first, format!("/knowledgetree/browse/Network?article={}", article.id));
    let html = world.page(first.strip_prefix("/knowledgetree").unwrap()).await;
    assert!(html.contains(&format!("data-open-article-id=\"{}\"", article.id)));
    assert!(html.contains("Use <em>this</em> one."));
    assert!(
        between(&html, "id=\"pathbar-breadcrumb\"", "</nav>").contains("aria-current=\"page\">VPN</span>")
    );

    let change = ItemChange { name: Some("VPN & more".into()), ..ItemChange::default() };
    world.store.update(&article.id, &change, None, &world.author()).await.unwrap();
    world.store.move_to(&article.id, &archive, &world.author()).await.unwrap();
    assert_eq!(
        world.leads_to(&view).await,
        format!("/knowledgetree/browse/Archive%201-2?article={}", article.id)
    );
    let stale = first.strip_prefix("/knowledgetree").unwrap();
    assert_eq!(
        world.leads_to(stale).await,
        format!("/knowledgetree{view}"),
        "the old place leads to the new one"
    );
    assert_eq!(
        world.leads_to("/browse/Archive%201-2/VPN%20%26%20more").await,
        format!("/knowledgetree{view}")
    );
    assert_eq!(
        world.leads_to(&format!("/browse/?article={network}")).await,
        format!("/knowledgetree/view/{network}")
    );
}

/// §8: what is stored is never trusted, and the policy of the pages is kept.
#[sqlx::test(migrations = "../../migrations/knowledgetree")]
async fn rich_text_comes_sanitised_and_without_inline_styles(pool: PgPool) {
    let world = World::new(pool).await;
    let article = world.article("root", "Rich", "").await;
    let text = "<p style=\"text-align:center\">say style=\"x\"</p><script>alert(1)</script>".to_owned();
    let content = NewContent { text, format: ContentFormat::Html, links: Vec::new() };
    let change = ItemChange { content: Some(content), ..ItemChange::default() };
    world.store.update(&article.id, &change, None, &world.author()).await.unwrap();
    let html = world.page(&format!("/browse/?article={}", article.id)).await;
    assert!(html.contains("<p data-style=\"text-align:center\">say style=\"x\"</p>"), "{html}");
    assert!(!html.contains("alert(1)"));
    assert!(html.contains("data-format=\"html\""));
}

/// W13, W14, issue 5: files by the names people know, who links here, who wrote it.
#[sqlx::test(migrations = "../../migrations/knowledgetree")]
async fn an_article_shows_its_files_its_links_and_its_authors(pool: PgPool) {
    let world = World::new(pool).await;
    let article = world.article("root", "Printer", "").await;
    let empty = world.page(&format!("/browse/?article={}", article.id)).await;
    assert!(
        empty.contains("No content yet. Click Edit to add content.") && empty.contains("No files attached.")
    );
    assert!(!empty.contains("Linked from"));
    let content =
        NewContent { text: "see there".into(), links: vec![article.id.clone()], ..NewContent::default() };
    let linking = world.article("root", "Offices", "").await;
    let change = ItemChange { content: Some(content), ..ItemChange::default() };
    world.store.update(&linking.id, &change, None, &world.author()).await.unwrap();
    for (id, name) in [("f1", "Plan <1>.png"), ("f2", "Manual.pdf"), ("f3", "Macro.docx")] {
        let extension = name.rsplit('.').next().unwrap();
        let file = NewFile {
            id: id.into(),
            filename: format!("{id}.{extension}"),
            original_filename: name.into(),
            size: 12_345,
            content_type: "application/octet-stream".into(),
            content_hash: "00".repeat(32),
            text: None,
        };
        world.store.add_file(&article.id, &file, &world.author()).await.unwrap();
    }
    let html = world.page(&format!("/browse/?article={}", article.id)).await;
    let files = between(&html, "id=\"article-files\"", "</ul>");
    assert!(files.contains("href=\"/knowledgetree/uploads/f1.png\" class=\"kt-attachment__name\" data-preview=\"picture\">Plan &#60;1&#62;.png"), "{files}");
    assert!(files.contains("target=\"_blank\" rel=\"noopener\" data-preview=\"tab\">Manual.pdf"), "{files}");
    assert!(files.contains("class=\"kt-attachment__name\">Macro.docx"), "{files}");
    assert!(files.contains("12 KB") && files.contains("amy@example.test"), "{files}");
    let links = between(&html, "id=\"back-links-title\"", "</section>");
    assert!(links.contains(&format!("href=\"/knowledgetree/view/{}\">Offices</a>", linking.id)), "{links}");
    assert!(between(&html, "id=\"article-deeds\"", "</p>").contains("by amy@example.test"));
}

/// §6 "Read-only": what comes from the sync says so and cannot be edited; files may still be added.
#[sqlx::test(migrations = "../../migrations/knowledgetree")]
async fn a_synced_article_says_that_it_is_read_only(pool: PgPool) {
    let world = World::new(pool).await;
    let item = SyncedItem {
        source_id: "asset:1".into(),
        kind: SourceKind::Asset,
        parent: SyncParent::Root,
        name: "PC-1.md".into(),
        second_name: "PC-1 (2).md".into(),
        is_folder: false,
        is_attached: false,
        read_only: true,
        content: "# Computer".into(),
    };
    let run = SyncRun { source: "codex", run_id: "1" };
    let ids = world.store.sync_items(run, &[item], &world.author()).await.unwrap().ids;
    let list = world.page("/browse/").await;
    assert!(list.contains("<li class=\"kt-file kt-file--read-only\""));
    let html = world.page(&format!("/browse/?article={}", ids[0])).await;
    assert!(between(&html, "id=\"article-title\"", "</h2>").contains("read-only"));
    for id in ["btn-edit-article", "article-editor"] {
        assert!(!html.contains(&format!("id=\"{id}\"")), "{id}");
    }
    assert!(html.contains("id=\"upload-btn\"") && html.contains("id=\"btn-history\""));
    assert_eq!(
        world.leads_to(&format!("/view/{}", ids[0])).await,
        format!("/knowledgetree/browse/?article={}", ids[0])
    );
    assert_eq!(
        world.page_as(hivematrix_shared::auth::PermissionLevel::Technician, "/browse/").await.status,
        StatusCode::OK
    );
}
