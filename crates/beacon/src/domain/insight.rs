//! The insight strip: the last 24 hours of a view in three charts, and the same in words (beacon.md §9).

use std::collections::HashMap;

use chrono::{DateTime, TimeDelta, Utc};
use hivematrix_shared::{
    contracts::codex::{BoardHistory, BoardPoint, PsaId},
    pages::chart::Bars,
};

use super::{
    agents::Agents,
    chart::{Areas, BARS, Columns, WIDTH},
    hints::age,
};

/// What the strip looks back on.
const HOURS: i64 = 24;
const SPAN: TimeDelta = TimeDelta::hours(HOURS);
/// Codex counts every five minutes; one point in fifteen shows the same shape.
const COLUMN: TimeDelta = TimeDelta::minutes(15);
/// Between two columns further apart something is missing.
const GAP: TimeDelta = TimeDelta::minutes(35);

/// No board has more tickets; sums of what a broken answer says must not overflow.
const MOST_TICKETS: i64 = 1_000_000;

/// One kind of ticket in the first chart.
#[derive(Debug)]
pub struct Layer {
    /// `s1` … `s4`, the section's prefix on the page.
    pub prefix: &'static str,
    /// What it is called.
    pub name: &'static str,
    /// How many there are now.
    pub count: i64,
    /// Its shape.
    pub path: String,
}

/// The strip.
#[derive(Debug)]
pub struct Insight {
    /// Active tickets by section, the most urgent lowest.
    pub layers: Vec<Layer>,
    /// The areas' scale.
    pub areas: Areas,
    /// The first chart in words.
    pub active_words: String,
    /// Breached tickets by hour.
    pub breached: Columns,
    /// The second chart in words.
    pub breached_words: String,
    /// Active tickets by agent.
    pub loads: Bars,
    /// The third chart in words.
    pub loads_words: String,
}

impl Insight {
    /// Draws a history as seen at `now`; none where there is nothing in it yet.
    pub fn of(history: &BoardHistory, agents: &Agents, now: DateTime<Utc>) -> Option<Self> {
        let start = now - SPAN;
        let points: Vec<&BoardPoint> =
            history.points.iter().filter(|point| point.at >= start && point.at <= now).collect();
        let last = points.last()?;
        let columns = columns(&points, start);
        let mut areas = Areas::stacked(&columns, across(GAP));
        let layers = KINDS
            .into_iter()
            .zip(values(last))
            .zip(std::mem::take(&mut areas.paths))
            .map(|(((prefix, name), count), path)| Layer { prefix, name, count, path })
            .collect();
        let hours = by_hour(&points, start);
        let mut loads: Vec<(String, i64)> = last
            .agents
            .iter()
            .map(|(id, count)| {
                (id.parse().map_or_else(|_| id.clone(), |id| agents.name_of(PsaId(id))), plausible(*count))
            })
            .collect();
        loads.sort_by(|a, b| b.1.cmp(&a.1).then_with(|| a.0.cmp(&b.0)));
        Some(Self {
            active_words: active_words(&points, last, now),
            layers,
            areas,
            breached: Columns::of(&hours),
            breached_words: breached_words(&hours),
            loads_words: loads_words(&loads),
            loads: Bars::of(loads, BARS),
        })
    }
}

/// What can be told of a view without a history: the board as it is.
#[derive(Debug)]
pub struct Now {
    /// Active tickets by section, the largest first.
    pub sections: Bars,
    /// The first chart in words.
    pub sections_words: String,
    /// Active tickets by agent.
    pub loads: Bars,
    /// The second chart in words.
    pub loads_words: String,
}

impl Now {
    /// Draws the numbers of a board: tickets of each section in page order, and of each agent.
    pub fn of(counts: [usize; 4], loads: &HashMap<PsaId, usize>, agents: &Agents) -> Self {
        let number = |count: usize| plausible(i64::try_from(count).unwrap_or(MOST_TICKETS));
        let [section1, section2, section3, section4] = counts.map(number);
        let stacked = [section3, section2, section1, section4];
        let names = KINDS.map(|(_, name)| name.to_owned());
        let mut loads: Vec<_> =
            loads.iter().map(|(id, count)| (agents.name_of(*id), number(*count))).collect();
        loads.sort_by(|a, b| b.1.cmp(&a.1).then_with(|| a.0.cmp(&b.0)));
        Self {
            sections_words: sections_words(stacked),
            sections: Bars::of(names.into_iter().zip(stacked), BARS),
            loads_words: loads_words(&loads),
            loads: Bars::of(loads, BARS),
        }
    }
}

