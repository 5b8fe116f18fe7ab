//! What a command that only reads definitions is run with.

use crate::{
    clock::Clock,
    job::{LoadContext, Overrides},
};

/// What a command is run with: everything it may know of the outside.
#[derive(Clone, Copy)]
pub struct Setting<'a> {
    /// Looks up an environment variable.
    pub environment: &'a dyn Fn(&str) -> Option<String>,
    /// What flags and variables say instead of the files.
    pub overrides: &'a Overrides,
    /// The time.
    pub clock: &'a dyn Clock,
    /// Where the output goes.
    pub screen: Screen,
}

/// Where the output goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Screen {
    /// To a person.
    Terminal {
        /// Whether colours are wanted.
        color: bool,
    },
    /// To a file or another program.
    Pipe,
}

impl Setting<'_> {
    /// What a load of definitions needs.
    #[must_use]
    pub fn load_context(&self) -> LoadContext<'_> {
        LoadContext { environment: self.environment, overrides: self.overrides, now: self.clock.now() }
    }
}
