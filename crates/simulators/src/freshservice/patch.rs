//! Changes to tickets by the control: every field of the wire, all optional.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Deserializer};

use crate::world::Ticket;

/// A value that may be left alone (`None`), cleared (`Some(None)`) or set. JSON `null` clears.
fn given<'de, T: Deserialize<'de>, D: Deserializer<'de>>(value: D) -> Result<Option<T>, D::Error> {
    T::deserialize(value).map(Some)
}

macro_rules! ticket_patch {
    ($($(#[$doc:meta])* $kind:ident $field:ident: $type:ty,)*) => {
        /// What to change in a ticket, or to set in a new one. Fields have the vendor's names.
        #[derive(Debug, Clone, Default, PartialEq, Deserialize)]
        #[serde(default, deny_unknown_fields)]
        pub struct TicketPatch {
            $($(#[$doc])* #[serde(deserialize_with = "given")] pub $field: Option<$type>,)*
        }

        impl TicketPatch {
            /// Applies it. `updated_at` becomes `now` unless it is given.
            pub(super) fn apply(self, ticket: &mut Ticket, now: DateTime<Utc>) {
                ticket.updated_at = now;
                $(if let Some(value) = self.$field { ticket_patch!(@set $kind ticket.$field, value); })*
            }
        }
    };
    (@set plain $place:expr, $value:expr) => { $place = $value };
    (@set word $place:expr, $value:expr) => { $place = Some($value) };
}

ticket_patch! {
    /// Subject, plain text.
    word subject: String,
    /// Description, HTML.
    word description: String,
    /// Tags.
    word tags: Vec<String>,
    /// `Incident` or `Service Request`: the wire's `type`.
    plain kind: String,
    /// Status code.
    plain status: u16,
    /// 1 to 4.
    plain priority: u8,
    /// Vendor's code of the way it came in.
    plain source: u8,
    /// Requester.
    plain requester_id: Option<u64>,
    /// Company.
    plain department_id: Option<u64>,
    /// Technician.
    plain responder_id: Option<u64>,
    /// Group.
    plain group_id: Option<u64>,
    /// In the spam folder.
    plain spam: bool,
    /// In the bin.
    plain deleted: bool,
    /// Time of entry.
    plain created_at: DateTime<Utc>,
    /// Last change.
    plain updated_at: DateTime<Utc>,
    /// First response promised by.
    plain fr_due_by: Option<DateTime<Utc>>,
    /// Solution promised by.
    plain due_by: Option<DateTime<Utc>>,
    /// First response given.
    plain first_responded_at: Option<DateTime<Utc>>,
    /// Last response of a technician.
    plain agent_responded_at: Option<DateTime<Utc>>,
    /// Last response of the customer.
    plain requester_responded_at: Option<DateTime<Utc>>,
    /// Solved.
    plain resolved_at: Option<DateTime<Utc>>,
    /// Closed.
    plain closed_at: Option<DateTime<Utc>>,
}

/// A reply or note to add.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct NewEntry {
    /// Plain text.
    pub text: String,
    /// From the customer.
    pub incoming: bool,
    /// A note for technicians.
    pub private: bool,
}

/// A time entry to add.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct NewWork {
    /// How long.
    pub minutes: u32,
    /// Goes on the bill.
    pub billable: bool,
    /// Who; otherwise the ticket's technician.
    pub agent_id: Option<u64>,
    /// Day of the work.
    pub executed_at: Option<DateTime<Utc>>,
    /// What was done.
    pub note: String,
}
