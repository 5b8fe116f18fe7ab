//! Signed tokens: what they open, and what ends them.

use chrono::TimeDelta;
use serde_json::{Value, json};
use sexton::{
    auth::{Issuer, Wanted},
    clock::{Clock, SystemClock},
    entropy::Entropy,
    protocol::{TokenClaims, TokenClass},
    secret::{SecretSource, SharedSecrets},
};

use crate::{
    app::marketplaces::Hole,
    support::{
        app::{Builder, TestApp},
        origin::Origin,
    },
};

const SECRET: &str = "a-made-up-secret-that-signs-tokens-0001";

/// An app that takes tokens of this test's.
pub(crate) fn taking_tokens() -> Builder {
    Builder::default()
        .environment("SEXTON_JWT_SECRETS", SECRET)
        .environment("SEXTON_ISSUER", "https://issuer.example.org")
        .environment("SEXTON_AUDIENCE", "app")
}

/// A token of an hour, with whatever else its claims shall say.
pub(crate) fn signed(class: TokenClass, subject: &str, scopes: &[&str], more: impl FnOnce(&mut TokenClaims)) -> String {
    let secrets = SharedSecrets::from_value(SecretSource::Variable("SECRET".to_owned()), SECRET).unwrap();
    let issuer = Issuer::new("https://issuer.example.org", "app", secrets);
    let scopes = scopes.iter().map(|scope| (*scope).to_owned()).collect();
    let wanted = Wanted { class, subject: subject.to_owned(), scopes, life: TimeDelta::hours(1) };
    let mut claims = issuer.claims(wanted, SystemClock.now(), Entropy::System);
    more(&mut claims);
    issuer.sign(&claims).unwrap().expose().to_owned()
}

/// The token of one of the scheduler's runs.
pub(crate) fn of_run(run: &str, scopes: &[&str]) -> String {
    signed(TokenClass::Run, "scheduler@system.local", scopes, |claims| {
        claims.job = Some("nightly".to_owned());
        claims.run_id = Some(run.to_owned());
        claims.fence = Some(1);
    })
}

/// Seeds C2, C3: a run's token does what its scopes say, as the scheduler, and nothing an admin may do besides.
#[tokio::test]
async fn c3_a_token_does_what_its_scopes_say() {
    let app = taking_tokens().start().await;
    let sync = of_run("run-1", &["sync:run"]);
    assert_eq!(app.post("/api/marketplaces/sync-all").bearer(&sync).send().await.status, 200);
    let row = app.audited(|row| row["action"] == "marketplace.sync").await;
    assert_eq!(row["user"], "scheduler@system.local");
    let me = app.get("/api/auth/me").bearer(&sync).send().await.json();
    assert_eq!((&me["kind"], &me["groups"]), (&json!("run"), &json!([])));
    app.post("/api/jobs").bearer(&sync).json(&json!({ "kind": "marketplaces" })).send().await.problem(403);
    app.get("/api/audit").bearer(&sync).send().await.problem(403);
    app.post("/api/sources").bearer(&sync).json(&json!({ "name": "a", "file": "a.csv" })).send().await.problem(403);
    let other = of_run("run-1", &["jobs:read"]);
    app.post("/api/marketplaces/sync-all").bearer(&other).send().await.problem(403);
    app.stop().await;
}

/// Seeds C6, C13, C16: a run's token looks after what its run asked for, a program's after its own, and no other.
#[tokio::test]
async fn c13_a_token_looks_after_its_own_jobs() {
    let app = taking_tokens().start().await;
    let all = ["jobs:enqueue", "jobs:read", "jobs:cancel"];
    let work = json!({ "kind": "data-refresh" });
    let (run, other) = (of_run("run-1", &all), of_run("run-2", &all));
    let bundled = |subject: &str| {
        signed(TokenClass::Service, subject, &[], |claims| {
            claims.service_groups = vec!["jobs".to_owned()];
            claims.resources = vec!["source:_all".to_owned()];
        })
    };
    let (program, neighbour) = (bundled("importer"), bundled("neighbour"));
    let mut ids = Vec::new();
    for (bearer, class) in [(&run, "run"), (&program, "service-token")] {
        let reply = app.post("/api/jobs").bearer(bearer).json(&work).send().await;
        assert_eq!((reply.status, &reply.json()["requested_as"]), (202, &json!(class)), "{reply:?}");
        ids.push(reply.json()["id"].as_str().unwrap().to_owned());
    }
    app.ended(&ids[0]).await;
    app.ended(&ids[1]).await;
    for (id, own, strangers) in [(&ids[0], &run, [&other, &program]), (&ids[1], &program, [&neighbour, &run])] {
        let (path, cancel) = (format!("/api/jobs/{id}"), format!("/api/jobs/{id}/cancel"));
        assert_eq!(app.get(&path).bearer(own).send().await.json()["kind"], "data-refresh");
        assert_eq!(app.post(&cancel).bearer(own).send().await.status, 200);
        let list = app.get("/api/jobs").bearer(own).send().await.json();
        assert!(list.as_array().unwrap().len() == 1 && list[0]["id"] == **id, "{list}");
        for stranger in strangers {
            assert_eq!(app.get(&path).bearer(stranger).send().await.json().get("kind"), None);
            app.post(&cancel).bearer(stranger).send().await.problem(403);
        }
    }
    let read_only = of_run("run-1", &["jobs:read"]);
    app.post(&format!("/api/jobs/{}/cancel", ids[0])).bearer(&read_only).send().await.problem(403);
    app.stop().await;
}

