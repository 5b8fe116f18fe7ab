//! `/api/auth/…`

mod login;
mod register;
pub(super) mod signed;
mod tokens;
