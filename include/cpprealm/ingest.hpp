// What this library offers beyond realm-cpp's API.
#pragma once

#include <chrono>

#include <cpprealm/internal/library.hpp>

namespace realm::ingest {

/// Ends the library's work in this process, so that the program can exit, or a plugin go, with
/// nothing of the library running: sessions stop, what is pending stays in its files for the next
/// start, and waits fail. After that every call throws an exception that says so, or does nothing.
/// Any thread may call it, any number of times.
///
/// True once all threads of the library have ended. False if some had not after `limit`, as when a
/// callback has not returned or an application's transport has not answered, and always where a
/// callback calls it; no callback begins after that either.
///
/// A program that exits without it does so safely too, also while threads write: what `write()`
/// returned for is in the file. Only what callbacks use must then live as long as the process.
inline bool shutdown(std::chrono::milliseconds limit) {
    // A negative number would mean no limit.
    return internal::ffi::shutdown(limit.count() < 0 ? 0 : limit.count());
}

} // namespace realm::ingest
