//! Where the tree is kept. [`KnowledgeStore`] is the contract; [`neo4j`] and [`postgres`] keep it, with the same answers to the same
//! calls. One suite of tests (`tests/contract`) holds both to it.

mod contract;
mod error;
mod health;
pub mod neo4j;
mod open;
pub mod postgres;
mod retry;
mod rules;
mod trail;

pub use self::{
    contract::{KnowledgeStore, StoreKind},
    error::{Entity, Result, StoreError},
    health::health,
    open::{MIGRATOR, open},
};
