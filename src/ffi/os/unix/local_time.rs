//! The device's local time, which only the C library knows.

unsafe extern "C" {
    /// Of POSIX: reads the time zone anew, which `localtime_r` need not do.
    fn tzset();
}

/// The seconds since midnight by the device's local time; by UTC where that cannot be told.
pub(crate) fn second_of_day() -> u32 {
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
    let now = now.map_or(0, |since| since.as_secs());
    let utc = (now % (24 * 60 * 60)) as u32;
    let Ok(time) = libc::time_t::try_from(now) else {
        return utc;
    };
    // SAFETY: a `tm` of zeros is one: it has numbers, and a pointer that may be null.
    let mut local: libc::tm = unsafe { std::mem::zeroed() };
    // SAFETY: `tzset` takes nothing; `localtime_r` reads one time and writes one `tm`, both of this function.
    let known = unsafe {
        tzset();
        !libc::localtime_r(&time, &mut local).is_null()
    };
    let part = |number: libc::c_int| u32::try_from(number).unwrap_or(0);
    if known {
        part(local.tm_hour) * 3600 + part(local.tm_min) * 60 + part(local.tm_sec)
    } else {
        utc
    }
}

#[cfg(test)]
mod tests {
    #[test]
    fn it_is_some_time_of_the_day() {
        // A leap second may be the last one.
        assert!(super::second_of_day() <= 24 * 60 * 60);
    }
}
