//! Addresses of people.

use std::fmt;

use crate::protocol::identity::{RESERVED_DOMAIN, is_reserved};

/// A person's address: ASCII, lower case, and not of the reserved domain.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Email(String);

/// Why a text is no person's address.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum EmailError {
    #[error("`email` is no address: write it like name@example.org, in ASCII, 254 characters at most.")]
    Invalid,
    /// Seeds B5 and B13.
    #[error("Addresses of {RESERVED_DOMAIN} are reserved: nobody can register or log in with one.")]
    Reserved,
}

impl Email {
    /// Normalises and judges. Only ASCII is taken, so nothing that merely looks like the reserved domain passes.
    pub(super) fn parse(text: &str) -> Result<Self, EmailError> {
        let text = text.trim().to_ascii_lowercase();
        let visible = text.bytes().all(|byte| matches!(byte, 0x21..=0x7e));
        let (local, domain) = text.split_once('@').ok_or(EmailError::Invalid)?;
        if text.len() > 254 || !visible || local.is_empty() || domain.contains('@') || !is_domain(domain) {
            return Err(EmailError::Invalid);
        }
        if is_reserved(&text) {
            return Err(EmailError::Reserved);
        }
        Ok(Self(text))
    }

    pub(super) fn as_str(&self) -> &str {
        &self.0
    }

    /// The part before the `@`, for want of a better name.
    pub(super) fn local_part(&self) -> &str {
        self.0.split('@').next().unwrap_or_default()
    }
}

fn is_domain(text: &str) -> bool {
    let labels = text.strip_suffix('.').unwrap_or(text).split('.');
    labels.into_iter().all(|label| !label.is_empty() && label.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-'))
}

impl fmt::Display for Email {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test that cannot go on panics")]
mod tests {
    use super::{Email, EmailError};

    #[test]
    fn an_address_is_trimmed_and_lower_case() {
        assert_eq!(Email::parse(" Ada@Example.org ").unwrap().as_str(), "ada@example.org");
        for bad in ["", "ada", "@example.org", "ada@", "a b@example.org", "a@b@c", "ada@exämple.org", "ada@x..y"] {
            assert_eq!(Email::parse(bad), Err(EmailError::Invalid), "{bad}");
        }
    }

    /// Seed B13: in whatever spelling.
    #[test]
    fn the_reserved_domain_is_nobodys() {
        for reserved in ["scheduler@system.local", "Scheduler@SYSTEM.Local", "x@system.local.", "x@sub.system.local"] {
            assert_eq!(Email::parse(reserved), Err(EmailError::Reserved), "{reserved}");
        }
        assert!(Email::parse("ada@notsystem.local").is_ok());
    }
}
