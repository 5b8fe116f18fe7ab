//! Tests of this room. One file per subject; add `mod` lines here.

mod addresses;
mod door;
mod stretch;