/// Seeds C6, C13: asking for a job that is there already tells as much of it as looking at it does.
#[tokio::test]
async fn c13_a_deduplicated_job_shows_no_more_than_its_status() {
    let app = taking_tokens().start().await;
    let hole = Hole::open().await;
    app.add_marketplace("slow", &hole.url()).await;
    let all = ["jobs:enqueue", "jobs:read", "sync:run"];
    let ask = |bearer: &str| {
        let body = json!({ "kind": "marketplaces", "idempotency_key": "nightly" });
        app.post("/api/jobs").bearer(bearer).json(&body).send()
    };
    let first = ask(&of_run("run-1", &all)).await.json();
    let git = hole.caught().await;
    let same_run = ask(&of_run("run-1", &all)).await.json();
    assert_eq!((&same_run["requested_run"], &same_run["deduplicated"]), (&json!("run-1"), &json!(true)));
    for stranger in [of_run("run-2", &all), of_run("run-1", &["jobs:enqueue", "sync:run"])] {
        let reply = ask(&stranger).await;
        assert_eq!((reply.status, &reply.json()["id"]), (202, &first["id"]), "{reply:?}");
        let members: Vec<String> = reply.json().as_object().unwrap().keys().cloned().collect();
        assert_eq!(members, ["deduplicated", "id", "progress", "status"]);
    }
    app.scheduler("POST", &format!("/api/jobs/{}/cancel", first["id"].as_str().unwrap())).send().await;
    drop(git);
    app.stop().await;
}

/// Seed C6: lists show a bound token what it lists, and so do jobs.
#[tokio::test]
async fn c6_a_bound_token_sees_what_it_lists() {
    let app = taking_tokens().start().await;
    let origin = Origin::with_commits(1);
    for name in ["tools", "recipes"] {
        app.add_marketplace(name, &origin.url()).await;
        let source = json!({ "name": name, "file": format!("{name}.csv") });
        assert_eq!(app.scheduler("POST", "/api/sources").json(&source).send().await.status, 201);
    }
    let scopes = ["marketplaces:read", "sources:read", "jobs:enqueue"];
    let bound = |resources: &[&str]| {
        signed(TokenClass::Service, "importer", &scopes, |claims| {
            claims.resources = resources.iter().map(|resource| (*resource).to_owned()).collect();
        })
    };
    let both = json!(["recipes", "tools"]);
    for (bearer, marketplaces, sources) in [
        (bound(&[]), &json!([]), &json!([])),
        (bound(&["marketplace:_all", "source:_all"]), &both, &both),
        (bound(&["marketplace:_all", "source:tools"]), &both, &json!(["tools"])),
        (bound(&["marketplace:recipes"]), &json!(["recipes"]), &json!([])),
        (bound(&["job:7"]), &json!([]), &json!([])),
        (of_run("run-1", &scopes), &both, &both),
    ] {
        for (path, expected) in [("/api/marketplaces", marketplaces), ("/api/sources", sources)] {
            let seen = app.get(path).bearer(&bearer).send().await.json();
            let names: Value = seen.as_array().unwrap().iter().map(|one| one["name"].clone()).collect();
            assert_eq!(names, *expected, "{path}");
        }
    }
    let refresh = async |resource: &str, sources: Value| {
        let body = json!({ "kind": "data-refresh", "sources": sources });
        app.post("/api/jobs").bearer(&bound(&[resource])).json(&body).send().await.status
    };
    assert_eq!(refresh("source:tools", json!(["tools"])).await, 202);
    assert_eq!(refresh("source:_all", json!(null)).await, 202);
    for (resource, sources) in
        [("source:tools", json!(["tools", "recipes"])), ("source:tools", json!(null)), ("job:7", json!(["tools"]))]
    {
        assert_eq!(refresh(resource, sources).await, 403, "{resource}");
    }
    app.stop().await;
}

