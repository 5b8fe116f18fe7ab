//! The program's commands, as a shell sees them.

mod cancel;
mod doctor;
mod healthcheck;
mod help;
mod log;
mod runs;
mod starting;
