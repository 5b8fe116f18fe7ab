//! Definitions from elsewhere as the text of a `jobs.toml`: a crontab, `vercel.json`, the environment of agnes.
//!
//! The text passes a check. What does not carry over stands in it as a comment, and in [`Imported::lost`]. A secret that is
//! found on the way is not written anywhere.

mod agnes;
mod call;
mod crontab;
mod curl;
mod dotenv;
mod file;
mod shell;
mod vercel;
mod wget;

use std::fmt;

pub use self::{agnes::agnes, crontab::crontab, vercel::vercel};

/// The text of a `jobs.toml`, and what is not in it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Imported {
    /// The file.
    pub text: String,
    /// What did not carry over.
    pub lost: Vec<Lost>,
}

/// Something that did not carry over. Its `Display` is one line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Lost {
    /// The line it stood on, from 1, where there is one.
    pub line: Option<usize>,
    /// What, and what to do about it. Never a secret.
    pub what: String,
}

impl fmt::Display for Lost {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.line {
            Some(line) => write!(f, "line {line}: {}", self.what),
            None => f.write_str(&self.what),
        }
    }
}

/// Why there is nothing to import.
#[derive(Debug, thiserror::Error)]
pub enum ImportError {
    /// `vercel.json` is no JSON.
    #[error("this is no JSON: {0}")]
    Json(#[from] serde_json::Error),
    /// It is JSON of another shape.
    #[error("{0}")]
    Shape(String),
    /// A variable with a value that agnes would not start with either (seed A28).
    #[error("line {line}: {name} {problem}")]
    Variable {
        /// The line it stands on.
        line: usize,
        /// Its name.
        name: String,
        /// What is wrong with its value.
        problem: String,
    },
}
