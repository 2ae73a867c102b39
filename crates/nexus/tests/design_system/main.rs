//! The design system (nexus.md, "Design system"): its names are a contract, its colours can be read, its sheet stays small.

#![cfg(test)]

#[path = "../../build/colors.rs"]
mod colors;
mod contrast;
mod fallback;
mod icons;
mod names;
mod sheet;
mod size;
