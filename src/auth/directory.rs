//! Where the app keeps the scheduler's account.

use std::convert::Infallible;

use crate::protocol::identity::{ADMIN_GROUP, SCHEDULER_EMAIL, SCHEDULER_NAME};

/// The scheduler's account as the app keeps it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Account {
    /// The id of its row.
    pub id: String,
    /// Its address, [`SCHEDULER_EMAIL`].
    pub email: String,
    /// Its display name.
    pub name: String,
    /// The groups it is a member of, `Admin` as a rule.
    pub groups: Vec<String>,
    /// An operator switched it off: the secret answers 401 (seed A16).
    pub disabled: bool,
}

/// Keeps the scheduler's account. An app with a user table implements it over that table, so that permissions and the
/// audit log see a user like any other.
pub trait Directory: Send + Sync + 'static {
    /// Why the account cannot be made or read. It is logged, and the request gets 401 when it cannot be made (seed A6),
    /// 503 when it cannot be read (seed C4).
    type Error: std::error::Error + Send + Sync + 'static;

    /// Makes the account when there is none and repairs its membership of `Admin`, as often as it is called (seed A5).
    /// It has no password. A row of the same address that belongs to a person is never adopted: that is an error (seed
    /// B5). A missing group `Admin` is none: the account is returned without it (seed A6).
    fn seed(&self) -> impl Future<Output = Result<Account, Self::Error>> + Send;

    /// The account as it stands, or `None` when there is none.
    fn load(&self) -> impl Future<Output = Result<Option<Account>, Self::Error>> + Send;
}

/// For an app without a user table: the account is a constant, with the id it is given.
#[derive(Debug, Clone)]
pub struct InMemory(Account);

impl InMemory {
    /// The account under an id that the app's other ids do not collide with.
    #[must_use]
    pub fn new(id: impl Into<String>) -> Self {
        Self(Account {
            id: id.into(),
            email: SCHEDULER_EMAIL.to_owned(),
            name: SCHEDULER_NAME.to_owned(),
            groups: vec![ADMIN_GROUP.to_owned()],
            disabled: false,
        })
    }
}

impl Default for InMemory {
    /// The account under the id `scheduler`.
    fn default() -> Self {
        Self::new("scheduler")
    }
}

impl Directory for InMemory {
    type Error = Infallible;

    async fn seed(&self) -> Result<Account, Infallible> {
        Ok(self.0.clone())
    }

    async fn load(&self) -> Result<Option<Account>, Infallible> {
        Ok(Some(self.0.clone()))
    }
}
