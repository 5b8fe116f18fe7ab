//! Tests of this room. One file per subject; add `mod` lines here.

mod rotate_command;
mod rotation;
mod secret_command;
mod shared_secret;
