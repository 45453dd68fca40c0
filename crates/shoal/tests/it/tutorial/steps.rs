//! The steps of the tutorial.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use testkit::{Conn, Follower, Process, Program, Reply, eventually, wait_for};

use super::shell::Shell;

/// How long the cluster may take to be as it should: the tutorial's node time-out is 5 s.
const LIMIT: Duration = Duration::from_secs(60);
const FIRST: u16 = 7000;
/// Nodes that come later: a master, its replica, one that stays alone.
const MASTER: u16 = 7006;
const REPLICA: u16 = 7007;
const ALONE: u16 = 7008;
const SIX: [u16; 6] = [FIRST, 7001, 7002, 7003, 7004, LAST];
const LAST: u16 = 7005;
/// Keys written before anything moves, and looked for until the end.
const KEYS: usize = 300;

/// The tutorial under way.
pub struct Tutorial {
    // Dropped first: no server may outlive its directory.
    servers: BTreeMap<u16, Process>,
    shell: Shell,
    kind: Program,
    _ports: Vec<testkit::Port>,
}

/// The directory of a node.
fn directory(port: u16) -> String {
    match port {
        7000..=7002 => format!("redis-cluster/master/{}", port - 6999),
        7003..=7005 => format!("redis-cluster/replica/{}", port - 7002),
        _ => format!("redis-cluster/{port}"),
    }
}

/// A line of CLUSTER NODES.
#[derive(Debug, Clone)]
struct Line {
    id: String,
    /// Milliseconds since 1970: when its last PONG came.
    pong: u128,
    port: u16,
    flags: String,
    master: String,
    epoch: String,
    slots: Vec<String>,
}

impl Line {
    fn is_master(&self) -> bool {
        self.flags.contains("master") && !self.flags.contains("fail")
    }
}

fn lines(text: &str) -> Vec<Line> {
    let parse = |line: &str| {
        let words: Vec<&str> = line.split(' ').collect();
        let port = words[1]
            .split('@')
            .next()?
            .rsplit(':')
            .next()?
            .parse()
            .ok()?;
        Some(Line {
            id: words[0].into(),
            pong: words[5].parse().ok()?,
            port,
            flags: words[2].into(),
            master: words[3].into(),
            epoch: words[6].into(),
            slots: words[8..].iter().map(ToString::to_string).collect(),
        })
    };
    text.lines()
        .filter(|line| !line.is_empty())
        .filter_map(parse)
        .collect()
}

fn key(number: usize) -> String {
    format!("key:{number}")
}

impl Tutorial {
    pub fn new(servers: Program, cli: Program) -> Tutorial {
        Tutorial {
            servers: BTreeMap::new(),
            shell: Shell::new(servers, cli),
            kind: servers,
            _ports: testkit::reserve_exact(FIRST..=ALONE),
        }
    }

    /// "First, create six directories"; "In each directory, create a redis.conf".
    pub fn configure(&self) {
        self.shell
            .must("mkdir -p redis-cluster/{master,replica}/{1,2,3}");
        for port in SIX {
            self.write_config(port);
        }
    }

    fn write_config(&self, port: u16) {
        let text = format!(
            "port {port}\ncluster-enabled yes\ncluster-config-file nodes.conf\n\
             cluster-node-timeout 5000\nappendonly yes\n"
        );
        let path = self.shell.home().join(directory(port)).join("redis.conf");
        std::fs::write(&path, text).expect("a configuration file");
    }

    /// "Now, start each Redis node using the respective configuration file".
    pub fn start_all(&mut self) {
        for port in SIX {
            self.start(port);
        }
        for port in SIX {
            self.await_answer(port);
        }
    }

    fn start(&mut self, port: u16) {
        let process = self
            .shell
            .start(&directory(port), "redis-server ./redis.conf");
        self.servers.insert(port, process);
    }

    fn await_answer(&self, port: u16) {
        wait_for(&format!("port {port} answers"), LIMIT, || {
            let reply = Conn::open(port).ok()?.try_call(&["PING"]).ok()?;
            reply.error().is_none().then_some(())
        });
    }

