//! The pulse and the pump.

mod week;
