//! Tests of the parts: the file and its locks, a node by itself.

mod strangers;

use crate::file::ConfFile;
use crate::{Hooks, LockError, Options, Primary, StartError, start};
use base::SlotSet;
use cluster::{Level, Reply, Request, Settings, View};
use std::net::{IpAddr, Ipv4Addr};
use std::path::PathBuf;
use std::sync::{Arc, mpsc};
use std::time::Instant;
use testkit::{Port, reserve};

/// A directory and a port that go with their test.
struct Dir(PathBuf, Port);

impl Dir {
    fn new(name: &str) -> Dir {
        let path = std::env::temp_dir().join(format!("clusterio-{name}-{}", std::process::id()));
        std::fs::create_dir_all(&path).expect("a directory");
        Dir(path, reserve())
    }
}

impl Drop for Dir {
    fn drop(&mut self) {
        _ = std::fs::remove_dir_all(&self.0);
    }
}

struct Deaf;

impl Hooks for Deaf {
    fn view(&mut self, _: Arc<View>) {}
    fn serve_until(&mut self, _: Instant) {}
    fn replicate(&mut self, _: Primary) {}
    fn become_primary(&mut self) {}
    fn slots_lost(&mut self, _: SlotSet) {}
    fn empty_data(&mut self) {}
    fn pause(&mut self, _: Instant) {}
    fn unpause(&mut self) {}
    fn deliver(&mut self, _: Vec<u8>, _: Vec<u8>, _: bool) {}
    fn log(&mut self, _: Level, _: String) {}
}

fn options(dir: &Dir) -> Options {
    Options {
        settings: Settings {
            port: 1,
            bus_port: dir.1.bus(),
            ..Settings::default()
        },
        bind: vec![IpAddr::V4(Ipv4Addr::LOCALHOST)],
        conf_path: dir.0.join("nodes.conf"),
        link_limit: 0,
        source: None,
        kept_from: usize::MAX,
        data_lost: false,
    }
}

fn ask(handle: &crate::Handle, request: Request) -> Reply {
    let (sender, receiver) = mpsc::channel();
    handle.request(request, move |reply| {
        _ = sender.send(reply);
    });
    receiver
        .recv_timeout(std::time::Duration::from_secs(10))
        .expect("an answer")
}

#[test]
fn a_file_is_replaced_whole_and_stays_locked() {
    let dir = Dir::new("file");
    let path = dir.0.join("nodes.conf");
    let (mut file, text) = ConfFile::open(&path).expect("a new file");
    assert_eq!(text, None);
    file.save("one\n").expect("saved");
    file.save("two\n").expect("saved");
    assert_eq!(std::fs::read_to_string(&path).expect("readable"), "two\n");
    // Two files are left: the configuration and the lock.
    assert_eq!(std::fs::read_dir(&dir.0).expect("listed").count(), 2);
    assert!(matches!(ConfFile::open(&path), Err(LockError::Taken(_))));
    drop(file);
    let (_file, text) = ConfFile::open(&path).expect("free again");
    assert_eq!(text.as_deref(), Some(&b"two\n"[..]));
}

#[test]
fn a_failed_save_leaves_the_old_file() {
    let dir = Dir::new("failed");
    let path = dir.0.join("nodes.conf");
    let (mut file, _) = ConfFile::open(&path).expect("a new file");
    file.save("old\n").expect("saved");
    // The temporary name is taken by a directory: it cannot be opened.
    let blocker = dir.0.join(format!("nodes.conf.tmp-{}", std::process::id()));
    std::fs::create_dir(&blocker).expect("a directory");
    assert!(file.save("new\n").is_err());
    assert_eq!(std::fs::read_to_string(&path).expect("readable"), "old\n");
    std::fs::remove_dir(&blocker).expect("removed");
    file.save("new\n").expect("saved again");
}

#[test]
fn a_node_keeps_its_name_and_slots_over_a_restart() {
    let dir = Dir::new("restart");
    let node = start(options(&dir), Box::new(Deaf)).expect("started");
    let id = node.view().my_id();
    let slots = base::Slot::all().take(100).collect();
    assert_eq!(ask(&node, Request::AddSlots(slots)), Reply::Ok);
    assert_eq!(ask(&node, Request::SetConfigEpoch(7)), Reply::Ok);
    let taken = start(options(&dir), Box::new(Deaf)).map(|_| ());
    assert!(matches!(taken, Err(StartError::Lock(LockError::Taken(_)))));
    node.shutdown();
    let node = start(options(&dir), Box::new(Deaf)).expect("started again");
    assert_eq!(node.view().my_id(), id);
    assert_eq!(node.view().myself().config_epoch.0, 7);
    let view = node.view();
    assert_eq!(view.slots_of(view.myself()).len(), 100);
    node.shutdown();
}

#[test]
fn a_command_is_answered_when_its_change_is_on_disk_or_cannot_be() {
    let dir = Dir::new("answer");
    let node = start(options(&dir), Box::new(Deaf)).expect("started");
    let blocker = dir.0.join(format!("nodes.conf.tmp-{}", std::process::id()));
    std::fs::create_dir(&blocker).expect("a directory");
    let slot = base::Slot::new(5).expect("a slot");
    let Reply::Error(text) = ask(&node, Request::AddSlots(vec![slot])) else {
        panic!("answered as if it were saved");
    };
    assert!(
        text.starts_with("ERR error saving the cluster node config: "),
        "{text}"
    );
    std::fs::remove_dir(&blocker).expect("removed");
    assert_eq!(ask(&node, Request::SaveConfig), Reply::Ok);
    let saved = std::fs::read_to_string(dir.0.join("nodes.conf")).expect("readable");
    assert!(saved.contains(" connected 5\n"), "{saved}");
    node.shutdown();
}

#[test]
fn a_damaged_file_stops_the_start_with_line_and_reason() {
    let dir = Dir::new("damaged");
    std::fs::write(dir.0.join("nodes.conf"), "nonsense\n").expect("written");
    let error = start(options(&dir), Box::new(Deaf))
        .map(|_| ())
        .expect_err("refused");
    let text = error.to_string();
    assert!(text.contains("corrupted cluster config file"), "{text}");
    assert!(
        text.contains("line 1: 1 fields where 8 are needed"),
        "{text}"
    );
}

#[test]
fn garbage_on_the_bus_port_harms_nobody() {
    use std::io::{Read, Write};
    let dir = Dir::new("garbage");
    let options = options(&dir);
    let port = options.settings.bus_port;
    let node = start(options, Box::new(Deaf)).expect("started");
    for bytes in [
        &b"GET / HTTP/1.1\r\n\r\n"[..],
        &[0; 5000],
        b"RCmb\xff\xff\xff\xff",
    ] {
        let mut stream = std::net::TcpStream::connect(("127.0.0.1", port)).expect("connected");
        stream.write_all(bytes).expect("written");
        let mut answer = Vec::new();
        // The link is closed, by a FIN or a reset.
        _ = stream.read_to_end(&mut answer);
        assert!(answer.is_empty());
    }
    assert!(matches!(ask(&node, Request::Info), Reply::Text(_)));
    node.shutdown();
}
