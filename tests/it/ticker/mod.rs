//! The pulse and the pump.

mod engine;
mod pump;
mod week;
mod year;
