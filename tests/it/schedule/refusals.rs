//! What is refused, where, and with which help.

use chrono_tz::Tz;
use sexton::schedule::{Dst, Schedule};

/// Text, the offending part, words of the message, words of the help.
const REFUSED: &[(&str, &str, &str, &str)] = &[
    // Seed A30.
    ("every 15", "15", "no unit", "every 15m"),
    ("daily 7:00", "7:00", "HH:MM", "write `07:00`"),
    ("daily 24:00", "24:00", "00:00 to 23:59", "00:00"),
    ("daily 03:00\n", "\n", "line break", "one line"),
    ("every 15m\r\n", "\r", "line break", "one line"),
    ("cron 0 5 * * 1\n", "\n", "line break", "one line"),
    ("every ١٥m", "١", "no place", "ASCII"),
    ("daily 0３:00", "３", "no place", "ASCII"),
    ("every 99999999999999999999m", "99999999999999999999", "too large", ""),
    ("every 4294967296s", "4294967296", "too large", ""),
    ("0 99999999999 * * *", "99999999999", "too large", ""),
    ("monthly 99999999999 03:00", "99999999999", "too large", ""),
    // Forms.
    ("", "", "empty", "daily 03:00"),
    ("  ", "  ", "empty", "daily 03:00"),
    ("hourly", "hourly", "starts no schedule", ""),
    ("dayly 03:00", "dayly", "starts no schedule", "`daily`"),
    ("Every 15m", "Every", "starts no schedule", "`every`"),
    ("CRON 0 5 * * 1", "CRON", "starts no schedule", "`cron`"),
    ("CRON_TZ=Europe/Prague 0 5 * * 1", "CRON_TZ=Europe/Prague", "starts no schedule", "timezone = \"Europe/Prague\""),
    ("TZ=UTC 0 5 * * 1", "TZ=UTC", "starts no schedule", "timezone = \"UTC\""),
    ("/5 * * * *", "/5", "starts no schedule", ""),
    ("@Daily", "@Daily", "is not one of", "`@daily`"),
    ("@reboot", "@reboot", "is not one of", "run_on_start"),
    ("@every 5m", "@every", "is not one of", "every 15m"),
    ("@daily 0 0 * * *", "0", "stands alone", ""),
    ("cron", "", "has 0", ""),
    ("cron @daily", "@daily", "has 1", ""),
    ("every", "", "a duration", ""),
    ("every 15m 3s", "3s", "too much", "no spaces"),
    ("every 15 m", "m", "too much", ""),
    ("every 0s", "0s", "no time", "every 1s"),
    ("every 0h0m", "0h0m", "no time", "every 1s"),
    ("every 1.5h", "1.5h", "", ""),
    ("every -5m", "-5m", "no duration", "15m"),
    ("every 15M", "15M", "no duration", "15m"),
    ("every 30m1h", "30m1h", "from the largest down", "1h30m"),
    ("every 5m5m", "5m5m", "each once", ""),
    ("every 1w", "1w", "no duration", "1d"),
    ("every m", "m", "no duration", ""),
    ("every day", "day", "no duration", ""),
    ("daily", "", "times", ""),
    ("daily 03:00, 07:00", "07:00", "too much", "no spaces"),
    ("daily 03:00,", "03:00,", "empty", "single commas"),
    ("daily 03:00,,07:00", "03:00,,07:00", "empty", "single commas"),
    ("daily 03:60", "03:60", "HH:MM", "03:00"),
    ("daily 3", "3", "HH:MM", "03:00"),
    ("daily 03:00:00", "03:00:00", "HH:MM", "03:00"),
    ("daily 003:00", "003:00", "HH:MM", "`03:00`"),
    ("daily 3pm", "3pm", "HH:MM", "03:00"),
    ("daily +3:00", "+3:00", "HH:MM", "03:00"),
    ("weekly", "", "weekdays and times", ""),
    ("weekly mon", "", "weekdays and times", ""),
    ("weekly monday 05:00", "monday", "not a weekday", "`mon`"),
    ("weekly 1 05:00", "1", "not a weekday", ""),
    ("weekly mon, thu 05:00", "05:00", "too much", "no spaces"),
    ("weekly fri-mon 05:00", "fri-mon", "over the end", "sat,sun,mon"),
    ("monthly 0 05:00", "0", "1 to 31", ""),
    ("monthly 32 05:00", "32", "1 to 31", ""),
    ("monthly L 05:00", "L", "`last`", ""),
    ("monthly 1,,3 05:00", "1,,3", "empty", "single commas"),
    ("at", "", "an instant", ""),
    ("at 2026-07-27", "2026-07-27", "RFC 3339", "09:00:00Z"),
    ("at 2026-07-27T12:00:00", "2026-07-27T12:00:00", "RFC 3339", "09:00:00Z"),
    ("at 2026-02-30T12:00:00Z", "2026-02-30T12:00:00Z", "RFC 3339", ""),
    ("at 2026-07-27 12:00:00Z", "12:00:00Z", "too much", ""),
    ("at 2026-07-27T12:00:00.5Z", "2026-07-27T12:00:00.5Z", "whole seconds", ""),
    ("at 2026-06-30T23:59:60Z", "2026-06-30T23:59:60Z", "whole seconds", ""),
    // Cron.
    ("* * * *", "* * * *", "has 4", ""),
    ("0 0 12 1 1 * 2027", "0 0 12 1 1 * 2027", "has 7", "no year field"),
    ("60 * * * *", "60", "no minute: allowed is 0-59", ""),
    ("* 24 * * *", "24", "no hour", ""),
    ("60 * * * * *", "60", "no second", ""),
    ("0 0 0 * *", "0", "no day of month", ""),
    ("0 0 32 * *", "32", "1-31", ""),
    ("0 0 * 13 *", "13", "1-12 or JAN-DEC", ""),
    ("0 0 * * 8", "8", "0-7 or SUN-SAT", ""),
    ("0 0 * foo *", "foo", "no month", ""),
    ("0 0 * january *", "january", "no month", "`jan`"),
    ("0 0 * * Monday", "Monday", "no day of week", "`Mon`"),
    ("0 0 * MON *", "MON", "no month", ""),
    ("0 0 * * JAN", "JAN", "no day of week", ""),
    ("0 0 * JAN1 *", "JAN1", "no month", ""),
    ("0 0 * * MONTUE", "MONTUE", "no day of week", ""),
    ("1,,3 * * * *", "1,,3", "empty", "single commas"),
    (",1 * * * *", ",1", "starts no schedule", ""),
    ("* 1, * * *", "1,", "empty", ""),
    ("0 , * * *", ",", "empty", ""),
    ("*,5 * * * *", "*", "already every minute", "alone"),
    ("5,* * * * *", "*", "already every minute", ""),
    ("** * * * *", "**", "no minute", "*/15"),
    ("*5 * * * *", "*5", "no minute", "*/15"),
    ("*/0 * * * *", "*/0", "step of 0", "1 or more"),
    ("*/ * * * *", "*/", "not a number", ""),
    ("*/x * * * *", "*/x", "not a number", ""),
    ("*/5/5 * * * *", "*/5/5", "not a number", ""),
    ("* /5 * * *", "/5", "where the steps start", "write `*/5`"),
    ("10-5 * * * *", "10-5", "before it starts", "10-59,0-5"),
    ("0 22-2 * * *", "22-2", "before it starts", "22-23,0-2"),
    ("0 0 * * sat-mon", "sat-mon", "before it starts", "6,0-1"),
    ("1-2-3 * * * *", "2-3", "no minute", ""),
    ("1- * * * *", "", "no minute", ""),
    ("0 -5 * * *", "", "no hour", ""),
    ("? * * * *", "?", "starts no schedule", ""),
    ("0 ? * * *", "?", "no hour", "write `*`"),
    ("0 0 ?/2 * *", "?/2", "stands alone", "write `*`"),
    ("0 0 1,? * *", "1,?", "stands alone", "write `*`"),
    ("0 0 L L *", "L", "no month", ""),
    ("0 0 * * L", "L", "names no weekday", "`FRI#L`"),
    ("0 0 * * #2", "#2", "names no weekday", ""),
    ("0 0 L,LW * *", "L,LW", "last weekday", "keep one"),
    ("0 0 L-3 * *", "L-3", "from the end of the month", "`L`"),
    ("0 12 1-15W * *", "1-15W", "one day, not a range", "15W"),
    ("0 12 32W * *", "32", "no day of month", ""),
    ("0 12 W * *", "", "no day of month", ""),
    ("0 0 * * FRI#6", "6", "first to fifth", "FRI#5"),
    ("0 0 * * FRI#0", "0", "first to fifth", ""),
    ("0 0 * * FRI#", "", "first to fifth", ""),
    ("0 0 * * */2#1", "*/2#1", "not a number", ""),
    ("0 0 * * 1-5/2#1", "1-5/2#1", "not a step", ""),
    ("0 0 * * +", "+", "certain weekdays", "+FRI"),
    ("0 0 * * +*", "+*", "certain weekdays", "+FRI"),
    ("0 12 +1 * MON", "+1", "no day of month", ""),
    ("0 12 1 * MON,+TUE", "+TUE", "no day of week", ""),
    ("H * * * *", "H", "starts no schedule", ""),
    ("0 H * * *", "H", "no hour", ""),
];

/// Seed A30: the refusals carried over, and the many ways to get an expression wrong. Each names the offending bytes,
/// says what is allowed, and helps.
#[test]
fn a30_what_is_refused() {
    for (text, part, message, help) in REFUSED {
        let error = match Schedule::parse(text, Tz::UTC, Dst::default()) {
            Ok(schedule) => panic!("{text:?} was accepted: {}", schedule.describe()),
            Err(error) => error,
        };
        assert_eq!(&text[error.at.clone()], *part, "{text:?}: {error}");
        assert!(error.message.contains(message), "{text:?}: {error}");
        let given = error.help.unwrap_or_default();
        assert!(given.contains(help), "{text:?}: {given}");
    }
}

/// Seed A30: the grammar carried over.
#[test]
fn a30_what_is_accepted() {
    for text in ["every 15m", "every 1h", "daily 03:00", "daily 07:00,13:00", "cron 0 5 * * 1"] {
        let schedule = Schedule::parse(text, Tz::UTC, Dst::default()).unwrap();
        assert_eq!(schedule.text(), text);
    }
}
