use hivematrix_shared::{
    auth::PermissionLevel::{self, Client, Technician},
    clock::Clock,
    registry::Registry,
    testing::TestIdentity,
};
use http_body_util::BodyExt;

use super::*;
use crate::domain::look::{ColorTheme, Theme};

const ACCOUNT: &str = "/keycloak/realms/hivematrix/account";

fn panel() -> Panel {
    panel_for(Technician, "Amy <Tran>")
}

fn panel_for(level: PermissionLevel, name: &str) -> Panel {
    let registry: Registry = serde_json::from_str(
        r#"{"beacon":{"url":"b"},"knowledgetree":{"url":"k","title":"KnowledgeTree"},
            "codex":{"url":"x","levels":["admin","technician"]},"odd":{"url":"o","title":"<b>Odd & \"even\"</b>"},"helm":{"url":"h","admin_only":true},
            "core":{"url":"c","visible":false}}"#,
    )
    .unwrap();
    let mut user = TestIdentity::new(Clock::system()).user(level);
    user.name = name.into();
    Panel::new(&registry, &user, Some("beacon"), ACCOUNT.into())
}

fn page(html: &str, headers: &[(&str, &str)]) -> Response {
    let mut builder = Response::builder().header("content-type", "text/html; charset=utf-8");
    for (name, value) in headers {
        builder = builder.header(*name, *value);
    }
    builder.body(Body::from(html.to_owned())).unwrap()
}

async fn text(response: Response) -> String {
    String::from_utf8(response.into_body().collect().await.unwrap().to_bytes().to_vec()).unwrap()
}

async fn composed(html: &str, panel: Option<&Panel>) -> String {
    text(compose(page(html, &[]), &dark(panel))).await
}

fn dark(panel: Option<&Panel>) -> Dress<'_> {
    let look = Look { theme: Theme::Dark, color_theme: ColorTheme::Bee };
    Dress { look, panel, ..Dress::default() }
}

#[tokio::test]
async fn stylesheets_theme_and_panel_are_inserted_and_nothing_else_changes() {
    let html = "<!DOCTYPE html>\n<html lang=en>\n<head>\n<title>a  b</title>\n</head>\n<body class=\"x\">\n<pre>  1\n\t2 </pre>\
                <script>if (a < b && \"</div>\") {}</script>\n</body>\n</html>\n";
    let panel = panel();
    let result = composed(html, Some(&panel)).await;
    assert!(result.contains("<html lang=en data-theme=\"dark\" data-color-theme=\"bee\">"), "{result}");
    let additions = Additions::new(&dark(Some(&panel)));
    let (head, start, end) = additions.parts();
    let attributes = " data-theme=\"dark\" data-color-theme=\"bee\"";
    let restored = [attributes, &head, &start, &end]
        .iter()
        .fold(result.clone(), |text, part| text.replacen(*part, "", 1));
    assert_eq!(restored, html);
    let position = |what: &str| result.find(what).unwrap_or_else(|| panic!("{what} in {result}"));
    assert!(position("/static/css/global.css?v=") < position("/static/css/side-panel.css?v="));
    assert!(position("/static/css/side-panel.css?v=") < position("/static/js/theme-boot.js?v="));
    assert!(position("/static/js/theme-boot.js?v=") < position("</head>"));
    assert!(position("id=\"side-panel\"") > position("<body class=\"x\">"));
    assert!(position("class=\"hivematrix-content\"") < position("<pre>"));
    assert!(position("/static/js/ui.js?v=") < position("</body>"));
}

#[tokio::test]
async fn existing_theme_attributes_are_overwritten() {
    let result = composed("<html data-theme='light'><body></body></html>", None).await;
    assert!(result.starts_with("<html data-theme=\"dark\" data-color-theme=\"bee\">"), "{result}");
    let response = compose(page("<html data-theme='light' lang='en'></html>", &[]), &Dress::default());
    assert_eq!(
        text(response).await,
        "<html data-theme=\"light\" lang='en' data-color-theme=\"purple\"></html>"
    );
}

