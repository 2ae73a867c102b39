//! How the board looked (codex-api.md §4.3), and links to it for screens.

use chrono::{DateTime, TimeDelta, Utc};
use hivematrix_codex::store::board_samples::take;
use hivematrix_shared::auth::PermissionLevel::{Admin, Client, Technician};
use hivematrix_shared::contracts::codex::{BoardHistory, Displays};
use http::{Method, StatusCode};
use serde_json::{Value, json};
use sqlx::PgPool;

use crate::support::World;

fn at(time: &str) -> DateTime<Utc> {
    format!("2025-11-22T{time}:00Z").parse().unwrap()
}

async fn tickets(world: &World) {
    world
        .sql(
            "insert into ticket_details (external_id, status, priority, responder_id, group_id, created_at,
                 last_updated_at, fr_due_by)
             select id, status, 'medium', agent, team, now, now, now + due * interval '1 hour'
             from (select timestamptz '2025-11-22T10:20:00Z' as now) n, (values
                 (1, 'open', 7, 8, 30), (2, 'open', 7, 8, -1), (3, 'customer_replied', null, 9, 30),
                 (4, 'pending', 6, null, 30), (5, 'closed', 7, 10, 30)) as t (id, status, agent, team, due)",
        )
        .await;
}

async fn points(world: &World, query: &str) -> Vec<Value> {
    let answer = world.get(&format!("/api/tickets/active/history{query}")).await;
    assert_eq!(answer.status, StatusCode::OK, "{}", answer.text());
    serde_json::from_slice::<BoardHistory>(&answer.body).unwrap();
    answer.json()["points"].as_array().unwrap().clone()
}

#[sqlx::test(migrator = "hivematrix_codex::MIGRATOR")]
async fn the_history_is_counted_by_the_rules_of_the_board(pool: PgPool) {
    let world = World::new(pool);
    tickets(&world).await;
    assert!(take(&world.pool, at("10:25")).await.unwrap());
    assert!(!take(&world.pool, at("10:25")).await.unwrap(), "one sample for each moment");
    insta::assert_json_snapshot!(points(&world, "").await);
    let board = world.get("/api/tickets/active").await.json();
    for section in 1..=4 {
        let name = format!("section{section}");
        let shown = board[&name].as_array().unwrap().len();
        assert_eq!(points(&world, "").await[0][&name], shown, "{name}");
    }
    for (query, sections) in [
        ("?group_ids=8", [1, 0, 1, 0]),
        ("?group_ids=8,9", [1, 1, 1, 0]),
        ("?group_ids=8&exclude=true", [0, 1, 0, 1]),
        ("?group_ids=8&exclude=false", [1, 0, 1, 0]),
        ("?group_ids=0", [0, 0, 0, 1]),
        ("?group_ids=77", [0, 0, 0, 0]),
        ("?group_ids=77&exclude=TRUE", [1, 1, 1, 1]),
        ("?group_ids=", [1, 1, 1, 1]),
        ("?group_ids=abc&hours=x", [1, 1, 1, 1]),
        ("?exclude=true", [1, 1, 1, 1]),
    ] {
        let points = points(&world, query).await;
        let found = [1, 2, 3, 4].map(|section| points[0][format!("section{section}")].as_i64().unwrap());
        assert_eq!((found, points.len()), (sections, 1), "{query}");
    }
    assert_eq!(points(&world, "?group_ids=9").await[0]["agents"], json!({}));
    let refused = world.get_as(Client, "/api/tickets/active/history").await;
    assert_eq!(refused.status, StatusCode::FORBIDDEN);
    assert_eq!(world.get_as(Technician, "/api/tickets/active/history").await.status, StatusCode::OK);
}

#[sqlx::test(migrator = "hivematrix_codex::MIGRATOR")]
async fn moments_nobody_looked_at_are_missing_and_an_empty_board_is_not(pool: PgPool) {
    let world = World::new(pool);
    assert_eq!(points(&world, "").await, Vec::<Value>::new());
    take(&world.pool, at("09:00")).await.unwrap();
    tickets(&world).await;
    take(&world.pool, at("09:10")).await.unwrap();
    take(&world.pool, at("10:25") - TimeDelta::days(2)).await.unwrap();
    let times = async |query| -> Vec<String> {
        let points = points(&world, query).await;
        points.iter().map(|point| point["at"].as_str().unwrap()[8..16].to_owned()).collect()
    };
    assert_eq!(times("").await, ["22T09:00", "22T09:10"]);
    assert_eq!(points(&world, "").await[0]["section4"], 0);
    assert_eq!(times("?hours=1").await, Vec::<String>::new());
    assert_eq!(times("?hours=72").await, ["20T10:25", "22T09:00", "22T09:10"]);
    assert_eq!(times("?hours=99999999999").await.len(), 3);
    take(&world.pool, at("10:30") + TimeDelta::days(30)).await.unwrap();
    let oldest: DateTime<Utc> =
        sqlx::query_scalar("select min(at) from ticket_board_samples").fetch_one(&world.pool).await.unwrap();
    assert!(oldest > at("10:30"), "30 days are kept");
}

