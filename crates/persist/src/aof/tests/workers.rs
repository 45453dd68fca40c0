//! Tests of workers that write the file themselves, beside its own threads.

use super::*;

/// Waits for something.
fn eventually(what: &str, mut is_so: impl FnMut() -> bool) {
    let deadline = std::time::Instant::now() + Duration::from_secs(20);
    while !is_so() {
        assert!(std::time::Instant::now() < deadline, "{what}");
        std::thread::yield_now();
    }
}

/// Workers that write at once, and rewrites: each record is in the file once and in order, each write
/// is released without another one after it, and nothing that was released is missing.
fn write_at_once(policy: AppendFsync) {
    const WORKERS: u64 = 3;
    let disk = Arc::new(ForgetfulDisk::new(true));
    let mut rig = Rig::start(disk.clone(), policy);
    std::thread::scope(|scope| {
        for worker in 0..WORKERS {
            let (desk, said, store) = (&rig.desk, &rig.said, rig.world.store.clone());
            scope.spawn(move || {
                let locker = Locker::new(&store);
                let world = World { store, locker };
                for value in 0..300 {
                    let sequence = world.set_in_batch(worker, value);
                    desk.write();
                    said.wait(sequence);
                }
            });
        }
        for _ in 0..3 {
            rig.rewrite().unwrap();
        }
    });
    let status = rig.status.clone();
    assert_eq!(status.written(), rig.world.store.journal.sequence());
    rig.stop();
    let (loaded, _) = load_from(&disk, false).unwrap();
    assert_eq!(loaded.contents(), rig.world.contents());
}

#[test]
fn workers_write_at_once_under_no() {
    write_at_once(AppendFsync::No);
}

#[test]
fn workers_write_at_once_under_everysec() {
    write_at_once(AppendFsync::Everysec);
}

#[test]
fn workers_write_at_once_under_always() {
    write_at_once(AppendFsync::Always);
}

/// A batch of a worker wakes no thread: the worker itself has written when it goes on. (Now and then
/// another thread has the pen for a moment.)
#[test]
fn a_worker_has_written_when_it_goes_on() {
    let disk = Arc::new(ForgetfulDisk::new(true));
    let mut rig = Rig::start(disk.clone(), AppendFsync::No);
    let mut at_once = 0;
    for value in 0..1000 {
        let sequence = rig.world.set_in_batch(1, value);
        rig.desk.write();
        at_once += u32::from(rig.said.released.load(Ordering::SeqCst) >= sequence);
        rig.wait_released(sequence);
    }
    assert!(at_once > 900, "{at_once} of 1000");
    rig.stop();
}

/// A sync that does not end keeps nobody from writing; under `always` replies wait for it.
#[test]
fn a_stalled_sync_stops_no_writes() {
    for policy in [AppendFsync::Everysec, AppendFsync::Always] {
        let disk = Arc::new(ForgetfulDisk::new(true));
        let mut rig = Rig::start(disk.clone(), policy);
        disk.stall(true);
        rig.world.set_in_batch(1, 1);
        rig.desk.write();
        eventually("a sync begins", || {
            rig.status.syncing.load(Ordering::SeqCst)
        });
        let sequence = rig.world.set_in_batch(2, 2);
        rig.desk.write();
        if policy == AppendFsync::Everysec {
            rig.wait_released(sequence);
            assert!(rig.status.written() == sequence && rig.status.synced() < sequence);
        } else {
            assert_eq!(rig.said.released.load(Ordering::SeqCst), 0);
        }
        assert!(rig.status.syncing.load(Ordering::SeqCst), "it still stalls");
        disk.stall(false);
        rig.wait_released(sequence);
        rig.stop();
        assert_eq!(rig.status.synced(), sequence);
        let (loaded, _) = load_from(&disk, false).unwrap();
        assert_eq!(loaded.contents(), rig.world.contents());
    }
}

/// What a sync is at is not synced yet: whoever promises more than that syncs itself.
#[test]
fn a_flush_does_not_take_for_synced_what_a_sync_is_at() {
    let disk = Arc::new(ForgetfulDisk::new(true));
    let mut rig = Rig::start(disk.clone(), AppendFsync::Always);
    disk.stall(true);
    let sequence = rig.world.set_in_batch(1, 1);
    rig.desk.write();
    eventually("a sync stalls", || disk.standing() == 1);
    std::thread::scope(|scope| {
        let flush = scope.spawn(|| rig.orders.flush());
        let deadline = std::time::Instant::now() + Duration::from_secs(10);
        while disk.standing() < 2 && std::time::Instant::now() < deadline {
            std::thread::yield_now();
        }
        let (standing, synced) = (disk.standing(), rig.status.synced());
        disk.stall(false);
        flush.join().unwrap().unwrap();
        assert_eq!(standing, 2, "the flush syncs too");
        assert!(synced < sequence);
    });
    rig.wait_released(sequence);
    rig.stop();
}

/// What a worker cannot write goes the road of what the file's thread cannot: it is taken back, the
/// server is told, and nothing is released before it is written at last.
#[test]
fn a_write_that_fails_in_a_worker_is_taken_back_and_tried_again() {
    let disk = Arc::new(ForgetfulDisk::new(true));
    let mut rig = Rig::start(disk.clone(), AppendFsync::Everysec);
    let first = rig.world.set_in_batch(1, 1);
    rig.desk.write();
    rig.wait_released(first);
    let name = "/data/appendonlydir/appendonly.aof.1.incr.aof";
    let whole = disk.bytes(name);
    // Half of the record fits.
    disk.set_room(20);
    let second = rig.world.set_in_batch(2, 2);
    rig.desk.write();
    eventually("the failure is told", || rig.status.failure().is_some());
    assert_eq!(
        rig.said.failures.lock().first(),
        Some(&Some("No space left on device".into()))
    );
    assert_eq!(disk.bytes(name), whole, "half a record was taken back");
    assert_eq!(rig.said.released.load(Ordering::SeqCst), first);
    disk.set_room(u64::MAX);
    rig.wait_released(second);
    assert_eq!(rig.said.failures.lock().last(), Some(&None));
    rig.stop();
    let (loaded, _) = load_from(&disk, false).unwrap();
    assert_eq!(loaded.contents(), rig.world.contents());
}
