//! Signals of the host program. A write to a connection that the other side has closed raises SIGPIPE, and one beyond
//! RLIMIT_FSIZE raises SIGXFSZ; both end a process that does not expect them, and only a Rust `main` ignores the first.
//! The dispositions are the host's, so they stay as they are. Instead
//!
//! - threads of the library block every signal that may be blocked, so that handlers of the host, too, run on threads of
//!   the host alone ([`keep_out`]);
//! - calls on a thread of the host block the two while they last, and take back what they raised ([`shielded`]);
//! - code of the host that the library calls sees the mask that it would see without the library ([`as_host`]).

use std::cell::Cell;
use std::mem::MaybeUninit;
use std::ptr;

use libc::{SIGPIPE, SIGXFSZ, c_int, sigset_t};

/// What a write may raise.
const RAISED: [c_int; 2] = [SIGPIPE, SIGXFSZ];
/// A thread that faults while these are blocked ends the process past its handlers for crashes.
const FAULTS: [c_int; 6] = [
    libc::SIGSEGV,
    libc::SIGBUS,
    libc::SIGFPE,
    libc::SIGILL,
    libc::SIGTRAP,
    libc::SIGSYS,
];

/// A signal mask of a thread of the host.
#[derive(Clone, Copy)]
pub(crate) struct Mask(sigset_t);

thread_local! {
    /// The host's mask, while this thread has another for the library's sake.
    static HOST: Cell<Option<Mask>> = const { Cell::new(None) };
}

/// The mask that code of the host has on this thread.
pub(crate) fn host_mask() -> Mask {
    HOST.get().unwrap_or_else(|| change(libc::SIG_BLOCK, &empty()))
}

/// For a thread of the library, for all of its life; [`as_host`] gives `mask` to code of the host.
pub(crate) fn keep_out(mask: Mask) {
    let mut all = MaybeUninit::uninit();
    // SAFETY: it initialises the set.
    let mut all = unsafe {
        libc::sigfillset(all.as_mut_ptr());
        all.assume_init()
    };
    for signal in FAULTS {
        // SAFETY: the set is initialised.
        unsafe { libc::sigdelset(&mut all, signal) };
    }
    change(libc::SIG_SETMASK, &all);
    HOST.set(Some(mask));
}

/// Runs what may write to files and sockets on a thread of the host.
pub(crate) fn shielded<T>(work: impl FnOnce() -> T) -> T {
    if HOST.get().is_some() {
        return work();
    }
    let mut raised = empty();
    for signal in RAISED {
        // SAFETY: the set is initialised.
        unsafe { libc::sigaddset(&mut raised, signal) };
    }
    let mask = change(libc::SIG_BLOCK, &raised);
    HOST.set(Some(mask));
    let _back = Back(move || {
        take_back_all(mask);
        HOST.set(None);
        change(libc::SIG_SETMASK, &mask.0);
    });
    work()
}

/// Runs code of the host, on whatever thread.
pub(crate) fn as_host<T>(work: impl FnOnce() -> T) -> T {
    let Some(mask) = HOST.take() else {
        return work();
    };
    // What the library raised on this thread so far would arrive now.
    take_back_all(mask);
    let own = change(libc::SIG_SETMASK, &mask.0);
    let _back = Back(move || {
        change(libc::SIG_SETMASK, &own.0);
        HOST.set(Some(mask));
    });
    work()
}

/// Runs at the end of its scope, also by a panic.
struct Back<F: FnMut()>(F);

impl<F: FnMut()> Drop for Back<F> {
    fn drop(&mut self) {
        (self.0)();
    }
}

/// Takes back what this thread raised, before it has the host's mask again. What the host itself blocks stays pending for
/// it, as after a write of its own.
fn take_back_all(mask: Mask) {
    for signal in RAISED {
        if !has(&mask.0, signal) {
            take_back(signal);
        }
    }
}