    /// "Once all nodes are up and running, use the redis-cli command-line tool to create the
    /// cluster".
    pub fn create(&self) {
        let line = "redis-cli --cluster create 127.0.0.1:7000 127.0.0.1:7001 127.0.0.1:7002 \
                    127.0.0.1:7003 127.0.0.1:7004 127.0.0.1:7005 --cluster-replicas 1";
        let typed = self
            .shell
            .converse(line, &[("(type 'yes' to accept): ", "yes")]);
        assert!(typed.success, "{}", typed.text);
        for wanted in [
            ">>> Performing hash slots allocation on 6 nodes...",
            "Master[0] -> Slots 0 - 5460\nMaster[1] -> Slots 5461 - 10922\n\
             Master[2] -> Slots 10923 - 16383\n",
            "[OK] All nodes agree about slots configuration.",
            "[OK] All 16384 slots covered.",
        ] {
            assert!(
                typed.text.contains(wanted),
                "{wanted} is missing in:\n{}",
                typed.text
            );
        }
        self.await_ok(SIX.to_vec());
    }

    /// All these nodes see the cluster as ok, all slots served, and replicas have their masters.
    fn await_ok(&self, ports: Vec<u16>) {
        for port in ports {
            let ok = testkit::until(LIMIT, || (is_ok(port) == Some(true)).then_some(()));
            assert!(ok.is_some(), "node {port} is not ok:\n{}", self.report());
        }
    }

    /// What every node says of itself, for a failed test.
    fn report(&self) -> String {
        let mut text = String::new();
        for port in self.servers.keys() {
            for line in [
                "cluster info",
                "cluster nodes",
                "info replication",
                "info stats",
            ] {
                let typed = self
                    .shell
                    .try_type(&format!("timeout 5 redis-cli -p {port} {line}"), "");
                text += &format!("--- {port} {line}\n{}", typed.text);
            }
        }
        text
    }

    /// "simply pass the … option followed by the address of any node": set and get, redirected.
    pub fn set_and_get(&self) {
        let typed = self.shell.try_type(
            "redis-cli -c -h 127.0.0.1 -p 7000",
            "set foo \"bar\"\nget foo\n",
        );
        assert!(typed.success, "{}", typed.text);
        assert_eq!(
            typed.text,
            "-> Redirected to slot [12182] located at 127.0.0.1:7002\nOK\nbar\n"
        );
        let mut client = follower(FIRST);
        for number in 0..KEYS {
            client
                .call(&["SET", &key(number), &number.to_string()])
                .expect_ok();
        }
    }

    fn require_keys(&self, through: u16) {
        let mut client = follower(through);
        for number in 0..KEYS {
            assert_eq!(
                client.call(&["GET", &key(number)]).text(),
                number.to_string()
            );
        }
        assert_eq!(client.call(&["GET", "foo"]).text(), "bar");
    }

    /// "Then you can use the StrictRedisCluster class to connect to the cluster and execute Redis
    /// commands".
    pub fn write_from_python(&self) {
        let script = "from rediscluster import StrictRedisCluster\n\
                      startup_nodes = [{\"host\": \"127.0.0.1\", \"port\": \"7000\"}]\n\
                      rc = StrictRedisCluster(startup_nodes=startup_nodes, decode_responses=True)\n\
                      rc.set(\"foo\", \"bar\")\n\
                      print(rc.get(\"foo\"))\n";
        let path = self.shell.home().join("snippet.py");
        std::fs::write(path, script).expect("a script");
        let modules = testkit::client_path("redis-py-cluster-1");
        let modules = modules.display();
        let text = self
            .shell
            .must(&format!("PYTHONPATH={modules} python3 snippet.py"));
        assert_eq!(text, "bar\n");
    }

    fn nodes(&self, asked: u16) -> Vec<Line> {
        lines(&self.shell.must(&format!(
            "redis-cli -c -h 127.0.0.1 -p {asked} cluster nodes"
        )))
    }

    /// "First, let's list the nodes in the cluster".
    pub fn list_nodes(&self) {
        let nodes = self.nodes(FIRST);
        assert_eq!(nodes.len(), 6, "{nodes:?}");
        let masters: Vec<&Line> = nodes.iter().filter(|line| line.is_master()).collect();
        assert_eq!(masters.len(), 3, "{nodes:?}");
        for master in masters {
            let replicas = nodes.iter().filter(|line| line.master == master.id).count();
            assert_eq!(replicas, 1, "{nodes:?}");
        }
    }

