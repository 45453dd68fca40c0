//! The page of options for people: what each does in this version.

use crate::effect::{Observer, Standing};
use crate::option::Opt;
use crate::table::all;

/// The page, in Markdown.
pub fn page() -> String {
    let mut page = String::from(
        "# Options\n\n\
         Every option of redis.conf 7.2 is known. `cargo run -p config --example options_page` \
         writes this page.\n",
    );
    let mut section = |title: &str, text: &str, of: fn(&Standing) -> bool| {
        let (seen, line) = match of(&Standing::Live) {
            true => (" seen in |", "---|"),
            false => ("", ""),
        };
        page.push_str(&format!(
            "\n## {title}\n\n{text}\n\n| option | default |{seen}  |\n|---|---|{line}---|\n"
        ));
        for option in all().filter(|option| of(&option.standing)) {
            page.push_str(&row(option));
        }
    };
    section(
        "In effect",
        "These do what they say. Where that is seen, other than in CONFIG GET, stands beside them.",
        |standing| *standing == Standing::Live,
    );
    section(
        "Taken",
        "What these govern does not exist yet, or has no need of them. Any valid value is taken \
         and given back, and changes nothing.",
        |standing| *standing == Standing::Stored,
    );
    section(
        "Refused",
        "What these govern does not exist yet, and to ignore them would weaken the safety of \
         data, security or a limit. Any value but the default is refused by name. So are \
         `loadmodule`, and `user` but for the one user that there is.",
        |standing| matches!(standing, Standing::Refused(_)),
    );
    page
}

fn row(option: &Opt) -> String {
    let mut remarks: Vec<String> = Vec::new();
    if let Standing::Refused(reason) = option.standing {
        remarks.push(reason.into());
    }
    if option.immutable {
        remarks.push("at start only".into());
    }
    if option.protected {
        remarks.push("protected".into());
    }
    if option.hidden {
        remarks.push("not listed by patterns".into());
    }
    let aliases: Vec<String> = option
        .aliases
        .iter()
        .map(|a| format!("`{}`", a.name))
        .collect();
    if !aliases.is_empty() {
        remarks.push(format!("also {}", aliases.join(", ")));
    }
    let default = if option.default.is_empty() {
        "\"\""
    } else {
        option.default
    };
    format!(
        "| `{}` | `{default}` |{} {} |\n",
        option.name,
        seen(option),
        remarks.join("; ")
    )
}

/// The column that says where a change is seen, for options that have one.
fn seen(option: &Opt) -> String {
    match option.observer {
        Observer::Unsaid => String::new(),
        Observer::Info(field) => format!(" INFO `{field}` |"),
        Observer::In(place) => format!(" {place} |"),
        Observer::Nowhere(reason) => format!(" (nowhere: {reason}) |"),
    }
}