/// Takes the signal where a write of this thread raised it; one that somebody sent goes on its way.
fn take_back(signal: c_int) {
    let mut pending = MaybeUninit::uninit();
    // SAFETY: it initialises the set, which exists.
    let pending = unsafe {
        libc::sigpending(pending.as_mut_ptr());
        pending.assume_init()
    };
    if !has(&pending, signal) {
        return;
    }
    let mut only = empty();
    let mut info = MaybeUninit::<libc::siginfo_t>::zeroed();
    let at_once = libc::timespec {
        tv_sec: 0,
        tv_nsec: 0,
    };
    // SAFETY: all three exist; siginfo_t may be all zeros. A signal of the thread comes before one of the process.
    let (taken, info) = unsafe {
        libc::sigaddset(&mut only, signal);
        (
            libc::sigtimedwait(&only, info.as_mut_ptr(), &at_once),
            info.assume_init(),
        )
    };
    // SAFETY: a signal that was sent carries its sender; the kernel names this process for what a write raised.
    let sent = unsafe { info.si_code != libc::SI_USER || info.si_pid() != libc::getpid() };
    if taken == signal && sent {
        // SAFETY: it is blocked on this thread until the mask is restored, and was on its way to the process.
        unsafe { libc::kill(libc::getpid(), signal) };
    }
}

fn empty() -> sigset_t {
    let mut set = MaybeUninit::uninit();
    // SAFETY: it initialises the set.
    unsafe {
        libc::sigemptyset(set.as_mut_ptr());
        set.assume_init()
    }
}

fn has(set: &sigset_t, signal: c_int) -> bool {
    // SAFETY: the set is initialised.
    unsafe { libc::sigismember(set, signal) == 1 }
}

/// Changes the mask of this thread; the result is the one before.
fn change(how: c_int, set: &sigset_t) -> Mask {
    let mut before = MaybeUninit::uninit();
    // SAFETY: both sets exist, and it initialises the second; it fails only for a `how` that does not exist.
    unsafe {
        libc::pthread_sigmask(how, ptr::from_ref(set), before.as_mut_ptr());
        Mask(before.assume_init())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn write_to_nobody() {
        // SAFETY: plain calls.
        unsafe {
            let mut ends = [0; 2];
            assert_eq!(libc::pipe(ends.as_mut_ptr()), 0);
            libc::close(ends[0]);
            assert_eq!(libc::write(ends[1], b"x".as_ptr().cast(), 1), -1);
            libc::close(ends[1]);
        }
    }

    fn is_pending(signal: c_int) -> bool {
        let mut pending = empty();
        // SAFETY: the set exists.
        unsafe { libc::sigpending(&mut pending) };
        has(&pending, signal)
    }

    #[test]
    fn what_a_write_raised_is_taken_back_and_the_mask_is_as_before() {
        std::thread::spawn(|| {
            // In a Rust program SIGPIPE is ignored, and an ignored signal is not kept; a blocked one of a thread is.
            let before = host_mask();
            shielded(|| {
                write_to_nobody();
                shielded(write_to_nobody);
                as_host(|| assert!(!has(&change(libc::SIG_BLOCK, &empty()).0, SIGPIPE)));
            });
            assert!(!is_pending(SIGPIPE));
            assert_eq!(has(&host_mask().0, SIGPIPE), has(&before.0, SIGPIPE));
        })
        .join()
        .unwrap_or_else(|panic| std::panic::resume_unwind(panic));
    }

    #[test]
    fn code_of_the_host_sees_the_hosts_mask_on_a_thread_of_the_library() {
        let mask = host_mask();
        std::thread::spawn(move || {
            keep_out(mask);
            let blocked = |signal| has(&change(libc::SIG_BLOCK, &empty()).0, signal);
            assert!(blocked(SIGPIPE) && blocked(libc::SIGTERM) && !blocked(libc::SIGSEGV));
            write_to_nobody();
            assert!(is_pending(SIGPIPE));
            as_host(|| assert!(!blocked(SIGPIPE) && !blocked(libc::SIGTERM)));
            assert!(!is_pending(SIGPIPE));
            assert!(blocked(SIGPIPE) && blocked(libc::SIGTERM));
        })
        .join()
        .unwrap_or_else(|panic| std::panic::resume_unwind(panic));
    }
}
