//! What a wget command line asks for (wget's manual).

use super::{
    call::{Call, Refused, resolved},
    curl::seconds,
    shell::{Piece, Word},
};

/// Short options that take a value.
const SHORT_WITH_VALUE: &str = "OoaUTtwPQeiDABRIXl";

/// Reads the words behind `wget`.
pub(super) fn wget(words: &[Word], variables: &dyn Fn(&str) -> Option<String>) -> Result<Call, Refused> {
    let mut call = Call::default();
    let mut words = words.iter().cloned();
    while let Some(word) = words.next() {
        let Some((option, glued)) = option(&word) else {
            if call.url.is_none() {
                call.url = Some(word);
            } else {
                call.lost.push("a second address in one command".to_owned());
            }
            continue;
        };
        let value = glued.or_else(|| if wants_next_word(&option) { words.next() } else { None });
        apply(&mut call, &option, value, variables)?;
    }
    Ok(call)
}

/// The option of a word that is one, and the value that stands in the same word. Of short options glued together the last
/// counts; the others (`-q`, `-nv`) have no value.
fn option(word: &Word) -> Option<(String, Option<Word>)> {
    let Some((Piece::Text(first), rest)) = word.split_first() else { return None };
    let value = |start: &str| -> Word {
        let start = (!start.is_empty()).then(|| Piece::Text(start.to_owned()));
        start.into_iter().chain(rest.iter().cloned()).collect()
    };
    if first.starts_with("--") {
        return Some(match first.split_once('=') {
            Some((name, start)) => (name.to_owned(), Some(value(start))),
            None => (first.clone(), None),
        });
    }
    let letters = first.strip_prefix('-').filter(|letters| !letters.is_empty())?;
    match letters.find(|letter| SHORT_WITH_VALUE.contains(letter)) {
        Some(index) => {
            let glued = value(&letters[index + 1..]);
            Some((format!("-{}", &letters[index..=index]), (!glued.is_empty()).then_some(glued)))
        }
        None => Some((first.clone(), None)),
    }
}

fn wants_next_word(option: &str) -> bool {
    let long = [
        "--method",
        "--post-data",
        "--body-data",
        "--post-file",
        "--body-file",
        "--header",
        "--user-agent",
        "--referer",
        "--timeout",
        "--tries",
        "--user",
        "--password",
        "--output-document",
        "--output-file",
        "--append-output",
        "--http-user",
        "--http-password",
        "--waitretry",
        "--connect-timeout",
        "--read-timeout",
        "--dns-timeout",
    ];
    long.contains(&option) || (option.len() == 2 && SHORT_WITH_VALUE.contains(&option[1..]))
}

fn apply(
    call: &mut Call,
    option: &str,
    value: Option<Word>,
    variables: &dyn Fn(&str) -> Option<String>,
) -> Result<(), Refused> {
    let value = value.unwrap_or_default();
    let named = |name: &str| [vec![Piece::Text(format!("{name}: "))], value.clone()].concat();
    match option {
        "--method" => call.method = resolved(&value, variables),
        "--post-data" | "--body-data" => {
            let needs = || Refused("a call whose body needs a variable that is not set in the file".to_owned());
            call.data.push(resolved(&value, variables).ok_or_else(needs)?);
        }
        "--post-file" | "--body-file" | "-i" | "--input-file" => {
            return Err(Refused("a call whose body or addresses come from a file".to_owned()));
        }
        "--header" => call.header(&value),
        "-U" | "--user-agent" => call.header(&named("User-Agent")),
        "--referer" => call.header(&named("Referer")),
        "-T" | "--timeout" => call.timeout = seconds(&value),
        "--user" | "--password" | "--http-user" | "--http-password" => call.credential(&format!("wget's {option}")),
        "-t" | "--tries" | "--no-check-certificate" | "-r" | "--recursive" | "-m" | "--mirror" => {
            call.lost.push(format!("wget's {option}"));
        }
        _ => {}
    }
    Ok(())
}
