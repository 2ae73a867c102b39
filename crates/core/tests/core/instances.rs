//! Several Core instances on one Redis, and a service that follows them with the shared crate's own client (core.md §2.7).

use std::time::Duration;

use hivematrix_shared::{
    auth::PermissionLevel::{Admin, Technician},
    clock::Clock,
};
use serde_json::json;

use crate::support::{Core, Follower, Options, RedisServer, Tap, claims, eventually, now};

/// An instance without the jobs of sessions. All of a test share a clock: of two, one is always behind.
async fn idle(clock: &Clock, redis_url: String) -> Core {
    Core::start(Options { redis_url: Some(redis_url), clock: clock.clone(), ..Options::default() }).await
}

async fn start(clock: &Clock, redis_url: String) -> Core {
    idle(clock, redis_url).await.with_jobs()
}

#[tokio::test]
async fn a_service_goes_to_the_other_instance_when_its_own_dies() {
    let clock = now();
    let redis = RedisServer::start().await;
    let cores = [start(&clock, redis.url()).await, start(&clock, redis.url()).await];
    let mut taps = [Tap::to(&cores[0].url).await, Tap::to(&cores[1].url).await];
    let follower = Follower::of(&[&taps[0].url("http"), &taps[1].url("http")]);
    follower.follows(&cores[0]).await;
    // Whichever it follows: each of them dies once, and the other one ends a session.
    for (dying, other) in [(0, 1), (1, 0), (0, 1)] {
        taps[dying].close().await;
        let token = cores[other].ended_session().await;
        follower.refuses_in_time(&token, "after the other instance died").await;
        taps[dying].open(&cores[dying].url).await;
    }
}

#[tokio::test]
async fn an_instance_that_is_cut_off_from_redis_sends_its_readers_to_another_one() {
    let clock = now();
    let redis = RedisServer::start().await;
    let wire = Tap::to(&redis.url()).await;
    let (cut, whole) = (start(&clock, wire.url("redis")).await, start(&clock, redis.url()).await);
    let mut way = Tap::to(&whole.url).await;
    way.close().await;
    let follower = Follower::of(&[&cut.url, &way.url("http")]);
    follower.follows(&cut).await;
    way.open(&whole.url).await;

    wire.freeze();
    let token = whole.ended_session().await;
    follower.refuses_in_time(&token, "its own instance is cut off").await;
    let beacon = cut.service_token("beacon").await;
    for accept in ["application/json", "text/event-stream"] {
        let answer = cut.client.get("/api/revocations").header("accept", accept).bearer(&beacon).send().await;
        assert_eq!((answer.status.as_u16(), answer.header("retry-after")), (503, "1"), "{accept}");
    }
    assert_eq!(cut.session_health().await["status"], "degraded");
    assert_eq!(whole.session_health().await["status"], "healthy");

    wire.thaw();
    eventually("the instance takes readers again", async || {
        cut.client.get("/api/revocations").bearer(&beacon).send().await.status == 200
    })
    .await;
    assert_eq!(cut.validate(&token).await, 401, "what it missed is known");
    way.close().await;
    let token = cut.ended_session().await;
    follower.refuses_in_time(&token, "back at the first instance").await;
}

#[tokio::test]
async fn a_service_goes_on_after_a_restart_of_all_instances() {
    let clock = now();
    let redis = RedisServer::start().await;
    let mut cores = [start(&clock, redis.url()).await, start(&clock, redis.url()).await];
    let mut taps = [Tap::to(&cores[0].url).await, Tap::to(&cores[1].url).await];
    let follower = Follower::of(&[&taps[0].url("http"), &taps[1].url("http")]);
    follower.follows(&cores[0]).await;
    let before = cores[0].user_token(Admin).await;

    for (core, tap) in cores.iter_mut().zip(&mut taps) {
        tap.close().await;
        core.stop().await;
        *core = start(&clock, redis.url()).await;
    }
    let meanwhile = cores[0].ended_session().await;
    for (core, tap) in cores.iter().zip(&mut taps) {
        tap.open(&core.url).await;
    }
    follower.refuses_in_time(&meanwhile, "ended while no instance could be reached").await;
    cores[1].revoke(&before).await;
    follower.refuses_in_time(&before, "a session from before the restart").await;
}