#[tokio::test]
async fn a_missing_part_is_skipped_and_a_missing_end_tag_is_no_harm() {
    let panel = panel();
    let end = "/static/js/ui.js";
    for (html, sheets, layout) in [
        ("<html><head></head><body>x</body></html>", true, true),
        ("<html><head></head><body>x", true, true),
        ("<html><head><title>x</title><body>x</body></html>", true, true),
        ("<html><body>x</body></html>", false, true),
        ("<html><head></head></html>", true, false),
        ("<body>x</body>", false, true),
    ] {
        let result = composed(html, Some(&panel)).await;
        assert_eq!(result.contains("global.css"), sheets, "{html}: {result}");
        assert_eq!(result.matches("hivematrix-content").count(), usize::from(layout), "{html}: {result}");
        assert_eq!(result.matches(end).count(), usize::from(layout), "{html}: {result}");
    }
}

#[tokio::test]
async fn every_script_that_is_added_carries_the_nonce_and_the_pages_own_do_not() {
    let (panel, nonce) = (panel(), Nonce::fresh());
    let html = "<html><head></head><body><script src=\"own.js\"></script></body></html>";
    let dress = Dress { nonce: Some(&nonce), ..dark(Some(&panel)) };
    let result = text(compose(page(html, &[]), &dress)).await;
    let (own, added): (Vec<&str>, Vec<&str>) =
        result.split("<script").skip(1).partition(|script| script.contains("own.js"));
    assert!(own.len() == 1 && !own[0].contains("nonce"), "{result}");
    assert!(added.len() > 1, "{result}");
    for script in added {
        assert!(script.contains(&format!(" nonce=\"{nonce}\" src=\"/static/js/")), "{script}");
    }
}

#[tokio::test]
async fn a_fragment_stays_as_it_is() {
    for html in ["<div class=card>x<br></div>", "plain", "", "<tr><td>1</td></tr>"] {
        assert_eq!(composed(html, Some(&panel())).await, html);
    }
}

#[tokio::test]
async fn without_a_panel_only_stylesheet_and_theme_are_added() {
    let result = composed("<html><head></head><body>x</body></html>", None).await;
    assert!(
        result.contains("global.css") && !result.contains("<script") && !result.contains("side-panel"),
        "{result}"
    );
}

#[tokio::test]
async fn names_from_the_registry_are_escaped() {
    let result = composed("<html><body></body></html>", Some(&panel())).await;
    assert!(!result.contains("<b>Odd"), "{result}");
    assert!(result.contains("Odd &#38; &#34;even&#34;"), "{result}");
    assert!(result.contains("KnowledgeTree") && !result.contains("href=\"/helm/\""), "{result}");
    assert_eq!(result.matches("side-panel__item--active").count(), 1);
}

#[tokio::test]
async fn the_panel_says_who_is_signed_in_and_leads_to_his_account() {
    let html = "<html><body></body></html>";
    let result = composed(html, Some(&panel())).await;
    assert!(result.contains("Amy &#60;Tran&#62;") && result.contains("Technician"), "{result}");
    for address in [ACCOUNT, "/codex/settings", "/logout"] {
        assert!(result.contains(&format!("href=\"{address}\"")), "{address} in {result}");
    }
    let client = composed(html, Some(&panel_for(Client, ""))).await;
    assert!(!client.contains("/codex/settings"), "settings are a page of Codex: {client}");
    assert!(client.contains("Client") && !client.contains("side-panel__user-name\"></span>"), "{client}");
}

#[tokio::test]
async fn what_is_no_page_or_wants_to_stay_passes_unchanged() {
    const HTML: &str = "<html><head></head><body>x</body></html>";
    let panel = panel();
    let dress = Dress { panel: Some(&panel), ..Dress::default() };
    for headers in [
        &[("content-encoding", "gzip")][..],
        &[("x-hivematrix-look", "none")],
        &[("content-disposition", "attachment; filename=a.html")],
    ] {
        assert_eq!(text(compose(page(HTML, headers), &dress)).await, HTML, "{headers:?}");
    }
    let mut json = page(HTML, &[]);
    json.headers_mut().insert("content-type", HeaderValue::from_static("application/json"));
    assert_eq!(text(compose(json, &dress)).await, HTML);
    let mut latin = page(HTML, &[]);
    latin.headers_mut().insert("content-type", HeaderValue::from_static("text/html; charset=iso-8859-1"));
    assert_eq!(text(compose(latin, &dress)).await, HTML);
    let opted_out = compose(page(HTML, &[("x-hivematrix-look", "none")]), &dress);
    assert!(!opted_out.headers().contains_key("x-hivematrix-look"));
}

