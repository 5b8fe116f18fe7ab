//! What the ledger is asked for, of several runs at once.

use super::{Effect, Write};
use crate::{
    run::RunId,
    store::{Begin, End},
};

/// What is to be written of runs that were looked at.
#[derive(Debug, Default)]
pub(super) struct Writes {
    pub(super) begins: Vec<Begin>,
    pub(super) queues: Vec<RunId>,
    pub(super) ends: Vec<End>,
    /// What else follows: apps that are asked, attempts that end.
    pub(super) others: Vec<Effect>,
}

impl Writes {
    /// Ends come first: one that ends may make room for another one.
    pub(super) fn push(self, effects: &mut Vec<Effect>) {
        if !self.ends.is_empty() {
            effects.push(Effect::Write(Write::End(self.ends)));
        }
        if !self.queues.is_empty() {
            effects.push(Effect::Write(Write::Queue(self.queues)));
        }
        if !self.begins.is_empty() {
            effects.push(Effect::Write(Write::Begin(self.begins)));
        }
        effects.extend(self.others);
    }
}

pub(super) fn push_writes(begins: Vec<Begin>, ends: Vec<End>, effects: &mut Vec<Effect>) {
    Writes { begins, ends, ..Writes::default() }.push(effects);
}
