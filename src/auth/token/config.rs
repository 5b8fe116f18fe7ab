//! What the app is told about tokens.

use std::{collections::BTreeMap, ffi::OsString, fmt, path::PathBuf};

use super::{
    Issuer, KeysError,
    fetched::{Fetch, fetch},
};
use crate::{
    protocol::{TokenClass, UnknownClass},
    secret::{SecretError, SecretSource, SharedSecrets},
};

/// The variable with the path of a JWK Set: the keys of run tokens, pinned.
const JWKS_FILE: &str = "SEXTON_JWKS_FILE";
/// The variable with the classes of tokens that those keys may sign, parted by commas: all, unless it is set.
const JWKS_CLASSES: &str = "SEXTON_JWKS_CLASSES";
/// The variable with the secrets of tokens under HS256, as the sidecar has it too.
const JWT_SECRETS: &str = "SEXTON_JWT_SECRETS";
/// The variable with the path of a file of such secrets.
const JWT_SECRETS_FILE: &str = "SEXTON_JWT_SECRETS_FILE";
/// The variable with the issuers whose tokens are taken, parted by commas.
const ISSUER: &str = "SEXTON_ISSUER";
/// The variable with the app's names in `aud`, parted by commas.
const AUDIENCE: &str = "SEXTON_AUDIENCE";

/// Which tokens are taken.
#[derive(Debug, Clone)]
pub struct VerifierConfig {
    pub(super) issuers: Vec<String>,
    pub(super) audiences: Vec<String>,
    pub(super) secrets: Option<SecretsFrom>,
    pub(super) public: Option<PublicFrom>,
    /// What the public keys may sign.
    pub(super) public_classes: Vec<TokenClass>,
    pub(super) bundles: BTreeMap<String, Vec<String>>,
}

#[derive(Debug, Clone)]
pub(super) enum SecretsFrom {
    Fixed(SharedSecrets),
    File(PathBuf),
}

#[derive(Clone)]
pub(super) enum PublicFrom {
    File(PathBuf),
    Fetched(Fetch),
}

impl fmt::Debug for PublicFrom {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::File(path) => f.debug_tuple("File").field(path).finish(),
            Self::Fetched(_) => f.write_str("Fetched"),
        }
    }
}