    fn id(&self, port: u16) -> String {
        self.shell
            .must(&format!("redis-cli -p {port} cluster myid"))
            .trim()
            .to_owned()
    }

    /// How many slots a node says it serves.
    fn count_slots(&self, port: u16) -> usize {
        let nodes = self.nodes(port);
        let own = nodes
            .iter()
            .find(|line| line.flags.contains("myself"))
            .expect("its own line");
        let count = |range: &String| {
            let (first, last) = range.split_once('-').unwrap_or((range, range));
            let bound = |text: &str| text.parse::<usize>().expect("a slot");
            bound(last) - bound(first) + 1
        };
        own.slots
            .iter()
            .filter(|range| !range.starts_with('['))
            .map(count)
            .sum()
    }

    /// Waits until every node sees the same owners with the same epochs: a change that meets the
    /// news of the last one can be undone.
    fn await_agreement(&self, ports: &[u16]) {
        let view = |port: u16| {
            let reply = Conn::open(port)
                .ok()?
                .try_call(&["CLUSTER", "NODES"])
                .ok()?;
            // Replicas are known too; their epochs are those of their primaries, heard of later.
            let epoch = |line: &Line| match line.slots.is_empty() {
                true => String::new(),
                false => line.epoch.clone(),
            };
            let mut nodes: Vec<(String, String, Vec<String>)> = lines(&reply.text())
                .into_iter()
                .map(|line| (line.id.clone(), epoch(&line), line.slots))
                .collect();
            nodes.sort();
            Some(nodes)
        };
        let agree = || {
            eventually("the nodes agree", LIMIT, || {
                let views: Vec<_> = ports.iter().map(|&port| view(port)).collect();
                views.iter().all(|view| view.is_some() && *view == views[0])
            });
        };
        agree();
        if self.kind != Program::Shoal {
            // A ping from before the change that comes late undoes it in a real node's view: a slot
            // that its owner does not claim may be taken by anybody.
            await_round(ports);
            agree();
        }
    }

    /// "use the redis-cli --cluster reshard command … Follow the prompts".
    pub fn reshard_by_prompts(&self) {
        let (to, from) = (self.id(7000), self.id(7001));
        let typed = self.shell.converse(
            "redis-cli --cluster reshard 127.0.0.1:7000",
            &[
                (
                    "How many slots do you want to move (from 1 to 16384)? ",
                    "100",
                ),
                ("What is the receiving node ID? ", &to),
                ("Source node #1: ", &from),
                ("Source node #2: ", "done"),
                (
                    "Do you want to proceed with the proposed reshard plan (yes/no)? ",
                    "yes",
                ),
            ],
        );
        assert!(typed.success, "{}", typed.text);
        assert!(
            typed.text.contains("Ready to move 100 slots."),
            "{}",
            typed.text
        );
        assert_eq!(
            (self.count_slots(7000), self.count_slots(7001)),
            (5561, 5362)
        );
        self.await_agreement(&SIX);
        self.require_keys(7004);
    }

    pub fn reshard_by_options(&self) {
        self.reshard(7002, 7001, 100);
        assert_eq!(
            (self.count_slots(7001), self.count_slots(7002)),
            (5462, 5361)
        );
        self.await_agreement(&SIX);
        let text = self.shell.must("redis-cli --cluster check 127.0.0.1:7003");
        assert!(text.contains("[OK] All 16384 slots covered."), "{text}");
        self.require_keys(7005);
    }

    fn reshard(&self, from: u16, to: u16, slots: usize) {
        let (from, to) = (self.id(from), self.id(to));
        self.shell.must(&format!(
            "redis-cli --cluster reshard 127.0.0.1:7000 --cluster-from {from} --cluster-to {to} \
             --cluster-slots {slots} --cluster-yes"
        ));
    }

