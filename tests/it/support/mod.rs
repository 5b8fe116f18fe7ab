//! What several rooms' tests need.

pub(crate) mod app;
pub(crate) mod definitions;
pub(crate) mod docker;
pub(crate) mod http;
pub(crate) mod logs;
pub(crate) mod memory;
pub(crate) mod origin;
pub(crate) mod process;
pub(crate) mod require;
pub(crate) mod sidecar;
pub(crate) mod simulation;
pub(crate) mod world;