#[tokio::test]
async fn validators_of_the_original_page_do_not_survive() {
    let headers = [
        ("etag", "\"1\""),
        ("last-modified", "x"),
        ("content-length", "40"),
        ("cache-control", "max-age=60"),
    ];
    let response = compose(page("<html><body>x</body></html>", &headers), &Dress::default());
    for gone in ["etag", "last-modified", "content-length"] {
        assert!(!response.headers().contains_key(gone), "{gone}");
    }
    assert_eq!(response.headers()["cache-control"], "no-store");
}

#[tokio::test]
async fn a_page_is_rewritten_piece_by_piece_wherever_it_is_cut() {
    let html = "<html><head><title>ü</title></head><body><p>grün</p></body></html>";
    let whole = composed(html, Some(&panel())).await;
    for cut in 1..html.len() {
        let pieces =
            [&html.as_bytes()[..cut], &html.as_bytes()[cut..]].map(|p| Ok::<_, std::io::Error>(p.to_vec()));
        let mut response = page("", &[]);
        *response.body_mut() = Body::from_stream(tokio_stream::iter(pieces));
        assert_eq!(text(compose(response, &dark(Some(&panel())))).await, whole, "cut at {cut}");
    }
}

#[tokio::test]
async fn a_page_is_the_same_wherever_its_body_begins() {
    let panel = panel();
    let (head, start, end) = Additions::new(&dark(Some(&panel))).parts();
    for length in 0..1100 {
        let (before, after) = (format!("<!--{}-->", "x".repeat(length)), "<p class='y'>ü</p>".repeat(40));
        let html = format!("<html><head>{before}</head><body class='z'>{after}</body></html>");
        let attributes = " data-theme=\"dark\" data-color-theme=\"bee\"";
        let expected = format!(
            "<html{attributes}><head>{before}{head}</head><body class='z'>{start}{after}{end}</body></html>"
        );
        assert_eq!(composed(&html, Some(&panel)).await, expected, "{length}");
    }
}

#[tokio::test]
async fn the_first_part_of_a_slow_page_does_not_wait_for_the_rest() {
    let (sender, receiver) = tokio::sync::mpsc::channel::<Result<bytes::Bytes, std::io::Error>>(1);
    let mut response = page("", &[]);
    *response.body_mut() = Body::from_stream(tokio_stream::wrappers::ReceiverStream::new(receiver));
    let mut body = compose(response, &Dress::default()).into_body();
    sender.send(Ok("<html><body><p>first</p>".into())).await.unwrap();
    let first = body.frame().await.unwrap().unwrap().into_data().unwrap();
    assert!(first.ends_with(b"<p>first</p>"), "{first:?}");
    drop(sender);
}

#[tokio::test]
async fn what_follows_on_the_front_of_a_page_is_passed_on_uncopied() {
    // Wherever a row is cut when the front is taken off.
    for before in 0..12 {
        let rows = "<p>row</p>".repeat(10_000);
        let html = format!("<html><head></head><body>{}{rows}</body></html>", " ".repeat(before));
        let piece = bytes::Bytes::from(html.clone());
        let memory = piece.as_ptr_range();
        let mut response = page("", &[]);
        *response.body_mut() = Body::from(piece.clone());
        let mut body = compose(response, &dark(Some(&panel()))).into_body();
        let (mut uncopied, mut copied) = (0, 0);
        while let Some(frame) = body.frame().await {
            let data = frame.unwrap().into_data().unwrap();
            let of = if memory.contains(&data.as_ptr()) { &mut uncopied } else { &mut copied };
            *of += data.len();
        }
        assert!(
            uncopied > html.len() - 1024,
            "{before}: {uncopied} of {} bytes are as they came",
            html.len()
        );
        // The front with what is added to it, and the end.
        assert!(copied < 16 * 1024, "{before}: {copied} bytes were copied");
    }
}
