//! Seed A28: unset means the default; set to nothing, to garbage or to what makes no sense is an error that names the
//! variable.

use std::time::Duration;

use sexton::{
    admin::Address,
    config::{self, Environment, LogConfig, LogFormat, RunConfig, RunFlags},
};

use crate::support::sidecar::SECRET;

fn overrides(variable: &str, value: &str) -> Result<sexton::job::Overrides, String> {
    config::overrides(&Environment::from([(variable, value)])).map_err(|error| error.to_string())
}

fn run(variables: &[(&str, &str)]) -> Result<RunConfig, String> {
    let pairs = variables.iter().fold(Environment::default(), |all, (name, value)| all.with(name, value));
    RunConfig::assemble(RunFlags::default(), &pairs).map_err(|error| error.to_string())
}
