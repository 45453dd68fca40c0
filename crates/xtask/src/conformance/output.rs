//! What the suite prints, read back: one outcome for each test.

/// What became of a test.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Outcome {
    /// It passed.
    Passed,
    /// It failed, with the suite's words.
    Failed(String),
    /// Nothing happened for as long as the suite waits.
    Hung(String),
    /// The whole unit ended in it, or before the next one.
    Ended(String),
    /// The suite itself left it out.
    Left(String),
}

/// A unit's tests in the order of their ends, and how the unit ended.
#[derive(Debug, Default)]
pub(super) struct Output {
    /// Names, made distinct by a count, with their outcomes.
    pub(super) tests: Vec<(String, Outcome)>,
    /// The test that was running when the suite gave up waiting.
    pub(super) hung: Option<String>,
    /// Why the unit ended before its end.
    pub(super) exception: Option<String>,
    /// The unit ran to its end.
    pub(super) done: bool,
}

/// Reads the suite's output.
pub(super) fn parse(text: &str) -> Output {
    let mut output = Output::default();
    let clean = without_colours(text);
    let lines: Vec<&str> = clean.lines().collect();
    for (index, line) in lines.iter().enumerate() {
        if line.trim() == "The End" {
            break; // failures are listed once more below
        }
        if let Some(hung) = line.split_once("=> (IN PROGRESS) ") {
            output.hung = Some(hung.1.to_string());
        }
        let Some((status, rest)) = status(line) else {
            continue;
        };
        match status {
            "ok" => {
                let name = rest.rsplit_once(" (").map_or(rest, |(name, _)| name);
                output.push(name, Outcome::Passed);
            }
            "err" => {
                let name = rest
                    .rsplit_once(" in tests/")
                    .map_or(rest, |(name, _)| name);
                output.push(name, Outcome::Failed(following(&lines[index + 1..])));
            }
            "ignore" => {
                // Without a name it stands for a whole block of tests.
                let (name, why) = rest.rsplit_once(": ").unwrap_or((rest, rest));
                output.push(name, Outcome::Left(why.to_string()));
            }
            "exception" => {
                let more = following(&lines[index + 1..]);
                output.exception = Some(format!("{rest} {more}").trim().to_string());
            }
            _ if status.ends_with(" done") => output.done = true,
            _ => {}
        }
    }
    output
}

impl Output {
    fn push(&mut self, name: &str, outcome: Outcome) {
        let again = |known: &str| {
            known == name
                || known.strip_prefix(name).is_some_and(|rest| {
                    rest.strip_prefix(" #")
                        .is_some_and(|count| count.parse::<u32>().is_ok())
                })
        };
        let count = self.tests.iter().filter(|(known, _)| again(known)).count();
        let name = if count == 0 {
            name.to_string()
        } else {
            format!("{name} #{}", count + 1)
        };
        self.tests.push((name, outcome));
    }
}

/// `[status]: rest`. Some tests print dots and letters before it, on the same line.
fn status(line: &str) -> Option<(&str, &str)> {
    if let Some(line) = line.strip_prefix('[') {
        return line.split_once("]: ");
    }
    ["ok", "err", "ignore", "exception"]
        .iter()
        .find_map(|status| {
            let (before, rest) = line.split_once(&format!("[{status}]: "))?;
            let noise = !before.contains(char::is_whitespace);
            noise.then_some((*status, rest))
        })
}

/// The words up to the next status line, in one line and not too many.
fn following(lines: &[&str]) -> String {
    let words = lines
        .iter()
        .take_while(|line| status(line).is_none())
        .take(6);
    let text = words.map(|line| line.trim()).collect::<Vec<_>>().join(" ");
    match text.char_indices().nth(240) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text.trim().to_string(),
    }
}

fn without_colours(text: &str) -> String {
    let mut parts = text.split('\u{1b}');
    let mut clean = parts.next().unwrap_or_default().to_string();
    for part in parts {
        clean.push_str(part.split_once('m').map_or(part, |(_, rest)| rest));
    }
    clean
}

/// Counts in a line.
pub(super) fn summary(outcomes: &[(String, Outcome)]) -> String {
    let count = |wanted: fn(&Outcome) -> bool| {
        outcomes
            .iter()
            .filter(|(_, outcome)| wanted(outcome))
            .count()
    };
    let passed = count(|outcome| *outcome == Outcome::Passed);
    let failed = count(|outcome| matches!(outcome, Outcome::Failed(_)));
    let hung = count(|outcome| matches!(outcome, Outcome::Hung(_)));
    let ended = count(|outcome| matches!(outcome, Outcome::Ended(_)));
    let mut line = format!("{passed:>4} ok {failed:>4} failed");
    if hung > 0 {
        line += &format!(" {hung} hung");
    }
    if ended > 0 {
        line += " and ended early";
    }
    line
}
