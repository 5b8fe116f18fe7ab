//! Everything that the sidecar can show.

use std::{collections::BTreeMap, path::Path, sync::Arc, time::Duration};

use chrono::{DateTime, Utc};
use serde::Serialize;
use tokio::sync::watch;

use super::{
    Config, CredentialError, Errand, PublicKeys, Token,
    config::{SharedSource, SigningSource},
    kept::Kept,
    run_token,
    signing::SigningKeys,
    token_file::TokenFile,
};
use crate::{
    entropy::Entropy,
    job::Auth,
    secret::{Secret, SharedSecrets},
};

/// How old the reading of the signing keys may be when an app asks for the public halves.
const PUBLIC_FRESH: Duration = Duration::from_secs(1);

/// Everything that the sidecar can show. What turns bad while running changes nothing but [`Credentials::troubles`]: the
/// last good one is kept.
#[derive(Debug)]
pub struct Credentials {
    shared: Kept<SharedSource>,
    signing: Kept<SigningSource>,
    /// By path; one that no target ever asked for is not there.
    token_files: watch::Sender<BTreeMap<Box<Path>, Arc<Kept<TokenFile>>>>,
}

/// What one request shows.
#[derive(Debug)]
pub struct Shown {
    secret: Secret,
    origin: Origin,
}

/// What it was taken from or signed with.
#[derive(Debug)]
enum Origin {
    Shared(Arc<SharedSecrets>),
    TokenFile(Arc<Kept<TokenFile>>, Arc<Token>),
    /// With the name of the key.
    RunToken(Arc<SigningKeys>, Option<Box<str>>),
}

impl Shown {
    /// The value, for the request that carries it.
    #[must_use]
    pub fn secret(&self) -> &Secret {
        &self.secret
    }

    /// The name of the key that signed it.
    fn kid(&self) -> Option<&str> {
        match &self.origin {
            Origin::RunToken(_, kid) => kid.as_deref(),
            Origin::Shared(_) | Origin::TokenFile(..) => None,
        }
    }

    /// What of it must not be seen: all of it, and the signature of a token by itself, for the rest of a token can be
    /// guessed.
    pub fn hidden(&self) -> impl Iterator<Item = &str> {
        let signature = match self.origin {
            Origin::RunToken(..) => self.secret.expose().rsplit('.').next(),
            Origin::Shared(_) | Origin::TokenFile(..) => None,
        };
        std::iter::once(self.secret.expose()).chain(signature)
    }
}

impl Credentials {
    /// Loads what `config` names. Whether having nothing usable matters is the caller's to say: see [`Self::ready_for`].
    #[must_use]
    pub fn load(config: Config) -> Self {
        let Config { shared, signing } = config;
        let token_files = watch::Sender::new(BTreeMap::new());
        Self { shared: Kept::load(shared), signing: Kept::load(signing), token_files }
    }

    /// The shared secrets in force; the first of them is the one to send.
    ///
    /// # Errors
    /// There never was a usable one: why.
    pub fn current(&self) -> Result<Arc<SharedSecrets>, CredentialError> {
        self.shared.current().ok_or_else(|| self.shared.trouble().unwrap_or(CredentialError::Unset))
    }

    /// Whether there is something to show to a target of this kind, at the start. A token file may come later: somebody
    /// else writes it (seed D1).
    ///
    /// # Errors
    /// There is not: why.
    pub fn ready_for(&self, auth: &Auth) -> Result<(), CredentialError> {
        match auth {
            Auth::None | Auth::TokenFile { .. } => Ok(()),
            Auth::SharedSecret { .. } => self.current().map(drop),
            Auth::RunToken(_) => self.signing_in_force().map(drop),
        }
    }

    /// What a request with this `auth` carries; `None` when it is to carry nothing. A run token is minted here and now
    /// for `errand`. Touches no disk but while there is nothing to show yet.
    ///
    /// # Errors
    /// There is nothing to show.
    pub async fn show(
        &self,
        auth: &Auth,
        errand: &Errand<'_>,
        now: DateTime<Utc>,
        entropy: Entropy,
    ) -> Result<Option<Shown>, CredentialError> {
        self.show_after(None, auth, errand, now, entropy).await
    }

