//! Tests of this room. `conformance` holds for every store; `sqlite` runs it and adds what only a file can do.

mod conformance;
mod sqlite;
