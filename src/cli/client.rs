//! Talks to a running sidecar's API.

use std::time::Duration;

use miette::{Context, IntoDiagnostic, bail};
use serde::de::DeserializeOwned;
use url::Url;

use crate::{
    config::{self, Environment},
    dispatch,
    protocol::Problem,
    secret::SharedSecrets,
};

const LIMIT: Duration = Duration::from_secs(10);

/// Where the sidecar is.
#[derive(Debug, clap::Args)]
pub(super) struct Where {
    /// The running sidecar [env: SEXTON_URL] [default: http://127.0.0.1:7070]
    #[arg(long, value_name = "URL")]
    url: Option<Url>,
}

/// A client with the admin token of `SEXTON_ADMIN_TOKEN` or `SEXTON_ADMIN_TOKEN_FILE`, if there is one.
pub(super) struct Client {
    base: Url,
    token: Option<SharedSecrets>,
    http: reqwest::Client,
}

impl Client {
    pub(super) fn new(place: &Where, environment: &Environment) -> miette::Result<Self> {
        let variable = environment.parsed::<Url>("SEXTON_URL").into_diagnostic()?;
        let base = match place.url.clone().or(variable) {
            Some(url) => url,
            None => Url::parse("http://127.0.0.1:7070").into_diagnostic()?,
        };
        let token = config::admin_token(environment).into_diagnostic()?;
        Ok(Self { base, token, http: dispatch::client().into_diagnostic()? })
    }

    /// Reads what `path` shows.
    pub(super) async fn get<T: DeserializeOwned>(&self, path: &str) -> miette::Result<T> {
        let url = self.base.join(path).into_diagnostic()?;
        let mut request = self.http.get(url).timeout(LIMIT);
        if let Some(token) = &self.token {
            request = request.bearer_auth(token.current().expose());
        }
        let answer = request.send().await.into_diagnostic();
        let answer =
            answer.wrap_err_with(|| format!("no sidecar answers at {}: is it running? See --url", self.base))?;
        let (status, body) = (answer.status(), answer.text().await.into_diagnostic()?);
        if !status.is_success() {
            let why = serde_json::from_str::<Problem>(&body).ok().and_then(|problem| problem.detail);
            bail!("{} answered {status}: {}", self.base, why.unwrap_or(body));
        }
        serde_json::from_str(&body).into_diagnostic().wrap_err_with(|| format!("{} is no sexton", self.base))
    }
}
