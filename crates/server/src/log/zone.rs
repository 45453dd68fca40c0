//! Local time: the system's time zone file, or the rule in the environment's `TZ`.

use std::fmt;
use std::path::PathBuf;

/// A time zone: when its distance from universal time changed, and how it changes from then on.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Zone {
    /// Seconds since 1970 and the distance from then on, in seconds east of Greenwich.
    changes: Vec<(i64, i64)>,
    /// The distance before the first change.
    first: i64,
    rule: Option<Rule>,
}

/// A rule as POSIX writes it: `CET-1CEST,M3.5.0,M10.5.0/3`.
#[derive(Clone, Debug, PartialEq)]
struct Rule {
    winter: i64,
    summer: Option<(i64, Turn, Turn)>,
}

/// A day of the year and a second of that day.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Turn {
    day: Day,
    second: i64,
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum Day {
    /// 1 to 365; the 29th of February is not counted.
    Julian(i64),
    /// 0 to 365.
    Zero(i64),
    /// A weekday's nth (5 for last) coming in a month.
    Month { month: i64, week: i64, weekday: i64 },
}

/// A moment on the clock on the wall, shown as `23 Nov 2026 00:25:28`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct LocalTime {
    year: i64,
    month: usize,
    day: i64,
    second: i64,
}

impl fmt::Display for LocalTime {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        const MONTHS: [&str; 12] = [
            "Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec",
        ];
        let (hour, minute, second) = (self.second / 3600, self.second / 60 % 60, self.second % 60);
        let month = MONTHS[self.month - 1];
        write!(
            f,
            "{:02} {month} {} {hour:02}:{minute:02}:{second:02}",
            self.day, self.year
        )
    }
}

impl Zone {
    /// The zone of this process; universal time when it cannot be found out.
    pub(super) fn local() -> Zone {
        let Some(name) = std::env::var_os("TZ") else {
            let file = std::fs::read("/etc/localtime").unwrap_or_default();
            return Zone::from_file(&file).unwrap_or_default();
        };
        Zone::named(&name.to_string_lossy()).unwrap_or_default()
    }

    /// The zone that a value of `TZ` means: a file's name or a rule.
    pub(super) fn named(name: &str) -> Option<Zone> {
        let path = name.strip_prefix(':').unwrap_or(name);
        if path.is_empty() {
            return Some(Zone::default());
        }
        let path = PathBuf::from("/usr/share/zoneinfo").join(path);
        match std::fs::read(path) {
            Ok(file) => Zone::from_file(&file),
            Err(_) => Some(Zone {
                rule: Some(Rule::parse(name)?),
                ..Zone::default()
            }),
        }
    }

    /// Reads a zone file (TZif, version 2 or later).
    pub(super) fn from_file(file: &[u8]) -> Option<Zone> {
        let counts = |at: usize| -> Option<[usize; 6]> {
            let head = file.get(at..at + 44)?;
            if &head[..4] != b"TZif" || head[4] < b'2' {
                return None;
            }
            let count = |i: usize| -> Option<usize> {
                Some(u32::from_be_bytes(head[20 + 4 * i..24 + 4 * i].try_into().ok()?) as usize)
            };
            Some([
                count(0)?,
                count(1)?,
                count(2)?,
                count(3)?,
                count(4)?,
                count(5)?,
            ])
        };
        // The first part has 32-bit times; it is skipped.
        let [utc, std, leap, time, kind, chars] = counts(0)?;
        let at = 44 + time * 5 + kind * 6 + chars + leap * 8 + std + utc;
        let [utc, std, leap, time, kind, chars] = counts(at)?;
        let times = at + 44;
        let indexes = times + time * 8;
        let kinds = indexes + time;
        let offset = |index: usize| -> Option<i64> {
            let at = kinds + 6 * index;
            Some(i32::from_be_bytes(file.get(at..at + 4)?.try_into().ok()?).into())
        };
        let mut changes = Vec::new();
        for i in 0..time {
            let when = file
                .get(times + 8 * i..times + 8 * i + 8)?
                .try_into()
                .ok()?;
            let index = usize::from(*file.get(indexes + i)?);
            changes.push((i64::from_be_bytes(when), offset(index)?));
        }
        let footer = kinds + kind * 6 + chars + leap * 12 + std + utc;
        let footer = std::str::from_utf8(file.get(footer..)?)
            .ok()?
            .trim_matches('\n');
        Some(Zone {
            changes,
            first: offset(0)?,
            rule: Rule::parse(footer),
        })
    }

    /// Seconds east of Greenwich at a moment.
    pub(super) fn offset(&self, unix: i64) -> i64 {
        let next = self.changes.partition_point(|(when, _)| *when <= unix);
        if next == self.changes.len()
            && let Some(rule) = &self.rule
        {
            return rule.offset(unix);
        }
        next.checked_sub(1)
            .map_or(self.first, |last| self.changes[last].1)
    }

    /// What the clock on the wall shows.
    pub(super) fn local_time(&self, unix: i64) -> LocalTime {
        let local = unix + self.offset(unix);
        let (year, month, day) = civil(local.div_euclid(86400));
        LocalTime {
            year,
            month: month as usize,
            day,
            second: local.rem_euclid(86400),
        }
    }
}