    /// "Redis Cluster automatically detects node failures": kill -9, failover, and back again.
    pub fn lose_a_master(&mut self) {
        // Its replica must have what it has: what is killed between a write and its copy is lost.
        let mut conn = Conn::open(7001).expect("a connection");
        conn.call(&["WAIT", "1", "1000"]);
        let id = self.id(7001);
        self.servers.get_mut(&7001).expect("it runs").kill();
        let rest: Vec<u16> = SIX.into_iter().filter(|port| *port != 7001).collect();
        let took_over = || {
            let nodes = lines(
                &Conn::open(7000)
                    .ok()?
                    .try_call(&["CLUSTER", "NODES"])
                    .ok()?
                    .text(),
            );
            let lost = nodes.iter().find(|line| line.id == id)?;
            (lost.flags.contains("fail") && lost.slots.is_empty()).then_some(())
        };
        wait_for("a replica took over", LIMIT, took_over);
        self.await_ok(rest);
        self.require_keys(7000);
        self.start(7001);
        self.await_answer(7001);
        self.await_ok(SIX.to_vec());
        let own = self
            .nodes(7001)
            .into_iter()
            .find(|line| line.flags.contains("myself"));
        assert!(own.expect("its own line").flags.contains("slave"));
        self.require_keys(7001);
    }

    /// "use the CLUSTER FAILOVER command", with somebody writing all the while.
    pub fn fail_over_by_hand(&self) {
        let nodes = self.nodes(7000);
        let replica = nodes
            .iter()
            .find(|line| line.flags.contains("slave"))
            .expect("a replica");
        let (end, port) = (AtomicBool::new(false), replica.port);
        std::thread::scope(|scope| {
            let writer = scope.spawn(|| write_until(&end));
            // However this ends, the writer ends too.
            let stop = Stop(&end);
            let typed = self.shell.try_type(
                &format!("redis-cli -h 127.0.0.1 -p {port}"),
                "CLUSTER FAILOVER\n",
            );
            assert_eq!(typed.text, "OK\n");
            let promoted = || {
                let reply = Conn::open(port).ok()?.try_call(&["ROLE"]).ok()?;
                (reply.array()[0].text() == "master").then_some(())
            };
            wait_for("the replica is the master", LIMIT, promoted);
            self.await_ok(SIX.to_vec());
            drop(stop);
            let written = writer.join().expect("the writer");
            assert!(written > 0);
            let mut client = follower(7000);
            for number in 0..written {
                let found = client.call(&["GET", &format!("written:{number}")]);
                assert_eq!(
                    found,
                    Reply::Bulk(number.to_string().into_bytes()),
                    "of {written}"
                );
            }
        });
        self.await_agreement(&SIX);
    }

    pub fn add_and_remove_nodes(&mut self) {
        for port in [MASTER, REPLICA] {
            self.shell.must(&format!("mkdir -p {}", directory(port)));
            self.write_config(port);
            self.start(port);
            self.await_answer(port);
        }
        let text = self
            .shell
            .must("redis-cli --cluster add-node 127.0.0.1:7006 127.0.0.1:7000");
        assert!(text.contains("[OK] New node added correctly."), "{text}");
        let mut all: Vec<u16> = (FIRST..=MASTER).collect();
        self.await_ok(all.clone());
        self.await_agreement(&all);
        let id = self.id(MASTER);
        let text = self.shell.must(&format!(
            "redis-cli --cluster add-node 127.0.0.1:7007 127.0.0.1:7000 --cluster-slave \
             --cluster-master-id {id}"
        ));
        assert!(
            text.contains(">>> Configure node as replica of 127.0.0.1:7006."),
            "{text}"
        );
        all.push(REPLICA);
        self.await_ok(all.clone());
        self.await_agreement(&all);
        let donor = self.a_master();
        self.reshard(donor, MASTER, 50);
        assert_eq!(self.count_slots(MASTER), 50);
        self.await_agreement(&all);
        self.require_keys(REPLICA);
        // A master with slots cannot leave.
        let typed = self.shell.try_type(
            &format!("redis-cli --cluster del-node 127.0.0.1:7000 {id}"),
            "",
        );
        assert!(
            !typed.success && typed.text.contains("is not empty!"),
            "{}",
            typed.text
        );
        let replica = self.id(REPLICA);
        self.shell.must(&format!(
            "redis-cli --cluster del-node 127.0.0.1:7000 {replica}"
        ));
        self.reshard(MASTER, donor, 50);
        self.await_agreement(&(FIRST..=MASTER).collect::<Vec<_>>());
        // Without slots it may have become a replica already; gone it is in either case.
        self.shell
            .must(&format!("redis-cli --cluster del-node 127.0.0.1:7000 {id}"));
        eventually("six nodes again", LIMIT, || {
            SIX.into_iter().all(|port| {
                self.nodes(port)
                    .iter()
                    .filter(|line| !line.flags.contains("handshake"))
                    .count()
                    == 6
            })
        });
        self.await_ok(SIX.to_vec());
        for port in [MASTER, REPLICA] {
            self.servers.remove(&port).expect("it runs").kill();
        }
        self.require_keys(7000);
    }

