//! An app for the sidecar to call: users, groups, access tokens, an audit log, marketplaces, which are git repositories that
//! a sync clones or fetches, sources that are imported into tables, and a durable queue of jobs to be polled. It shows how an app uses [`crate::auth`] and does real
//! work.
//!
//! | endpoint | who | answers |
//! |---|---|---|
//! | `GET /api/health` | anybody | 200 while the database answers |
//! | `POST /api/auth/register` | anybody | `{"email","password"}`; the first person becomes admin |
//! | `POST /api/auth/login`, `/logout` | anybody | the same body; sets or ends a session |
//! | `GET /api/auth/me` | anybody known | `{"id","email","name","kind","groups","roles"}` |
//! | `POST`, `GET /api/auth/tokens`, `DELETE …/{id}` | a person's session | access tokens, shown once |
//! | `GET /api/marketplaces` | anybody known; tokens with `marketplaces:read` | names, addresses without credentials, last commits |
//! | `POST /api/marketplaces`, `DELETE …/{name}` | admins | `{"name","url"}` |
//! | `POST /api/marketplaces/sync-all`, `…/{name}/sync` | admins; tokens with `sync:run` | what each repository did |
//! | `GET /api/sources` | anybody known; tokens with `sources:read` | what is imported from where, and when it last was |
//! | `POST /api/sources`, `DELETE …/{name}` | admins | `{"name", "url" or "file", "format"?}` |
//! | `POST /api/jobs` | admins; tokens with `jobs:enqueue`, and `sync:run` for the kind `marketplaces` | `{"kind", "idempotency_key"?, …}`; 202 with `Location` and `Retry-After` |
//! | `GET /api/jobs?status=…&kind=…&limit=100` | admins; tokens with `jobs:read` | jobs, newest first; a token sees its own |
//! | `GET /api/jobs/{id}` | anybody | `{"id","status","progress"}`; admins, and tokens with `jobs:read` of whose job it is, see the rest |
//! | `POST /api/jobs/{id}/cancel` | admins; tokens with `jobs:cancel` of whose job it is | 200 when nothing of it is running any more |
//! | `POST`, `DELETE /api/jobs/{id}/session` | a person's session | a token for that job alone, for an hour; ends all of them |
//! | `GET /api/audit?limit=100` | admins | who, and as what, did what, newest first; an empty one has a hint in `X-Hint` |
//!
//! A program's token sees and touches the marketplaces and sources that its `resources` list (`marketplace:tools`,
//! `source:prices`, or `_all` of a kind) and no others; a session's token is for its job.
//!
//! Every request that can change something runs to its end although its client hangs up, and what somebody who is known asked
//! for has one row in the audit log (seed A37), but what was not looked into: a replayed answer, and 409, 412 and 422 for a key
//! or a fence. Errors are `application/problem+json`.

mod access_tokens;
mod answers;
mod audit;
mod config;
mod database;
mod directory;
mod email;
mod gates;
mod git;
mod groups;
mod health;
mod input;
mod jobs;
mod key;
mod lifecycle;
mod marketplaces;
mod observe;
mod passwords;
mod people;
mod problem;
mod progress;
mod reach;
mod revocations;
mod router;
mod serve;
mod sessions;
mod sources;
mod state;
mod users;

pub use config::{Config, ConfigError};
pub use database::DatabaseError;
pub use revocations::revoke;
pub use serve::{StartError, serve};