/// Why tokens cannot be verified. It stops the app's start: half a configuration would refuse everybody, or worse.
#[derive(Debug, thiserror::Error)]
pub enum VerifierError {
    /// Neither secrets nor public keys.
    #[error("there is no key to verify tokens with: set {JWKS_FILE}, {JWT_SECRETS} or {JWT_SECRETS_FILE}")]
    NoKeys,
    /// There are keys, and one of the other variables is not set.
    #[error("tokens are to be verified, and {0} is not set: a token of anybody's, or for any app, would pass")]
    Unset(&'static str),
    /// No class has such a name.
    #[error("{JWKS_CLASSES}: {0}")]
    Classes(#[from] UnknownClass),
    /// Two variables say where the secrets are.
    #[error(
        "{JWT_SECRETS} and {JWT_SECRETS_FILE} are both set, and nobody could say which one counts: unset one of them"
    )]
    TwoSecrets,
    /// The secrets are of no use.
    #[error(transparent)]
    Secrets(#[from] SecretError),
    /// The public keys are of no use.
    #[error(transparent)]
    Keys(#[from] KeysError),
}

impl VerifierConfig {
    /// Tokens of `issuer` for `audience`. Without keys nothing verifies: add some.
    #[must_use]
    pub fn new(issuer: impl Into<String>, audience: impl Into<String>) -> Self {
        let (issuers, audiences) = (vec![issuer.into()], vec![audience.into()]);
        Self {
            issuers,
            audiences,
            secrets: None,
            public: None,
            public_classes: TokenClass::ALL.to_vec(),
            bundles: BTreeMap::new(),
        }
    }

    /// The variables `SEXTON_JWKS_FILE` (a pinned JWK Set, for EdDSA) and `SEXTON_JWKS_CLASSES` (what its keys may sign, such
    /// as `run`), `SEXTON_JWT_SECRETS` or `SEXTON_JWT_SECRETS_FILE` (for HS256), `SEXTON_ISSUER` and `SEXTON_AUDIENCE`, looked
    /// up by name; a blank one counts as unset. `None` without any keys: tokens are nobody's then.
    ///
    /// # Errors
    /// Keys without an issuer or an audience, a class that there is not, or secrets that are of no use.
    pub fn from_lookup(lookup: impl Fn(&str) -> Option<OsString>) -> Result<Option<Self>, VerifierError> {
        let set = |name| lookup(name).filter(|value| !value.to_string_lossy().trim().is_empty());
        let public = set(JWKS_FILE).map(|path| PublicFrom::File(path.into()));
        let secrets = match (set(JWT_SECRETS), set(JWT_SECRETS_FILE)) {
            (Some(_), Some(_)) => return Err(VerifierError::TwoSecrets),
            (Some(list), None) => {
                let source = SecretSource::Variable(JWT_SECRETS.to_owned());
                Some(SecretsFrom::Fixed(SharedSecrets::from_list(source, &list.to_string_lossy())?))
            }
            (None, path) => path.map(|path| SecretsFrom::File(path.into())),
        };
        if public.is_none() && secrets.is_none() {
            return Ok(None);
        }
        let names = |name: &'static str| {
            let text = set(name).ok_or(VerifierError::Unset(name))?;
            let names = text.to_string_lossy();
            let names = names.split(',').map(str::trim).filter(|name| !name.is_empty());
            let names: Vec<String> = names.map(str::to_owned).collect();
            if names.is_empty() { Err(VerifierError::Unset(name)) } else { Ok(names) }
        };
        let (issuers, audiences) = (names(ISSUER)?, names(AUDIENCE)?);
        let public_classes = TokenClass::ALL.to_vec();
        let config = Self { issuers, audiences, secrets, public, public_classes, bundles: BTreeMap::new() };
        let Some(classes) = set(JWKS_CLASSES) else { return Ok(Some(config)) };
        let classes = classes.to_string_lossy();
        let classes: Vec<TokenClass> =
            classes.split(',').map(|class| class.trim().parse()).collect::<Result<_, _>>()?;
        Ok(Some(config.with_jwks_classes(&classes)))
    }

    /// Issues tokens that a verifier of this configuration takes: in the name of the first issuer, for the first audience,
    /// under HS256. `None` without secrets for it. A file of secrets is read now.
    ///
    /// # Errors
    /// The file is of no use.
    pub fn issuer(&self) -> Result<Option<Issuer>, SecretError> {
        let secrets = match &self.secrets {
            None => return Ok(None),
            Some(SecretsFrom::Fixed(secrets)) => secrets.clone(),
            Some(SecretsFrom::File(path)) => SharedSecrets::from_file(path)?,
        };
        let names = self.issuers.first().zip(self.audiences.first());
        Ok(names.map(|(issuer, audience)| Issuer::new(issuer, audience, secrets)))
    }

    /// Takes tokens under HS256, signed with any of these secrets.
    #[must_use]
    pub fn with_secrets(self, secrets: SharedSecrets) -> Self {
        Self { secrets: Some(SecretsFrom::Fixed(secrets)), ..self }
    }

    /// Takes tokens under HS256, signed with any of the secrets in a file, one a line, which is read again when it changes.
    #[must_use]
    pub fn with_secrets_file(self, path: impl Into<PathBuf>) -> Self {
        Self { secrets: Some(SecretsFrom::File(path.into())), ..self }
    }

    /// Takes tokens under EdDSA, signed with a key of this JWK Set, which is read again when it changes.
    #[must_use]
    pub fn with_jwks_file(self, path: impl Into<PathBuf>) -> Self {
        Self { public: Some(PublicFrom::File(path.into())), ..self }
    }

    /// Takes tokens under EdDSA, signed with a key of the JWK Set that `fetch` gets, as text. It is asked every five
    /// minutes while tokens come, and for a key that is not known, but never twice within ten seconds.
    #[must_use]
    pub fn with_jwks<F, A, E>(self, fetch_text: F) -> Self
    where
        F: Fn() -> A + Send + Sync + 'static,
        A: Future<Output = Result<String, E>> + Send + 'static,
        E: fmt::Display,
    {
        Self { public: Some(PublicFrom::Fetched(fetch(fetch_text))), ..self }
    }

    /// Takes of tokens under EdDSA those of these classes only: `run`, where the keys are the sidecar's.
    #[must_use]
    pub fn with_jwks_classes(self, classes: &[TokenClass]) -> Self {
        Self { public_classes: classes.to_vec(), ..self }
    }

    /// A service token of `group` has these scopes besides its own (seed C2).
    #[must_use]
    pub fn with_bundle(mut self, group: impl Into<String>, scopes: &[&str]) -> Self {
        self.bundles.insert(group.into(), scopes.iter().map(|scope| (*scope).to_owned()).collect());
        self
    }
}
