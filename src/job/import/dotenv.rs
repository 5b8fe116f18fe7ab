//! `.env` files: parsed, never sourced (seed A43).

/// A variable and the line it is set on, from 1.
pub(super) struct Variable {
    pub(super) line: usize,
    pub(super) name: String,
    pub(super) value: String,
}

/// The variables that a text sets, in order. Lines that set none are passed over.
pub(super) fn variables(text: &str) -> Vec<Variable> {
    text.lines()
        .enumerate()
        .filter_map(|(index, line)| {
            let line = line.trim();
            let line = line.strip_prefix("export ").unwrap_or(line);
            let (name, value) = line.split_once('=')?;
            let name = name.trim();
            let named = !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_');
            named.then(|| Variable { line: index + 1, name: name.to_owned(), value: unquoted(value.trim()) })
        })
        .collect()
}

/// A value without its quotes; an unquoted one ends where a comment begins.
fn unquoted(value: &str) -> String {
    for quote in ['"', '\''] {
        if let Some((inner, _)) = value.strip_prefix(quote).and_then(|rest| rest.split_once(quote)) {
            return inner.to_owned();
        }
    }
    let comment = if value.starts_with('#') { Some(0) } else { value.find(" #") };
    comment.map_or(value, |comment| &value[..comment]).trim_end().to_owned()
}
