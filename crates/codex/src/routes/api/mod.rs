//! JSON routes, one file per resource (codex-api.md §4).

pub mod admin;
pub mod asset_edit;
pub mod asset_history;
pub mod assets;
pub mod board;
pub mod board_history;
pub mod bulk;
pub mod companies;
pub mod company_edit;
pub mod contact_edit;
pub mod contacts;
pub mod displays;
pub mod lists;
pub mod live_ticket;
pub mod locations;
pub mod paging;
pub mod plans;
pub mod psa;
pub mod reader;
pub mod refusals;
pub mod review;
pub mod review_actions;
pub mod rmm;
pub mod rmm_command;
pub mod search;
pub mod settings;
pub mod sync;
pub mod sync_errors;
pub mod sync_jobs;
pub mod sync_schedule;
pub mod tagged;
pub mod ticket_update;
pub mod tickets;
pub mod users;
pub mod webhooks;
pub mod writer;

use utoipa_axum::router::OpenApiRouter;

use crate::Codex;

/// All JSON routes with their documentation.
pub fn router() -> OpenApiRouter<Codex> {
    OpenApiRouter::new()
        .merge(board::router())
        .merge(board_history::router())
        .merge(displays::router())
        .merge(tickets::router())
        .merge(ticket_update::router())
        .merge(psa::router())
        .merge(companies::router())
        .merge(company_edit::router())
        .merge(locations::router())
        .merge(bulk::router())
        .merge(contacts::router())
        .merge(contact_edit::router())
        .merge(assets::router())
        .merge(lists::router())
        .merge(search::router())
        .merge(rmm::router())
        .merge(rmm_command::router())
        .merge(asset_edit::router())
        .merge(asset_history::router())
        .merge(users::router())
        .merge(settings::router())
        .merge(sync::router())
        .merge(sync_errors::router())
        .merge(review::router())
        .merge(plans::router())
        .merge(review_actions::router())
        .merge(sync_jobs::router())
        .merge(sync_schedule::router())
        .merge(admin::router())
        .merge(webhooks::router())
}
