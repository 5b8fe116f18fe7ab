//! The word that somebody probably meant.

/// The accepted word nearest to `written`, when one is near: at most a third of the letters differ, or one begins with the
/// other.
#[must_use]
pub fn nearest<'w>(written: &str, accepted: &[&'w str]) -> Option<&'w str> {
    let lower = written.to_lowercase();
    if lower.is_empty() || lower.len() > 64 {
        return None;
    }
    accepted
        .iter()
        .map(|word| (distance(&lower, &word.to_lowercase()), *word))
        .min_by_key(|(distance, _)| *distance)
        .filter(|(distance, word)| *distance <= word.chars().count().max(3) / 3)
        .map(|(_, word)| word)
}

/// Edits between two words; a hyphen, an underscore and a blank are the same, and a beginning of 3 letters or more counts
/// as one edit.
fn distance(written: &str, word: &str) -> usize {
    let plain = |text: &str| text.replace(['-', ' '], "_");
    let (written, word) = (plain(written), plain(word));
    let begins = |long: &str, short: &str| short.len() >= 3 && long.starts_with(short);
    let edits = strsim::damerau_levenshtein(&written, &word);
    if begins(&written, &word) || begins(&word, &written) { edits.min(1) } else { edits }
}
