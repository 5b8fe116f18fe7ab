//! The tower layer.

use std::{
    fmt,
    pin::Pin,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    task::{Context, Poll},
};

use axum::http::{HeaderMap, Request};
use tower::{Layer, Service};

use super::{
    Account, Config, Directory, Kind, Mode, Presented, Principal, Refusal, Verifier,
    bearer::{self, Found},
    denial::Denial,
    extract::failed,
    principal::Resolved,
    secrets::Accepted,
};
use crate::{
    clock::SharedClock,
    protocol::{Problem, TokenClaims, TokenClass, header},
    secret::Secret,
};

type Answer = Result<Option<Principal>, Problem>;
type Boxed<T> = Pin<Box<dyn Future<Output = T> + Send>>;
type People = Arc<dyn Fn(Presented) -> Boxed<Answer> + Send + Sync>;

/// Resolves the credential of every request that passes. Cheap to clone.
pub struct Auth<D> {
    scheduler: Arc<Scheduler<D>>,
    people: Option<People>,
    verifier: Option<Verifier>,
    mode: Mode,
}

/// What is needed to know the scheduler.
struct Scheduler<D> {
    secrets: Accepted,
    directory: D,
    /// Whether the account was made or repaired since the process started.
    seeded: AtomicBool,
    clock: SharedClock,
}

impl<D: Directory> Auth<D> {
    /// Loads the secret and, when it is usable, seeds the scheduler's account. Neither failure stops the app: an unusable
    /// secret turns the path off, a failed seeding is tried again on first use; a warning says so (seeds A1, A2, A5, A6).
    pub async fn start(config: Config, directory: D, clock: SharedClock) -> Self {
        let secrets = Accepted::load(config, &clock).await;
        let usable = secrets.usable(&clock).await;
        let scheduler = Scheduler { secrets, directory, seeded: AtomicBool::new(false), clock };
        if usable && let Err(error) = scheduler.seed().await {
            tracing::warn!(%error, "the scheduler's account cannot be seeded; first use tries again");
        }
        Self { scheduler: Arc::new(scheduler), people: None, verifier: None, mode: Mode::default() }
    }

    /// Asks `people` about every bearer and cookie that is not the secret: access tokens, sessions. `Ok(None)` is 401; a
    /// problem is answered as it is, where a handler asks who is there.
    #[must_use]
    pub fn with_people<F, A>(mut self, people: F) -> Self
    where
        F: Fn(Presented) -> A + Send + Sync + 'static,
        A: Future<Output = Answer> + Send + 'static,
    {
        self.people = Some(Arc::new(move |presented| Box::pin(people(presented))));
        self
    }

    /// Has `verifier` judge every bearer of three segments that is not the secret.
    #[must_use]
    pub fn with_tokens(self, verifier: Verifier) -> Self {
        Self { verifier: Some(verifier), ..self }
    }

    /// Whether credentials are demanded; `optional` unless this says otherwise.
    #[must_use]
    pub fn with_mode(self, mode: Mode) -> Self {
        if mode == Mode::Disabled {
            tracing::warn!("credentials are not looked at: every endpoint that asks who is there answers 401");
        }
        Self { mode, ..self }
    }

    /// The secret is looked for before anything else sees the bearer (seed A7).
    async fn resolve(&self, headers: &HeaderMap) -> Result<Principal, Denial> {
        if self.mode == Mode::Disabled {
            return Err(Denial::Off);
        }
        match bearer::find(headers) {
            Found::Nothing | Found::Malformed => Err(Denial::Missing),
            Found::Bearer(token) if self.scheduler.accepts(token).await => self.scheduler.principal().await,
            Found::Bearer(token) => match std::str::from_utf8(token) {
                Ok(token) => match &self.verifier {
                    Some(verifier) if token.split('.').count() == 3 => self.verified(verifier, token, headers).await,
                    _ => self.ask(Presented::Bearer(Secret::new(token))).await,
                },
                Err(_) => Err(Denial::Unknown),
            },
            Found::Cookies(cookies) => self.ask(Presented::Cookies(cookies)).await,
        }
    }

    async fn verified(&self, verifier: &Verifier, token: &str, headers: &HeaderMap) -> Result<Principal, Denial> {
        let grant = verifier.verify(token).await.map_err(Denial::Token)?;
        if grant.class() == TokenClass::Run {
            is_of_the_request(grant.claims(), headers).map_err(Denial::Token)?;
            let scheduler = self.scheduler.principal().await?;
            return Ok(Principal { kind: Kind::Run(grant), groups: Vec::new(), ..scheduler });
        }
        Ok(Principal::of_grant(grant))
    }

