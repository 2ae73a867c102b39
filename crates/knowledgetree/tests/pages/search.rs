//! The page of results.

use sqlx::PgPool;

use crate::support::{World, between};

#[sqlx::test(migrations = "../../migrations/knowledgetree")]
async fn results_say_where_they_are_and_show_the_words(pool: PgPool) {
    let world = World::new(pool).await;
    let folder = world.folder("root", "Offices").await;
    let article =
        world.article(&folder, "Second floor", "The <b>toner</b> of the printer is in the cupboard.").await;
    world.folder("root", "Printers").await;
    let html = world.page("/search?query=printer").await;
    let results = between(&html, "<ol class=\"kt-results\">", "</ol>");
    assert!(
        results.contains(&format!("href=\"/knowledgetree/view/{}\">Second floor</a>", article.id)),
        "{results}"
    );
    assert!(results.contains("Article in Offices") && results.contains("<mark>printer</mark>"), "{results}");
    assert!(results.contains("href=\"/knowledgetree/browse/Printers\">Printers</a>"), "{results}");
    let folders = world.page("/search?query=printer&kind=folder").await;
    assert!(folders.contains("Printers</a>") && !folders.contains("Second floor"), "{folders}");
    let inside = world.page(&format!("/search?query=printer&start_node_id={folder}")).await;
    assert!(
        inside.contains("Second floor")
            && !inside.contains("Printers</a>")
            && inside.contains("in one folder")
    );
}

/// §6 "Search escaping": a query is never an error, and never markup.
#[sqlx::test(migrations = "../../migrations/knowledgetree")]
async fn no_query_is_an_error(pool: PgPool) {
    let world = World::new(pool).await;
    assert!(!world.page("/search").await.contains("id=\"results-title\""));
    for query in ["%28%29%20AND%20*%3F%5B", "%22%3E%3Cb%3E", "zebra", "%00", "'%3B%20DROP"] {
        let html = world.page(&format!("/search?query={query}&kind=nonsense&company=nobody")).await;
        assert!(html.contains("No results found.") && !html.contains("\"><b>"), "{query}: {html}");
    }
}
