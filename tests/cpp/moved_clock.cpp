// A clock that tests move: this `clock_gettime` stands in front of the C library's. Linked into a
// test it moves the time of day of that program; loaded into another program (LD_PRELOAD) it moves
// the one there by MOVED_CLOCK seconds.
#include <atomic>
#include <cstdint>
#include <cstdlib>
#include <ctime>
#include <sys/syscall.h>
#include <unistd.h>

namespace {

std::atomic<std::int64_t>& ahead() {
    static std::atomic<std::int64_t> seconds = [] {
        auto given = std::getenv("MOVED_CLOCK");
        return given ? std::atoll(given) : 0;
    }();
    return seconds;
}

} // namespace

namespace test {

void move_clock(std::int64_t seconds_ahead) { ahead() = seconds_ahead; }

} // namespace test

extern "C" int clock_gettime(clockid_t clock, timespec* time) noexcept {
    auto result = static_cast<int>(syscall(SYS_clock_gettime, clock, time));
    if (result == 0 && (clock == CLOCK_REALTIME || clock == CLOCK_REALTIME_COARSE))
        time->tv_sec += ahead();
    return result;
}
