//! One ticket, and how a long-finished one is made up from its number.

use chrono::{DateTime, TimeDelta, Utc};

use super::companies::FIRST_COMPANY_ID;
use super::people::{FIRST_AGENT_ID, FIRST_CONTACT_ID, PROFESSIONAL_SERVICES};
use super::text::stories::{HOSTILE, PROJECTS, SUPPORT, Story};
use super::text::{Told, tell};
use super::thread::{Entry, WorkEntry};
use super::{Hours, World};
use crate::dice::{Dice, Salt};

/// First ticket id in the vendor's system.
pub const FIRST_TICKET_ID: u64 = 42_001;

/// Status codes of this tenant; codes from 6 up are its own.
#[expect(missing_docs, reason = "the names are the documentation")]
pub mod status {
    pub const OPEN: u16 = 2;
    pub const PENDING: u16 = 3;
    pub const RESOLVED: u16 = 4;
    pub const CLOSED: u16 = 5;
    pub const SCHEDULED: u16 = 8;
    pub const WAITING_CUSTOMER: u16 = 9;
    pub const WAITING_THIRD_PARTY: u16 = 10;
    pub const UNDER_INVESTIGATION: u16 = 13;
    pub const JOB_COMPLETE_BILL: u16 = 15;
    pub const BILLING_COMPLETE: u16 = 16;
    pub const UPDATE_NEEDED: u16 = 19;
    pub const ON_HOLD: u16 = 23;
    pub const CUSTOMER_REPLIED: u16 = 26;
    pub const PENDING_HUBSPOT: u16 = 27;
    /// A code that no consumer knows.
    pub const ODD: u16 = 31;

    /// The ticket is finished as far as the service desk is concerned.
    #[must_use]
    pub const fn is_closed(code: u16) -> bool {
        matches!(code, RESOLVED | CLOSED | JOB_COMPLETE_BILL | BILLING_COMPLETE)
    }
}

/// One ticket as the vendor stores it. Words that are not set come from its story.
#[derive(Debug, Clone, PartialEq)]
pub struct Ticket {
    /// Vendor id.
    pub id: u64,
    /// Replaces the story's subject.
    pub subject: Option<String>,
    /// Replaces the story's description, HTML.
    pub description: Option<String>,
    /// Replaces the story's tags.
    pub tags: Option<Vec<String>>,
    /// Position in the table of stories.
    pub story: StoryRef,
    /// `Incident`, `Service Request`, or whatever a test sets.
    pub kind: String,
    /// Status code.
    pub status: u16,
    /// 1 low to 4 urgent.
    pub priority: u8,
    /// How it came in, vendor code.
    pub source: u8,
    /// Vendor id of the requester; automatic alerts have none.
    pub requester_id: Option<u64>,
    /// Vendor id of the company.
    pub department_id: Option<u64>,
    /// Vendor id of the technician.
    pub responder_id: Option<u64>,
    /// Vendor id of the group.
    pub group_id: Option<u64>,
    /// In the spam folder.
    pub spam: bool,
    /// In the bin.
    pub deleted: bool,
    /// Time of entry.
    pub created_at: DateTime<Utc>,
    /// Last change.
    pub updated_at: DateTime<Utc>,
    /// First response promised by.
    pub fr_due_by: Option<DateTime<Utc>>,
    /// Solution promised by.
    pub due_by: Option<DateTime<Utc>>,
    /// First response given.
    pub first_responded_at: Option<DateTime<Utc>>,
    /// Last response of a technician.
    pub agent_responded_at: Option<DateTime<Utc>>,
    /// Last response of the customer.
    pub requester_responded_at: Option<DateTime<Utc>>,
    /// Solved.
    pub resolved_at: Option<DateTime<Utc>>,
    /// Closed.
    pub closed_at: Option<DateTime<Utc>>,
    /// Replies and notes that came after the made-up ones.
    pub thread: Vec<Entry>,
    /// Time entries that came after the made-up ones.
    pub work: Vec<WorkEntry>,
}

impl Ticket {
    /// Gives a ticket that is finished the times of that, and takes them from any other.
    pub fn settle_times(&mut self, now: DateTime<Utc>) {
        if !status::is_closed(self.status) {
            self.resolved_at = None;
            self.closed_at = None;
            return;
        }
        self.resolved_at.get_or_insert(now);
        if self.status != status::RESOLVED {
            self.closed_at.get_or_insert(now);
        }
    }

