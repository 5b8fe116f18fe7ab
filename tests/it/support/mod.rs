//! What several rooms' tests need.
