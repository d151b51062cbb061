//! The device's local time, which only the C library knows.

use std::time::{SystemTime, UNIX_EPOCH};

const SECONDS_A_DAY: u64 = 24 * 60 * 60;

unsafe extern "C" {
    /// Of POSIX: reads the time zone anew, which `localtime_r` need not do.
    fn tzset();
}

/// The seconds since midnight by the device's local time; by UTC where that cannot be told.
pub(crate) fn second_of_day() -> u32 {
    let now = SystemTime::now().duration_since(UNIX_EPOCH);
    second_of_day_at(now.map_or(0, |since| since.as_secs()))
}

fn second_of_day_at(now: u64) -> u32 {
    // SAFETY: it takes nothing.
    unsafe { tzset() };
    let part = |number: libc::c_int| u32::try_from(number).unwrap_or(0);
    match local(now) {
        Some(local) => part(local.tm_hour) * 3600 + part(local.tm_min) * 60 + part(local.tm_sec),
        None => (now % SECONDS_A_DAY) as u32,
    }
}

fn local(now: u64) -> Option<libc::tm> {
    // SAFETY: a `tm` of zeros is one: it has numbers, and a pointer that may be null.
    let mut local: libc::tm = unsafe { std::mem::zeroed() };
    let known = match libc::time_t::try_from(now) {
        // SAFETY: it reads one time and writes one `tm`, both of this function.
        Ok(now) => unsafe { !libc::localtime_r(&now, &mut local).is_null() },
        Err(_) => local_after_2038(now, &mut local),
    };
    known.then_some(local)
}

/// Where `time_t` has 32 bits, glibc 2.34 and later have a second function for what comes after them.
fn local_after_2038(now: u64, local: &mut libc::tm) -> bool {
    type Localtime64 = unsafe extern "C" fn(*const i64, *mut libc::tm) -> *mut libc::tm;
    let Ok(now) = i64::try_from(now) else {
        return false;
    };
    // SAFETY: the name is a C string.
    let function = unsafe { libc::dlsym(libc::RTLD_DEFAULT, c"__localtime64_r".as_ptr()) };
    if function.is_null() {
        return false;
    }
    // SAFETY: glibc gives that name to this function alone, which reads one time and writes one `tm`.
    unsafe {
        let localtime64 = std::mem::transmute::<*mut libc::c_void, Localtime64>(function);
        !localtime64(&now, local).is_null()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_some_time_of_the_day() {
        // A leap second may be the last one.
        assert!(u64::from(second_of_day()) <= SECONDS_A_DAY);
    }

    #[test]
    fn clocks_go_on_after_2038() {
        // Noon on the first of January 2030 and 2040, by UTC.
        let (before, after) = (1_893_499_200, 2_209_032_000);
        assert_eq!(second_of_day_at(after), second_of_day_at(before));
    }
}
