//! Verifying a token: signature, times, issuer, audience, what its class demands, revocation (seeds C1, C2 and C7).

use std::{collections::BTreeMap, fmt, pin::Pin, sync::Arc};

use jsonwebtoken::{Algorithm, DecodingKey, Validation, errors::ErrorKind};

use super::{
    Grant, Refusal, VerifierConfig, VerifierError,
    config::{PublicFrom, SecretsFrom},
    fetched::Fetched,
    keys::{KeysError, PublicKeys, Secrets},
};
use crate::{
    auth::{
        reread::Reread,
        revocation::{Denylist, LEEWAY, Revocations, Standing},
    },
    clock::SharedClock,
    protocol::{Problem, TokenClaims, TokenClass, crypto},
    secret::{SecretError, SharedSecrets},
};

/// The longest token that is looked at; servers take headers of 8 to 16 KiB.
const LONGEST: usize = 16 * 1024;

type Boxed<T> = Pin<Box<dyn Future<Output = T> + Send>>;
type Sessions = Arc<dyn Fn(Grant) -> Boxed<Result<bool, Problem>> + Send + Sync>;

/// Verifies tokens. Cheap to clone.
#[derive(Clone)]
pub struct Verifier {
    inner: Arc<Inner>,
    sessions: Option<Sessions>,
}

#[derive(Debug)]
struct Inner {
    issuers: Vec<String>,
    audiences: Vec<String>,
    secrets: Symmetric,
    public: Public,
    bundles: BTreeMap<String, Vec<String>>,
    denylist: Denylist,
    clock: SharedClock,
    /// The checks of `jsonwebtoken` that are wanted: the signature and its algorithm. Its clock is not ours.
    hs256: Validation,
    eddsa: Validation,
}

/// Keys for HS256 and for nothing else.
#[derive(Debug)]
enum Symmetric {
    None,
    Fixed(Secrets),
    File(Reread<Secrets, SecretError>),
}

/// Keys for EdDSA and for nothing else.
#[derive(Debug)]
enum Public {
    None,
    Pinned(Reread<PublicKeys, KeysError>),
    Fetched(Fetched),
}

impl Verifier {
    /// Loads the keys. What is revoked is read when the first token comes.
    ///
    /// # Errors
    /// There are no keys, or they are of no use.
    pub async fn start(
        config: VerifierConfig,
        revocations: impl Revocations,
        clock: SharedClock,
    ) -> Result<Self, VerifierError> {
        crypto::install();
        if config.secrets.is_none() && config.public.is_none() {
            return Err(VerifierError::NoKeys);
        }
        let secrets = match config.secrets {
            None => Symmetric::None,
            Some(SecretsFrom::Fixed(secrets)) => Symmetric::Fixed(Secrets::new(&secrets)),
            Some(SecretsFrom::File(path)) => {
                let parse = |path: &_| SharedSecrets::from_file(path).map(|secrets| Secrets::new(&secrets));
                Symmetric::File(good(Reread::start(path, parse, &clock).await)?)
            }
        };
        let public = match config.public {
            None => Public::None,
            Some(PublicFrom::Fetched(fetch)) => Public::Fetched(Fetched::new(fetch)),
            Some(PublicFrom::File(path)) => {
                let parse = |path: &std::path::Path| {
                    let text = std::fs::read(path).map_err(|error| KeysError::from((path.to_owned(), error)))?;
                    PublicKeys::parse(&path.display().to_string(), &text)
                };
                Public::Pinned(good(Reread::start(path, parse, &clock).await)?)
            }
        };
        let VerifierConfig { issuers, audiences, bundles, .. } = config;
        let denylist = Denylist::new(revocations);
        let (hs256, eddsa) = (signature_only(Algorithm::HS256), signature_only(Algorithm::EdDSA));
        let inner = Inner { issuers, audiences, secrets, public, bundles, denylist, clock, hs256, eddsa };
        Ok(Self { inner: Arc::new(inner), sessions: None })
    }

    /// Asks `sessions` about each token of class `session` whether its session still is (seed C17). Without it no such
    /// token is taken.
    #[must_use]
    pub fn with_sessions<F, A>(mut self, sessions: F) -> Self
    where
        F: Fn(Grant) -> A + Send + Sync + 'static,
        A: Future<Output = Result<bool, Problem>> + Send + 'static,
    {
        self.sessions = Some(Arc::new(move |grant| Box::pin(sessions(grant))));
        self
    }

    /// What a token allows.
    ///
    /// # Errors
    /// It is not taken: why.
    pub async fn verify(&self, token: &str) -> Result<Grant, Refusal> {
        let inner = &*self.inner;
        let claims = inner.signed(token).await?;
        inner.holds(&claims)?;
        claims.fit_their_class().map_err(|misfit| malformed(&misfit.to_string()))?;
        match inner.denylist.standing(&claims, &inner.clock).await {
            Standing::Good => {}
            Standing::Revoked => return Err(Refusal::Revoked),
            Standing::Unknown => return Err(Refusal::Unsure("the revocations cannot be read".to_owned())),
        }
        let grant = Grant::new(claims, |group| inner.bundles.get(group).map(Vec::as_slice));
        if grant.class() == TokenClass::Session && !self.is_alive(&grant).await? {
            return Err(Refusal::Gone);
        }
        Ok(grant)
    }

