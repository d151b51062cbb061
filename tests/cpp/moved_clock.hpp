// The clock of this program, and of a gateway that a test starts; see moved_clock.cpp.
#pragma once

#include <cstdint>
#include <cstdlib>
#include <stdexcept>
#include <string>
#include <vector>

namespace test {

/// From now on the time of day of this program is so many seconds ahead, or behind if negative.
void move_clock(std::int64_t seconds_ahead);

/// The environment of a program whose time of day is so far ahead.
inline std::vector<std::string> with_clock_ahead(std::int64_t seconds) {
    auto library = std::getenv("REALM_INGEST_MOVED_CLOCK");
    if (!library)
        throw std::runtime_error("REALM_INGEST_MOVED_CLOCK does not name the library");
    return {std::string("LD_PRELOAD=") + library, "MOVED_CLOCK=" + std::to_string(seconds)};
}

/// The clock of this program is right again when a test ends.
struct with_clock {
    with_clock() = default;
    with_clock(const with_clock&) = delete;
    ~with_clock() { move_clock(0); }
};

} // namespace test
