//! Orders to services: the buttons, and the forms behind them for whoever has no scripts. A form does what a JSON route does,
//! and leads back to the page of the service, which says how it went. The gateway lets a form act with the session only when it
//! comes from our own pages (`docs/GATEWAY.md`); Helm looks once more.

use axum::{extract::State, response::Response};
use hivematrix_shared::{
    audit,
    auth::UserOnly,
    extract::Path,
    pages::{
        Page,
        flash::{Flash, Kind},
    },
    problem::Result,
};

use crate::{
    ServeState,
    domain::{
        registry::{HelmEntry, Registry},
        status::UnitStatus,
    },
    routes::{
        access::{AuthorEvenInOutage, OwnForm},
        api::services::not_found,
        flash::redirect,
    },
    services::control::Outcome,
};

/// The gateway: pages come through it.
const GATEWAY: &str = "nexus";

/// Something to do with a service.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Order {
    Start,
    Restart,
    Stop,
}

impl Order {
    /// In the order of their buttons.
    const ALL: [Self; 3] = [Self::Start, Self::Restart, Self::Stop];

    /// Last part of the address.
    const fn word(self) -> &'static str {
        match self {
            Self::Start => "start",
            Self::Restart => "restart",
            Self::Stop => "stop",
        }
    }

    /// On the button.
    const fn title(self) -> &'static str {
        match self {
            Self::Start => "Start",
            Self::Restart => "Restart",
            Self::Stop => "Stop",
        }
    }

    /// What it means for a service, and for those that need it. Under systemd what is stopped comes back with the machine.
    fn means(self, name: &str, title: &str, needed_by: &[String], by_systemd: bool) -> String {
        let others = match needed_by {
            [] => String::new(),
            [one] => format!(" {one} needs it."),
            [first @ .., last] => format!(" {} and {last} need it.", first.join(", ")),
        };
        match self {
            Self::Start => format!("{title} starts, and others that wait for it."),
            Self::Restart if name == GATEWAY => {
                "No page answers for some seconds. Requests it is answering are finished first.".to_owned()
            }
            Self::Restart => {
                format!("{title} is away for some seconds. Requests it is answering are finished first.{others}")
            }
            Self::Stop if name == GATEWAY => {
                "Nobody reaches the suite any more, nor this page, until somebody runs helm start nexus on the machine."
                    .to_owned()
            }
            Self::Stop if by_systemd => format!(
                "{title} stays away until somebody starts it, or the machine is started again.{others}"
            ),
            Self::Stop => format!(
                "{title} stays away until somebody starts it, also when the machine restarts.{others}"
            ),
        }
    }
}

/// A button, and what is asked before it does anything.
#[derive(Clone, Debug)]
pub(super) struct Button {
    /// Last part of the address.
    pub word: &'static str,
    /// On the button.
    pub title: &'static str,
    /// What it means, in sentences.
    pub means: String,
    /// Whether the service works less afterwards.
    pub is_danger: bool,
    /// Whether it makes sense now: what runs is not started, and what does not is not stopped.
    pub fits: bool,
}

/// What may be ordered of one service.
#[derive(Clone, Debug)]
pub(super) struct Orders {
    /// Its name.
    pub name: String,
    /// What people call it.
    pub title: String,
    /// Its process, by which a script sees that it was restarted.
    pub pid: Option<i32>,
    /// All of them; none for Helm itself, and for what runs elsewhere.
    pub buttons: Vec<Button>,
    /// Where there are none: what does it on the machine, or why nothing does.
    pub instead: &'static str,
}

impl Orders {
    /// Those to a unit as it is now.
    pub(super) fn to(state: &ServeState, unit: &UnitStatus, title: &str) -> Self {
        let name = unit.name.as_str();
        let is_refused = state.control.refusal(name).is_some();
        let needed_by = needed_by(&state.board.registry(), name);
        let by_systemd = state.control.is_by_systemd();
        let button = |order: Order| Button {
            word: order.word(),
            title: order.title(),
            means: order.means(name, title, &needed_by, by_systemd),
            is_danger: order == Order::Stop,
            fits: (order == Order::Start) == unit.pid.is_none(),
        };
        Self {
            name: name.to_owned(),
            title: title.to_owned(),
            pid: unit.pid,
            buttons: if is_refused { Vec::new() } else { Order::ALL.map(button).into() },
            instead: match (is_refused, name) {
                (false, _) => "",
                (true, "helm") => "helm restart helm",
                (true, _) => "Runs elsewhere",
            },
        }
    }

    /// The order of this word, where it makes sense now.
    pub(super) fn fitting(&self, word: &str) -> Option<&Button> {
        self.buttons.iter().find(|button| button.fits && button.word == word)
    }
}

/// The titles of the services that do not work without another.
fn needed_by(registry: &Registry, name: &str) -> Vec<String> {
    let needs = |entry: &HelmEntry| {
        entry.service.dependencies.iter().chain(&entry.servers).any(|needed| needed == name)
    };
    registry.iter().filter(|(_, entry)| needs(entry)).map(|(_, entry)| entry.service.title.clone()).collect()
}

/// `POST /service/{service_name}/start`
pub async fn start(
    State(state): State<ServeState>,
    _: UserOnly,
    AuthorEvenInOutage(by): AuthorEvenInOutage,
    _: OwnForm,
    page: Page,
    Path(name): Path<String>,
) -> Result<Response> {
    ordered(&state, &by, &page, &name, "started", async |state| state.control.start(&name).await).await
}

/// `POST /service/{service_name}/stop`
pub async fn stop(
    State(state): State<ServeState>,
    _: UserOnly,
    AuthorEvenInOutage(by): AuthorEvenInOutage,
    _: OwnForm,
    page: Page,
    Path(name): Path<String>,
) -> Result<Response> {
    ordered(&state, &by, &page, &name, "stopped", async |state| state.control.stop(&name).await).await
}

/// `POST /service/{service_name}/restart`
pub async fn restart(
    State(state): State<ServeState>,
    _: UserOnly,
    AuthorEvenInOutage(by): AuthorEvenInOutage,
    _: OwnForm,
    page: Page,
    Path(name): Path<String>,
) -> Result<Response> {
    let work = async |state: &ServeState| state.control.restart(&name).await.start;
    ordered(&state, &by, &page, &name, "restarted", work).await
}

/// Carries an order out and says on the page what became of it. Helm does not stop itself.
async fn ordered(
    state: &ServeState,
    by: &str,
    page: &Page,
    name: &str,
    done: &str,
    work: impl AsyncFnOnce(&ServeState) -> Outcome,
) -> Result<Response> {
    if !state.control.knows(name) {
        return Err(not_found());
    }
    let back = format!("/service/{name}");
    if let Some(refusal) = state.control.refusal(name) {
        return Ok(redirect(page, &back, &Flash::new(Kind::Warning, refusal.message)));
    }
    let outcome = work(state).await;
    audit!(by, service = name, order = done, success = outcome.success, "service ordered on a page");
    let flash = if outcome.success {
        Flash::new(Kind::Success, format!("{} was {done}.", super::title(state, name)))
    } else {
        Flash::new(Kind::Error, outcome.message)
    };
    Ok(redirect(page, &back, &flash))
}
