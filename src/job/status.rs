//! Statuses as `expect` and `retry` write them.

use std::ops::RangeInclusive;

use toml::de::DeValue;

use super::{ExpectedStatus, StatusClass};

/// A whole number such as 204, or a class such as `"2xx"`, whose first digit is one of `classes`.
pub(super) fn status(value: &DeValue, classes: RangeInclusive<u8>) -> Option<ExpectedStatus> {
    match value {
        DeValue::Integer(written) => exact(u16::from_str_radix(written.as_str(), written.radix()).ok()?, classes),
        DeValue::String(text) => match text.as_bytes() {
            [digit @ b'0'..=b'9', b'x', b'x'] => Some(digit - b'0')
                .filter(|class| classes.contains(class))
                .map(|class| ExpectedStatus::Class(StatusClass(class))),
            _ => None,
        },
        _ => None,
    }
}

/// A status of one of the classes.
pub(super) fn exact(status: u16, classes: RangeInclusive<u8>) -> Option<ExpectedStatus> {
    let class = u8::try_from(status / 100).ok()?;
    classes.contains(&class).then_some(ExpectedStatus::Exact(status))
}