/// Seed C2: a person's token says roles too, which the app gets to see; of no other class do they count.
#[tokio::test]
async fn c2_a_persons_token_says_roles() {
    let app = taking_tokens().start().await;
    app.register("ada@example.org").await;
    for (class, roles) in [(TokenClass::User, json!(["auditor", "reader"])), (TokenClass::Service, json!([]))] {
        let token = signed(class, "ada@example.org", &["jobs:read"], |claims| {
            claims.roles = vec!["auditor".to_owned(), "reader".to_owned()];
        });
        let me = app.get("/api/auth/me").bearer(&token).send().await.json();
        assert_eq!(me["roles"], roles, "{me}");
    }
    app.stop().await;
}

/// Seeds A16, C17, C4: a person's token is nobody's once the person is disabled or gone, and 503 while nobody can say.
#[tokio::test]
async fn a16_a_token_does_not_outlive_its_person() {
    let app = taking_tokens().start().await;
    app.register("ada@example.org").await;
    let id: String = app.value("SELECT id FROM users WHERE email = 'ada@example.org'").await;
    let of = |subject: &str, email: Option<&str>| {
        signed(TokenClass::User, subject, &["admin"], |claims| {
            claims.groups = vec!["Admin".to_owned()];
            claims.email = email.map(str::to_owned);
        })
    };
    let (by_email, by_id) = (of("Ada@example.org", None), of(&id, Some("ada@example.org")));
    let status = async |token: &str| app.get("/api/audit").bearer(token).send().await.status;
    assert_eq!([status(&by_email).await, status(&by_id).await], [200, 200]);
    for nobody in [of("bob@example.org", None), of(&id, Some("bob@example.org")), of("bob", Some("ada@example.org"))] {
        assert_eq!(status(&nobody).await, 401);
    }
    app.sql("UPDATE users SET disabled_at = 1 WHERE kind = 'user'").await;
    assert_eq!([status(&by_email).await, status(&by_id).await], [401, 401], "disabled");
    app.sql("UPDATE users SET disabled_at = NULL").await;
    assert_eq!(status(&by_id).await, 200);
    app.sql("DELETE FROM users WHERE kind = 'user'").await;
    assert_eq!([status(&by_email).await, status(&by_id).await], [401, 401], "gone");
    app.sql("ALTER TABLE users RENAME TO hidden").await;
    app.get("/api/audit").bearer(&by_id).send().await.problem(503);
    app.get("/api/audit").bearer("sxt_of_somebody").send().await.problem(503);
    app.stop().await;
}

/// Seed C6: a program's token does something to what it lists, and to nothing else.
#[tokio::test]
async fn c6_a_bound_token_keeps_to_what_it_lists() {
    let app = taking_tokens().start().await;
    let origin = Origin::with_commits(1);
    for name in ["tools", "recipes"] {
        app.add_marketplace(name, &origin.url()).await;
    }
    let bound = |resources: &[&str]| {
        signed(TokenClass::Service, "importer", &["sync:run", "jobs:enqueue"], |claims| {
            claims.resources = resources.iter().map(|resource| (*resource).to_owned()).collect();
        })
    };
    let (tools, all, none) = (bound(&["marketplace:tools"]), bound(&["marketplace:_all"]), bound(&[]));
    let sync = |name: &str, bearer: &str| app.post(&format!("/api/marketplaces/{name}")).bearer(bearer).send();
    assert_eq!(sync("tools/sync", &tools).await.status, 200);
    sync("recipes/sync", &tools).await.problem(403);
    for path in ["tools/sync", "sync-all"] {
        sync(path, &none).await.problem(403);
        let of_run =
            signed(TokenClass::Service, "importer", &["sync:run"], |claims| claims.run_id = Some("run-1".to_owned()));
        sync(path, &of_run).await.problem(403);
    }
    sync("sync-all", &tools).await.problem(403);
    let work = json!({ "kind": "marketplaces" });
    app.post("/api/jobs").bearer(&tools).json(&work).send().await.problem(403);
    for path in ["sync-all", "tools/sync"] {
        assert_eq!(sync(path, &all).await.status, 200);
    }
    let queued = app.post("/api/jobs").bearer(&all).json(&work).send().await;
    assert_eq!(queued.status, 202, "{queued:?}");
    app.ended(queued.json()["id"].as_str().unwrap()).await;
    app.stop().await;
}

/// Guarantee G8: when the revocations cannot be read, no token is taken.
#[tokio::test]
async fn tokens_wait_for_the_revocations() {
    let app = taking_tokens().start().await;
    app.sql("ALTER TABLE revocations RENAME TO gone").await;
    let token = signed(TokenClass::Service, "importer", &["jobs:read"], |_| ());
    app.get("/api/jobs").bearer(&token).send().await.problem(503);
    assert_eq!(app.scheduler("GET", "/api/auth/me").send().await.status, 200, "the secret needs none");
    app.stop().await;
}

/// Tokens are taken only by an app that is told whose.
#[tokio::test]
async fn without_keys_a_token_is_nobodys() {
    let app = TestApp::start().await;
    app.get("/api/jobs").bearer(&of_run("run-1", &["jobs:read"])).send().await.problem(401);
    app.stop().await;
}
