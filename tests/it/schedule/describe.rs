//! Schedules in words.

use chrono_tz::Tz;
use sexton::schedule::Schedule;

use super::{AFTER_FIRST, schedule};

#[test]
fn each_form_in_words() {
    for (text, words) in [
        ("every 15m", "every 15 minutes"),
        ("every 1h", "every hour"),
        ("every 1s", "every second"),
        ("every 90s", "every 1 minute 30 seconds"),
        ("every 1d", "every day at 00:00 UTC"),
        ("every 7m", "every 7 minutes, counted from 1970-01-01 00:00 UTC"),
        ("every 2d", "every 2 days, counted from 1970-01-01 00:00 UTC"),
        ("daily 03:00", "every day at 03:00 in Europe/Prague"),
        ("daily 18:00,07:00,13:00", "every day at 07:00, 13:00 and 18:00 in Europe/Prague"),
        ("weekly mon,thu 05:00", "every Monday and Thursday at 05:00 in Europe/Prague"),
        ("weekly mon-fri 05:00", "every Monday to Friday at 05:00 in Europe/Prague"),
        ("weekly mon-sun 05:00", "every day at 05:00 in Europe/Prague"),
        ("weekly sat,sun 05:00", "every Saturday and Sunday at 05:00 in Europe/Prague"),
        ("monthly 1,15 04:00", "on the 1st and 15th of the month at 04:00 in Europe/Prague"),
        ("monthly last 23:30", "on the last day of the month at 23:30 in Europe/Prague"),
        ("monthly 2,3,22,last 23:30", "on the 2nd, 3rd, 22nd and the last day of the month at 23:30 in Europe/Prague"),
        ("at 2026-07-27T14:00:00+02:00", "once, at 2026-07-27T14:00:00+02:00"),
        ("@daily", "every day at 00:00 in Europe/Prague"),
        ("@hourly", "every hour in Europe/Prague"),
        ("@weekly", "every Sunday at 00:00 in Europe/Prague"),
        ("@monthly", "on the 1st of the month at 00:00 in Europe/Prague"),
        ("@yearly", "on the 1st of January at 00:00 in Europe/Prague"),
        ("cron 0 5 * * 1", "every Monday at 05:00 in Europe/Prague"),
        ("0 2,14 * * *", "every day at 02:00 and 14:00 in Europe/Prague"),
        ("15,45 9-11 * * *", "every day at 09:15, 09:45, 10:15, 10:45, 11:15 and 11:45 in Europe/Prague"),
        ("30 15 10 * * *", "every day at 10:15:30 in Europe/Prague"),
        ("* * * * *", "every minute in Europe/Prague"),
        ("* * * * * *", "every second in Europe/Prague"),
        ("*/10 * * * * *", "every 10 seconds in Europe/Prague"),
        ("30 * * * * *", "at second 30 of every minute in Europe/Prague"),
        ("*/15 * * * *", "every 15 minutes in Europe/Prague"),
        ("*/45 * * * *", "at minutes 0 and 45 of every hour in Europe/Prague"),
        ("5/10 * * * *", "at minutes 5, 15, 25, 35, 45 and 55 of every hour in Europe/Prague"),
        ("7 * * * *", "at minute 7 of every hour in Europe/Prague"),
        ("0 */2 * * *", "every 2 hours from 00:00 in Europe/Prague"),
        ("30 */2 * * *", "at minute 30 of every 2nd hour in Europe/Prague"),
        ("*/15 9-17 * * 1-5", "every 15 minutes from 09:00 to 17:59, every Monday to Friday, in Europe/Prague"),
        ("*/20 9,17 * * *", "every 20 minutes of hours 9 and 17 in Europe/Prague"),
        ("* 4 * * *", "every minute from 04:00 to 04:59 in Europe/Prague"),
        ("0-10 9-17 * * *", "at minutes 0 to 10 of hours 9 to 17 in Europe/Prague"),
        ("*/10 5 */2 * * *", "every 10 seconds of minute 5 of every 2nd hour in Europe/Prague"),
        ("0 4 * 1,7 *", "every day of January and July at 04:00 in Europe/Prague"),
        ("0 4 * 3-10 SUN", "every Sunday in March to October at 04:00 in Europe/Prague"),
        ("0 4 1 1,7 *", "on the 1st of January and July at 04:00 in Europe/Prague"),
        (
            "0 4 L,15W * *",
            "on the last day and the weekday (Monday to Friday) nearest the 15th of the month at 04:00 in Europe/Prague",
        ),
        ("0 4 LW 6 *", "on the last weekday (Monday to Friday) of June at 04:00 in Europe/Prague"),
        ("0 4 * * FRI#2", "on the 2nd Friday of the month at 04:00 in Europe/Prague"),
        ("0 4 * * 5L", "on the last Friday of the month at 04:00 in Europe/Prague"),
        ("0 4 * 2 MON,FRI#L", "every Monday and on the last Friday of February at 04:00 in Europe/Prague"),
        ("0 4 13 * FRI", "on the 13th of the month, and also every Friday, at 04:00 in Europe/Prague"),
        ("*/20 * 13 * FRI", "every 20 minutes, on the 13th of the month, and also every Friday, in Europe/Prague"),
        ("0 4 13 * +5,1", "on the 13th of the month if that is a Monday or Friday, at 04:00 in Europe/Prague"),
        (
            "0 4 L * +5#L,5#1",
            "on the last day of the month if that is the last Friday or the 1st Friday, at 04:00 in Europe/Prague",
        ),
        ("0 4 13 * +FRI", "on the 13th of the month if that is a Friday, at 04:00 in Europe/Prague"),
    ] {
        assert_eq!(schedule(text, Tz::Europe__Prague, AFTER_FIRST).describe(), words, "{text}");
    }
}

#[test]
fn a_list_in_words() {
    let prague = |text: &str| schedule(text, Tz::Europe__Prague, AFTER_FIRST);
    let list = Schedule::any_of([prague("daily 03:00"), prague("every 2h")]).unwrap();
    assert_eq!(list.describe(), "every day at 03:00 in Europe/Prague, and every 2 hours");
}
