//! A stock client that writes, in a process or a thread of its own.

use std::io::{BufRead, BufReader};
use std::path::PathBuf;
use std::process::{Child, ChildStdin, Command, ExitStatus, Stdio};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;
use std::time::Duration;

use redis::Commands;
use redis::cluster::ClusterClient;
use testkit::{client_path, repository, wait_for};

use super::now;

const LIMIT: Duration = Duration::from_secs(30);
/// How long a writer rests between two writes, so that nine processes share two cores.
const PAUSE: Duration = Duration::from_millis(4);

/// The clients.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Client {
    RedisPy,
    RedisPyAsyncio,
    RedisPyCluster,
    StrictRedisCluster,
    IoRedis,
    RedisRs,
    RedisRsAsync,
}

impl Client {
    pub const ALL: [Client; 7] = [
        Client::RedisPy,
        Client::RedisPyAsyncio,
        Client::RedisPyCluster,
        Client::StrictRedisCluster,
        Client::IoRedis,
        Client::RedisRs,
        Client::RedisRsAsync,
    ];

    /// Whether it looks for a slot's new master while the old one is down. The blocking client of
    /// redis-rs asks only the node that it last knew: it goes on once that node runs again and
    /// tells it where to go.
    pub fn looks_elsewhere(self) -> bool {
        self != Client::RedisRs
    }

    /// The script that it writes with, the interpreter, and where its modules are.
    fn script(self) -> Option<(&'static str, &'static str, PathBuf)> {
        let python = |script, modules| Some(("python3", script, client_path(modules)));
        match self {
            Client::RedisPy => python("redis_py.py", "redis-py"),
            Client::RedisPyAsyncio => python("redis_py_asyncio.py", "redis-py"),
            Client::RedisPyCluster => python("redis_py_cluster.py", "redis-py-cluster-2"),
            Client::StrictRedisCluster => python("strict_redis_cluster.py", "redis-py-cluster-1"),
            Client::IoRedis => Some(("node", "ioredis.js", client_path("node/node_modules"))),
            Client::RedisRs | Client::RedisRsAsync => None,
        }
    }
}

/// What a client says; times in milliseconds since 1970.
#[derive(Debug, Clone)]
pub enum Line {
    Acknowledged {
        key: String,
        begin: u64,
        end: u64,
    },
    /// The line itself says why.
    Refused {
        begin: u64,
        text: String,
    },
    Read {
        key: String,
        value: String,
    },
}

impl Line {
    fn parse(text: &str) -> Option<Line> {
        let words: Vec<&str> = text.split(' ').collect();
        let time = |at: usize| words.get(at)?.parse().ok();
        let key = (*words.get(1)?).to_owned();
        Some(match words[0] {
            "ok" => Line::Acknowledged {
                key,
                begin: time(2)?,
                end: time(3)?,
            },
            "no" => Line::Refused {
                begin: time(2)?,
                text: text.to_owned(),
            },
            "read" => Line::Read {
                key,
                value: (*words.get(2)?).to_owned(),
            },
            _ => return None,
        })
    }
}

/// A client at work; ended when dropped.
pub struct Writer {
    pub client: Client,
    lines: Arc<Mutex<Vec<Line>>>,
    errors: Arc<Mutex<String>>,
    worker: Worker,
}

enum Worker {
    Script {
        child: Child,
        stdin: Option<ChildStdin>,
        readers: Vec<JoinHandle<()>>,
    },
    Thread {
        end: Arc<AtomicBool>,
        thread: Option<JoinHandle<()>>,
    },
}

/// What a client said in all.
pub struct Ended {
    pub lines: Vec<Line>,
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Writer {
    pub fn start(client: Client, ports: &[u16], tags: &[String]) -> Writer {
        let (lines, errors) = (Arc::default(), Arc::default());
        let worker = match client.script() {
            Some(script) => run_script(client, script, ports, tags, &lines, &errors),
            None => run_thread(client, ports, tags, &lines),
        };
        Writer {
            client,
            lines,
            errors,
            worker,
        }
    }

    pub fn lines(&self) -> MutexGuard<'_, Vec<Line>> {
        lock(&self.lines)
    }

    /// Fails the test if the client has ended by itself.
    pub fn require_running(&mut self) {
        let ended = match &mut self.worker {
            Worker::Script { child, .. } => child.try_wait().expect("a child").is_some(),
            Worker::Thread { thread, .. } => thread.as_ref().is_none_or(JoinHandle::is_finished),
        };
        assert!(
            !ended,
            "{:?} ended by itself:\n{}",
            self.client,
            lock(&self.errors)
        );
    }

    /// Tells it to end, and waits until it has.
    pub fn end(mut self) -> Ended {
        match &mut self.worker {
            Worker::Script {
                child,
                stdin,
                readers,
            } => {
                drop(stdin.take());
                let what = format!("{:?} ends", self.client);
                let status: ExitStatus =
                    wait_for(&what, LIMIT, || child.try_wait().expect("a child"));
                for reader in readers.drain(..) {
                    reader.join().expect("its reader");
                }
                assert!(
                    status.success(),
                    "{:?}: {status}\n{}",
                    self.client,
                    lock(&self.errors)
                );
            }
            Worker::Thread { end, thread } => {
                end.store(true, Ordering::Relaxed);
                let thread = thread.take().expect("ended once");
                thread.join().expect("the client does not panic");
            }
        }
        Ended {
            lines: std::mem::take(&mut *lock(&self.lines)),
        }
    }
}

