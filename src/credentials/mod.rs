//! The secret that the sidecar sends: where it comes from, what it is now, and what must never be seen of it.
//!
//! [`Config`] says where it comes from, [`Credentials`] holds what was loaded. Reading the current secret touches no
//! disk; after an app answered 401, [`Credentials::reread`] looks at the file again (seed D3).

mod config;
mod holder;

pub use config::{Config, ConfigError, TOKEN, TOKEN_FILE};
pub use holder::{CredentialError, Credentials};
