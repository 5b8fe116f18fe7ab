//! `jobs.toml`: the model of a definition, loading and validation.

mod model;
mod name;

pub use model::{
    Auth, Body, CatchUp, Definitions, ExpectedStatus, HeaderText, Job, Overlap, Settings, StatusClass, Target,
};
pub use name::{JobName, NameError};
