//! Guarantee G5: whatever an app echoes, no secret is kept.

use base64::{
    Engine,
    prelude::{BASE64_STANDARD, BASE64_STANDARD_NO_PAD, BASE64_URL_SAFE, BASE64_URL_SAFE_NO_PAD},
};
use sexton::{credentials::Credentials, job::HeaderText, secret::Secret};

use super::{
    fake_app::{FakeApp, Reply, answer},
    orders::{dispatcher_with, from_value, job, order},
};

/// With every character that some writing escapes.
const AWKWARD: &str = r#"aw"kw\ard/sec+ret=with&all<of>them'%41~??>>~~~"#;
const PARTNER: &str = "partner-key-0123456789";

/// What is kept of `body` when the secrets are [`AWKWARD`] and, in a header's text, [`PARTNER`].
async fn kept(body: impl AsRef<[u8]>) -> String {
    let app = FakeApp::replying(Reply::Whole(answer(500, body))).await;
    let mut definition = job(&app.url());
    let header = HeaderText::Secret { text: Secret::new(format!("key={PARTNER};v=1")), value: Secret::new(PARTNER) };
    definition.headers = vec![("X-Key".to_owned(), header)];
    let dispatcher = dispatcher_with(Credentials::load(from_value(AWKWARD)));
    dispatcher.send(&order(definition)).await.excerpt.unwrap()
}

fn percent(text: &str, keep: impl Fn(u8) -> bool) -> String {
    text.bytes().map(|byte| if keep(byte) { (byte as char).to_string() } else { format!("%{byte:02X}") }).collect()
}

#[tokio::test]
async fn a_secret_is_taken_out_in_every_writing() {
    for secret in [AWKWARD, PARTNER] {
        let json = serde_json::to_string(secret).unwrap();
        let json = &json[1..json.len() - 1];
        let within_json = serde_json::to_string(json).unwrap();
        let writings = [
            secret.to_owned(),
            json.to_owned(),
            json.replace('/', "\\/"),
            json.replace('<', "\\u003c").replace('>', "\\u003E").replace('&', "\\u0026").replace('\'', "\\u0027"),
            secret.bytes().map(|byte| format!("\\u{byte:04x}")).collect(),
            percent(secret, |byte| byte.is_ascii_alphanumeric()),
            percent(secret, |byte| byte.is_ascii_alphanumeric() || b"-._~".contains(&byte)).to_lowercase(),
            percent(secret, |byte| byte.is_ascii_alphanumeric() || b"-._~!*'()/&=".contains(&byte)),
            percent(secret, |_| false),
            secret
                .replace('&', "&amp;")
                .replace('<', "&lt;")
                .replace('>', "&gt;")
                .replace('"', "&quot;")
                .replace('\'', "&#x27;"),
            secret
                .replace('&', "&amp;")
                .replace('<', "&lt;")
                .replace('>', "&gt;")
                .replace('"', "&#34;")
                .replace('\'', "&#39;")
                .replace('+', "&#43;"),
            BASE64_STANDARD.encode(secret),
            BASE64_STANDARD_NO_PAD.encode(secret),
            BASE64_URL_SAFE.encode(secret),
            BASE64_URL_SAFE_NO_PAD.encode(secret),
        ];
        for writing in &writings {
            assert_eq!(kept(format!("<<{writing}>>")).await, "<<[redacted]>>", "{writing}");
        }
        if secret == PARTNER {
            assert_eq!(kept(format!("[{within_json}]")).await, "[\"[redacted]\"]");
        }
    }
}

/// A dump of `Authorization: Bearer …` in base64 puts the secret at any of three places in a group.
#[tokio::test]
async fn a_secret_within_something_longer_in_base64_is_taken_out() {
    for before in ["", "B", "Be", "Bearer ", "Bearer: "] {
        let dump = BASE64_STANDARD.encode(format!("{before}{AWKWARD} and more"));
        let kept = kept(format!("{dump} end")).await;
        assert!(kept.ends_with("[redacted] end"), "{kept}");
        let left = kept.trim_end_matches("[redacted] end");
        assert!(left.len() <= BASE64_STANDARD.encode(before).len() + 1, "{kept}");
    }
}

/// Redacted first and cut then: the limit cannot fall into a secret and leave its beginning.
#[tokio::test]
async fn a_secret_across_the_cut_leaves_nothing() {
    for room in [0, 1, 5, 9, 10, 11, 30] {
        let body = format!("{}{AWKWARD}{}", "x".repeat(8 * 1024 - room), "y".repeat(100));
        let kept = kept(body).await;
        let text = kept.trim_start_matches('x');
        assert!(text.is_empty() || text.starts_with("[redacted]"), "{room}: {text}");
        assert!(kept.len() <= 8 * 1024);
    }
}

/// A body that is nothing but secrets: what is taken out makes no room for a half one.
#[tokio::test]
async fn a_body_full_of_secrets_is_all_marks() {
    let kept = kept(AWKWARD.repeat(30_000)).await;
    assert_eq!(kept.replace("[redacted]", ""), "");
}

#[tokio::test]
async fn what_is_no_secret_stays() {
    let body = r#"{"Key":"partner-key","bearer":"Bearer aw","n":12,"e":"\u0061 %41 &amp; Zm9v"}"#;
    assert_eq!(kept(body).await, body);
}