    /// Somebody still works on it, or should.
    #[must_use]
    pub fn is_active(&self) -> bool {
        !status::is_closed(self.status) && !self.spam && !self.deleted
    }
}

/// Points into one of the tables of stories.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum StoryRef {
    /// [`SUPPORT`].
    Support(u32),
    /// [`PROJECTS`].
    Project(u32),
    /// [`HOSTILE`].
    Hostile(u32),
}

impl StoryRef {
    /// The story.
    #[must_use]
    pub fn get(self) -> &'static Story {
        match self {
            Self::Support(i) => &SUPPORT[i as usize % SUPPORT.len()],
            Self::Project(i) => &PROJECTS[i as usize % PROJECTS.len()],
            Self::Hostile(i) => &HOSTILE[i as usize % HOSTILE.len()],
        }
    }

    /// Any story; texts that break careless pages are rare.
    pub(super) fn any(project: bool, dice: &mut Dice) -> Self {
        if project {
            Self::Project(dice.below(PROJECTS.len() as u32))
        } else if dice.chance(0.01) {
            Self::Hostile(dice.below(HOSTILE.len() as u32))
        } else {
            Self::Support(dice.below(SUPPORT.len() as u32))
        }
    }

    /// A story that people call urgent.
    pub(super) fn grave(dice: &mut Dice) -> Self {
        loop {
            let index = dice.below(SUPPORT.len() as u32);
            if matches!(SUPPORT[index as usize].category, "Network" | "Servers" | "Security" | "Backup") {
                return Self::Support(index);
            }
        }
    }

    /// The group that works on such tickets.
    #[must_use]
    pub fn group(self) -> u64 {
        match (self, self.get().category) {
            (Self::Project(_), _) => PROFESSIONAL_SERVICES,
            (_, "Network" | "Servers" | "Backup") => 19_000_234_003,
            (_, "Security") => 19_000_234_005,
            (_, "Printing" | "Onboarding") => 19_000_234_007,
            _ => 19_000_234_001,
        }
    }
}

/// Hours of silence a customer accepts, by priority.
pub(super) const fn patience(priority: u8) -> f64 {
    match priority {
        4 => 0.5,
        3 => 48.0,
        2 => 72.0,
        _ => 96.0,
    }
}

/// Response and solution targets by priority, in hours.
pub(super) const fn targets(priority: u8) -> (i64, i64) {
    match priority {
        4 => (1, 8),
        3 => (8, 24),
        2 => (24, 72),
        _ => (48, 120),
    }
}

impl World {
    /// What every made-up ticket has: people and priority; created now, untouched.
    pub(super) fn fresh_ticket(
        &self,
        id: u64,
        created_at: DateTime<Utc>,
        story: StoryRef,
        dice: &mut Dice,
    ) -> Ticket {
        let contact = dice.below(self.size.contacts);
        let company = self.company_of(contact);
        let monitoring = story.get().category == "Monitoring";
        let request = story.get().request;
        let priority = match story.get().category {
            "Security" => dice.weighted(&[(4, 10), (3, 60), (2, 30)]),
            "Projects" => dice.weighted(&[(3, 10), (2, 60), (1, 30)]),
            _ if request => dice.weighted(&[(3, 8), (2, 50), (1, 42)]),
            _ => dice.weighted(&[(4, 4), (3, 22), (2, 54), (1, 20)]),
        };
        let (respond, solve) = targets(priority);
        Ticket {
            id,
            subject: None,
            description: None,
            tags: None,
            story,
            kind: if request { "Service Request" } else { "Incident" }.to_owned(),
            status: status::OPEN,
            priority,
            source: if monitoring { 14 } else { dice.weighted(&[(1, 55), (2, 25), (3, 15), (15, 5)]) },
            requester_id: (!monitoring).then_some(FIRST_CONTACT_ID + u64::from(contact)),
            department_id: (!dice.chance(0.01)).then_some(FIRST_COMPANY_ID + u64::from(company)),
            responder_id: None,
            group_id: Some(story.group()),
            spam: false,
            deleted: false,
            created_at,
            updated_at: created_at,
            fr_due_by: Some(created_at + TimeDelta::hours(respond)),
            due_by: Some(created_at + TimeDelta::hours(solve)),
            first_responded_at: None,
            agent_responded_at: None,
            requester_responded_at: None,
            resolved_at: None,
            closed_at: None,
            thread: Vec::new(),
            work: Vec::new(),
        }
    }

