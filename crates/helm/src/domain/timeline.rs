//! One request on its way through the services, as it is drawn: who worked when, and what was said.

use chrono::{DateTime, TimeDelta, Utc};
use serde_json::Value;

/// Width of the drawing; places on it are whole numbers up to this.
pub const WIDTH: u32 = 10_000;
/// A thing that took no time is still to be seen.
const LEAST: u32 = 30;

/// What the timeline needs of a log line.
#[derive(Debug, Clone, Copy)]
pub struct Moment<'a> {
    /// Who wrote it.
    pub service: &'a str,
    /// When it was written.
    pub at: DateTime<Utc>,
    /// One of the five levels.
    pub level: &'a str,
    /// An access line tells how long its request took.
    pub extra: Option<&'a Value>,
}

impl Moment<'_> {
    /// How long the request of an access line took. It is written at the end of that time.
    #[must_use]
    pub fn took(&self) -> Option<TimeDelta> {
        let millis = self.extra?.get("duration_ms")?.as_f64()?;
        // A day is no request's time; what claims more is nonsense that must not stretch the drawing.
        #[expect(clippy::cast_possible_truncation, reason = "below a day of microseconds")]
        (0.0..=86_400_000.0).contains(&millis).then(|| TimeDelta::microseconds((millis * 1000.0) as i64))
    }

    fn begins(&self) -> DateTime<Utc> {
        self.took().and_then(|took| self.at.checked_sub_signed(took)).unwrap_or(self.at)
    }

    fn is_error(&self) -> bool {
        matches!(self.level, "ERROR" | "CRITICAL")
    }
}

/// A piece of a lane.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Piece {
    /// Left edge, from 0 to [`WIDTH`].
    pub x: u32,
    /// Width; what lies at the right edge is drawn to the left of it.
    pub width: u32,
    /// An error.
    pub is_error: bool,
    /// A request with a duration; else a single line.
    pub is_request: bool,
}

/// What one service did.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Lane {
    /// Its name.
    pub service: String,
    /// From the beginning of the whole to its own.
    pub after: TimeDelta,
    /// From its own beginning to its end.
    pub span: TimeDelta,
    /// Lines it wrote.
    pub lines: usize,
    /// Requests first, so that lines are drawn over them.
    pub pieces: Vec<Piece>,
}

/// The whole of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Timeline {
    /// When it began: the earliest line, or the earliest beginning of a request.
    pub began: DateTime<Utc>,
    /// How long it took.
    pub span: TimeDelta,
    /// One for each service, in the order in which they began.
    pub lanes: Vec<Lane>,
}

