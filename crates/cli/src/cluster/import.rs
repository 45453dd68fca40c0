//! `import`: takes the keys of a server outside the cluster into it.

use base::Slot;
use client::{Address, Connection, Error, Value};

use super::keys::key_names;
use super::node::parse_address;
use super::session::{Session, info_field};
use super::{Failed, Outcome};

const SCAN_COUNT: &str = "1000";

/// `--cluster import`.
pub(super) fn run(session: &mut Session<'_>, args: &[String]) -> Outcome {
    let (host, port) = session.host_argument(args)?;
    let Some(from) = session.options.from.clone() else {
        session
            .console
            .complain("[ERR] Option '--cluster-from' is required for subcommand 'import'.\n");
        return Err(Failed);
    };
    let Some((from_host, from_port, _)) = parse_address(&from).filter(|(_, port, _)| *port != 0)
    else {
        session.console.complain(
            "[ERR] Invalid --cluster-from host. You need to pass a valid address (ie. \
             120.0.0.1:7000).\n",
        );
        return Err(Failed);
    };
    session.console.info(format!(
        ">>> Importing data from {from_host}:{from_port} to cluster {host}:{port}\n"
    ));
    session.load_cluster(&host, port)?;
    session.check(false)?;
    let mut source = Source::open(session, &from_host, from_port)?;
    let info = source.ask(session, &[b"INFO".to_vec()])?;
    if info_field(&info, "cluster_enabled").as_deref() == Some("1") {
        session
            .console
            .error("[ERR] The source node should not be a cluster node.\n");
        return Err(Failed);
    }
    let size = source
        .ask(session, &[b"DBSIZE".to_vec()])?
        .as_int()
        .unwrap_or(0);
    session
        .console
        .warn(format!("*** Importing {size} keys from DB 0\n"));
    source.import_all(session)
}

/// The server that the keys come from.
struct Source {
    address: String,
    connection: Connection,
}

impl Source {
    fn open(session: &mut Session<'_>, host: &str, port: u16) -> Outcome<Source> {
        let options = client::Options {
            user: session.options.from_user.clone().map(String::into_bytes),
            password: session
                .options
                .from_password
                .clone()
                .map(String::into_bytes),
            ..client::Options::default()
        };
        let opened = Connection::open(&Address::tcp(host, port), &options);
        opened
            .map(|connection| Source {
                address: format!("{host}:{port}"),
                connection,
            })
            .map_err(|fault| {
                session.console.complain(&match fault {
                    Error::Server(text) => format!("AUTH failed: {text}\n"),
                    other => format!("{other}.\n"),
                });
                Failed
            })
    }

    fn ask(&mut self, session: &mut Session<'_>, request: &[Vec<u8>]) -> Outcome<Value> {
        self.connection.query(request).map_err(|fault| {
            session.console.error(format!(
                "Source {} replied with error:\n{fault}\n",
                self.address
            ));
            Failed
        })
    }

    /// Goes through the keys with SCAN and has the source send each to the owner of its slot.
    fn import_all(&mut self, session: &mut Session<'_>) -> Outcome {
        let mut cursor = b"0".to_vec();
        loop {
            let scan = [
                b"SCAN".to_vec(),
                cursor,
                b"COUNT".to_vec(),
                SCAN_COUNT.into(),
            ];
            let reply = self.ask(session, &scan)?;
            let [next, keys] = reply.items().unwrap_or_default() else {
                return Err(Failed);
            };
            for key in key_names(keys) {
                self.import_key(session, key)?;
            }
            cursor = next.as_bytes().unwrap_or(b"0").to_vec();
            if cursor == b"0" {
                return Ok(());
            }
        }
    }

    fn import_key(&mut self, session: &mut Session<'_>, key: Vec<u8>) -> Outcome {
        let slot = Slot::of_key(&key);
        let masters = session.masters();
        let owner = masters
            .into_iter()
            .find(|&index| session.nodes[index].slots.contains(slot));
        let Some(owner) = owner else {
            session
                .console
                .error(format!("[ERR] Slot {slot} has no owner.\n"));
            return Err(Failed);
        };
        let node = &session.nodes[owner];
        let mut text = b"Migrating ".to_vec();
        text.extend_from_slice(&key);
        text.extend_from_slice(format!(" to {}: ", node.address()).as_bytes());
        let mut request = vec![b"MIGRATE".to_vec(), node.host.clone().into_bytes()];
        request.push(node.port.to_string().into_bytes());
        request.extend([
            key,
            b"0".to_vec(),
            session.options.timeout.to_string().into_bytes(),
        ]);
        request.extend(session.migrate_credentials());
        if session.options.copy {
            request.push(b"COPY".to_vec());
        }
        if session.options.replace {
            request.push(b"REPLACE".to_vec());
        }
        session.console.say(text);
        session.console.flush();
        self.ask(session, &request)?;
        session.console.good("OK\n");
        Ok(())
    }
}