    /// Time of entry of a made-up ticket; grows with the index.
    pub(super) fn created_at(&self, index: u32) -> DateTime<Utc> {
        let jitter = Dice::new(self.seed, Salt::Ticket, u64::from(index)).unit();
        self.timeline.at((f64::from(index) + jitter) / f64::from(self.size.tickets))
    }

    /// A ticket that is over, made up from its index.
    pub(super) fn finished_ticket(&self, index: u32) -> Ticket {
        let created_at = self.created_at(index);
        let mut dice = Dice::new(self.seed, Salt::Ticket, u64::from(index));
        dice.unit();
        let project = dice.chance(0.18);
        let story = StoryRef::any(project, &mut dice);
        let mut ticket = self.fresh_ticket(FIRST_TICKET_ID + u64::from(index), created_at, story, &mut dice);
        let last = self.start - TimeDelta::minutes(3);
        // Everything happens between entry and the end of history, in this order.
        let room = (last - created_at).max(TimeDelta::seconds(4));
        let open_for = Hours(dice.skewed(0.5, if project { 700.0 } else { 240.0 }, 3)).delta().min(room);
        let answered = created_at + (open_for / 2).min(Hours(dice.skewed(0.1, 9.0, 2)).delta());
        let closed = created_at + open_for;
        let replied = dice.chance(0.55).then(|| answered + (closed - answered) / 3);
        ticket.responder_id = Some(if self.size.agents > 24 && dice.chance(0.02) {
            FIRST_AGENT_ID + 24
        } else {
            self.someone_of(ticket.story.group(), &mut dice)
        });
        ticket.first_responded_at = Some(answered);
        ticket.requester_responded_at = replied;
        ticket.agent_responded_at = Some(replied.map_or(answered, |at| at + (closed - at) / 2));
        ticket.resolved_at = Some(closed);
        let age_days = (self.start - closed).num_days();
        ticket.status = match dice.below(100) {
            0..8 if age_days < 12 => status::RESOLVED,
            0..20 if age_days < 35 => status::JOB_COMPLETE_BILL,
            0..35 => status::BILLING_COMPLETE,
            _ => status::CLOSED,
        };
        if ticket.status != status::RESOLVED {
            ticket.closed_at = Some(closed);
        }
        ticket.updated_at = closed;
        match dice.below(250) {
            0 => ticket.spam = true,
            1 => ticket.deleted = true,
            _ => {}
        }
        if ticket.spam {
            (ticket.first_responded_at, ticket.agent_responded_at) = (None, None);
            (ticket.requester_responded_at, ticket.resolved_at, ticket.closed_at) = (None, None, None);
            ticket.status = status::OPEN;
        }
        ticket
    }
}

impl World {
    /// The words of a ticket: those that were set, else those of its story.
    #[must_use]
    pub fn words(&self, ticket: &Ticket) -> Told {
        let mut dice = Dice::new(self.seed, Salt::Words, ticket.id);
        let company = ticket
            .department_id
            .and_then(|id| u32::try_from(id.checked_sub(FIRST_COMPANY_ID)?).ok())
            .filter(|index| *index < self.company_count())
            .map_or_else(|| "the new site".to_owned(), |index| self.company(index).name);
        let mut told = tell(ticket.story.get(), &company, &mut dice);
        if let Some(subject) = &ticket.subject {
            told.subject.clone_from(subject);
        }
        if let Some(html) = &ticket.description {
            told.html.clone_from(html);
            told.text = without_tags(html);
        }
        told
    }

    /// The tags of a ticket: those that were set, else a few that fit.
    #[must_use]
    pub fn tags(&self, ticket: &Ticket) -> Vec<String> {
        if let Some(tags) = &ticket.tags {
            return tags.clone();
        }
        let mut tags = Vec::new();
        match ticket.story.get().category {
            "Projects" => tags.push("project".to_owned()),
            "Monitoring" => tags.push("auto".to_owned()),
            "Security" => tags.push("security".to_owned()),
            _ => {}
        }
        if ticket.id.is_multiple_of(9) {
            tags.push("on-site".to_owned());
        }
        tags
    }
}

/// What the vendor's plain text field holds for a description somebody set: the text between the tags.
fn without_tags(html: &str) -> String {
    let mut text = String::with_capacity(html.len());
    let mut inside = false;
    for c in html.chars() {
        match c {
            '<' => inside = true,
            '>' if inside => inside = false,
            _ if !inside => text.push(c),
            _ => {}
        }
    }
    text
}
