//! Text -> rule: which form it is, and the forms that are no cron expression.

use chrono::{DateTime, FixedOffset, NaiveTime, Weekday};

use super::{
    Parser, ScheduleError,
    cron::Expression,
    every::Every,
    local::{Calendar, Days, Local},
    part::Rule,
    word::{Word, words},
};

const FORMS: &str = "`*/15 * * * *`, `@daily`, `every 15m`, `daily 03:00`, `weekly mon,thu 05:00`, \
                     `monthly 1,15 04:00`, `at 2027-01-31T09:00:00Z`";
const KEYWORDS: [&str; 6] = ["cron", "every", "daily", "weekly", "monthly", "at"];

pub(super) fn parse(text: &str, parser: &mut Parser) -> Result<Rule, ScheduleError> {
    let words = words(text)?;
    let Some((first, rest)) = words.split_first() else {
        return Err(ScheduleError::new(0..text.len(), "the schedule is empty").help(format!("write one of {FORMS}")));
    };
    let end = words.last().map_or(0, |word| word.at().end);
    match first.text {
        "cron" => cron(rest, end, parser),
        "every" => Every::parse(one(*first, rest, "a duration, like `every 15m`")?).map(Rule::Every),
        "daily" => calendar(Days::Daily, one(*first, rest, "times, like `daily 07:00,13:00`")?),
        "weekly" => {
            let (days, times) = two(*first, rest, "weekdays and times, like `weekly mon,thu 05:00`")?;
            calendar(weekdays(days)?, times)
        }
        "monthly" => {
            let (days, times) = two(*first, rest, "days and times, like `monthly 1,15 04:00` or `monthly last 23:30`")?;
            calendar(days_of_month(days)?, times)
        }
        "at" => instant(one(*first, rest, "an instant, like `at 2027-01-31T09:00:00Z`")?),
        alias if alias.starts_with('@') => cron_alias(*first, rest, parser),
        field if field.starts_with(|c: char| c.is_ascii_digit() || c == '*') => cron(&words, end, parser),
        _ => Err(unknown(*first)),
    }
}

fn cron(fields: &[Word<'_>], end: usize, parser: &mut Parser) -> Result<Rule, ScheduleError> {
    let expression = Expression::parse(fields, end)?;
    let pattern = parser.pattern(&expression)?;
    Ok(Rule::Local(Local::Cron(Box::new(expression), pattern)))
}

fn cron_alias(alias: Word<'_>, rest: &[Word<'_>], parser: &mut Parser) -> Result<Rule, ScheduleError> {
    let fields = match alias.text {
        "@hourly" => "0 * * * *",
        "@daily" | "@midnight" => "0 0 * * *",
        "@weekly" => "0 0 * * 0",
        "@monthly" => "0 0 1 * *",
        "@yearly" | "@annually" => "0 0 1 1 *",
        _ => return Err(unknown_alias(alias)),
    };
    if let Some(extra) = rest.first() {
        return Err(extra.error(format!("`{}` stands alone", alias.text)));
    }
    let fields: Vec<_> = fields.split(' ').map(|text| Word { text, start: alias.start }).collect();
    cron(&fields, alias.at().end, parser)
}

fn unknown_alias(alias: Word<'_>) -> ScheduleError {
    let error = alias.error(format!(
        "`{}` is not one of @hourly, @daily, @midnight, @weekly, @monthly, @yearly, @annually",
        alias.text
    ));
    match alias.text {
        "@reboot" => error.help("set `run_on_start = true` on the job"),
        "@every" => error.help("write `every 15m`"),
        text if text.bytes().any(|byte| byte.is_ascii_uppercase()) => {
            error.help(format!("write it in lower case: `{}`", text.to_ascii_lowercase()))
        }
        _ => error,
    }
}

fn unknown(word: Word<'_>) -> ScheduleError {
    let error = word.error(format!("`{}` starts no schedule: allowed are {FORMS}", word.text));
    let text = word.text.to_ascii_lowercase();
    if let Some(zone) = text.strip_prefix("cron_tz=").or(text.strip_prefix("tz=")) {
        let zone = &word.text[text.len() - zone.len()..];
        return error.help(format!("set `timezone = \"{zone}\"` on the job"));
    }
    let nearest = KEYWORDS.into_iter().max_by(|a, b| strsim::jaro(&text, a).total_cmp(&strsim::jaro(&text, b)));
    match nearest.filter(|keyword| strsim::jaro(&text, keyword) > 0.8) {
        Some(keyword) => error.help(format!("did you mean `{keyword}`?")),
        None => error,
    }
}

