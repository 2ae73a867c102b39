//! Cookie tossing: cookies that somebody else planted in the browser, or that a service would like to plant.

use axum::{Router, http::HeaderMap, routing::any};
use http::{StatusCode, header};

use super::noting;
use crate::support::World;

#[tokio::test]
async fn a_planted_cookie_never_becomes_a_session() {
    let (world, noted) = noting().await;
    let attacker = world.sign_in().await.cookies["__Host-session"].clone();
    let victim = world.sign_in().await.cookies["__Host-session"].clone();
    let mut signing_in = world.browser();
    signing_in.begin("/login").await;
    let (login, sealed) = signing_in.cookies.iter().next().unwrap();
    noted.lock().unwrap().clear();
    for (name, cookies) in [
        ("before the real one", format!("__Host-session={attacker}; __Host-session={victim}")),
        ("behind the real one", format!("__Host-session={victim}; __Host-session={attacker}")),
        (
            "a second part for both",
            format!("__Host-session=2.{}; __Host-session-1=a; __Host-session-1=b", &victim[2..]),
        ),
        ("a part that is too much", format!("__Host-session=2.{}; __Host-session-1=x", &victim[2..])),
        ("a sign-in's cookie", format!("__Host-session=1.c{sealed}")),
        ("without the prefix", format!("session={attacker}; Host-session={attacker}")),
        ("in other letters", format!("__host-session={attacker}; __HOST-SESSION={attacker}")),
        ("in quotes", format!("__Host-session=\"{attacker}\"")),
        ("as a part alone", format!("__Host-session-0={attacker}; __Host-session-1={attacker}")),
        ("as a sign-in", format!("{login}={attacker}")),
    ] {
        let answer = world.open("/ledger/x").header("cookie", &cookies).send().await;
        assert_eq!(answer.status, StatusCode::FOUND, "{name}");
        assert!(answer.header("location").starts_with("/login?"), "{name}");
    }
    assert!(noted.lock().unwrap().is_empty(), "{:?}", noted.lock().unwrap());
    // A part left over from a longer session means nothing, and the same value twice is no contradiction.
    for cookies in [
        format!("__Host-session={victim}; __Host-session-1=x"),
        format!("__Host-session={victim}; __Host-session={victim}"),
    ] {
        assert_eq!(world.open("/ledger/x").header("cookie", &cookies).send().await.status, StatusCode::OK);
    }
}

#[tokio::test]
async fn a_service_cannot_plant_a_cookie_of_the_gateway() {
    let app = Router::new().fallback(any(|| async {
        let mut headers = HeaderMap::new();
        for cookie in [
            "__Host-session=evil; Path=/; Secure",
            "__Host-session-1=evil; Path=/; Secure",
            "__Host-login-x=evil; Path=/; Secure",
            "=__Host-session=evil; Path=/",
            "__Host-session",
            "own=1; Path=/; Domain=gw.test",
        ] {
            headers.append(header::SET_COOKIE, cookie.parse().unwrap());
        }
        headers
    }));
    let world = World::in_front_of(app).await;
    let mut browser = world.sign_in().await;
    let answer = browser.open("/ledger/x").await;
    let set: Vec<_> = answer.headers.get_all("set-cookie").iter().map(|c| c.to_str().unwrap()).collect();
    assert_eq!(set, ["own=1; Path=/ledger"]);
}
