//! Two clusters alike, a command for each, and the comparison.

use std::collections::BTreeSet;
use std::io::{Read, Write};
use std::process::{Command, Stdio};
use std::sync::mpsc;
use std::time::Duration;

use cli::cluster::{Console, Options, Taken};
use testkit::{Cluster, ClusterPlan, Program, Server, Tool, wait_for};

/// Prompts (how the output ends when an answer is due) and the answers to them.
pub type Answers<'a> = &'a [(&'a str, &'a str)];

/// How long a command may take.
const LIMIT: Duration = Duration::from_secs(120);

/// What a command wrote and how it ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Run {
    pub out: String,
    pub err: String,
    pub success: bool,
}

/// The two clusters.
pub struct Pair {
    pub real: Cluster,
    pub ours: Cluster,
}

impl Pair {
    /// Two joined clusters; masters have uneven slots, so that no order among equals decides.
    pub fn joined(masters: usize, replicas: usize) -> Pair {
        let pair = Pair::apart_with(masters, replicas);
        pair.real.join();
        pair.ours.join();
        pair
    }

    /// Nodes that do not know each other.
    pub fn apart(nodes: usize) -> Pair {
        Pair::apart_with(nodes, 0)
    }

    fn apart_with(masters: usize, replicas: usize) -> Pair {
        let start = || {
            ClusterPlan::of(Program::Redis70, masters, replicas)
                .option("enable-debug-command", "yes")
                .start_apart()
        };
        Pair {
            real: start(),
            ours: start(),
        }
    }

    /// Joins the first `count` nodes of both, all slots with masters; the others stay apart.
    pub fn join_first(&mut self, count: usize) {
        for cluster in [&mut self.real, &mut self.ours] {
            let rest = cluster.nodes.split_off(count);
            cluster.masters = count;
            cluster.join();
            cluster.nodes.extend(rest);
        }
    }

    /// Two clusters of servers started one by one, joined if `masters` is not 0.
    pub fn of(start: impl Fn() -> Vec<Server>, masters: usize) -> Pair {
        let make = || {
            let cluster = Cluster {
                nodes: start(),
                masters,
            };
            if masters > 0 {
                cluster.join();
            }
            cluster
        };
        Pair {
            real: make(),
            ours: make(),
        }
    }

    /// Adds a server to both, alone.
    pub fn add(&mut self, plan: impl Fn() -> testkit::ServerPlan) {
        self.real.nodes.push(plan().start());
        self.ours.nodes.push(plan().start());
    }

    /// Does the same to both.
    pub fn on_both(&self, act: impl Fn(&Cluster)) {
        act(&self.real);
        act(&self.ours);
    }

    /// Sends the same line to one node of both. `{id0}`, `{port0}` and `{addr0}` stand for what
    /// they say of node 0.
    pub fn line(&self, node: usize, line: &str) {
        self.on_both(|cluster| {
            let reply = cluster.nodes[node].line(&fill(cluster, line));
            assert!(reply.error().is_none(), "{line}: {reply:?}");
        });
    }

    /// Runs the command with the real redis-cli and with ours, and compares all there is.
    #[track_caller]
    pub fn compare(&self, words: &[&str], answers: Answers<'_>) -> Run {
        let run = self.compare_output(words, answers);
        assert_eq!(
            shape(&self.real),
            shape(&self.ours),
            "clusters after {words:?}"
        );
        run
    }

    /// As [`Pair::compare`], without the clusters' shape afterwards: for what leaves the choice to
    /// chance.
    #[track_caller]
    pub fn compare_output(&self, words: &[&str], answers: Answers<'_>) -> Run {
        self.compare_edited(words, answers, |_| {})
    }

