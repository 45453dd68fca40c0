//! The table of `--cluster` commands: names, arguments, options, and what runs them.

use super::session::Session;
use super::{Failed, Outcome, backup, call, check, create, import, members, rebalance, reshard};

type Run = fn(&mut Session<'_>, &[String]) -> Outcome;

/// One row of the table.
pub(super) struct Command {
    name: &'static str,
    /// Exactly so many arguments, or at least so many when negative; 0: any number.
    arity: isize,
    pub(super) run: Run,
    arguments: &'static str,
    options: &'static [&'static str],
}

const ANY_NODE: &str = "<host:port> or <host> <port> - separated by either colon or space";

const fn row(
    name: &'static str,
    arity: isize,
    run: Run,
    arguments: &'static str,
    options: &'static [&'static str],
) -> Command {
    Command {
        name,
        arity,
        run,
        arguments,
        options,
    }
}

static COMMANDS: [Command; 13] = [
    row(
        "create",
        -2,
        create::run,
        "host1:port1 ... hostN:portN",
        &["replicas <arg>"],
    ),
    row(
        "check",
        -1,
        check::run,
        ANY_NODE,
        &["search-multiple-owners"],
    ),
    row("info", -1, check::run_info, ANY_NODE, &[]),
    row(
        "fix",
        -1,
        check::run_fix,
        ANY_NODE,
        &["search-multiple-owners", "fix-with-unreachable-masters"],
    ),
    row(
        "reshard",
        -1,
        reshard::run,
        ANY_NODE,
        &[
            "from <arg>",
            "to <arg>",
            "slots <arg>",
            "yes",
            "timeout <arg>",
            "pipeline <arg>",
            "replace",
        ],
    ),
    row(
        "rebalance",
        -1,
        rebalance::run,
        ANY_NODE,
        &[
            "weight <node1=w1...nodeN=wN>",
            "use-empty-masters",
            "timeout <arg>",
            "simulate",
            "pipeline <arg>",
            "threshold <arg>",
            "replace",
        ],
    ),
    row(
        "add-node",
        2,
        members::run_add,
        "new_host:new_port existing_host:existing_port",
        &["slave", "master-id <arg>"],
    ),
    row("del-node", 2, members::run_delete, "host:port node_id", &[]),
    row(
        "call",
        -2,
        call::run,
        "host:port command arg arg .. arg",
        &["only-masters", "only-replicas"],
    ),
    row(
        "set-timeout",
        2,
        call::run_set_timeout,
        "host:port milliseconds",
        &[],
    ),
    row(
        "import",
        1,
        import::run,
        "host:port",
        &[
            "from <arg>",
            "from-user <arg>",
            "from-pass <arg>",
            "from-askpass",
            "copy",
            "replace",
        ],
    ),
    row("backup", 2, backup::run, "host:port backup_directory", &[]),
    row("help", 0, run_help, "", &[]),
];

/// The names of all commands, in the order of the help text.
pub const HELP_WORDS: [&str; 13] = {
    let mut names = [""; 13];
    let mut index = 0;
    while index < names.len() {
        names[index] = COMMANDS[index].name;
        index += 1;
    }
    names
};

/// The command that the first word names, if the number of the others suits it; else the text
/// for standard error.
pub(super) fn find(words: &[String]) -> Result<&'static Command, &'static str> {
    let name = words.first().map_or("", String::as_str);
    let Some(command) = COMMANDS.iter().find(|command| command.name == name) else {
        return Err("Unknown --cluster subcommand\n");
    };
    let given = words.len() - 1;
    let wanted = command.arity.unsigned_abs();
    if given < wanted || (command.arity > 0 && given > wanted) {
        return Err("[ERR] Wrong number of arguments for specified --cluster sub command\n");
    }
    Ok(command)
}

fn run_help(session: &mut Session<'_>, _: &[String]) -> Outcome {
    let mut text = String::from("Cluster Manager Commands:\n");
    for command in &COMMANDS {
        text.push_str(&format!("  {:<15}{}\n", command.name, command.arguments));
        for option in command.options {
            text.push_str(&format!("{:<17}--cluster-{option}\n", ""));
        }
    }
    text.push_str(
        "\nFor check, fix, reshard, del-node, set-timeout, info, rebalance, call, import, backup \
         you can specify the host and port of any working node in the cluster.\n",
    );
    text.push_str("\nCluster Manager Options:\n");
    text.push_str("  --cluster-yes  Automatic yes to cluster commands prompts\n\n");
    session.console.say(text);
    // redis-cli ends with exit code 1 here, and scripts that probe for it know that.
    Err(Failed)
}
