//! Files and command lines that are right: the settings a real server runs with, and ours.

use std::time::Duration;

use config::{Caller, all, command_line, get, load, set};
use testkit::{Conn, Process, Program, TempDir, Tool, reserve, suite_directory, wait_for};

use crate::disk::Disk;

/// Runs a real server with a file, standard input and arguments, and compares every setting.
fn compare(file: &str, input: &str, args: &[&str]) {
    let directory = TempDir::new("starting");
    let path = directory.path();
    let port = reserve();
    let file = format!("port {}\n{file}", port.number());
    std::fs::write(path.join("redis.conf"), file).expect("a file");
    std::fs::write(path.join("other.conf"), "timeout 77\n").expect("a file");
    std::fs::write(path.join("input"), input).expect("a file");
    std::fs::create_dir(path.join("data")).expect("a directory");
    let mut disk = Disk {
        root: path.into(),
        input: input.into(),
    };
    let loaded = load(&command_line(args), &mut disk).unwrap_or_else(|error| panic!("{error}"));

    let server = Program::Redis74.command(Tool::Server);
    // The kit closes standard input; a shell opens it again.
    let mut command = std::process::Command::new("sh");
    command
        .args(["-c", "exec \"$0\" \"$@\" < input"])
        .arg(server.get_program());
    command.args(args).current_dir(path);
    let mut process = Process::start("a server", &mut command, &path.join("output.log"));
    let open = || Conn::open(port.number()).ok();
    let mut conn = wait_for("the server's port", Duration::from_secs(20), open);
    if !loaded.config.requirepass.is_empty() {
        conn.call(&[b"AUTH".as_slice(), &loaded.config.requirepass])
            .expect_ok();
    }
    let mut differences = Vec::new();
    for option in all().filter(|option| option.name != "io-threads") {
        let theirs = conn.call(&["CONFIG", "GET", option.name]);
        let Some(theirs) = theirs.array().get(1) else {
            continue;
        };
        let ours = &get(&loaded.config, option.name.as_bytes())[0].1;
        let (ours, theirs) = (String::from_utf8_lossy(ours), theirs.text());
        if ours != theirs {
            differences.push(format!("{}: {ours:?}, really {theirs:?}", option.name));
        }
    }
    process.kill();
    assert!(
        differences.is_empty(),
        "{args:?}: {}",
        differences.join("\n")
    );
}

#[test]
fn files_and_lines_are_understood_as_the_real_server_does() {
    let conf = &["redis.conf"];
    compare("", "", conf);
    compare("save 60 1\nsave 30 2 15 3\nhz 1000\n", "", conf);
    compare("save \"60 1\"\nbind \"127.0.0.1\" -::1\nhz 0\n", "", conf);
    compare("save 60 1\nsave \"\"\nsave 5 5\nbind 127.0.0.1\n", "", conf);
    compare(
        "bind \"127.0.0.1 -::1\"\nnotify-keyspace-events \"\"\n",
        "",
        conf,
    );
    compare(
        "cluster-enabled yes\ncluster-config-file x.conf\ndatabases 8\n",
        "",
        conf,
    );
    compare(
        "dir data\ndbfilename \"a b.rdb\"\nrequirepass 'x y'\n",
        "",
        conf,
    );
    compare(
        "shutdown-on-sigterm now force\nshutdown-on-sigint \"save now\"\n",
        "",
        conf,
    );
    compare(
        "client-output-buffer-limit normal 0 0 0 replica 1mb 2mb 3\n",
        "",
        conf,
    );
    compare(
        "latency-tracking-info-percentiles 1 2.50 99.99\nrequirepass \"\\x41\\n\"\n",
        "",
        conf,
    );
    compare(
        "include other.conf\nslave-priority 3\ntcp-keepalive 1\n",
        "",
        conf,
    );
    compare(
        "loglevel WARNING\nappendfsync ALWAYS\nmaxmemory-clients 0\n",
        "",
        conf,
    );
    compare("", "timeout 5\n", &["redis.conf", "-"]);
    compare(
        "timeout 5\n",
        "timeout 6\n",
        &["redis.conf", "--timeout", "7", "-"],
    );
    compare(
        "",
        "",
        &["redis.conf", "--save", "60", "1", "--save", "30", "2"],
    );
    compare("save 1 1\n", "", &["redis.conf", "--save", "60", "1"]);
    compare("save 1 1\n", "", &["redis.conf", "--save", ""]);
    compare("save 1 1\n", "", &["redis.conf", "--save", "--hz", "11"]);
    compare("save 1 1\n", "", &["redis.conf", "--hz", "11", "--save"]);
    compare("", "", &["redis.conf", "--save", "60 1 30 2", "--hz 12"]);
    compare(
        "",
        "",
        &["redis.conf", "--bind 127.0.0.1 -::1", "--masterauth", "--x"],
    );
    compare(
        "",
        "",
        &["redis.conf", "--shutdown-on-sigterm", "now force"],
    );
    compare(
        "",
        "",
        &["redis.conf", "--proc-title-template", "{title} {port}"],
    );
    compare("", "", &["red*.conf", "--enable-debug-command", "local"]);
}

#[test]
fn the_upstream_suites_files_are_taken_as_they_stand() {
    let root = suite_directory().join("valkey-8.1.1");
    let root = if root.exists() {
        root
    } else {
        suite_directory()
    };
    let assets = ["default.conf", "minimal.conf", "minimal-cluster.conf"];
    let assets = assets.map(|name| ("tests/assets", name));
    // And the file that comes with Valkey, with every default written out.
    for (folder, name) in assets.into_iter().chain([("", "valkey.conf")]) {
        let mut disk = Disk::at(&root.join(folder));
        let loaded = load(&command_line(&[name]), &mut disk);
        let config = loaded
            .unwrap_or_else(|error| panic!("{name}: {error}"))
            .config;
        // What the suite itself sets again before each test.
        let pairs = [("save", ""), ("timeout", "0")];
        set(&config, &pairs, Caller::default()).expect("a change");
    }
}
