//! What several rooms' tests need.

pub(crate) mod definitions;
pub(crate) mod memory;
pub(crate) mod world;
