//! What the sidecar shows to apps so that they know who asks: where it comes from, what it is now, and what must never be
//! seen of it.
//!
//! [`Config`] says where it comes from, [`Credentials`] holds what was loaded. [`Credentials::show`] gives what one
//! request carries: the shared secret, the token of a file, or a token minted for its run. It touches no disk once
//! something was read; after an app answered 401, [`Credentials::another`] looks at the file again (seed D3).

mod config;
mod ed25519;
mod error;
mod holder;
mod kept;
mod published;
mod run_token;
mod shared;
mod signing;
mod token_file;

pub use config::{Config, ConfigError, JWT_SECRETS, JWT_SECRETS_FILE, SIGNING_KEY_FILE, TOKEN, TOKEN_FILE};
pub use ed25519::{Ed25519Keys, PublicKeys};
pub use error::{CredentialError, KeyError, TokenError, TokenFault};
pub use holder::{Credentials, Shown};
pub use run_token::{DATED_BACK, Errand, LEEWAY};
pub use token_file::{Token, judge_token};
