//! What the sidecar and the app share on the wire: names of headers and identities, what a run token says and how it is
//! signed, and the form of an error.

#[cfg(any(feature = "sidecar", feature = "auth"))]
mod claims;
#[cfg(any(feature = "sidecar", feature = "auth"))]
pub mod crypto;
pub mod header;
pub mod identity;
mod problem;
#[cfg(any(feature = "sidecar", feature = "auth"))]
mod token;

#[cfg(any(feature = "sidecar", feature = "auth"))]
pub use claims::{RUN_CLASS, RunClaims, WHOAMI_JOB};
pub use problem::{Invalid, Problem};
#[cfg(any(feature = "sidecar", feature = "auth"))]
pub use token::{Audience, Misfit, TokenClaims, TokenClass, UnknownClass};
