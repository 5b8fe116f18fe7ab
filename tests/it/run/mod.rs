//! Tests of this room. One file per subject; add `mod` lines here.

mod ids;
mod transitions;
mod words;