    async fn ask(&self, presented: Presented) -> Result<Principal, Denial> {
        let Some(people) = &self.people else { return Err(Denial::Unknown) };
        people(presented).await.map_err(Denial::Failed)?.ok_or(Denial::Unknown)
    }
}

impl<D: Directory> Scheduler<D> {
    async fn accepts(&self, token: &[u8]) -> bool {
        self.secrets.accept(token, &self.clock).await
    }

    async fn principal(&self) -> Result<Principal, Denial> {
        let Account { id, email, name, groups, disabled } = self.account().await?;
        if disabled { Err(Denial::Disabled) } else { Ok(Principal { id, email, name, kind: Kind::Service, groups }) }
    }

    /// An account that is there and cannot be read now is 503, as anybody's (seed C4); one that cannot be made is 401 (A6).
    async fn account(&self) -> Result<Account, Denial> {
        if self.seeded.load(Ordering::Acquire) {
            let loaded = self.directory.load().await;
            let unread = |error| Denial::Failed(failed(503, &error, "the scheduler's account cannot be read"));
            if let Some(account) = loaded.map_err(unread)? {
                return Ok(account);
            }
        }
        self.seed().await.map_err(|error| {
            tracing::warn!(%error, "the scheduler's credential is right, and its account cannot be made");
            Denial::NotProvisioned
        })
    }

    async fn seed(&self) -> Result<Account, D::Error> {
        let account = self.directory.seed().await?;
        self.seeded.store(true, Ordering::Release);
        Ok(account)
    }
}

/// A run's token travels with that run and no other (seed B8): what the request's headers say of run, job and fence must
/// be what the token says. Where they say nothing, the token alone counts.
fn is_of_the_request(claims: &TokenClaims, headers: &HeaderMap) -> Result<(), Refusal> {
    let fence = claims.fence.map(|fence| fence.to_string());
    let bound = [(header::RUN, &claims.run_id), (header::JOB, &claims.job), (header::FENCE, &fence)];
    let other = |(name, claim): (&str, &Option<String>)| {
        let claim = claim.as_deref().map(str::as_bytes);
        headers.get_all(name).iter().any(|said| Some(said.as_bytes()) != claim)
    };
    if bound.into_iter().any(other) { Err(Refusal::OtherRun) } else { Ok(()) }
}

impl<D> Clone for Auth<D> {
    fn clone(&self) -> Self {
        let (scheduler, people) = (Arc::clone(&self.scheduler), self.people.clone());
        Self { scheduler, people, verifier: self.verifier.clone(), mode: self.mode }
    }
}

impl<D> fmt::Debug for Auth<D> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Auth").field("secrets", &self.scheduler.secrets).finish_non_exhaustive()
    }
}

impl<S, D> Layer<S> for Auth<D> {
    type Service = AuthService<S, D>;

    fn layer(&self, inner: S) -> Self::Service {
        AuthService { auth: self.clone(), inner }
    }
}

/// A service behind [`Auth`].
#[derive(Debug)]
pub struct AuthService<S, D> {
    auth: Auth<D>,
    inner: S,
}

impl<S: Clone, D> Clone for AuthService<S, D> {
    fn clone(&self) -> Self {
        Self { auth: self.auth.clone(), inner: self.inner.clone() }
    }
}

impl<S, D, B> Service<Request<B>> for AuthService<S, D>
where
    S: Service<Request<B>> + Clone + Send + 'static,
    S::Future: Send,
    S::Response: From<Problem>,
    D: Directory,
    B: Send + 'static,
{
    type Response = S::Response;
    type Error = S::Error;
    type Future = Boxed<Result<S::Response, S::Error>>;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.inner.poll_ready(context)
    }

    fn call(&mut self, mut request: Request<B>) -> Self::Future {
        let auth = self.auth.clone();
        // The service that said it is ready does the work; its clone waits for the next request.
        let ready = self.inner.clone();
        let mut inner = std::mem::replace(&mut self.inner, ready);
        Box::pin(async move {
            let headers = request.headers().clone();
            let resolved = auth.resolve(&headers).await;
            if let (Mode::Required, Err(denial)) = (auth.mode, &resolved) {
                return Ok(Problem::from(denial.clone()).into());
            }
            request.extensions_mut().insert(Resolved(resolved));
            inner.call(request).await
        })
    }
}