/// Prefix and name of the sections, in the order in which the areas stand.
const KINDS: [(&str, &str); 4] =
    [("s3", "need an agent"), ("s2", "customer replied"), ("s1", "open"), ("s4", "other")];

/// In the order in which the areas stand.
fn values(point: &BoardPoint) -> [i64; 4] {
    [point.section3, point.section2, point.section1, point.section4].map(plausible)
}

fn plausible(count: i64) -> i64 {
    count.clamp(0, MOST_TICKETS)
}

fn total(point: &BoardPoint) -> i64 {
    values(point).iter().sum()
}

/// One column for each stretch of time: its newest point.
fn columns(points: &[&BoardPoint], start: DateTime<Utc>) -> Vec<(i64, [i64; 4])> {
    let stretch = |point: &BoardPoint| (point.at - start).num_seconds() / COLUMN.num_seconds();
    let newest = points.chunk_by(|a, b| stretch(a) == stretch(b)).filter_map(|points| points.last());
    newest.map(|point| (across(point.at - start), values(point))).collect()
}

/// How far across the picture a time lies.
fn across(since: TimeDelta) -> i64 {
    since.num_seconds() * WIDTH / SPAN.num_seconds()
}

/// The most breached tickets at once in each hour.
fn by_hour(points: &[&BoardPoint], start: DateTime<Utc>) -> Vec<Option<i64>> {
    let hour = |point: &BoardPoint| (point.at - start).num_hours().min(HOURS - 1);
    (0..HOURS)
        .map(|wanted| {
            points.iter().filter(|point| hour(point) == wanted).map(|point| plausible(point.breached)).max()
        })
        .collect()
}

fn sections_words(stacked: [i64; 4]) -> String {
    let [needs_agent, replied, open, other] = stacked;
    let total: i64 = stacked.iter().sum();
    format!(
        "{total} active: {needs_agent} need an agent, {replied} customer replied, {open} open, {other} other."
    )
}

fn active_words(points: &[&BoardPoint], last: &BoardPoint, now: DateTime<Utc>) -> String {
    let mut words = sections_words(values(last));
    // The newest of several equal ones.
    let most = points.iter().max_by_key(|point| total(point));
    let least = points.iter().rev().min_by_key(|point| total(point));
    if let (Some(most), Some(least)) = (most, least)
        && total(most) > total(least)
    {
        words.push_str(&format!(
            " Most in the last 24 hours: {}, {} ago. Fewest: {}, {} ago.",
            total(most),
            age(now - most.at),
            total(least),
            age(now - least.at)
        ));
    }
    words
}

fn breached_words(hours: &[Option<i64>]) -> String {
    let known: Vec<_> =
        hours.iter().enumerate().filter_map(|(hour, value)| Some((hour, (*value)?))).collect();
    let with_some: Vec<_> = known.iter().filter(|(_, value)| *value > 0).collect();
    if with_some.is_empty() {
        return "No ticket was breached in the last 24 hours.".to_owned();
    }
    let list =
        with_some.iter().map(|(hour, value)| match HOURS - 1 - i64::try_from(*hour).unwrap_or_default() {
            0 => format!("last hour {value}"),
            hours => format!("{hours} h ago {value}"),
        });
    format!("Most breached tickets at once, by hour: {}.", list.collect::<Vec<_>>().join(", "))
}

