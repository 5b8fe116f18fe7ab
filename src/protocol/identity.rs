//! The reserved identity that the shared secret stands for (seed A4).

/// The synthetic admin's address. Nobody can register it, log in as it or be renamed to it (seeds B5 and B13).
pub const SCHEDULER_EMAIL: &str = "scheduler@system.local";
/// The synthetic admin's display name.
pub const SCHEDULER_NAME: &str = "Scheduler";
/// The group whose members pass admin checks.
pub const ADMIN_GROUP: &str = "Admin";
/// How the scheduler's membership came about; lets an operator tell it from one that a person granted.
pub const SEED_PROVENANCE: &str = "system_seed";
/// The domain reserved for synthetic identities.
pub const RESERVED_DOMAIN: &str = "system.local";

/// Whether a subject or an address is of the reserved domain, in whatever spelling.
#[must_use]
pub fn is_reserved(name: &str) -> bool {
    let name = name.trim().trim_end_matches('.').to_ascii_lowercase();
    let domain = name.rsplit_once('@').map_or(name.as_str(), |(_, domain)| domain);
    domain == RESERVED_DOMAIN || domain.strip_suffix(RESERVED_DOMAIN).is_some_and(|sub| sub.ends_with('.'))
}
