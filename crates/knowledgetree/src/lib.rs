//! KnowledgeTree: what the team knows, as a graph.

pub mod domain;
