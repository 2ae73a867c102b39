//! Who may be given an answer with everything now. Such answers hold database connections or much memory, so there are few
//! places, and nobody holds all of them: whoever reads slowly must not keep the others out.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError, Weak},
    time::Duration,
};

use hivematrix_shared::problem::Problem;
use tokio::{
    sync::{OwnedSemaphorePermit, Semaphore},
    time::{Instant, timeout_at},
};

/// Connections that all such answers together may hold; others wait, so that the rest of the service always finds some.
const PLACES: usize = 4;
/// When whoever was refused may ask again, in seconds.
const AGAIN: u64 = 30;

/// The places, and who has them.
#[derive(Debug)]
pub struct LargeAnswers {
    places: Arc<Semaphore>,
    /// The turns of each caller who is given such an answer or waits for it.
    callers: Mutex<HashMap<String, Weak<Semaphore>>>,
}

impl Default for LargeAnswers {
    fn default() -> Self {
        Self { places: Arc::new(Semaphore::new(PLACES)), callers: Mutex::default() }
    }
}

/// Leave to make such an answer, until it is dropped.
#[derive(Debug)]
pub struct Turn {
    _place: OwnedSemaphorePermit,
    _own: Option<OwnedSemaphorePermit>,
}

impl LargeAnswers {
    /// Leave for an answer that is made at once and holds so many places meanwhile.
    ///
    /// # Errors
    /// 503 when others do not end within `wait`.
    pub async fn turn(&self, places: u32, wait: Duration) -> Result<Turn, Problem> {
        self.place(places, Instant::now() + wait, None).await
    }

    /// Leave for an answer that is made while its reader takes it. One caller has so many at a time.
    ///
    /// # Errors
    /// 429 when the caller's own last one, 503 when others do not end within `wait`.
    pub async fn turn_of(
        &self,
        caller: &str,
        at_a_time: usize,
        places: u32,
        wait: Duration,
    ) -> Result<Turn, Problem> {
        let deadline = Instant::now() + wait;
        let own = timeout_at(deadline, self.own(caller, at_a_time).acquire_owned()).await.map_err(|_| {
            Problem::too_many_requests(AGAIN)
                .detail("You are being given such an answer already. Read it to its end, then ask again.")
        })?;
        self.place(places, deadline, Some(own.map_err(Problem::internal)?)).await
    }

    async fn place(
        &self,
        places: u32,
        deadline: Instant,
        own: Option<OwnedSemaphorePermit>,
    ) -> Result<Turn, Problem> {
        let place = timeout_at(deadline, Arc::clone(&self.places).acquire_many_owned(places)).await;
        let place = place.map_err(|_| {
            let detail = "Too many large answers are being made. Try again in a minute.";
            Problem::unavailable(detail, AGAIN)
        })?;
        Ok(Turn { _place: place.map_err(Problem::internal)?, _own: own })
    }

    fn own(&self, caller: &str, at_a_time: usize) -> Arc<Semaphore> {
        let mut callers = self.callers.lock().unwrap_or_else(PoisonError::into_inner);
        callers.retain(|_, turn| turn.strong_count() > 0);
        if let Some(turn) = callers.get(caller).and_then(Weak::upgrade) {
            return turn;
        }
        let turn = Arc::new(Semaphore::new(at_a_time));
        callers.insert(caller.to_owned(), Arc::downgrade(&turn));
        turn
    }
}

#[cfg(test)]
mod tests {
    use http::StatusCode;

    use super::*;

    const WAIT: Duration = Duration::from_millis(20);

    #[tokio::test]
    async fn a_caller_has_one_turn_and_others_wait_for_a_place() {
        let answers = LargeAnswers::default();
        let first = answers.turn_of("a", 1, 2, WAIT).await.unwrap();
        let refused = answers.turn_of("a", 1, 1, WAIT).await.unwrap_err();
        assert_eq!((refused.status(), refused.retry_seconds()), (StatusCode::TOO_MANY_REQUESTS, Some(AGAIN)));
        let second = answers.turn_of("b", 1, 2, WAIT).await.unwrap();
        let refused = answers.turn_of("c", 1, 1, WAIT).await.unwrap_err();
        assert_eq!(
            (refused.status(), refused.retry_seconds()),
            (StatusCode::SERVICE_UNAVAILABLE, Some(AGAIN))
        );
        assert_eq!(answers.turn(1, WAIT).await.unwrap_err().status(), StatusCode::SERVICE_UNAVAILABLE);

        let waiting = answers.turn_of("a", 1, 1, Duration::from_secs(60));
        drop(first);
        let again = waiting.await.unwrap();
        assert_eq!(answers.callers.lock().unwrap().len(), 2, "whoever has left is forgotten");
        drop((second, again));
        answers.turn(4, WAIT).await.unwrap();
    }
}
