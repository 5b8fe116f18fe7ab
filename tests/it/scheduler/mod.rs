//! Tests of this room. The decisions are driven by events, with a ledger in memory; the loop runs in this process, with a
//! ledger in a file and an app on a port of its own.

mod decisions;
