//! A timer that the runtime's event loop waits on like on a socket.
//!
//! The runtime's own timers stand on a wheel of whole milliseconds; an absolute schedule wants microseconds. A `timerfd` wakes
//! the event loop from the kernel's high-resolution timers, without a thread of its own and without spinning. Where there is
//! none, the runtime's sleep takes its place.

#[cfg(target_os = "linux")]
pub(crate) use linux::Timer;
#[cfg(not(target_os = "linux"))]
pub(crate) use portable::Timer;

#[cfg(target_os = "linux")]
mod linux {
    #![expect(unsafe_code, reason = "the standard library knows no timerfd; each call stands alone, with its argument beside it")]

    use std::fs::File;
    use std::io::{self, Read};
    use std::os::fd::{AsRawFd, FromRawFd, OwnedFd};
    use std::time::Duration;

    use tokio::io::Interest;
    use tokio::io::unix::AsyncFd;

    /// Waits for one waiter at a time.
    pub(crate) struct Timer {
        file: AsyncFd<File>,
    }

    impl Timer {
        pub(crate) fn new() -> io::Result<Self> {
            // SAFETY: no pointers; the result is checked before it is used.
            let descriptor = unsafe { libc::timerfd_create(libc::CLOCK_MONOTONIC, libc::TFD_NONBLOCK | libc::TFD_CLOEXEC) };
            if descriptor < 0 {
                return Err(io::Error::last_os_error());
            }
            // SAFETY: the descriptor was just made, is open, and nobody else knows of it.
            let descriptor = unsafe { OwnedFd::from_raw_fd(descriptor) };
            // SAFETY: the file is never swapped nor closed while the event loop knows of it.
            let file = unsafe { AsyncFd::register_with_interest(File::from(descriptor), Interest::READABLE) };
            Ok(Self { file: file.map_err(io::Error::from)? })
        }

        /// Ends after `duration`, or earlier if the system refuses; the caller looks at its clock again.
        pub(crate) async fn wait(&mut self, duration: Duration) {
            // A value of zero would disarm it.
            let nanos = duration.max(Duration::from_nanos(1)).min(LONGEST);
            let zero = libc::timespec { tv_sec: 0, tv_nsec: 0 };
            let value = libc::timespec { tv_sec: libc::time_t::try_from(nanos.as_secs()).unwrap_or(libc::time_t::MAX), tv_nsec: nanos.subsec_nanos().into() };
            let setting = libc::itimerspec { it_interval: zero, it_value: value };
            // SAFETY: the descriptor is open as long as `self` is, `setting` outlives the call, and the old setting is not asked for.
            let result = unsafe { libc::timerfd_settime(self.file.get_ref().as_raw_fd(), 0, &raw const setting, std::ptr::null_mut()) };
            if result < 0 {
                return;
            }
            let mut expirations = [0; 8];
            // The outcome says nothing that the clock does not.
            let _ = self.file.async_io(Interest::READABLE, |mut file| file.read(&mut expirations)).await;
        }
    }

    const LONGEST: Duration = Duration::from_secs(3600);
}

#[cfg(not(target_os = "linux"))]
mod portable {
    use std::io;
    use std::time::Duration;

    /// Waits for one waiter at a time.
    pub(crate) struct Timer;

    impl Timer {
        pub(crate) fn new() -> io::Result<Self> {
            Ok(Self)
        }

        /// Ends after `duration` or a little earlier; the caller looks at its clock again.
        pub(crate) async fn wait(&mut self, duration: Duration) {
            match duration.checked_sub(Duration::from_millis(2)) {
                Some(most) => tokio::time::sleep(most).await,
                None => tokio::task::yield_now().await,
            }
        }
    }
}
