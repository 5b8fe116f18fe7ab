//! The shared secret.

use super::{CredentialError, TOKEN, config::SharedSource, kept::Source};
use crate::secret::{Secret, SecretSource, SharedSecrets};

impl Source for SharedSource {
    type Value = SharedSecrets;

    fn read(&self) -> Result<SharedSecrets, CredentialError> {
        match self {
            Self::Unset => Err(CredentialError::Unset),
            Self::Value(value) => {
                Ok(SharedSecrets::from_value(SecretSource::Variable(TOKEN.to_owned()), value.expose())?)
            }
            Self::File(path) => Ok(SharedSecrets::from_file(path)?),
        }
    }

    fn can_change(&self) -> bool {
        matches!(self, Self::File(_))
    }

    fn same_to_an_app(one: &SharedSecrets, other: &SharedSecrets) -> bool {
        one.current().matches(other.current().expose().as_bytes())
    }

    fn secrets(value: &SharedSecrets) -> Vec<Secret> {
        value.iter().cloned().collect()
    }
}
