//! Talks to a running sidecar's API.

use std::{process::ExitCode, time::Duration};

use miette::{Diagnostic, IntoDiagnostic};
use serde::{Serialize, de::DeserializeOwned};
use url::Url;

use super::argument;
use crate::{
    admin::OPERATOR,
    config::{self, Environment},
    http_client,
    protocol::Problem,
    secret::SharedSecrets,
};

/// How long one question to the API may take.
const LIMIT: Duration = Duration::from_secs(60);

/// Where the sidecar is.
#[derive(Debug, Clone, clap::Args)]
pub(super) struct Where {
    /// The running sidecar [env: SEXTON_URL] [default: http://127.0.0.1:7070]
    #[arg(long, value_name = "URL", value_parser = argument::address)]
    url: Option<Url>,
}

impl Where {
    /// Whether a flag names one.
    pub(super) fn is_flagged(&self) -> bool {
        self.url.is_some()
    }

    /// Whether a flag or the variable names one.
    pub(super) fn is_named(&self, environment: &Environment) -> bool {
        self.is_flagged() || environment.get("SEXTON_URL").is_some()
    }
}

/// Why the sidecar gave no good answer.
#[derive(Debug, thiserror::Error, Diagnostic)]
pub(super) enum NoAnswer {
    /// Nobody is there.
    #[error("no sidecar answers at {base}: {cause}")]
    #[diagnostic(help("is `sexton run` running? --url or SEXTON_URL names another address, as its --listen gave it"))]
    Nobody { base: Url, cause: String },
    /// It refused.
    #[error("{base} answered {status}: {detail}")]
    Refused { base: Url, status: u16, detail: String },
    /// A run that it knew has no row of its own any more.
    #[error(
        "run {run} is over and has no row of its own: what is skipped or missed joins the row before it that tells the same"
    )]
    #[diagnostic(help("`sexton runs` shows that row; its COUNT has one more. Old rows are pruned"))]
    Joined { run: String },
    /// Something else is there.
    #[error("{base} is no sexton, or one of another version: {cause}")]
    Foreign { base: Url, cause: String },
}

impl NoAnswer {
    /// Something in the question was wrong: usage. Everything else is a failure.
    pub(super) fn exit_code(&self) -> ExitCode {
        match self {
            Self::Refused { status: 400 | 404 | 422, .. } => ExitCode::from(2),
            _ => ExitCode::FAILURE,
        }
    }

    /// Whether nobody was there, or somebody who cannot do it now: it may be starting.
    pub(super) fn is_passing(&self) -> bool {
        matches!(self, Self::Nobody { .. } | Self::Refused { status: 503, .. })
    }

    /// Whether the sidecar knows nothing by that name.
    pub(super) fn is_not_found(&self) -> bool {
        matches!(self, Self::Refused { status: 404, .. })
    }
}

/// A client with the admin token of `SEXTON_ADMIN_TOKEN` or `SEXTON_ADMIN_TOKEN_FILE`, if there is one.
pub(super) struct Client {
    base: Url,
    token: Option<SharedSecrets>,
    /// Who asks, as the system knows them: the ledger keeps it with what was asked for.
    operator: Option<String>,
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
        let named = |name: &&str| environment.get(name).filter(|value| is_name(value));
        let operator = ["SUDO_USER", "USER", "LOGNAME"].iter().find_map(named);
        Ok(Self { base, token, operator, http: http_client::client().into_diagnostic()? })
    }

    /// Reads what is at `path` below `/api/v1`, each part of it as it is, with these parameters.
    pub(super) async fn get<T: DeserializeOwned>(
        &self,
        path: &[&str],
        parameters: &[(&str, String)],
    ) -> Result<T, NoAnswer> {
        let mut url = self.address(path);
        if !parameters.is_empty() {
            url.query_pairs_mut().extend_pairs(parameters);
        }
        self.ask(self.http.get(url)).await
    }

    /// Has something done at `path` below `/api/v1`. `None` where the answer has no body.
    pub(super) async fn post<T: DeserializeOwned>(
        &self,
        path: &[&str],
        body: &impl Serialize,
    ) -> Result<Option<T>, NoAnswer> {
        let foreign =
            |error: serde_json::Error| NoAnswer::Foreign { base: self.base.clone(), cause: error.to_string() };
        let body = serde_json::to_vec(body).map_err(foreign)?;
        let mut request = self.http.post(self.address(path)).header("content-type", "application/json").body(body);
        if let Some(operator) = &self.operator {
            request = request.header(OPERATOR, operator);
        }
        let text = self.text(request).await?;
        if text.is_empty() { Ok(None) } else { serde_json::from_str(&text).map(Some).map_err(foreign) }
    }

    fn address(&self, path: &[&str]) -> Url {
        let mut url = self.base.clone();
        if let Ok(mut segments) = url.path_segments_mut() {
            segments.pop_if_empty().extend(["api", "v1"]).extend(path);
        }
        url
    }

    async fn ask<T: DeserializeOwned>(&self, request: reqwest::RequestBuilder) -> Result<T, NoAnswer> {
        let text = self.text(request).await?;
        let foreign =
            |error: serde_json::Error| NoAnswer::Foreign { base: self.base.clone(), cause: error.to_string() };
        serde_json::from_str(&text).map_err(foreign)
    }

    async fn text(&self, request: reqwest::RequestBuilder) -> Result<String, NoAnswer> {
        let base = self.base.clone();
        let mut request = request.timeout(LIMIT);
        if let Some(token) = &self.token {
            request = request.bearer_auth(token.current().expose());
        }
        let nobody = |error: reqwest::Error| NoAnswer::Nobody { base: base.clone(), cause: innermost(&error) };
        let answer = request.send().await.map_err(nobody)?;
        let (status, body) = (answer.status(), answer.text().await.map_err(nobody)?);
        if !status.is_success() {
            let why = serde_json::from_str::<Problem>(&body).ok().and_then(|problem| {
                let id = problem.error_id.map(|id| format!(" ({id})")).unwrap_or_default();
                problem.detail.map(|detail| format!("{detail}{id}"))
            });
            return Err(NoAnswer::Refused { base, status: status.as_u16(), detail: why.unwrap_or(body) });
        }
        Ok(body)
    }
}

/// What may stand in a header.
fn is_name(text: &str) -> bool {
    !text.is_empty() && text.len() <= 64 && text.bytes().all(|byte| byte.is_ascii_graphic())
}

/// Runs a conversation with the sidecar.
pub(super) fn talk<T>(conversation: impl Future<Output = miette::Result<T>>) -> miette::Result<T> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().into_diagnostic()?;
    runtime.block_on(conversation)
}

/// What the operating system said; what stands around it names the address once more.
fn innermost(error: &dyn std::error::Error) -> String {
    let mut error = error;
    while let Some(source) = error.source() {
        error = source;
    }
    error.to_string()
}
