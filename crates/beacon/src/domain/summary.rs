//! The numbers above a board: how many tickets each section has, what needs somebody first.

use super::{board::Board, order::Section};

/// The number of one section.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Count {
    /// The section.
    pub section: Section,
    /// What its tickets are, in words after the number.
    pub label: &'static str,
    /// Number of its tickets.
    pub tickets: usize,
}

impl Count {
    /// Whether the number deserves to be looked at.
    pub fn is_attention(&self) -> bool {
        self.section == Section::NeedsAgent && self.tickets > 0
    }
}

/// The numbers of a board in the order in which they are shown.
pub fn summary(board: &Board<'_>) -> [Count; 4] {
    let [open, replied, needs_agent, other] = board.sections.each_ref().map(Vec::len);
    let one = |section, label, tickets| Count { section, label, tickets };
    [
        one(Section::NeedsAgent, "need an agent now", needs_agent),
        one(Section::Open, "open", open),
        one(Section::Replied, "customer replied", replied),
        one(Section::Other, "other active", other),
    ]
}
