//! The GraphQL documents. References to other records (`client`, `requester`, `techGroup` …) are JSON scalars at this
//! vendor: a selection below one makes it refuse the whole request.

/// A list: what it is called, and where its rows are.
#[derive(Debug, Clone, Copy)]
pub(super) struct List {
    /// Root field.
    pub(super) operation: &'static str,
    /// Member with the rows.
    pub(super) member: &'static str,
    /// Member with a row's id.
    pub(super) id: &'static str,
    /// Type of the argument.
    argument: &'static str,
    /// What is asked of each row.
    fields: &'static str,
    /// Whether paging and conditions are one level down.
    nested: bool,
}

impl List {
    /// The document.
    pub(super) fn document(&self) -> String {
        let Self { operation, member, argument, fields, .. } = self;
        format!(
            "query {operation}($input: {argument}!) {{ {operation}(input: $input) {{ {member} {{ {fields} }} \
             listInfo {{ page pageSize hasMore totalCount }} }} }}"
        )
    }

    /// The argument for these list options.
    pub(super) fn input(&self, options: serde_json::Value) -> serde_json::Value {
        if self.nested { serde_json::json!({ "listInfo": options }) } else { options }
    }
}

const CLIENT: &str = "accountId name stage status emailDomains accountManager primaryContact secondaryContact hqSite customFields";
const CLIENT_USER: &str = "userId firstName lastName name email contactNumber site role client customFields";
const TECHNICIAN: &str = "userId firstName lastName name email contactNumber designation team role groups";
/// What is asked of a ticket.
pub(super) const TICKET: &str = "ticketId displayId subject ticketType requestType client requester technician techGroup \
     status priority category createdTime updatedTime firstResponseDueTime firstResponseTime resolutionDueTime \
     resolutionTime customFields worklogTimespent";
const ASSET: &str = "assetId name hostName assetClass deviceCategory client site requester loggedInUser serialNumber \
     manufacturer model publicIp platform platformFamily platformCategory platformVersion domain status \
     lastCommunicatedTime lastReportedTime patchStatus customFields";
/// What is asked of a message.
const CONVERSATION: &str = "conversationId content time user toUsers { user } type";

/// Clients.
pub(super) const CLIENTS: List = List {
    operation: "getClientList",
    member: "clients",
    id: "accountId",
    argument: "ListInfoInput",
    fields: CLIENT,
    nested: false,
};

/// Client users of all clients: the vendor takes an id of a client here, but does not ask for one, and a page for each of
/// a thousand small clients would cost a thousand requests.
pub(super) const CLIENT_USERS: List = List {
    operation: "getClientUserList",
    member: "userList",
    id: "userId",
    argument: "GetClientUserListInput",
    fields: CLIENT_USER,
    nested: true,
};

/// Technicians.
pub(super) const TECHNICIANS: List = List {
    operation: "getTechnicianList",
    member: "userList",
    id: "userId",
    argument: "ListInfoInput",
    fields: TECHNICIAN,
    nested: false,
};

/// Tickets.
pub(super) const TICKETS: List = List {
    operation: "getTicketList",
    member: "tickets",
    id: "ticketId",
    argument: "ListInfoInput",
    fields: TICKET,
    nested: false,
};

/// Assets.
pub(super) const ASSETS: List = List {
    operation: "getAssetList",
    member: "assets",
    id: "assetId",
    argument: "ListInfoInput",
    fields: ASSET,
    nested: false,
};

/// Groups of technicians: all at once, without an argument.
pub(super) const GROUPS: &str = "query getTechnicianGroupList { getTechnicianGroupList { groupId name } }";

/// One client.
pub(super) fn client() -> String {
    format!("query getClient($input: ClientIdentifierInput!) {{ getClient(input: $input) {{ {CLIENT} }} }}")
}

/// One client user.
pub(super) fn client_user() -> String {
    format!(
        "query getClientUser($input: ClientUserIdentifierInput!) {{ getClientUser(input: $input) {{ {CLIENT_USER} }} }}"
    )
}

/// One asset.
pub(super) fn asset() -> String {
    format!("query getAsset($input: AssetIdentifierInput!) {{ getAsset(input: $input) {{ {ASSET} }} }}")
}

/// One ticket and its messages.
pub(super) fn ticket() -> String {
    format!(
        "query getTicket($input: TicketIdentifierInput!) {{ getTicket(input: $input) {{ {TICKET} }} \
         getTicketConversationList(input: $input) {{ {CONVERSATION} }} }}"
    )
}

/// All messages and notes of one ticket, and the time spent on it, in one request.
pub(super) fn ticket_detail() -> String {
    format!(
        "query getTicketDetail($input: TicketIdentifierInput!) {{ \
         getTicket(input: $input) {{ ticketId technician worklogTimespent createdTime updatedTime }} \
         getTicketConversationList(input: $input) {{ {CONVERSATION} }} \
         getTicketNoteList(input: $input) {{ noteId addedBy addedOn content privacyType }} }}"
    )
}

/// Who wrote last on each of these tickets: `t0`, `t1`, … in their order. The ids are numbers, so nothing can break out
/// of the document.
pub(super) fn last_words(tickets: &[i64]) -> String {
    let fields: String = tickets
        .iter()
        .enumerate()
        .map(|(place, id)| {
            format!(" t{place}: getTicketConversationList(input: {{ticketId: \"{id}\"}}) {{ time type }}")
        })
        .collect();
    format!("query getLastConversations {{{fields} }}")
}

/// The account's statuses.
pub(super) const STATUSES: &str = "query getStatusList { getStatusList { id name } }";

/// Changes a ticket.
pub(super) fn update_ticket() -> String {
    format!(
        "mutation updateTicket($input: UpdateTicketInput!) {{ updateTicket(input: $input) {{ {TICKET} }} }}"
    )
}

/// Adds a note to a ticket.
pub(super) const ADD_NOTE: &str = "mutation createTicketNote($input: CreateTicketNoteInput!) { \
     createTicketNote(input: $input) { noteId addedBy addedOn content privacyType } }";

/// Changes custom fields of a client.
pub(super) const UPDATE_CLIENT: &str = "mutation updateClient($input: UpdateClientInput!) { updateClient(input: $input) { accountId customFields } }";
