//! Tests of the one reader of the time, and of the one reader of randomness.

mod entropy;
mod system;
mod virtual_clock;
