//! Small charts, drawn on the server as SVG: where lines and bars are. All numbers are units of the picture.

use hivematrix_shared::pages::chart::Measures;

/// Width of a picture.
pub const WIDTH: i64 = 360;
/// Height of the drawing itself; labels stand below.
pub const HEIGHT: i64 = 60;
/// Height of a picture with its labels.
pub const TOTAL_HEIGHT: i64 = HEIGHT + 16;

/// Width of a column without neighbours.
const ALONE: i64 = 4;

/// Lying bars beside their labels, as high as the other charts.
pub const BARS: Measures = Measures { most: 4, step: 15, length: 190, label: 18 };

/// A line across, with its number.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Line {
    /// How far down.
    pub y: i64,
    /// What it stands for.
    pub value: i64,
}

/// Numbers over time as areas, one upon the other.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Areas {
    /// An SVG path for each series, the lowest first; empty where there is nothing to draw.
    pub paths: Vec<String>,
    /// The scale.
    pub lines: Vec<Line>,
}

impl Areas {
    /// Draws columns of values, oldest first: `x` and one value for each of `series` series. A column further than `gap`
    /// from the one before begins anew: nobody knows what was between.
    pub fn stacked<const N: usize>(columns: &[(i64, [i64; N])], gap: i64) -> Self {
        let largest = columns.iter().map(|(_, values)| values.iter().sum::<i64>()).max().unwrap_or_default();
        let top = scale_end(largest);
        let mut paths = vec![String::new(); N];
        for run in columns.chunk_by(|a, b| b.0 - a.0 <= gap) {
            // One column alone would have no width to be seen by.
            let alone = match run {
                [(x, values)] => Some([(x - ALONE, *values), (*x, *values)]),
                _ => None,
            };
            let run = alone.as_ref().map_or(run, |two| two.as_slice());
            for (series, path) in paths.iter_mut().enumerate() {
                let height = |values: &[i64; N], upto: usize| y(values[..upto].iter().sum(), top);
                let upper = run.iter().map(|(x, values)| (*x, height(values, series + 1)));
                let lower = run.iter().rev().map(|(x, values)| (*x, height(values, series)));
                if run.iter().any(|(_, values)| values[series] > 0) {
                    push_shape(path, upper.chain(lower));
                }
            }
        }
        Self { paths, lines: lines(top) }
    }
}

/// A bar that stands on the ground.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Column {
    /// Left edge.
    pub x: i64,
    /// Upper edge.
    pub y: i64,
    /// Width.
    pub width: i64,
    /// Height.
    pub height: i64,
    /// How many.
    pub value: i64,
}

/// Numbers by period as standing bars.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Columns {
    /// The bars; a period without a number has none.
    pub columns: Vec<Column>,
    /// The scale.
    pub lines: Vec<Line>,
}

impl Columns {
    /// Draws a bar for each known value.
    pub fn of(values: &[Option<i64>]) -> Self {
        let top = scale_end(values.iter().flatten().copied().max().unwrap_or_default());
        let each = WIDTH / i64::try_from(values.len().max(1)).unwrap_or(WIDTH);
        let columns = (0..)
            .zip(values)
            .filter_map(|(index, value)| {
                let value = (*value)?;
                let y = y(value, top);
                Some(Column { x: index * each + 2, y, width: (each - 4).max(1), height: HEIGHT - y, value })
            })
            .collect();
        Self { columns, lines: lines(top) }
    }
}

fn push_shape(path: &mut String, points: impl Iterator<Item = (i64, i64)>) {
    for (index, (x, y)) in points.enumerate() {
        let command = if index == 0 { 'M' } else { 'L' };
        path.push_str(&format!("{command}{x} {y}"));
    }
    path.push('Z');
}

fn y(value: i64, top: i64) -> i64 {
    HEIGHT - value.clamp(0, top).saturating_mul(HEIGHT) / top.max(1)
}

fn lines(top: i64) -> Vec<Line> {
    [top / 2, top].into_iter().map(|value| Line { y: y(value, top), value }).collect()
}

/// The smallest even number of 2, 4, 6, 10, 20, 40, 60, 100 … that is not below the largest value, so that half of it is
/// whole, too.
fn scale_end(largest: i64) -> i64 {
    let mut power = 1_i64;
    loop {
        for step in [2, 4, 6] {
            if step * power >= largest {
                return step * power;
            }
        }
        match power.checked_mul(10).filter(|next| *next < i64::MAX / 20) {
            Some(next) if next >= largest => return next,
            Some(next) => power = next,
            None => return i64::MAX / 2,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_scale_ends_at_a_round_even_number() {
        for (largest, end) in [
            (0, 2),
            (2, 2),
            (3, 4),
            (6, 6),
            (7, 10),
            (10, 10),
            (11, 20),
            (47, 60),
            (61, 100),
            (350, 400),
            (i64::MAX, i64::MAX / 2),
        ] {
            assert_eq!(scale_end(largest), end, "{largest}");
        }
    }

    #[test]
    fn areas_stand_one_upon_the_other_and_break_where_nothing_is_known() {
        let areas = Areas::stacked(&[(0, [1, 1]), (10, [2, 0]), (60, [0, 2])], 20);
        assert_eq!(areas.lines, [Line { y: 30, value: 1 }, Line { y: 0, value: 2 }]);
        assert_eq!(areas.paths, ["M0 30L10 0L10 60L0 60Z", "M0 0L10 0L10 0L0 30ZM56 0L60 0L60 60L56 60Z"]);
        assert_eq!(Areas::stacked::<2>(&[], 20).paths, ["", ""]);
    }

    #[test]
    fn columns_leave_out_what_nobody_counted_and_zero_is_a_number() {
        let columns = Columns::of(&[Some(4), None, Some(0), Some(1)]);
        let drawn: Vec<_> = columns.columns.iter().map(|c| (c.x, c.y, c.width, c.height, c.value)).collect();
        assert_eq!(drawn, [(2, 0, 86, 60, 4), (182, 60, 86, 0, 0), (272, 45, 86, 15, 1)]);
        assert!(Columns::of(&[]).columns.is_empty());
    }
}
