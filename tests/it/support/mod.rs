//! What several rooms' tests need.

pub(crate) mod app;
pub(crate) mod http;
pub(crate) mod logs;
pub(crate) mod origin;
