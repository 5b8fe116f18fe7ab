//! What the sidecar and the app share on the wire: names of headers and identities, and the form of an error.

pub mod header;
pub mod identity;
mod problem;

pub use problem::Problem;
