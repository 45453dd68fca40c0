//! What the kernel is told through its bare interface: the one place of this crate with unsafe
//! code.
#![allow(unsafe_code)]

use std::io;
use std::net::TcpStream;
#[cfg(target_os = "linux")]
use std::os::fd::AsRawFd;

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

/// Has a TCP socket take bytes only while fewer than `bytes` wait in the kernel to be sent. What is
/// on its way does not count, so a distant peer is served as fast as before; but a sender that asks
/// how far its peer has come sees that within so many bytes, not within the megabytes of the
/// kernel's buffer.
///
/// # Errors
/// Those of the system; a socket that is not of TCP has no such option.
pub fn limit_unsent(socket: &TcpStream, bytes: u32) -> io::Result<()> {
    #[cfg(target_os = "linux")]
    {
        let value = &raw const bytes;
        // SAFETY: the descriptor is open as long as it is borrowed; the kernel reads four bytes of
        // an integer that lives on.
        let failed = unsafe {
            libc::setsockopt(
                socket.as_raw_fd(),
                libc::IPPROTO_TCP,
                libc::TCP_NOTSENT_LOWAT,
                value.cast(),
                size_of::<u32>() as libc::socklen_t,
            )
        };
        if failed != 0 {
            return Err(io::Error::last_os_error());
        }
    }
    #[cfg(not(target_os = "linux"))]
    let _ = (socket, bytes);
    Ok(())
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
    use std::io::Write;

    #[test]
    #[cfg(target_os = "linux")]
    fn little_waits_to_be_sent() {
        let took = |limit: Option<u32>| {
            let listener = std::net::TcpListener::bind("127.0.0.1:0").expect("a port");
            let address = listener.local_addr().expect("an address");
            let _reads_nothing = TcpStream::connect(address).expect("a connection");
            let (mut socket, _) = listener.accept().expect("it is there");
            socket.set_nonblocking(true).expect("it is set");
            if let Some(limit) = limit {
                limit_unsent(&socket, limit).expect("it is set");
            }
            let piece = [0; 4096];
            std::iter::from_fn(|| socket.write(&piece).ok()).sum::<usize>()
        };
        let (limited, free) = (took(Some(64 << 10)), took(None));
        assert!(limited + (1 << 20) < free, "{limited} of {free}");
    }

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