    /// As [`Pair::compare_output`], of what `edit` leaves of the output.
    #[track_caller]
    pub fn compare_edited(
        &self,
        words: &[&str],
        answers: Answers<'_>,
        edit: impl Fn(&mut Run),
    ) -> Run {
        self.on_both(settle);
        let real = run_real(&filled(&self.real, words), &answers_of(&self.real, answers));
        let run = run_ours(&filled(&self.ours, words), &answers_of(&self.ours, answers));
        let mut real = normal(&self.real, &real);
        let mut ours = normal(&self.ours, &run);
        edit(&mut real);
        edit(&mut ours);
        assert_eq!(
            real.out, ours.out,
            "standard output of {words:?} (left: real)"
        );
        assert_eq!(
            real.err, ours.err,
            "standard error of {words:?} (left: real)"
        );
        assert_eq!(
            real.success, ours.success,
            "exit of {words:?}; output: {}",
            ours.out
        );
        normal(&self.ours, &run)
    }
}

/// Waits until the nodes give the same slots to the same nodes, and have then all heard of each
/// other anew: news of the last change may still be under way, and a change that meets them can be
/// undone. In Redis 7.0.15 equal views are not enough: a claim from before the change that comes
/// late takes a slot from its owner wherever the owner's own last message did not claim it yet.
pub fn settle(cluster: &Cluster) {
    let view = |node: &Server| {
        let text = node.line("CLUSTER NODES").text_or_none();
        let owners = text.lines().filter_map(|line| {
            let words: Vec<&str> = line.split(' ').collect();
            let slots: Vec<&str> = words
                .get(8..)?
                .iter()
                .copied()
                .filter(|word| !word.starts_with('['))
                .collect();
            // With equal epochs, older claims that are still under way change nothing.
            (!slots.is_empty()).then(|| format!("{} {} {}", words[0], words[6], slots.join(" ")))
        });
        owners.collect::<BTreeSet<String>>()
    };
    let members = cluster.nodes.iter().take(cluster.masters);
    let members: Vec<&Server> = members.collect();
    let agree = || {
        members
            .iter()
            .map(|node| view(node))
            .collect::<BTreeSet<_>>()
            .len()
            <= 1
    };
    // Nodes that are apart never agree; what comes next shows whether that was right.
    let agreed = || testkit::until(Duration::from_secs(5), || agree().then_some(()));
    if agreed().is_some() {
        let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
        let since = since.expect("it is later than 1970").as_millis();
        let heard = || members.iter().all(|node| has_heard_anew(node, since));
        testkit::until(Duration::from_secs(5), || heard().then_some(()));
        agreed();
    }
}

/// Whether every owner of slots that this node knows, and can reach, has answered it since then.
fn has_heard_anew(node: &Server, since: u128) -> bool {
    let text = node.line("CLUSTER NODES").text_or_none();
    text.lines().all(|line| {
        let words: Vec<&str> = line.split(' ').collect();
        let exempt = ["myself", "fail", "noaddr", "handshake"];
        words.len() <= 8
            || exempt.iter().any(|flag| words[2].contains(flag))
            || words[5].parse::<u128>().is_ok_and(|pong| pong > since)
    })
}

/// Puts ids, ports and addresses of the cluster's nodes into a text.
pub fn fill(cluster: &Cluster, text: &str) -> String {
    let mut text = text.to_owned();
    for (index, node) in cluster.nodes.iter().enumerate() {
        text = text.replace(
            &format!("{{addr{index}}}"),
            &format!("127.0.0.1:{}", node.port()),
        );
        text = text.replace(&format!("{{port{index}}}"), &node.port().to_string());
        if text.contains(&format!("{{id{index}}}")) {
            text = text.replace(&format!("{{id{index}}}"), &cluster.id(index));
        }
    }
    text
}

pub fn filled(cluster: &Cluster, words: &[&str]) -> Vec<String> {
    words.iter().map(|word| fill(cluster, word)).collect()
}

fn answers_of(cluster: &Cluster, answers: Answers<'_>) -> Vec<(String, String)> {
    answers
        .iter()
        .map(|(prompt, answer)| (prompt.to_string(), fill(cluster, answer)))
        .collect()
}