    async fn is_alive(&self, grant: &Grant) -> Result<bool, Refusal> {
        match &self.sessions {
            Some(sessions) => sessions(grant.clone()).await.map_err(Refusal::Answered),
            None => Ok(false),
        }
    }
}

impl Inner {
    /// The claims, once the signature is good. The algorithm says which kind of key is looked for, never the other way
    /// round, so a public key cannot be taken for a secret.
    async fn signed(&self, token: &str) -> Result<TokenClaims, Refusal> {
        if token.len() > LONGEST {
            return Err(malformed("it is too long"));
        }
        let no_header = |_error| malformed("its header is that of no signed token");
        let header = jsonwebtoken::decode_header(token).map_err(no_header)?;
        if header.crit.is_some() {
            return Err(malformed("its header demands what is not known here (`crit`)"));
        }
        match header.alg {
            Algorithm::HS256 => match &self.secrets {
                Symmetric::None => Err(Refusal::Forged),
                Symmetric::Fixed(secrets) => self.signed_with(token, secrets),
                Symmetric::File(file) => match file.current(&self.clock).await {
                    Some(secrets) => self.signed_with(token, &secrets),
                    None => Err(Refusal::Forged),
                },
            },
            Algorithm::EdDSA => {
                let kid = header.kid.ok_or(Refusal::Forged)?;
                let keys = match &self.public {
                    Public::None => return Err(Refusal::Forged),
                    Public::Pinned(file) => file.current(&self.clock).await,
                    Public::Fetched(fetched) => fetched.keys(&kid, &self.clock).await,
                };
                let keys = keys.ok_or_else(|| Refusal::Unsure("there are no keys yet".to_owned()))?;
                decode(token, keys.get(&kid).ok_or(Refusal::Forged)?, &self.eddsa)
            }
            _ => Err(Refusal::Forged),
        }
    }

    fn signed_with(&self, token: &str, secrets: &Secrets) -> Result<TokenClaims, Refusal> {
        let tried = secrets.iter().map(|key| decode(token, key, &self.hs256));
        tried.into_iter().find(|tried| !matches!(tried, Err(Refusal::Forged))).unwrap_or(Err(Refusal::Forged))
    }

    fn holds(&self, claims: &TokenClaims) -> Result<(), Refusal> {
        if !self.issuers.contains(&claims.iss) {
            return Err(Refusal::Foreign("iss"));
        }
        if !claims.aud.names().any(|name| self.audiences.iter().any(|own| own == name)) {
            return Err(Refusal::Foreign("aud"));
        }
        let (now, leeway) = (self.clock.now().timestamp(), LEEWAY.num_seconds());
        if claims.exp.saturating_add(leeway) <= now {
            return Err(Refusal::Expired);
        }
        if claims.iat > now + leeway || claims.nbf.is_some_and(|nbf| nbf > now + leeway) {
            return Err(Refusal::Early);
        }
        if claims.exp.saturating_sub(claims.iat) > claims.token_class.longest_life().num_seconds() {
            return Err(Refusal::TooLong { class: claims.token_class });
        }
        Ok(())
    }
}

fn decode(token: &str, key: &DecodingKey, validation: &Validation) -> Result<TokenClaims, Refusal> {
    match jsonwebtoken::decode(token, key, validation) {
        Ok(decoded) => Ok(decoded.claims),
        Err(error) => Err(match error.kind() {
            ErrorKind::Json(cause) => malformed(&what_is_missing(&cause.to_string())),
            ErrorKind::InvalidToken | ErrorKind::Base64(_) | ErrorKind::Utf8(_) => malformed("it is no signed token"),
            _ => Refusal::Forged,
        }),
    }
}

/// The name of a missing claim; of anything else nothing, for the message may quote the token.
fn what_is_missing(message: &str) -> String {
    match message.strip_prefix("missing field `").and_then(|rest| rest.split_once('`')) {
        Some((claim, _)) => format!("it lacks `{claim}`"),
        None => "a claim is not what it should be".to_owned(),
    }
}

fn malformed(why: &str) -> Refusal {
    Refusal::Malformed(why.to_owned())
}

fn signature_only(algorithm: Algorithm) -> Validation {
    let mut validation = Validation::new(algorithm);
    validation.required_spec_claims.clear();
    (validation.validate_exp, validation.validate_aud) = (false, false);
    validation
}

fn good<T, E>((file, trouble): (Reread<T, E>, Option<E>)) -> Result<Reread<T, E>, VerifierError>
where
    VerifierError: From<E>,
{
    trouble.map_or(Ok(file), |error| Err(error.into()))
}

impl fmt::Debug for Verifier {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Verifier").field("inner", &self.inner).finish_non_exhaustive()
    }
}