fn loads_words(loads: &[(String, i64)]) -> String {
    let list: Vec<_> = loads
        .iter()
        .filter(|(_, count)| *count > 0)
        .map(|(name, count)| format!("{name}: {count}"))
        .collect();
    if list.is_empty() { "No active ticket has an agent.".to_owned() } else { list.join(", ") }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn agents() -> Agents {
        Agents::new(serde_json::from_value(json!([{"id": 1, "external_id": 7, "name": "Ana <b>"}])).unwrap())
    }

    fn point(at: &str, sections: [i64; 4], breached: i64, agents: Value) -> Value {
        json!({"at": at, "section1": sections[0], "section2": sections[1], "section3": sections[2],
               "section4": sections[3], "breached": breached, "agents": agents})
    }

    fn insight(points: Value) -> Option<Insight> {
        let history: BoardHistory = serde_json::from_value(json!({ "points": points })).unwrap();
        Insight::of(&history, &agents(), "2025-11-22T12:00:00Z".parse().unwrap())
    }

    #[test]
    fn the_words_say_what_the_charts_show() {
        let strip = insight(json!([
            point("2025-11-21T11:00:00Z", [99, 99, 99, 99], 99, json!({})),
            point("2025-11-21T13:00:00Z", [1, 1, 0, 1], 0, json!({})),
            point("2025-11-22T10:30:00Z", [5, 5, 5, 5], 4, json!({})),
            point("2025-11-22T10:35:00Z", [5, 5, 5, 5], 6, json!({})),
            point("2025-11-22T11:55:00Z", [2, 3, 4, 5], 1, json!({"7": 9, "8": 2, "x": 1}))
        ]))
        .unwrap();
        assert_eq!(
            strip.active_words,
            "14 active: 4 need an agent, 3 customer replied, 2 open, 5 other. Most in the last 24 hours: 20, 1 h 25 m ago. \
             Fewest: 3, 23 h ago."
        );
        assert_eq!(strip.breached_words, "Most breached tickets at once, by hour: 1 h ago 6, last hour 1.");
        assert_eq!(strip.loads_words, "Ana <b>: 9, Agent 8: 2, x: 1");
        let layers: Vec<_> = strip.layers.iter().map(|layer| (layer.prefix, layer.count)).collect();
        assert_eq!(layers, [("s3", 4), ("s2", 3), ("s1", 2), ("s4", 5)]);
        assert_eq!(strip.breached.columns.iter().map(|c| c.value).collect::<Vec<_>>(), [0, 6, 1]);
        assert_eq!(strip.loads.bars.len(), 3);
    }

    #[test]
    fn the_areas_end_now_and_have_gaps_where_nobody_counted() {
        let strip = insight(json!([
            point("2025-11-21T12:00:00Z", [1, 0, 0, 0], 0, json!({})),
            point("2025-11-21T12:15:00Z", [1, 0, 0, 0], 0, json!({})),
            point("2025-11-22T12:00:00Z", [2, 0, 0, 0], 0, json!({}))
        ]))
        .unwrap();
        let open = &strip.layers[2].path;
        assert_eq!(open, "M0 30L3 30L3 60L0 60ZM356 0L360 0L360 60L356 60Z");
        assert_eq!(strip.layers[0].path, "");
        assert_eq!(strip.breached_words, "No ticket was breached in the last 24 hours.");
        assert_eq!(strip.loads_words, "No active ticket has an agent.");
    }

    #[test]
    fn without_a_history_the_board_is_told_as_it_is() {
        let loads = HashMap::from([(PsaId(7), 3), (PsaId(8), 5)]);
        let now = Now::of([2, 0, 9, 1], &loads, &agents());
        assert_eq!(now.sections_words, "12 active: 9 need an agent, 0 customer replied, 2 open, 1 other.");
        assert_eq!(now.loads_words, "Agent 8: 5, Ana <b>: 3");
        let bars =
            |bars: &Bars| bars.bars.iter().map(|bar| (bar.label.clone(), bar.value)).collect::<Vec<_>>();
        let sections =
            [("need an agent", 9), ("open", 2), ("other", 1)].map(|(name, n)| (name.to_owned(), n));
        assert_eq!(bars(&now.sections), sections);
        assert_eq!(bars(&now.loads), [("Agent 8".to_owned(), 5), ("Ana <b>".to_owned(), 3)]);
        let nothing = Now::of([0; 4], &HashMap::new(), &agents());
        assert!(nothing.sections.bars.is_empty() && nothing.loads.bars.is_empty());
        assert_eq!(nothing.loads_words, "No active ticket has an agent.");
    }

    #[test]
    fn without_points_there_is_no_strip_and_wild_ones_do_no_harm() {
        assert!(insight(json!([])).is_none());
        assert!(insight(json!([point("2025-11-20T12:00:00Z", [1, 1, 1, 1], 1, json!({}))])).is_none());
        assert!(insight(json!([point("2025-11-23T12:00:00Z", [1, 1, 1, 1], 1, json!({}))])).is_none());
        let wild = point(
            "2025-11-22T11:00:00Z",
            [-5, i64::MAX, 0, 7],
            -3,
            json!({"7": -1, "8": i64::MAX, "9": i64::MAX}),
        );
        let words = insight(json!([wild])).unwrap().active_words;
        assert!(
            words.starts_with("1000007 active: 0 need an agent, 1000000 customer replied, 0 open, 7 other.")
        );
    }
}