impl Rule {
    fn parse(text: &str) -> Option<Rule> {
        let (_, rest) = name(text)?;
        let (west, rest) = clock(rest)?;
        if rest.is_empty() {
            return Some(Rule {
                winter: -west,
                summer: None,
            });
        }
        let (_, rest) = name(rest)?;
        let (summer, rest) = match rest.starts_with(',') {
            true => (-west + 3600, rest),
            false => clock(rest).map(|(west, rest)| (-west, rest))?,
        };
        // Who names no days means those of the United States, as POSIX allows.
        let days = rest.strip_prefix(',').unwrap_or("M3.2.0,M11.1.0");
        let (start, end) = days.split_once(',')?;
        Some(Rule {
            winter: -west,
            summer: Some((summer, Turn::parse(start)?, Turn::parse(end)?)),
        })
    }

    fn offset(&self, unix: i64) -> i64 {
        let Some((summer, start, end)) = self.summer else {
            return self.winter;
        };
        let (year, ..) = civil((unix + self.winter).div_euclid(86400));
        let start = start.at(year) - self.winter;
        let end = end.at(year) - summer;
        let is_summer = match start <= end {
            true => (start..end).contains(&unix),
            // South of the equator.
            false => !(end..start).contains(&unix),
        };
        if is_summer { summer } else { self.winter }
    }
}

impl Turn {
    fn parse(text: &str) -> Option<Turn> {
        let (day, second) = match text.split_once('/') {
            None => (text, 2 * 3600),
            Some((day, time)) => (day, clock(time).filter(|(_, rest)| rest.is_empty())?.0),
        };
        let day = if let Some(day) = day.strip_prefix('M') {
            let mut parts = day.split('.').map(|part| part.parse().ok());
            let (month, week, weekday) = (parts.next()??, parts.next()??, parts.next()??);
            let valid = (1..=12).contains(&month) && (1..=5).contains(&week);
            if !valid || !(0..=6).contains(&weekday) {
                return None;
            }
            Day::Month {
                month,
                week,
                weekday,
            }
        } else if let Some(day) = day.strip_prefix('J') {
            Day::Julian(day.parse().ok().filter(|day| (1..=365).contains(day))?)
        } else {
            Day::Zero(day.parse().ok().filter(|day| (0..=365).contains(day))?)
        };
        Some(Turn { day, second })
    }

    /// The moment in a year, in local seconds since 1970.
    fn at(&self, year: i64) -> i64 {
        let first = days(year, 1, 1);
        let day = match self.day {
            Day::Zero(day) => first + day,
            Day::Julian(day) => {
                let leap = days(year, 3, 1) - first == 60;
                first + day - 1 + i64::from(leap && day > 59)
            }
            Day::Month {
                month,
                week,
                weekday,
            } => {
                let first = days(year, month, 1);
                // The first of January 1970 was a Thursday.
                let ahead = (weekday - (first + 4)).rem_euclid(7);
                let next = if month == 12 {
                    days(year + 1, 1, 1)
                } else {
                    days(year, month + 1, 1)
                };
                let day = first + ahead + 7 * (week - 1);
                if day >= next { day - 7 } else { day }
            }
        };
        day * 86400 + self.second
    }
}

/// A zone's abbreviation, which nobody reads here: letters, or anything in angle brackets.
fn name(text: &str) -> Option<(&str, &str)> {
    if let Some(rest) = text.strip_prefix('<') {
        return rest.split_once('>');
    }
    let end = text
        .find(|c: char| !c.is_ascii_alphabetic())
        .unwrap_or(text.len());
    (end >= 3).then(|| text.split_at(end))
}

/// `[+-]hh[:mm[:ss]]` in seconds, and what follows.
fn clock(text: &str) -> Option<(i64, &str)> {
    let end = text
        .find(|c: char| !"+-:0123456789".contains(c))
        .unwrap_or(text.len());
    let (time, rest) = text.split_at(end);
    let negative = time.starts_with('-');
    let mut seconds = 0;
    for (part, unit) in time
        .trim_start_matches(['+', '-'])
        .split(':')
        .zip([3600, 60, 1])
    {
        let part: u16 = part.parse().ok()?;
        seconds += i64::from(part) * unit;
    }
    Some((if negative { -seconds } else { seconds }, rest))
}

/// Days from the first of January 1970 to a day of the Gregorian calendar.
fn days(year: i64, month: i64, day: i64) -> i64 {
    // Years begin in March, so that the day of February that comes and goes is the last.
    let year = if month <= 2 { year - 1 } else { year };
    let era = year.div_euclid(400);
    let of_era = year.rem_euclid(400);
    let of_year = (153 * ((month + 9) % 12) + 2) / 5 + day - 1;
    era * 146_097 + of_era * 365 + of_era / 4 - of_era / 100 + of_year - 719_468
}

/// The year, month and day that lie so many days behind the first of January 1970.
fn civil(days: i64) -> (i64, i64, i64) {
    let days = days + 719_468;
    let era = days.div_euclid(146_097);
    let of_era = days.rem_euclid(146_097);
    let year = (of_era - of_era / 1460 + of_era / 36_524 - of_era / 146_096) / 365;
    let of_year = of_era - (365 * year + year / 4 - year / 100);
    let month = (5 * of_year + 2) / 153;
    let day = of_year - (153 * month + 2) / 5 + 1;
    let month = if month < 10 { month + 3 } else { month - 9 };
    (era * 400 + year + i64::from(month <= 2), month, day)
}
