//! The pulse and the pump.

mod pump;
mod week;
mod year;
