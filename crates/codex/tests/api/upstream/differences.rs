//! Where our answers are others than upstream's, and the line of the contract that wants them so. An entry that is not needed
//! any more fails the test.

/// A case with another status.
pub struct OtherStatus {
    pub case: &'static str,
    pub status: u16,
    pub why: &'static str,
}

/// A member that says something else.
pub struct OtherMember {
    /// Beginning of the cases' names; empty for all.
    pub cases: &'static str,
    /// A part of the path within the answer; empty for all of it.
    pub at: &'static str,
    pub why: &'static str,
}

impl OtherMember {
    pub fn allows(&self, case: &str, path: &str) -> bool {
        case.starts_with(self.cases) && path.contains(self.at)
    }
}

const fn status(case: &'static str, status: u16, why: &'static str) -> OtherStatus {
    OtherStatus { case, status, why }
}

const fn member(cases: &'static str, at: &'static str, why: &'static str) -> OtherMember {
    OtherMember { cases, at, why }
}

pub const STATUSES: &[OtherStatus] = &[
    status(
        "health",
        503,
        "no Core runs beside this test, and one that does not answer is unhealthy (platform.md §12 [S])",
    ),
    status("health, other path", 503, "as `health`"),
    status(
        "token without a key id",
        200,
        "one key is published (core.md §2.6): a token that it signs is good",
    ),
    status("scheme in lower case", 200, "the name of the scheme has no case (RFC 9110 §11.1)"),
    status("token of an ended session", 401, "every service refuses ended sessions (§1.1 [R], core.md §2.7)"),
    status("token for another service", 401, "`target_service` is checked (§1.1 [R])"),
    status("wrong method", 403, "here the path takes POST, of administrators (codex-pages.md §10)"),
    status("tickets, negative limit", 200, "bad query values take the default (§1)"),
    status("ticket 5004", 200, "no answer fails for want of a priority (§5.3 [R])"),
    status("ticket 5020", 200, "no answer fails for want of a status (§5.3 [R])"),
    status("ticket that only the PSA could know", 500, "a failure of the provider is told (§4.3)"),
    status("plan with a slash in its term", 200, "an encoded slash is part of a name"),
    status("put my settings 404", 200, "the row is made from the token (§4.5 [R])"),
    status("create feature option", 201, "adding one works (§4.7 [R], weak points)"),
    status("fault: one open ticket without a priority", 200, "null-safe (§5.3 [R])"),
    status(
        "fault: one open ticket with a time without offset",
        200,
        "naive times are read as UTC (§5.3 [R])",
    ),
    status("fault: backup usage not a number", 200, "the column holds numbers (§3 [R]): it cannot be stored"),
    status("fault: backup usage not a number, bulk", 200, "as in the list of assets"),
    status("fault: conversations not JSON", 200, "the column holds JSON (§3 [R]): it cannot be stored"),
    status(
        "Core away before its keys are known",
        503,
        "nobody can tell whether the token is good (core.md §2.7)",
    ),
];

pub const MEMBERS: &[OtherMember] = &[
    // Health.
    member("health", "dependencies.core", "no Core runs beside this test"),
    member("health", ".status", "as its checks"),
    member(
        "Core away, health",
        ".status",
        "a dependency that does not answer is unhealthy (platform.md §12 [S])",
    ),
    // Whole answers that follow from another status or another caller.
    member(
        "companies for a customer",
        "",
        "a client reads its own companies, and this one has none (§1.1 [R])",
    ),
    member("token of an ended session", "", "the answer is a refusal"),
    member("token for another service", "", "the answer is a refusal"),
    member("ticket that only the PSA could know", ".error", "the provider's words (§4.3)"),
    member("put my settings 404", ".error", "the answer is no refusal"),
    member("plan 404", ".status", "a problem document has its status as number (§1.2 [R])"),
    // What upstream keeps as text is typed here.
    member("", ".domains", "a JSON array or null (§3.1)"),
    member("", ".backup_usage_tb", "decimal text or null (§3.3)"),
    member("company 100003 contacts", ".active", "a null is no yes (§3.2: the default is applied on insert)"),
    member("", "_preference", "an unset preference is the default (§3.4)"),
    member("agents", ".preferred_color_theme", "an unset preference is the default (§3.4)"),
    member("user theme, nulls", ".theme", "an unset preference is the default (§3.4)"),
    // Tickets.
    member("", ".company_compliance_level", "null where the company is unknown (§4.3 [R])"),
    member("tickets page", ".tickets[]", "the order is that of times, not of texts (§1 [R])"),
    member(
        "tickets, bad limit falls back",
        ".tickets[]",
        "the order is that of times, not of texts (§1 [R])",
    ),
    // The board.
    member("tickets active", ".id", "the database id; the PSA's is `external_id` (§2 [S])"),
    member("tickets active", ".status", "the PSA's code; the word is `status_key` (§2 [S])"),
    member("tickets active", ".priority", "the PSA's code; the word is `priority_key` (§2 [S])"),
    member("tickets active", "ed_at_str", "the display form; ISO in `created_at`, `updated_at` (§2 [S])"),
    member("tickets active", ".section", "the rules of §5.3 [R]"),
    member("tickets active", ".sla_", "the rules and words of §5.3 [R]"),
    member("tickets active", "_friendly", "as it stands at the floored minute (§5 [R])"),
    member("tickets active", ".total_active", "a ticket without a status counts as active (§5.3 [R])"),
    member("tickets active", ".subject", "a text, empty where there is none (§5.3)"),
    member("tickets active", ".description_text", "a text, empty where there is none (§5.3)"),
    // PSA and RMM.
    member("psa config", ".ticket_url_template", "the seed's form is the default (§2 [S])"),
    member("rmm device", ".hardware", "real values or null (§4.4 [R])"),
    member("rmm device", ".health", "real values or null (§4.4 [R])"),
    member("rmm device", ".installed_software", "real values or null (§4.4 [R])"),
    member("rmm device", ".mac_address", "real values or null (§4.4 [R])"),
    member("rmm device", ".os_version", "real values or null (§4.4 [R])"),
    // Plans.
    member("billing plan", ".backup_included_tb", "what is stored; upstream's older list loses a 1.00"),
    member("feature options (old)", "[].", "one pair of columns, told under both names (§3.6, weak points)"),
    member("plans export", ".feature_options[].display_name", "one pair of columns (§3.6)"),
    // Jobs.
    member(
        "sync status: running, of the old name",
        ".current_tickets",
        "no job has that script any more (§8.2)",
    ),
];