/// Draws log lines of one correlation id, in any order. None without lines.
#[must_use]
pub fn timeline(moments: &[Moment<'_>]) -> Option<Timeline> {
    let began = moments.iter().map(Moment::begins).min()?;
    let ended = moments.iter().map(|moment| moment.at).max()?;
    let span = ended - began;
    let mut lanes: Vec<Lane> = Vec::new();
    let mut sorted: Vec<&Moment<'_>> = moments.iter().collect();
    sorted.sort_by_key(|moment| (moment.begins(), moment.at));
    for moment in sorted {
        let after = moment.begins() - began;
        let index = lanes.iter().position(|lane| lane.service == moment.service).unwrap_or_else(|| {
            lanes.push(Lane {
                service: moment.service.to_owned(),
                after,
                span: TimeDelta::zero(),
                lines: 0,
                pieces: Vec::new(),
            });
            lanes.len() - 1
        });
        let lane = &mut lanes[index];
        lane.lines += 1;
        lane.span = lane.span.max(moment.at - began - lane.after);
        lane.pieces.push(piece(moment, began, span));
    }
    for lane in &mut lanes {
        lane.pieces.sort_by_key(|piece| !piece.is_request);
    }
    Some(Timeline { began, span, lanes })
}

fn piece(moment: &Moment<'_>, began: DateTime<Utc>, span: TimeDelta) -> Piece {
    let place = |time: DateTime<Utc>| -> u32 {
        let whole = span.num_microseconds().unwrap_or(i64::MAX).max(1);
        let part = (time - began).num_microseconds().unwrap_or(0).clamp(0, whole);
        u32::try_from(i128::from(part) * i128::from(WIDTH) / i128::from(whole)).unwrap_or(WIDTH)
    };
    let (left, right) = (place(moment.begins()), place(moment.at));
    let width = right.saturating_sub(left).max(LEAST);
    Piece {
        x: left.min(WIDTH - width),
        width,
        is_error: moment.is_error(),
        is_request: moment.took().is_some(),
    }
}

/// A time in words: `0.4 ms`, `12 ms`, `1.25 s`, `3 min 4 s`.
#[must_use]
pub fn in_words(time: TimeDelta) -> String {
    let micros = time.num_microseconds().unwrap_or(i64::MAX).max(0);
    match micros {
        0 => "0 ms".into(),
        1..10_000 => format!("{}.{} ms", micros / 1000, micros % 1000 / 100),
        10_000..1_000_000 => format!("{} ms", micros / 1000),
        1_000_000..60_000_000 => format!("{}.{:02} s", micros / 1_000_000, micros % 1_000_000 / 10_000),
        _ => format!("{} min {} s", time.num_minutes(), time.num_seconds() % 60),
    }
}

#[cfg(test)]
mod tests {
    use chrono::TimeZone;
    use serde_json::json;

    use super::*;

    fn at(millis: i64) -> DateTime<Utc> {
        Utc.with_ymd_and_hms(2025, 11, 22, 10, 30, 0).unwrap() + TimeDelta::milliseconds(millis)
    }

    fn line(service: &'static str, millis: i64) -> Moment<'static> {
        Moment { service, at: at(millis), level: "INFO", extra: None }
    }

    #[test]
    fn nothing_draws_nothing() {
        assert_eq!(timeline(&[]), None);
    }

    #[test]
    fn requests_lie_where_they_ran_and_lines_over_them() {
        let (gateway, codex) = (json!({"duration_ms": 100.0}), json!({"duration_ms": 50.0}));
        let moments = [
            Moment { extra: Some(&gateway), ..line("nexus", 100) },
            Moment { level: "ERROR", ..line("codex", 50) },
            Moment { extra: Some(&codex), ..line("codex", 75) },
        ];
        let drawn = timeline(&moments).unwrap();
        assert_eq!((drawn.began, drawn.span), (at(0), TimeDelta::milliseconds(100)));
        let lane = |index: usize| &drawn.lanes[index];
        assert_eq!((lane(0).service.as_str(), lane(0).lines), ("nexus", 1));
        assert_eq!(
            lane(0).pieces,
            [Piece { x: 0, width: 10_000, is_error: false, is_request: true }],
            "the gateway's request is as long as all of it"
        );
        assert_eq!((lane(1).after, lane(1).span), (TimeDelta::milliseconds(25), TimeDelta::milliseconds(50)));
        assert_eq!(
            lane(1).pieces,
            [
                Piece { x: 2_500, width: 5_000, is_error: false, is_request: true },
                Piece { x: 5_000, width: LEAST, is_error: true, is_request: false },
            ]
        );
    }

    #[test]
    fn odd_times_stay_on_the_drawing() {
        let (endless, negative, text) =
            (json!({"duration_ms": 1e300}), json!({"duration_ms": -5}), json!({"duration_ms": "9"}));
        let moments = [
            line("core", 0),
            Moment { extra: Some(&endless), ..line("core", 0) },
            Moment { extra: Some(&negative), ..line("core", 0) },
            Moment { extra: Some(&text), ..line("helm", 0) },
        ];
        let drawn = timeline(&moments).unwrap();
        assert_eq!(drawn.span, TimeDelta::zero());
        for piece in drawn.lanes.iter().flat_map(|lane| &lane.pieces) {
            assert_eq!((piece.x, piece.width, piece.is_request), (0, LEAST, false));
        }
        let far = [line("core", 0), Moment { at: DateTime::<Utc>::MAX_UTC, ..line("codex", 0) }];
        let drawn = timeline(&far).unwrap();
        assert!(drawn.lanes.iter().flat_map(|l| &l.pieces).all(|piece| piece.x + piece.width <= WIDTH));
    }

    #[test]
    fn a_service_whose_clock_is_ahead_is_one_lane_still() {
        let drawn = timeline(&[line("codex", 900), line("core", 0), line("codex", 100)]).unwrap();
        let lanes: Vec<_> = drawn.lanes.iter().map(|lane| (lane.service.as_str(), lane.lines)).collect();
        assert_eq!(lanes, [("core", 1), ("codex", 2)]);
        assert_eq!(drawn.lanes[1].span, TimeDelta::milliseconds(800));
    }

    #[test]
    fn times_are_said_in_the_unit_that_fits() {
        let table = [
            (0, "0 ms"),
            (420, "0.4 ms"),
            (12_345, "12 ms"),
            (1_254_000, "1.25 s"),
            (184_000_000, "3 min 4 s"),
        ];
        for (micros, words) in table {
            assert_eq!(in_words(TimeDelta::microseconds(micros)), words);
        }
        assert_eq!(in_words(TimeDelta::microseconds(-5)), "0 ms");
    }
}
