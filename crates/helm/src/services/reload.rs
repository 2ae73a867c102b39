//! Takes changed settings up while the suite runs: the next start of a service uses what its sources say then.

use std::{
    collections::BTreeSet,
    sync::{Arc, Mutex, PoisonError},
};

use anyhow::{Context, Result};
use tokio::sync::{Mutex as AsyncMutex, MutexGuard};

use crate::{
    control::protocol::Outdated,
    domain::operator::Operator,
    instance::{Layout, operator, options::Given},
    services::board::StatusBoard,
    suite::{self, Prepared},
    supervisor::Supervisor,
};

struct Inner {
    layout: Layout,
    supervisor: Supervisor,
    board: StatusBoard,
    shell: Mutex<Operator>,
    /// Held from reading settings until they are handed on, so that older ones never come after newer ones.
    turn: AsyncMutex<()>,
}

/// Reads the settings of a running suite anew. Cheap to clone.
#[derive(Clone)]
pub struct Reloader(Arc<Inner>);

impl Reloader {
    /// For a suite whose `helm up` had these variables.
    #[must_use]
    pub fn new(layout: Layout, supervisor: Supervisor, board: StatusBoard, shell: Operator) -> Self {
        Self(Arc::new(Inner {
            layout,
            supervisor,
            board,
            shell: Mutex::new(shell),
            turn: AsyncMutex::default(),
        }))
    }

    /// Another `helm up`, with variables of its own. One that is missing there is not taken back: it may come from another
    /// shell. What was a line of the settings file is not among them, so a removed line is gone.
    ///
    /// # Errors
    /// When the note for commands and for the next daemon cannot be written; this one has learned them all the same.
    pub async fn learn(&self, shell: Operator) -> Result<()> {
        let _turn = self.turn().await;
        let known = {
            let mut known = self.0.shell.lock().unwrap_or_else(PoisonError::into_inner);
            *known = shell.over(std::mem::take(&mut known));
            known.clone()
        };
        let layout = self.0.layout.clone();
        let remembered = tokio::task::spawn_blocking(move || operator::remember(&layout, &known));
        remembered.await.context("the note was not written")?
    }

    /// What the operator has set: the lines of the settings file as they are now, under the variables of the shells.
    ///
    /// # Errors
    /// When the file cannot be read, or others could read it.
    pub fn operator(&self) -> Result<Operator> {
        let shell = self.0.shell.lock().unwrap_or_else(PoisonError::into_inner).clone();
        operator::of_shells(shell, &self.0.layout)
    }

    /// Waits until nobody else hands settings on.
    pub async fn turn(&self) -> MutexGuard<'_, ()> {
        self.0.turn.lock().await
    }

    /// Prepares the instance as it should be now.
    /// Whoever uses it to change what runs holds the [turn](Reloader::turn).
    ///
    /// # Errors
    /// In words, naming the part that failed.
    pub async fn prepare(&self, given: Given) -> Result<Prepared> {
        let own = self.clone();
        let prepared = tokio::task::spawn_blocking(move || {
            let operator = own.operator()?;
            suite::prepare(&own.0.layout, &given, &operator)
        });
        prepared.await.context("the instance was not prepared")?
    }

    /// Hands the services their settings for the next start. Returns those that run with other ones.
    ///
    /// # Errors
    /// As [`Reloader::prepare`]; everything stays as it was then.
    pub async fn reload(&self) -> Result<Vec<Outdated>> {
        let _turn = self.turn().await;
        let prepared = self.prepare(Given::default()).await?;
        for warning in &prepared.warnings {
            tracing::warn!("{warning}");
        }
        self.0.board.set_registry(prepared.registry);
        self.0.board.set_keycloak(prepared.keycloak);
        let outdated = self.0.supervisor.respec(prepared.units).await;
        Ok(outdated.into_iter().map(|name| self.differences(name)).collect())
    }

    fn differences(&self, name: String) -> Outdated {
        let running = self.0.supervisor.board().state(&name).and_then(|state| state.identity);
        let running = running.and_then(|identity| identity.environment()).unwrap_or_default();
        let wanted = self.0.supervisor.spec(&name).map(|spec| spec.env).unwrap_or_default();
        let names: BTreeSet<&String> = running.keys().chain(wanted.keys()).collect();
        let differs = |name: &&String| running.get(*name) != wanted.get(*name);
        let variables = names.into_iter().filter(differs).cloned().collect();
        Outdated { name, variables }
    }
}