#[sqlx::test(migrator = "hivematrix_codex::MIGRATOR")]
async fn instances_that_count_at_the_same_moment_count_once(pool: PgPool) {
    let world = World::new(pool);
    tickets(&world).await;
    let moment = at("10:25");
    let taken = futures::future::join_all((0..6).map(|_| take(&world.pool, moment))).await;
    assert_eq!(taken.into_iter().filter(|taken| *taken.as_ref().unwrap()).count(), 1);
    assert_eq!(points(&world, "").await.len(), 1);
}

#[sqlx::test(migrator = "hivematrix_codex::MIGRATOR")]
async fn display_links_are_made_checked_and_taken_back(pool: PgPool) {
    let world = World::new(pool);
    let make = async |body: Value| world.call_as(Admin, Method::POST, "/api/displays", &body).await;
    let made = make(
        json!({"name": " Lobby ", "view": "helpdesk", "subjects": true, "expires_at": "2025-11-22T12:00:00+01:00"}),
    );
    let made = made.await;
    assert_eq!(made.status, StatusCode::CREATED);
    insta::assert_json_snapshot!(made.json(), { ".id" => "[id]" });
    world.clock.set(world.clock.now() + TimeDelta::seconds(1));
    let forever = make(json!({"name": "Desk", "view": "professional_services"})).await.json();
    let names = |answer: Value| -> Vec<String> {
        let displays: Displays = serde_json::from_value(answer).unwrap();
        displays.displays.into_iter().map(|display| display.name).collect()
    };
    assert_eq!(names(world.get("/api/displays").await.json()), ["Lobby", "Desk"]);
    world.clock.set(at("11:00"));
    assert_eq!(
        names(world.get("/api/displays").await.json()),
        ["Desk"],
        "a screen's check sees only what lives"
    );
    assert_eq!(names(world.get_as(Admin, "/api/displays").await.json()), ["Lobby", "Desk"]);

    let path = format!("/api/displays/{}", forever["id"].as_str().unwrap());
    let revoke = async |path: &str| world.client.delete(path).bearer(world.token(Admin)).send().await.status;
    assert_eq!(revoke(&path).await, StatusCode::NO_CONTENT);
    assert_eq!(revoke(&path).await, StatusCode::NO_CONTENT, "twice is once");
    assert_eq!(names(world.get("/api/displays").await.json()), Vec::<String>::new());
    assert_eq!(names(world.get_as(Admin, "/api/displays").await.json()), ["Lobby"]);
    for path in ["/api/displays/1", "/api/displays/00000000-0000-0000-0000-000000000000"] {
        assert_eq!(revoke(path).await, StatusCode::NOT_FOUND);
    }
    for body in [
        json!({"name": " ", "view": "helpdesk"}),
        json!({"name": "x".repeat(151), "view": "helpdesk"}),
        json!({"name": "x", "view": "Help desk"}),
        json!({"name": "x", "view": "../x"}),
        json!({"name": "x", "view": "helpdesk", "expires_at": "2025-11-22T10:59:59Z"}),
        json!({"name": "x", "view": "helpdesk", "expires_at": "soon"}),
        json!({"name": "x"}),
    ] {
        assert_eq!(make(body.clone()).await.status, StatusCode::BAD_REQUEST, "{body}");
    }
}

#[sqlx::test(migrator = "hivematrix_codex::MIGRATOR")]
async fn only_administrators_and_whoever_acts_for_them_manage_links(pool: PgPool) {
    let world = World::new(pool);
    let body = json!({"name": "Lobby", "view": "helpdesk"});
    let identity = &world.identity;
    for (token, get, post) in [
        (world.token(Admin), 200, 201),
        (world.token(Technician), 403, 403),
        (identity.service_token("beacon", "codex"), 200, 403),
        (identity.service_token_on_behalf("beacon", "codex", Admin), 200, 201),
        (identity.service_token_on_behalf("beacon", "codex", Technician), 403, 403),
    ] {
        let read = world.client.get("/api/displays").bearer(&token).send().await.status.as_u16();
        let written =
            world.client.post("/api/displays").bearer(&token).json(&body).send().await.status.as_u16();
        assert_eq!((read, written), (get, post));
    }
}