#[tokio::test]
async fn a_broken_stream_is_polled_and_then_resumed_without_a_gap() {
    let core = Core::plain().await;
    let mut tap = Tap::to(&core.url).await;
    let follower = Follower::of(&[&tap.url("http")]);
    follower.follows(&core).await;
    for round in 0..3 {
        tap.close().await;
        let in_the_gap = core.ended_session().await;
        tap.open(&core.url).await;
        follower.refuses_in_time(&in_the_gap, &format!("in the gap of round {round}")).await;
        let afterwards = core.ended_session().await;
        follower.refuses_in_time(&afterwards, &format!("after the gap of round {round}")).await;
    }
}

#[tokio::test]
async fn a_stream_that_was_opened_before_the_move_to_redis_is_sent_what_redis_already_knows() {
    // Positions in memory and in Redis have to be of one time.
    let clock = Clock::system();
    let mut redis = RedisServer::stopped();
    let late = idle(&clock, redis.url()).await;
    let follower = Follower::of(&[&late.url]);
    follower.follows(&late).await;
    redis.run().await;
    let other = start(&clock, redis.url()).await;
    let elsewhere = other.ended_session().await;
    let last = late.ended_session().await;
    follower.refuses_in_time(&last, "the service stands behind the end it has not seen").await;
    late.state.sessions.move_to_redis().await.unwrap();
    let _late = late.with_jobs();
    follower.refuses_in_time(&elsewhere, "ended at the other instance before the move").await;
}

#[tokio::test]
async fn instances_that_move_to_redis_at_once_lose_no_session_and_no_end_of_one() {
    let clock = now();
    for order in ["first", "second", "at once"] {
        let mut redis = RedisServer::stopped();
        let cores = [idle(&clock, redis.url()).await, idle(&clock, redis.url()).await];
        let mut live = Vec::new();
        let mut ended = Vec::new();
        for (core, other) in [(&cores[0], &cores[1]), (&cores[1], &cores[0])] {
            for _ in 0..20 {
                live.push(core.user_token(Technician).await);
            }
            ended.push(core.ended_session().await);
            // Ended where nobody knows its session yet.
            let foreign = core.user_token(Technician).await;
            let answer = other.client.post("/api/token/revoke").json(&json!({"token": foreign})).send().await;
            assert_eq!(answer.status, 404);
            ended.push(foreign);
        }
        redis.run().await;
        let [one, two] = [&cores[0], &cores[1]].map(|core| core.state.sessions.move_to_redis());
        match order {
            "first" => (one.await.unwrap(), two.await.unwrap()),
            "second" => {
                two.await.unwrap();
                (one.await.unwrap(), ())
            }
            _ => tokio::try_join!(one, two).unwrap(),
        };
        let third = idle(&clock, redis.url()).await;
        for core in [&cores[0], &cores[1], &third] {
            for token in &live {
                assert_eq!(core.validate(token).await, 200, "{order}");
            }
            for token in &ended {
                assert_eq!(core.validate(token).await, 401, "{order}");
            }
        }
        let (_, log) = third.state.sessions.revocations(None);
        for token in &ended {
            assert!(log.iter().any(|entry| claims(token)["jti"] == entry.jti.as_str()), "{order}");
        }
    }
}

#[tokio::test]
async fn an_instance_that_refuses_its_readers_does_not_count_as_heard() {
    let clock = now();
    let redis = RedisServer::start().await;
    let wire = Tap::to(&redis.url()).await;
    let core = start(&clock, wire.url("redis")).await;
    let follower = Follower::of(&[&core.url]);
    follower.follows(&core).await;
    wire.freeze();
    eventually("the only instance refuses its readers", async || {
        let beacon = core.service_token("beacon").await;
        core.client.get("/api/revocations").bearer(&beacon).send().await.status == 503
    })
    .await;
    eventually("the outage rule holds", async || {
        follower.clock.advance(chrono::TimeDelta::seconds(16));
        follower.list.is_outage(&follower.clock)
    })
    .await;
    tokio::time::sleep(Duration::from_millis(1500)).await;
    assert!(follower.list.is_outage(&follower.clock), "polls that are refused end no outage");
    wire.thaw();
    eventually("Core is heard again", async || !follower.list.is_outage(&follower.clock)).await;
}
