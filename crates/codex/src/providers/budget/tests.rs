use super::*;

const SECOND: Duration = Duration::from_secs(1);

/// How many get through from a moment on, asking ten times a second.
fn through(budget: &Budget, pace: Pace, from: Instant, seconds: u64) -> u32 {
    let ticks = (0..seconds * 10).map(|tick| from + Duration::from_millis(tick * 100));
    ticks
        .map(|now| {
            std::iter::repeat_with(|| budget.try_take(pace, now)).take_while(Result::is_ok).count() as u32
        })
        .sum()
}

#[test]
fn no_minute_sees_more_than_the_limit() {
    let start = Instant::now();
    for limit in [1, 8, 100, 800] {
        let budget = Budget::counted(Quota::within(limit));
        let first = through(&budget, Pace::Now, start, 60);
        assert!(first <= limit.max(2) && first * 10 >= limit * 8, "{first} of {limit}");
        let second = through(&budget, Pace::Now, start + SECOND * 60, 60);
        assert!(second <= limit.max(2), "{second} of {limit}");
        assert!(budget.try_take(Pace::Background, start + SECOND * 300).is_ok(), "{limit}");
    }
}

#[test]
fn lists_leave_an_eighth_to_people_and_details_a_quarter() {
    for (pace, sent) in [(Pace::Now, 100), (Pace::Routine, 88), (Pace::Background, 75)] {
        let now = Instant::now();
        let counted = Budget::counted(Quota { burst: 100, per_minute: 60 });
        let taken = std::iter::repeat_with(|| counted.try_take(pace, now)).take_while(Result::is_ok).count();
        assert_eq!(taken, sent, "{pace:?}");
    }
}

#[test]
fn what_the_vendor_tells_is_shared_out_by_rank() {
    use Pace::{Background, Now, Routine};
    // Total, left, age in seconds, who, whether it may go, whether the next one may follow at once.
    for (total, left, age, pace, goes, follows) in [
        (500, 500, 0, Background, true, true),
        (500, 251, 0, Background, true, true),
        (500, 249, 0, Background, true, false),
        (500, 126, 0, Background, true, false),
        (500, 125, 0, Background, false, false),
        (500, 0, 59, Background, false, false),
        (500, 0, 60, Background, true, true),
        (500, 125, 0, Routine, true, true),
        (500, 62, 0, Routine, false, false),
        (500, 0, 0, Now, true, true),
        (0, 0, 0, Background, true, true),
    ] {
        let budget = Budget::told();
        assert!(budget.try_take(pace, Instant::now()).is_ok(), "without a word there is no limit");
        budget.learn(total, left);
        let now = Instant::now() + SECOND * age;
        let case = format!("{left} of {total} after {age} s, {pace:?}");
        assert_eq!(budget.try_take(pace, now).is_ok(), goes, "{case}");
        assert_eq!(budget.try_take(pace, now).is_ok(), follows, "{case}, again");
    }
}

#[test]
fn a_refusal_stops_everybody_for_longer_each_time() {
    let budget = Budget::counted(Quota { burst: 10, per_minute: 600 });
    let (usual, most) = (SECOND * 10, SECOND * 60);
    let refused = |asked: Option<u64>, least| {
        budget.refused(Stops::All, asked.map(Duration::from_secs), (least, usual, most)).as_secs()
    };
    assert_eq!([(); 5].map(|()| refused(None, usual)), [10, 20, 40, 60, 60]);
    for pace in [Pace::Now, Pace::Routine, Pace::Background] {
        assert!(budget.try_take(pace, Instant::now()).is_err_and(|wait| wait > SECOND * 50), "{pace:?}");
    }
    budget.answered();
    assert_eq!(refused(Some(33), usual), 33);
    assert_eq!((refused(Some(3), SECOND), refused(Some(3), usual)), (3, 10));
    assert_eq!(refused(Some(300), SECOND), 60);
}

#[tokio::test]
async fn people_go_first_and_do_not_wait_for_ever() {
    let budget = Budget::counted(Quota { burst: 1, per_minute: 6000 });
    budget.take(Pace::Now).await.unwrap();
    let order = Mutex::new(Vec::new());
    let take = async |pace| {
        budget.take(pace).await.unwrap();
        order.lock().unwrap().push(pace);
    };
    tokio::join!(take(Pace::Background), take(Pace::Routine), take(Pace::Now), take(Pace::Now));
    assert_eq!(order.into_inner().unwrap()[..2], [Pace::Now, Pace::Now]);
    assert_eq!(budget.holds_up(), None, "nobody waits any more");

    let refused = |stops| budget.refused(stops, Some(SECOND * 30), (SECOND, SECOND, SECOND * 60));
    refused(Stops::Work);
    assert_eq!(budget.take(Pace::Now).await, Ok(()), "its share is not used up");
    assert!(budget.try_take(Pace::Routine, Instant::now()).is_err());
    refused(Stops::All);
    assert_eq!(budget.take(Pace::Now).await, Err(TooLong));
    let mut work = Box::pin(budget.take(Pace::Background));
    assert!(futures::poll!(&mut work).is_pending());
    assert_eq!(budget.holds_up().as_deref(), Some("refuses requests for another 30 s"));
    drop(work);
    assert_eq!(budget.holds_up(), None, "who stopped waiting does not wait");
}
