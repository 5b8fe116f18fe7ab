//! For an app that is one process and keeps nothing.

use std::{
    collections::BTreeMap,
    convert::Infallible,
    sync::{Arc, Mutex, PoisonError},
};

use chrono::{DateTime, Utc};

use super::{Revocation, Revocations, Revoked};

/// Revocations of one process, forgotten when it ends. Clones share them.
#[derive(Debug, Clone, Default)]
pub struct InMemoryRevocations(Arc<Mutex<BTreeMap<String, Revocation>>>);

impl Revocations for InMemoryRevocations {
    type Error = Infallible;

    async fn in_force(&self, now: DateTime<Utc>) -> Result<Vec<Revocation>, Infallible> {
        let mut kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        kept.retain(|_, entry| entry.until > now);
        Ok(kept.values().cloned().collect())
    }

    async fn revoke(&self, revocation: Revocation) -> Result<(), Infallible> {
        let key = match &revocation.revoked {
            Revoked::Token(jti) => format!("token {jti}"),
            Revoked::Subject { subject, .. } => format!("subject {subject}"),
        };
        let mut kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        // A later instant of a subject has the later end too.
        if kept.get(&key).is_none_or(|before| before.until <= revocation.until) {
            kept.insert(key, revocation);
        }
        Ok(())
    }
}
