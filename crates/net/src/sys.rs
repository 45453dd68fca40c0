//! What the kernel is told through its bare interface: the one place of this crate with unsafe
//! code.
#![allow(unsafe_code)]

/// How long a thread that serves clients asks to run at a stretch, in nanoseconds: the least that
/// Linux grants. Threads with shorter stretches go first when they wake.
const STRETCH: u64 = 100_000;

/// Asks the scheduler to run the calling thread as soon as it wakes, although others on its core
/// (one that saves, say) have not used up their time: what a client waits for takes microseconds,
/// and a stretch of a busy thread milliseconds. Its share of the core stays the same.
///
/// Linux has this since 6.12 and ignores it before. Answers whether it is in force.
pub(crate) fn run_soon_after_waking() -> bool {
    #[cfg(target_os = "linux")]
    {
        let Some(mut now) = scheduling() else {
            return false;
        };
        if now.sched_policy != libc::SCHED_OTHER as u32 {
            // Somebody has chosen for us.
            return false;
        }
        now.sched_runtime = STRETCH;
        // SAFETY: the calling thread (0) is told an initialized attribute of the size that it
        // carries; nothing else is read, and nothing is written.
        let failed = unsafe { libc::syscall(libc::SYS_sched_setattr, 0, &raw const now, 0) } != 0;
        !failed && scheduling().is_some_and(|now| now.sched_runtime == STRETCH)
    }
    #[cfg(not(target_os = "linux"))]
    false
}

/// How the calling thread is scheduled.
#[cfg(target_os = "linux")]
fn scheduling() -> Option<libc::sched_attr> {
    let mut attr = std::mem::MaybeUninit::<libc::sched_attr>::zeroed();
    let size = size_of::<libc::sched_attr>();
    // SAFETY: the kernel writes `size` bytes at most, which is what the attribute has; zeros are
    // valid in all of its fields.
    unsafe {
        let failed = libc::syscall(libc::SYS_sched_getattr, 0, attr.as_mut_ptr(), size, 0) != 0;
        (!failed).then(|| attr.assume_init())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    #[cfg(target_os = "linux")]
    fn nothing_but_the_stretch_changes() {
        let told = std::thread::spawn(|| {
            let before = scheduling().expect("Linux tells");
            let in_force = run_soon_after_waking();
            (before, in_force, scheduling().expect("Linux tells"))
        });
        let (before, in_force, after) = told.join().expect("the thread does not panic");
        assert_eq!(before.sched_policy, after.sched_policy);
        assert_eq!(before.sched_nice, after.sched_nice);
        assert_eq!(before.sched_priority, after.sched_priority);
        let expected = if in_force {
            STRETCH
        } else {
            before.sched_runtime
        };
        assert_eq!(after.sched_runtime, expected);
        // Another thread is as it was.
        let other = scheduling().expect("Linux tells");
        assert_eq!(other.sched_runtime, before.sched_runtime);
    }
}
