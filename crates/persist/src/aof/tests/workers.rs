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

/// Workers that write at once, and rewrites: each record is in the file once and in order, each
/// write is released without another one after it, and nothing that was released is missing.
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

/// A batch of a worker wakes no thread: the worker itself has written when it goes on. (Now and
/// then another thread has the pen for a moment.)
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

/// Orders a flush: where its answer comes.
fn flushed(orders: &Orders) -> std::sync::mpsc::Receiver<Result<(), String>> {
    let (reply, answer) = std::sync::mpsc::channel();
    orders.give(|waiting| waiting.flush.push(reply));
    answer
}

/// What a sync is at is not synced yet: whoever promises more than that syncs itself, behind it.
#[test]
fn a_flush_does_not_take_for_synced_what_a_sync_is_at() {
    let disk = Arc::new(ForgetfulDisk::new(true));
    let mut rig = Rig::start(disk.clone(), AppendFsync::Always);
    disk.stall(true);
    let sequence = rig.world.set_in_batch(1, 1);
    rig.desk.write();
    eventually("a sync stalls", || disk.standing() == 1);
    let before = disk.synced();
    let flushed = flushed(&rig.orders);
    eventually("the flush is begun", || rig.orders.waits_for_nothing());
    assert!(flushed.try_recv().is_err());
    assert!(rig.status.synced() < sequence);
    disk.stall(false);
    flushed.recv().unwrap().unwrap();
    assert_eq!(disk.synced(), before + 2, "the flush syncs too");
    assert_eq!(rig.status.synced(), sequence);
    rig.wait_released(sequence);
    rig.stop();
}

/// The system tells one sync only that what was written is lost, and calls others good.
#[test]
fn a_flush_does_not_take_for_synced_what_another_sync_has_failed_for() {
    let disk = Arc::new(ForgetfulDisk::new(true));
    let mut rig = Rig::start(disk.clone(), AppendFsync::Always);
    disk.stall(true);
    disk.betray();
    rig.world.set_in_batch(1, 1);
    rig.desk.write();
    eventually("a sync stalls", || disk.standing() == 1);
    let flushed = flushed(&rig.orders);
    eventually("the flush is begun", || rig.orders.waits_for_nothing());
    disk.stall(false);
    assert_eq!(flushed.recv(), Ok(Err("Input/output error".into())));
    eventually("the failure is told", || rig.said.fatal.lock().is_some());
    // Behind it what is written is synced again, and believed.
    eventually("it is tried again", || rig.status.failure().is_none());
    rig.orders.flush().unwrap();
    rig.stop();
}

/// An order may come when the thread has looked for the last time.
#[test]
fn whoever_orders_from_a_writer_that_ends_is_answered() {
    let disk = Arc::new(ForgetfulDisk::new(true));
    let mut rig = Rig::start(disk.clone(), AppendFsync::Always);
    let limit = Duration::from_secs(20);
    disk.stall(true);
    rig.world.set_in_batch(1, 1);
    rig.desk.write();
    eventually("a sync stalls", || disk.standing() == 1);
    rig.desk.hand_over();
    rig.orders.stop();
    // The thread is at its last turn, or about to.
    eventually("the thread looks", || !rig.desk.is_handed());
    let late = flushed(&rig.orders);
    disk.stall(false);
    assert_eq!(late.recv_timeout(limit), Ok(Ok(())));
    rig.stop();
    let orders = rig.orders.clone();
    let (sender, later) = std::sync::mpsc::channel();
    std::thread::spawn(move || sender.send(orders.flush()));
    let closed = Err("the append-only file is closed".into());
    assert_eq!(later.recv_timeout(limit), Ok(closed));
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