impl Drop for Writer {
    fn drop(&mut self) {
        match &mut self.worker {
            Worker::Script { child, .. } => {
                let _ = child.kill();
                let _ = child.wait();
            }
            Worker::Thread { end, .. } => end.store(true, Ordering::Relaxed),
        }
    }
}

fn run_script(
    client: Client,
    (interpreter, script, modules): (&str, &str, PathBuf),
    ports: &[u16],
    tags: &[String],
    lines: &Arc<Mutex<Vec<Line>>>,
    errors: &Arc<Mutex<String>>,
) -> Worker {
    let ports: Vec<String> = ports.iter().map(ToString::to_string).collect();
    let path = repository().join("crates/shoal/tests/clients").join(script);
    let mut child = Command::new(interpreter)
        .arg(path)
        .args([ports.join(","), tags.join(","), format!("{client:?}")])
        .env("PYTHONPATH", &modules)
        .env("PYTHONDONTWRITEBYTECODE", "1")
        .env("NODE_PATH", &modules)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap_or_else(|error| panic!("{interpreter}: {error}: run `cargo xtask clients`"));
    let stdout = BufReader::new(child.stdout.take().expect("its output"));
    let stderr = BufReader::new(child.stderr.take().expect("its errors"));
    let (lines, errors) = (lines.clone(), errors.clone());
    let readers = vec![
        std::thread::spawn(move || {
            for text in stdout.lines().map_while(Result::ok) {
                let line = Line::parse(&text).unwrap_or_else(|| panic!("{client:?} says {text}"));
                lock(&lines).push(line);
            }
        }),
        std::thread::spawn(move || {
            for text in stderr.lines().map_while(Result::ok) {
                let mut errors = lock(&errors);
                errors.push_str(&text);
                errors.push('\n');
            }
        }),
    ];
    let stdin = child.stdin.take();
    Worker::Script {
        child,
        stdin,
        readers,
    }
}

/// The clients of redis-rs, in a thread.
fn run_thread(
    client: Client,
    ports: &[u16],
    tags: &[String],
    lines: &Arc<Mutex<Vec<Line>>>,
) -> Worker {
    let end = Arc::new(AtomicBool::new(false));
    let nodes: Vec<String> = ports
        .iter()
        .map(|port| format!("redis://127.0.0.1:{port}"))
        .collect();
    let (ended, lines, tags) = (end.clone(), lines.clone(), tags.to_vec());
    let work = move || {
        let mut store = Store::open(client, nodes);
        let mut last: Vec<Option<String>> = vec![None; tags.len()];
        for number in 0_usize.. {
            if ended.load(Ordering::Relaxed) {
                break;
            }
            let at = number % tags.len();
            let key = format!("{{{}}}:{client:?}:{number}", tags[at]);
            let begin = now();
            let line = match store.set(&key) {
                Ok(()) => {
                    last[at] = Some(key.clone());
                    Line::Acknowledged {
                        key,
                        begin,
                        end: now(),
                    }
                }
                Err(error) => Line::Refused {
                    begin,
                    text: format!("{key}: {error}"),
                },
            };
            lock(&lines).push(line);
            std::thread::sleep(PAUSE);
        }
        for key in last.into_iter().flatten() {
            let value = store.get(&key);
            lock(&lines).push(Line::Read { key, value });
        }
    };
    Worker::Thread {
        end,
        thread: Some(std::thread::spawn(work)),
    }
}

/// A client of redis-rs.
enum Store {
    Blocking(Box<redis::cluster::ClusterConnection>),
    Async(
        tokio::runtime::Runtime,
        redis::cluster_async::ClusterConnection,
    ),
}

impl Store {
    fn open(client: Client, nodes: Vec<String>) -> Store {
        let cluster = ClusterClient::new(nodes).expect("addresses");
        if client == Client::RedisRs {
            let conn = cluster.get_connection().expect("a connection");
            return Store::Blocking(Box::new(conn));
        }
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .expect("a runtime");
        let conn = runtime.block_on(cluster.get_async_connection());
        Store::Async(runtime, conn.expect("a connection"))
    }

    fn set(&mut self, key: &str) -> redis::RedisResult<()> {
        match self {
            Store::Blocking(conn) => conn.as_mut().set(key, key),
            Store::Async(runtime, conn) => {
                runtime.block_on(redis::AsyncCommands::set(conn, key, key))
            }
        }
    }

    fn get(&mut self, key: &str) -> String {
        let value: redis::RedisResult<String> = match self {
            Store::Blocking(conn) => conn.as_mut().get(key),
            Store::Async(runtime, conn) => runtime.block_on(redis::AsyncCommands::get(conn, key)),
        };
        value.expect("a value")
    }
}
