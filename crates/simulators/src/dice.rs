//! Randomness that is the same on every machine and with every dependency version.
//!
//! The whole simulated world is a pure function of one seed, so tests and demos can name a ticket and find it again.
//! Library generators do not promise that across versions; this one (SplitMix64) is eight lines and never changes.

/// What a stream of random numbers is used for; keeps the streams of different things apart.
#[derive(Debug, Clone, Copy)]
pub enum Salt {
    /// A company's master data.
    Company = 1,
    /// The number of contacts of a company.
    Headcount,
    /// A contact's master data.
    Contact,
    /// A technician's master data.
    Agent,
    /// A device.
    Asset,
    /// A ticket's fields.
    Ticket,
    /// The words of a ticket.
    Words,
    /// The replies on a ticket.
    Thread,
    /// The time entries of a ticket.
    Work,
    /// Which tickets are still active, and in what state.
    Board,
    /// The events of the moving world.
    Live,
    /// A place at a customer.
    Site,
    /// A device as the RMM sees it.
    Device,
}

/// A small deterministic generator.
#[derive(Debug, Clone)]
pub struct Dice {
    state: u64,
}

impl Dice {
    /// The stream for one thing: the same arguments always give the same numbers.
    #[must_use]
    pub fn new(seed: u64, salt: Salt, index: u64) -> Self {
        let mut dice = Self { state: seed ^ (salt as u64).wrapping_mul(0x9E6C_63D0_876A_68DE) };
        dice.state = dice.next() ^ index.wrapping_mul(0xD1B5_4A32_D192_ED03);
        dice.next();
        dice
    }

    fn next(&mut self) -> u64 {
        self.state = self.state.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.state;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        z ^ (z >> 31)
    }

    /// A number in `0.0 .. 1.0`.
    pub fn unit(&mut self) -> f64 {
        (self.next() >> 11) as f64 / (1_u64 << 53) as f64
    }

    /// A number in `0 .. n`; 0 when `n` is 0.
    pub fn below(&mut self, n: u32) -> u32 {
        ((u128::from(self.next()) * u128::from(n)) >> 64) as u32
    }

    /// A number in `low .. high`; `low` when the range is empty.
    pub fn range(&mut self, low: i64, high: i64) -> i64 {
        let width = u32::try_from((high - low).max(0)).unwrap_or(u32::MAX);
        low + i64::from(self.below(width))
    }

    /// A number between `low` and `high`, small ones more likely the greater `skew` is (1 is uniform).
    pub fn skewed(&mut self, low: f64, high: f64, skew: i32) -> f64 {
        low + (high - low) * self.unit().powi(skew)
    }

    /// True with probability `p`.
    pub fn chance(&mut self, p: f64) -> bool {
        self.unit() < p
    }

    /// One element of a table.
    pub fn pick<T: Copy>(&mut self, table: &[T]) -> T {
        table[self.below(table.len() as u32) as usize]
    }

    /// One value of a table of `(value, weight)`.
    pub fn weighted<T: Copy>(&mut self, table: &[(T, u32)]) -> T {
        let total = table.iter().map(|(_, weight)| weight).sum();
        let mut left = self.below(total);
        for (value, weight) in table {
            if left < *weight {
                return *value;
            }
            left -= weight;
        }
        table[table.len() - 1].0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_stream_never_changes() {
        let mut dice = Dice::new(7, Salt::Ticket, 42);
        let first: Vec<u32> = (0..5).map(|_| dice.below(1000)).collect();
        let mut again = Dice::new(7, Salt::Ticket, 42);
        assert_eq!(first, (0..5).map(|_| again.below(1000)).collect::<Vec<_>>());
        let mut other = Dice::new(7, Salt::Contact, 42);
        assert_ne!(first, (0..5).map(|_| other.below(1000)).collect::<Vec<_>>());
    }

    #[test]
    fn numbers_stay_in_their_range() {
        let mut dice = Dice::new(1, Salt::Live, 0);
        for _ in 0..2000 {
            assert!(dice.below(3) < 3);
            assert!((-2..2).contains(&dice.range(-2, 2)));
            assert!((0.0..1.0).contains(&dice.unit()));
            assert_ne!(dice.weighted(&[(1, 1), (2, 0), (3, 5)]), 2);
        }
        assert_eq!(dice.below(0), 0);
    }
}