    /// A master of the six, not the node that is asked first.
    fn a_master(&self) -> u16 {
        let nodes = self.nodes(7000);
        // One that was replaced may not know yet, and still call itself a master.
        let masters = || {
            nodes
                .iter()
                .filter(|line| line.is_master() && !line.slots.is_empty())
                .filter(|line| SIX.contains(&line.port))
        };
        let found = masters().find(|line| line.port != FIRST);
        let any = masters().next();
        found.or(any).expect("a master").port
    }

    /// "Can I use Redis Cluster with a single node?"
    pub fn run_alone(&mut self) {
        self.shell.must(&format!("mkdir -p {}", directory(ALONE)));
        self.write_config(ALONE);
        self.start(ALONE);
        self.await_answer(ALONE);
        let slots = "cluster addslotsrange 0 16383";
        assert_eq!(
            self.shell.must(&format!("redis-cli -p {ALONE} {slots}")),
            "OK\n"
        );
        self.await_ok(vec![ALONE]);
        let typed = self.shell.try_type(
            &format!("redis-cli -c -p {ALONE}"),
            "set foo bar\nget foo\n",
        );
        assert_eq!(typed.text, "OK\nbar\n");
        self.servers.remove(&ALONE).expect("it runs").kill();
    }

    /// "If a majority of master nodes are reachable, the cluster continues to operate."
    pub fn pause_a_minority(&mut self) {
        let port = self.a_master();
        let id = self.id(port);
        self.servers.get_mut(&port).expect("it runs").pause();
        let asked = if port == 7000 { 7002 } else { 7000 };
        let replaced = || {
            let nodes = lines(
                &Conn::open(asked)
                    .ok()?
                    .try_call(&["CLUSTER", "NODES"])
                    .ok()?
                    .text(),
            );
            let lost = nodes.iter().find(|line| line.id == id)?;
            (lost.flags.contains("fail") && lost.slots.is_empty()).then_some(())
        };
        wait_for("the majority goes on", LIMIT, replaced);
        self.await_ok(SIX.into_iter().filter(|other| *other != port).collect());
        self.require_keys(asked);
        self.servers.get_mut(&port).expect("it runs").resume();
        self.await_ok(SIX.to_vec());
        self.await_agreement(&SIX);
    }

    /// "If a majority is not reachable, the cluster stops accepting write requests."
    pub fn pause_a_majority(&mut self) {
        let alone = self.a_master();
        let others: Vec<u16> = SIX.into_iter().filter(|port| *port != alone).collect();
        let tag = self.tag_of(alone);
        let mut conn = Conn::open(alone).expect("a connection");
        conn.call(&["SET", &tag, "before"]).expect_ok();
        for port in &others {
            self.servers.get_mut(port).expect("it runs").pause();
        }
        // What was acknowledged too late is not: its connection ends without an answer.
        let refuses = || {
            let mut conn = Conn::open(alone).ok()?;
            let reply = conn.try_call(&["SET", &tag, "during"]).ok()?;
            reply.error().map(str::to_owned)
        };
        let error = wait_for("the minority stops", LIMIT, refuses);
        assert!(error.starts_with("CLUSTERDOWN"), "{error}");
        for port in &others {
            self.servers.get_mut(port).expect("it runs").resume();
        }
        self.await_ok(SIX.to_vec());
        self.await_agreement(&SIX);
        self.require_keys(alone);
    }

    /// A key of a slot that this node serves.
    fn tag_of(&self, port: u16) -> String {
        let mut conn = Conn::open(port).expect("a connection");
        let mut keys = (0..1000).map(|number: u32| format!("tag:{number}"));
        keys.find(|key| conn.call(&["EXISTS", key]).error().is_none())
            .expect("a key of its own")
    }

