//! Tokens that somebody signed: verified, and turned into what they allow.

mod config;
mod fetched;
mod grant;
mod issuer;
mod keys;
mod refusal;
mod verifier;

pub use config::{VerifierConfig, VerifierError};
pub use grant::{ADMIN_SCOPE, Grant};
pub use issuer::{Issuer, Wanted};
pub use keys::KeysError;
pub use refusal::Refusal;
pub use verifier::Verifier;
