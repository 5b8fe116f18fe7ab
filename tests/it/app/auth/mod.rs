//! `/api/auth/…`

mod login;
mod register;
mod tokens;
