//! Who reads slowly does not keep the others from `GET /api/companies/bulk`.

use std::time::Duration;

use axum::extract::ConnectInfo;
use hivematrix_codex::{Codex, Patience, app, config};
use hivematrix_shared::{
    auth::PermissionLevel::{Admin, Technician},
    server,
    testing::{TestIdentity, TestResponse},
};
use http::{Request, StatusCode};
use sqlx::PgPool;
use tower::ServiceExt as _;

use crate::described;

struct Desk {
    router: axum::Router,
    client: hivematrix_shared::testing::Client,
    identity: TestIdentity,
}

impl Desk {
    fn new(pool: PgPool, patience: Patience) -> Self {
        let identity = TestIdentity::default();
        let context = identity.context("codex");
        let nowhere = std::env::temp_dir().join("hivematrix-no-such-home");
        let mut codex =
            Codex::new(context.clone(), config::load_from(["hivematrix-codex"], &nowhere).unwrap(), pool);
        codex.patience = patience;
        let (router, options) = app(codex);
        let router = server::apply(&context, router, options);
        Self { client: hivematrix_shared::testing::Client::new(router.clone()), router, identity }
    }

    /// Asks and reads nothing of the answer.
    async fn open(&self, token: &str) -> axum::response::Response {
        let mut request = Request::get(BULK).header("authorization", format!("Bearer {token}"));
        request
            .extensions_mut()
            .unwrap()
            .insert(ConnectInfo(std::net::SocketAddr::from(([127, 0, 0, 1], 40_000))));
        self.router.clone().oneshot(request.body(axum::body::Body::empty()).unwrap()).await.unwrap()
    }

    async fn whole(&self, token: &str) -> TestResponse {
        let answer = self.client.get(BULK).bearer(token).send().await;
        described::checked(&self.client, "GET", BULK, answer).await
    }
}

const BULK: &str = "/api/companies/bulk?include_tickets=true";

#[sqlx::test(migrator = "hivematrix_codex::MIGRATOR")]
async fn a_slow_reader_has_one_place_and_is_cut_when_it_takes_nothing(pool: PgPool) {
    sqlx::raw_sql(
        "insert into companies (account_number, name) values ('1', 'Alpha');
         insert into ticket_details (external_id, subject, company_account_number, description)
             select n, 'x', '1', repeat('x', 20000) from generate_series(1, 60) n",
    )
    .execute(&pool)
    .await
    .unwrap();
    let patience = Patience {
        turn: Duration::from_millis(300),
        reader: Duration::from_secs(3),
        answer: Duration::from_secs(60),
        ..Patience::default()
    };
    let desk = Desk::new(pool, patience);
    let service = |name: &str| desk.identity.service_token(name, "codex");
    let reader = desk.identity.user_token(Admin);
    let slow = desk.open(&reader).await;
    assert_eq!(slow.status(), StatusCode::OK);

    let again = desk.whole(&reader).await;
    assert_eq!(again.status, StatusCode::TOO_MANY_REQUESTS);
    assert_eq!(
        (again.header("retry-after"), again.header("content-type")),
        ("30", "application/problem+json")
    );
    assert!(again.json()["detail"].as_str().unwrap().contains("already"), "{}", again.text());

    // The rest of the places goes to another one, who does not read either.
    let slow_too = desk.open(&desk.identity.user_token(Technician)).await;
    assert_eq!(slow_too.status(), StatusCode::OK);
    let third = desk.whole(&service("knowledgetree")).await;
    assert_eq!((third.status, third.header("retry-after")), (StatusCode::SERVICE_UNAVAILABLE, "30"));
    assert!(third.json()["detail"].as_str().unwrap().contains("Too many large answers"), "{}", third.text());

    // Both connections are still open, and nobody reads: the places come back all the same.
    let mut whole = third;
    for _ in 0..60 {
        if whole.status == StatusCode::OK {
            break;
        }
        whole = desk.whole(&service("knowledgetree")).await;
    }
    assert_eq!(whole.status, StatusCode::OK);
    assert_eq!(whole.json()[0]["tickets"].as_array().map(Vec::len), Some(60));
    assert_eq!(desk.whole(&reader).await.status, StatusCode::OK, "and the caller may ask again");
    tokio::time::sleep(patience.reader).await;
    for cut in [slow, slow_too] {
        let read = axum::body::to_bytes(cut.into_body(), usize::MAX).await;
        assert!(read.is_err(), "half an answer is not taken for a whole one");
    }
}