/// Runs `redis-cli --cluster words...`, answering each prompt when it has come.
pub fn run_real(words: &[String], answers: &[(String, String)]) -> Run {
    let mut command: Command = Program::Redis70.command(Tool::Cli);
    command
        .env_remove("TERM")
        .env_remove("REDISCLI_AUTH")
        .env_remove("REDISCLI_CLUSTER_YES");
    command.args(["--no-auth-warning", "--cluster"]).args(words);
    command
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    let mut child = command.spawn().expect("redis-cli starts");
    let mut stdin = child.stdin.take().expect("its input");
    let mut stdout = child.stdout.take().expect("its output");
    let mut stderr = child.stderr.take().expect("its errors");
    let (sender, chunks) = mpsc::channel();
    let reader = std::thread::spawn(move || {
        let mut buffer = [0; 4096];
        while let Ok(count @ 1..) = stdout.read(&mut buffer) {
            if sender.send(buffer[..count].to_vec()).is_err() {
                break;
            }
        }
    });
    let errors = std::thread::spawn(move || {
        let mut text = String::new();
        let _ = stderr.read_to_string(&mut text);
        text
    });
    let mut out = Vec::new();
    let mut answers = answers.iter();
    let mut next = answers.next();
    // Without more answers the input stays open: the end of input is not what is tested.
    while let Ok(chunk) = chunks.recv_timeout(LIMIT) {
        out.extend_from_slice(&chunk);
        if let Some((prompt, answer)) = next
            && out.ends_with(prompt.as_bytes())
        {
            let _ = stdin.write_all(format!("{answer}\n").as_bytes());
            next = answers.next();
        }
    }
    let ended = wait_for("the end of redis-cli", LIMIT, || {
        child.try_wait().expect("a child")
    });
    drop(stdin);
    reader.join().expect("the reader");
    let out = String::from_utf8_lossy(&out).into_owned();
    Run {
        out,
        err: errors.join().expect("the reader of errors"),
        success: ended.success(),
    }
}

/// Runs ours in this process.
pub fn run_ours(words: &[String], answers: &[(String, String)]) -> Run {
    let input: String = answers
        .iter()
        .map(|(_, answer)| format!("{answer}\n"))
        .collect();
    run_ours_colored(words, &input, false)
}

/// The same, with or without colours.
pub fn run_ours_colored(words: &[String], input: &str, colors: bool) -> Run {
    let mut options = Options::default();
    let mut command = Vec::new();
    let mut at = 0;
    while at < words.len() {
        match options.take(&words[at..]) {
            Taken::Words(count) => at += count,
            Taken::Not if words[at] == "-a" => {
                options.password = Some(words[at + 1].clone());
                at += 2;
            }
            Taken::Not if words[at] == "--user" => {
                options.user = Some(words[at + 1].clone());
                at += 2;
            }
            Taken::Not => {
                command.push(words[at].clone());
                at += 1;
            }
            Taken::Refused(text) => {
                return Run {
                    out: String::new(),
                    err: text.to_owned(),
                    success: false,
                };
            }
        }
    }
    let (mut out, mut err, mut input) = (Vec::new(), Vec::new(), input.as_bytes());
    let console = Console::new(&mut out, &mut err, &mut input, colors);
    let success = cli::cluster::run_on(console, &options, &command);
    let text = |bytes: Vec<u8>| String::from_utf8_lossy(&bytes).into_owned();
    Run {
        out: text(out),
        err: text(err),
        success,
    }
}

/// Names instead of ids and ports; what comes in the order of the nodes' ids, sorted.
pub fn normal(cluster: &Cluster, run: &Run) -> Run {
    let replace = |text: &str| {
        let mut text = text.to_owned();
        for (index, node) in cluster.nodes.iter().enumerate() {
            if let Ok(mut conn) = node.try_connect()
                && let Ok(reply) = conn.try_call(&["CLUSTER", "MYID"])
                && reply.error().is_none()
            {
                let id = reply.text();
                text = text.replace(&id, &format!("<id{index}>"));
                text = text.replace(&format!("({}...)", &id[..8]), &format!("(<id{index}>)"));
            }
            text = text.replace(&format!(":{}", node.port()), &format!(":<port{index}>"));
            text = text.replace(&format!("-{}-", node.port()), &format!("-<port{index}>-"));
        }
        text
    };
    Run {
        out: sorted(&replace(&run.out)),
        err: sorted(&replace(&run.err)),
        success: run.success,
    }
}