    /// The same after the app refused something. While a key rotates, an app may know one of the keys only: a token is
    /// signed with another one then.
    ///
    /// # Errors
    /// There is nothing to show.
    pub async fn show_after(
        &self,
        refused: Option<&Shown>,
        auth: &Auth,
        errand: &Errand<'_>,
        now: DateTime<Utc>,
        entropy: Entropy,
    ) -> Result<Option<Shown>, CredentialError> {
        let shown = match auth {
            Auth::None => return Ok(None),
            Auth::SharedSecret { .. } => {
                let secrets = self.shared.obtain().await?;
                Shown { secret: secrets.current().clone(), origin: Origin::Shared(secrets) }
            }
            Auth::TokenFile { path, .. } => {
                let file = self.token_file(path);
                let token = file.obtain().await?;
                Shown { secret: token.secret().clone(), origin: Origin::TokenFile(file, token) }
            }
            Auth::RunToken(tokens) => {
                let keys = self.signing.obtain().await?;
                let kid: Option<Box<str>> = keys.kid(refused.and_then(Shown::kid)).map(Into::into);
                let secret = run_token::mint(&keys, kid.as_deref(), tokens, errand, now, entropy)?;
                Shown { secret, origin: Origin::RunToken(keys, kid) }
            }
        };
        Ok(Some(shown))
    }

    /// Signs claims of any kind with the newest key of run tokens: they may hold longer than the others.
    ///
    /// # Errors
    /// There is no such key.
    pub fn sign(&self, claims: &impl Serialize) -> Result<Secret, CredentialError> {
        self.signing_in_force()?.sign(None, claims)
    }

    /// The public halves of the signing keys, as they were loaded.
    ///
    /// # Errors
    /// There are no keys.
    pub fn signing_keys(&self) -> Result<PublicKeys, CredentialError> {
        self.signing_in_force().map(|keys| keys.public())
    }

    fn signing_in_force(&self) -> Result<Arc<SigningKeys>, CredentialError> {
        self.signing.current().ok_or_else(|| self.signing.trouble().unwrap_or(CredentialError::NoKey))
    }

    /// Looks at the file again because an app refused `shown`. Whether there is something else to show now: only then is
    /// sending again any use (seed D3). What comes from a variable never changes.
    ///
    /// A file that cannot be used keeps the last good value (seed D4) and is logged once per kind of trouble.
    pub async fn another(&self, shown: &Shown) -> bool {
        match &shown.origin {
            Origin::Shared(secrets) => self.shared.reread(secrets).await,
            Origin::TokenFile(file, token) => file.reread(token).await,
            Origin::RunToken(keys, kid) => {
                let has_changed = self.signing.reread(keys).await;
                let now = self.signing.current();
                kid.as_deref().map_or(has_changed, |kid| now.is_some_and(|keys| keys.has_another_than(kid)))
            }
        }
    }

    /// The public halves of the signing keys, read again at most once a second. A new key signs 40 s after it was read,
    /// whoever asked: until then apps that fetched the keys before may meet none of its tokens.
    pub async fn public_keys(&self) -> PublicKeys {
        self.signing.refresh(PUBLIC_FRESH).await;
        self.signing.current().map(|keys| keys.public()).unwrap_or_default()
    }

    /// What was wrong with the newest reading of whatever targets of these kinds need. With something in force these are
    /// a degraded state.
    pub fn troubles<'a>(&self, auths: impl IntoIterator<Item = &'a Auth>) -> Vec<CredentialError> {
        let (mut shared, mut signing, mut files) = (None, None, BTreeMap::new());
        for auth in auths {
            match auth {
                Auth::None => {}
                Auth::SharedSecret { .. } => shared = self.shared.trouble(),
                Auth::RunToken(_) => signing = self.signing.trouble(),
                Auth::TokenFile { path, .. } => {
                    let file = self.token_files.borrow().get(path.as_path()).cloned();
                    files.insert(path, file.and_then(|file| file.trouble()));
                }
            }
        }
        shared.into_iter().chain(signing).chain(files.into_values().flatten()).collect()
    }

    /// Every secret that is or lately was in force: nothing that leaves the process may hold one (guarantee G5).
    #[must_use]
    pub fn known(&self) -> Vec<Secret> {
        let files: Vec<_> = self.token_files.borrow().values().cloned().collect();
        let of_files = files.iter().flat_map(|file| file.known());
        self.shared.known().into_iter().chain(self.signing.known()).chain(of_files).collect()
    }

    fn token_file(&self, path: &Path) -> Arc<Kept<TokenFile>> {
        let known = self.token_files.borrow().get(path).cloned();
        known.unwrap_or_else(|| {
            let new = Arc::new(Kept::unread(TokenFile(path.to_owned())));
            let mut file = Arc::clone(&new);
            // Somebody else may have been faster; theirs counts.
            self.token_files.send_modify(|files| file = Arc::clone(files.entry(path.into()).or_insert(new)));
            file
        })
    }
}