    /// "To back up a Redis Cluster": SAVE, BGSAVE, and the append-only files, on every node.
    pub fn back_up(&self) {
        for port in SIX {
            assert_eq!(
                self.shell.must(&format!("redis-cli -p {port} save")),
                "OK\n"
            );
            let dump = format!("{}/dump.rdb", directory(port));
            let text = self.shell.must(&format!("redis-check-rdb {dump}"));
            assert!(text.contains("RDB looks OK"), "{text}");
            self.shell.must(&format!("rm {dump}"));
            let text = self.shell.must(&format!("redis-cli -p {port} bgsave"));
            assert_eq!(text, "Background saving started\n");
            eventually("the background save ended", LIMIT, || {
                let info = self
                    .shell
                    .must(&format!("redis-cli -p {port} info persistence"));
                info.contains("rdb_bgsave_in_progress:0")
                    && info.contains("rdb_last_bgsave_status:ok")
            });
            self.shell.must(&format!("redis-check-rdb {dump}"));
            let folder = format!("{}/appendonlydir", directory(port));
            let manifest = format!("{folder}/appendonly.aof.manifest");
            let text = self.shell.must(&format!("redis-check-aof {manifest}"));
            assert!(
                text.contains("All AOF files and manifest are valid"),
                "{text}"
            );
        }
    }

    /// The whole cluster ends and starts, and everything is there.
    pub fn restart_everything(&mut self) {
        for (port, server) in &mut self.servers {
            let status = server.terminate(Duration::from_secs(30));
            assert!(status.success(), "node {port}: {status}");
        }
        self.servers.clear();
        self.start_all();
        self.await_ok(SIX.to_vec());
        self.require_keys(7003);
        let typed = self
            .shell
            .try_type("redis-cli -c -h 127.0.0.1 -p 7000", "get foo\n");
        assert!(typed.text.ends_with("bar\n"), "{}", typed.text);
    }
}

/// Whether a node sees the cluster as ok and has its master's data; `None` if it does not answer.
fn is_ok(port: u16) -> Option<bool> {
    let mut conn = Conn::open(port).ok()?;
    let cluster = conn.fields(&["CLUSTER", "INFO"]).ok()?;
    let replication = conn.fields(&["INFO", "replication"]).ok()?;
    let value = |fields: &[(String, String)], name: &str| {
        fields
            .iter()
            .find(|(field, _)| field == name)
            .map(|(_, value)| value.clone())
    };
    let link = value(&replication, "master_link_status");
    Some(
        value(&cluster, "cluster_state")? == "ok"
            && value(&cluster, "cluster_slots_ok")? == "16384"
            && link.is_none_or(|status| status == "up"),
    )
}

/// Waits until all these nodes have heard of all the others anew.
fn await_round(ports: &[u16]) {
    let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
    let since = since.expect("it is later than 1970").as_millis();
    let heard = |port: u16| {
        let reply = Conn::open(port)
            .ok()?
            .try_call(&["CLUSTER", "NODES"])
            .ok()?;
        let others = lines(&reply.text())
            .into_iter()
            .filter(|line| ports.contains(&line.port) && !line.flags.contains("myself"));
        Some(others.map(|line| line.pong).min()? > since)
    };
    eventually("every node heard of every other", LIMIT, || {
        ports.iter().all(|&port| heard(port) == Some(true))
    });
}

/// Sets a flag when it goes.
struct Stop<'a>(&'a AtomicBool);

impl Drop for Stop<'_> {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

/// Writes numbered keys until told to end; how many were acknowledged.
fn write_until(end: &AtomicBool) -> usize {
    let mut client = follower(FIRST);
    let mut number = 0;
    while !end.load(Ordering::Relaxed) {
        client
            .call(&["SET", &format!("written:{number}"), &number.to_string()])
            .expect_ok();
        number += 1;
    }
    number
}

/// A client that asks this node first.
fn follower(start: u16) -> Follower {
    let rest = SIX.into_iter().filter(|port| *port != start);
    Follower::new(
        &std::iter::once(start).chain(rest).collect::<Vec<_>>(),
        LIMIT,
    )
}
