//! `examples/fastapi`, run by uvicorn, and a real sidecar against it.
//!
//! Machines without Python skip these (`SEXTON_REQUIRE=python`: fail). What `requirements.txt` asks for is installed once
//! and kept.

mod doctor;
mod example;
mod forged;
mod once;
mod python;
mod secret;
mod sidecar;

use example::Example;

use crate::support::require;

/// The part's name in `SEXTON_REQUIRE`.
const PART: &str = "python";

/// The example, running; `None`, and that is said loudly, where there is no Python.
async fn example() -> Option<Example> {
    match python::installed().await {
        Ok(python) => Some(Example::start(&python).await),
        Err(why) => {
            require::skip(PART, &why);
            None
        }
    }
}