/// The one word that follows `keyword`.
fn one<'a>(keyword: Word<'a>, rest: &[Word<'a>], wanted: &str) -> Result<Word<'a>, ScheduleError> {
    match rest {
        [word] => Ok(*word),
        [_, extra, ..] => Err(surplus(keyword, *extra, wanted)),
        [] => Err(missing(keyword, keyword, wanted)),
    }
}

/// The two words that follow `keyword`.
fn two<'a>(keyword: Word<'a>, rest: &[Word<'a>], wanted: &str) -> Result<(Word<'a>, Word<'a>), ScheduleError> {
    match rest {
        [first, second] => Ok((*first, *second)),
        [_, _, extra, ..] => Err(surplus(keyword, *extra, wanted)),
        _ => Err(missing(keyword, *rest.last().unwrap_or(&keyword), wanted)),
    }
}

fn surplus(keyword: Word<'_>, extra: Word<'_>, wanted: &str) -> ScheduleError {
    extra
        .error(format!("`{}` is too much: `{}` takes {wanted}", extra.text, keyword.text))
        .help("write lists with commas and no spaces")
}

fn missing(keyword: Word<'_>, last: Word<'_>, wanted: &str) -> ScheduleError {
    let end = last.at().end;
    ScheduleError::new(end..end, format!("`{}` takes {wanted}", keyword.text))
}

fn calendar(days: Days, times: Word<'_>) -> Result<Rule, ScheduleError> {
    let mut times = times.items()?.into_iter().map(time).collect::<Result<Vec<_>, _>>()?;
    times.sort_unstable();
    times.dedup();
    Ok(Rule::Local(Local::Calendar(Calendar { days, times })))
}

/// `HH:MM`, 00:00 to 23:59, with both digits (seed A30).
fn time(word: Word<'_>) -> Result<NaiveTime, ScheduleError> {
    let refuse = |help: String| {
        word.error(format!("`{}` is not a time of day: allowed is HH:MM, 00:00 to 23:59", word.text)).help(help)
    };
    let Some((hour, minute)) = word.split_once(':') else { return Err(refuse("write it like `03:00`".to_owned())) };
    let (Some(Ok(hours)), Some(Ok(minutes))) = (hour.number(), minute.number()) else {
        return Err(refuse("write it like `03:00`".to_owned()));
    };
    match NaiveTime::from_hms_opt(hours, minutes, 0) {
        Some(time) if hour.text.len() == 2 && minute.text.len() == 2 => Ok(time),
        Some(time) => Err(refuse(format!("write `{}`", time.format("%H:%M")))),
        None if (hours, minutes) == (24, 0) => Err(refuse("the day starts with `00:00`".to_owned())),
        None => Err(refuse("write it like `03:00`".to_owned())),
    }
}

const WEEKDAYS: [(&str, Weekday); 7] = [
    ("mon", Weekday::Mon),
    ("tue", Weekday::Tue),
    ("wed", Weekday::Wed),
    ("thu", Weekday::Thu),
    ("fri", Weekday::Fri),
    ("sat", Weekday::Sat),
    ("sun", Weekday::Sun),
];

fn weekdays(word: Word<'_>) -> Result<Days, ScheduleError> {
    let mut places = Vec::new();
    for item in word.items()? {
        match item.split_once('-') {
            None => places.push(weekday(item)?),
            Some((first, last)) => {
                let (first, last) = (weekday(first)?, weekday(last)?);
                if first > last {
                    return Err(item
                        .error(format!("the range `{}` goes over the end of the week", item.text))
                        .help("a week goes from mon to sun: write the days one by one, like `sat,sun,mon`"));
                }
                places.extend(first..=last);
            }
        }
    }
    places.sort_unstable();
    places.dedup();
    Ok(Days::Weekly(places.into_iter().map(|place| WEEKDAYS[place].1).collect()))
}

/// The place of a weekday in the week, Monday first.
fn weekday(word: Word<'_>) -> Result<usize, ScheduleError> {
    let place = |text: &str| WEEKDAYS.iter().position(|(name, _)| name.eq_ignore_ascii_case(text));
    place(word.text).ok_or_else(|| {
        let error =
            word.error(format!("`{}` is not a weekday: allowed are mon, tue, wed, thu, fri, sat, sun", word.text));
        match word.text.get(..3).and_then(place) {
            Some(place) => error.help(format!("did you mean `{}`?", WEEKDAYS[place].0)),
            None => error,
        }
    })
}

fn days_of_month(word: Word<'_>) -> Result<Days, ScheduleError> {
    let (mut days, mut last) = (Vec::new(), false);
    for item in word.items()? {
        if item.text == "last" {
            last = true;
            continue;
        }
        match item.number() {
            Some(Ok(day @ 1..=31)) => days.push(day),
            Some(Err(too_large)) => return Err(too_large),
            _ => {
                return Err(
                    item.error(format!("`{}` is not a day of the month: allowed are 1 to 31 and `last`", item.text))
                );
            }
        }
    }
    days.sort_unstable();
    days.dedup();
    Ok(Days::Monthly { days, last })
}

fn instant(word: Word<'_>) -> Result<Rule, ScheduleError> {
    let refuse = |why: &str| {
        word.error(format!("`{}` is not an RFC 3339 instant: {why}", word.text))
            .help("write it like `at 2027-01-31T09:00:00Z` or `at 2027-01-31T10:00:00+01:00`")
    };
    let instant: DateTime<FixedOffset> =
        DateTime::parse_from_rfc3339(word.text).map_err(|error| refuse(&error.to_string()))?;
    // chrono keeps a leap second as nanoseconds beyond one second.
    if instant.timestamp_subsec_nanos() > 0 {
        return Err(refuse("a schedule has whole seconds, 00 to 59"));
    }
    Ok(Rule::At(instant))
}
