//! `jobs.toml`: the model of a definition, loading and validation.
//!
//! [`load`] reads a file (and `jobs.d/*.toml` next to it), [`load_sources`] checks texts that are already read. Either
//! gives [`Definitions`] in which every default is filled in, or a [`Report`] of everything that is wrong, each
//! [`Finding`] with file, line, column, the offending text and the likely fix.

mod address;
mod assemble;
mod attachment;
mod completion;
mod context;
mod doubts;
mod draft;
mod duration;
pub mod edit;
mod expect;
mod files;
mod finding;
mod group;
mod hash;
mod headers;
pub mod import;
mod in_force;
mod keys;
mod load;
mod model;
mod name;
mod payload;
mod pointer;
mod policy;
mod reader;
mod render;
mod retry;
mod schema;
mod scopes;
mod settings;
mod source;
mod status;
mod suggest;
mod syntax;
mod target;
mod timing;
mod watch;
mod wire;

pub use attachment::Attachment;
pub use context::{LoadContext, Overrides};
pub use duration::{DurationError, format_duration, parse_duration};
pub use files::read_sources;
pub use finding::{Finding, Report, Severity};
pub use in_force::InForce;
pub use load::{Loaded, load, load_sources};
pub use model::{Auth, Body, Definitions, HeaderText, History, Job, RunTokens, Settings, Target};
pub use name::{JobName, NameError};
pub use policy::{
    Call, CatchUp, Completion, Expect, ExpectedStatus, GATEWAY_STATUSES, Group, Overlap, Poll, PollUrl, Retry, RetryOn,
    StatusClass,
};
pub use render::render;
pub use schema::schema;
pub use settings::{settings_count, settings_duration, settings_issuer, settings_zone};
pub use source::{Place, Position, Source, fingerprint};
pub use suggest::nearest;
pub use watch::{FileWatch, LOOK, off_the_workers};
pub use wire::{ClientIdentity, Wire};
