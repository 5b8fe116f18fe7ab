//! Verifying a token: signature, times, issuer, audience, what its class demands, revocation (seeds C1, C2 and C7).

use std::{collections::BTreeMap, fmt, pin::Pin, sync::Arc};

use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD};
use jsonwebtoken::{Algorithm, DecodingKey};
use serde::{Deserialize, de::IgnoredAny};

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
/// Asks the app whether what a token stands for still is.
type Stands = Arc<dyn Fn(Grant) -> Boxed<Result<bool, Problem>> + Send + Sync>;

/// Verifies tokens. Cheap to clone.
#[derive(Clone)]
pub struct Verifier {
    inner: Arc<Inner>,
    sessions: Option<Stands>,
    accounts: Option<Stands>,
}

#[derive(Debug)]
struct Inner {
    issuers: Vec<String>,
    audiences: Vec<String>,
    secrets: Symmetric,
    public: Public,
    public_classes: Vec<TokenClass>,
    bundles: BTreeMap<String, Vec<String>>,
    denylist: Denylist,
    clock: SharedClock,
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
        let VerifierConfig { issuers, audiences, public_classes, bundles, .. } = config;
        let denylist = Denylist::new(revocations);
        let inner = Inner { issuers, audiences, secrets, public, public_classes, bundles, denylist, clock };
        Ok(Self { inner: Arc::new(inner), sessions: None, accounts: None })
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

    /// Asks `accounts` about each token of class `user` whether its person still is, and is not disabled: a token must not
    /// outlive an account (seed A16). Without it the issuer's word is all there is.
    #[must_use]
    pub fn with_accounts<F, A>(mut self, accounts: F) -> Self
    where
        F: Fn(Grant) -> A + Send + Sync + 'static,
        A: Future<Output = Result<bool, Problem>> + Send + 'static,
    {
        self.accounts = Some(Arc::new(move |grant| Box::pin(accounts(grant))));
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
        if self.stands(&grant).await? { Ok(grant) } else { Err(Refusal::Gone) }
    }

    async fn stands(&self, grant: &Grant) -> Result<bool, Refusal> {
        let (asked, unasked) = match grant.class() {
            TokenClass::Session => (&self.sessions, false),
            TokenClass::User => (&self.accounts, true),
            TokenClass::Service | TokenClass::Run => return Ok(true),
        };
        match asked {
            Some(asked) => asked(grant.clone()).await.map_err(Refusal::Answered),
            None => Ok(unasked),
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
        let segments = Segments::of(token).ok_or_else(|| malformed("it is no signed token"))?;
        let header: Header = segments.header()?;
        if header.crit.is_some() {
            return Err(malformed("its header demands what is not known here (`crit`)"));
        }
        let good = match header.alg.as_str() {
            "HS256" => match &self.secrets {
                Symmetric::None => false,
                Symmetric::Fixed(secrets) => segments.are_signed_with(secrets),
                Symmetric::File(file) => {
                    file.current(&self.clock).await.is_some_and(|secrets| segments.are_signed_with(&secrets))
                }
            },
            "EdDSA" => {
                let kid = header.kid.ok_or(Refusal::Forged)?;
                let keys = match &self.public {
                    Public::None => return Err(Refusal::Forged),
                    Public::Pinned(file) => file.current(&self.clock).await,
                    Public::Fetched(fetched) => fetched.keys(&kid, &self.clock).await,
                };
                let keys = keys.ok_or_else(|| Refusal::Unsure("there are no keys yet".to_owned()))?;
                keys.get(&kid).is_some_and(|key| segments.are_signed_by(key, Algorithm::EdDSA))
            }
            _ => false,
        };
        if !good {
            return Err(Refusal::Forged);
        }
        let claims = segments.claims()?;
        if header.alg == "EdDSA" && !self.public_classes.contains(&claims.token_class) {
            return Err(Refusal::OtherClass { class: claims.token_class });
        }
        Ok(claims)
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

/// What a header says that counts here. Whatever else it offers, keys above all, is not looked at.
#[derive(Deserialize)]
struct Header {
    alg: String,
    kid: Option<String>,
    crit: Option<IgnoredAny>,
}

/// The three parts of a token, and the two that are signed.
struct Segments<'a> {
    header: &'a str,
    claims: &'a str,
    signature: &'a str,
    message: &'a str,
}

impl<'a> Segments<'a> {
    fn of(token: &'a str) -> Option<Self> {
        let (message, signature) = token.rsplit_once('.')?;
        let (header, claims) = message.split_once('.')?;
        (!claims.contains('.')).then_some(Self { header, claims, signature, message })
    }

    fn header(&self) -> Result<Header, Refusal> {
        let header = BASE64_URL_SAFE_NO_PAD.decode(self.header).ok();
        let header = header.and_then(|bytes| serde_json::from_slice(&bytes).ok());
        header.ok_or_else(|| malformed("its header is that of no signed token"))
    }

    fn are_signed_by(&self, key: &DecodingKey, algorithm: Algorithm) -> bool {
        jsonwebtoken::crypto::verify(self.signature, self.message.as_bytes(), key, algorithm).unwrap_or(false)
    }

    fn are_signed_with(&self, secrets: &Secrets) -> bool {
        secrets.iter().any(|key| self.are_signed_by(key, Algorithm::HS256))
    }

    /// Read only once the signature is good.
    fn claims(&self) -> Result<TokenClaims, Refusal> {
        let bytes = BASE64_URL_SAFE_NO_PAD.decode(self.claims);
        let bytes = bytes.map_err(|_no_base64| malformed("its claims are not in base64url"))?;
        serde_json::from_slice(&bytes).map_err(|error| malformed(&what_is_missing(&error.to_string())))
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
