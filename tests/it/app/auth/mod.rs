//! `/api/auth/…`

mod login;
mod register;
pub(super) mod signed;
mod table;
mod tokens;
