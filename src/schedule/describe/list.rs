//! Lists of values in words.

/// `a`, `a and b`, `a, b and c`.
pub(super) fn and(items: &[String]) -> String {
    join(items, "and")
}

/// `a`, `a or b`, `a, b or c`.
pub(super) fn or(items: &[String]) -> String {
    join(items, "or")
}

fn join(items: &[String], conjunction: &str) -> String {
    match items {
        [] => String::new(),
        [one] => one.clone(),
        [most @ .., last] => format!("{} {conjunction} {last}", most.join(", ")),
    }
}

/// Ascending values by name, three and more in a row as `a to c`.
pub(super) fn runs(values: impl Iterator<Item = u8>, name: impl Fn(u8) -> String) -> Vec<String> {
    let mut runs: Vec<(u8, u8)> = Vec::new();
    for value in values {
        match runs.last_mut() {
            Some((_, last)) if *last + 1 == value => *last = value,
            _ => runs.push((value, value)),
        }
    }
    let mut items = Vec::new();
    for (first, last) in runs {
        if last - first >= 2 {
            items.push(format!("{} to {}", name(first), name(last)));
        } else {
            items.extend((first..=last).map(&name));
        }
    }
    items
}

/// `1st`, `22nd`, `13th`.
pub(super) fn ordinal(number: u8) -> String {
    let ending = match (number % 10, number % 100) {
        (1..=3, 11..=13) => "th",
        (1, _) => "st",
        (2, _) => "nd",
        (3, _) => "rd",
        _ => "th",
    };
    format!("{number}{ending}")
}