/// Sorts neighbouring units of the same kind: a unit is a line with the indented lines after it,
/// its kind the line without names and numbers.
fn sorted(text: &str) -> String {
    let mut units: Vec<(String, String)> = Vec::new();
    // Dots count seconds.
    let text = text.replace("Waiting for the cluster to join\n", "Waiting\n");
    let mut lines = text.split_inclusive('\n').peekable();
    while let Some(line) = lines.next() {
        if line.trim_end_matches('.') == "\n" || line.chars().all(|c| c == '.' || c == '\n') {
            continue;
        }
        let pad = line.len() - line.trim_start().len();
        let is_node = line.trim_start().starts_with("M: ") || line.trim_start().starts_with("S: ");
        let mut unit = with_sorted_list(line);
        while is_node
            && let Some(next) = lines.peek()
            && next.len() - next.trim_start().len() > pad
        {
            unit.push_str(next);
            lines.next();
        }
        let kind = if is_node {
            "node".to_owned()
        } else {
            kind_of(line)
        };
        match units.last_mut() {
            Some((last, _)) if *last == kind => {}
            _ => units.push((kind, String::new())),
        }
        let last = units.last_mut().expect("one was pushed");
        last.1.push_str(&unit);
        last.1.push('\u{1}');
    }
    let sort = |group: &str| {
        let mut members: Vec<&str> = group.split_terminator('\u{1}').collect();
        members.sort_unstable();
        members.concat()
    };
    units.iter().map(|(_, group)| sort(group)).collect()
}

/// Sorts a list of nodes: redis-cli lists them in the order of their ids.
fn with_sorted_list(line: &str) -> String {
    match line.trim_end().split_once(" in: ") {
        Some((head, list)) if head.starts_with("Set as") => {
            let mut nodes: Vec<&str> = list.split(',').collect();
            nodes.sort_unstable();
            format!("{head} in: {}\n", nodes.join(","))
        }
        _ => line.to_owned(),
    }
}

fn kind_of(line: &str) -> String {
    let without: String = line.chars().filter(|c| !c.is_ascii_digit()).collect();
    without.replace("<id>", "").replace("<port>", "")
}

/// For each node: role, master, slots, open slots and keys, in names that do not depend on ids.
pub fn shape(cluster: &Cluster) -> Vec<String> {
    let nodes: Vec<&Server> = cluster.nodes.iter().collect();
    let ids: Vec<String> = nodes
        .iter()
        .map(|node| node.line("CLUSTER MYID").text_or_none())
        .collect();
    let describe = |node: &&Server| {
        let text = node.line("CLUSTER NODES").text_or_none();
        let own = text
            .lines()
            .find(|line| line.contains("myself"))
            .unwrap_or_default();
        let words: Vec<&str> = own.split(' ').collect();
        let mut shown = format!(
            "{} {}",
            words.get(2).unwrap_or(&""),
            words.get(3).unwrap_or(&"")
        );
        shown.push_str(&format!(
            " {}",
            words.get(8..).unwrap_or_default().join(" ")
        ));
        for (index, id) in ids.iter().enumerate().filter(|(_, id)| !id.is_empty()) {
            shown = shown.replace(id.as_str(), &format!("<id{index}>"));
        }
        format!("{shown} keys {}", node.line("DBSIZE").int())
    };
    nodes.iter().map(describe).collect()
}

trait TextOrNone {
    fn text_or_none(&self) -> String;
}

impl TextOrNone for testkit::Reply {
    fn text_or_none(&self) -> String {
        if self.error().is_some() {
            String::new()
        } else {
            self.text()
        }
    }
}
