// Where new object ids come from: seconds since 1970 (4 bytes), then 8 bytes counted up from a
// random start.
//
// The layout is MongoDB's (5 random bytes, 3 bytes of counter). Taking the eight as one number
// keeps ids of a process distinct even where a thread makes more than the 2^24 a second that the
// counter alone could tell apart.
#include <cpprealm/types.hpp>

#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <ctime>

#if defined(__unix__) || defined(__APPLE__)
#include <pthread.h>
#endif
#if (defined(__linux__) && !defined(__ANDROID__)) || defined(__APPLE__)
#include <sys/random.h>
#else
#include <exception>
#include <random>
#endif

namespace realm::internal {

namespace {

/// One per process. All members may be called from any thread.
class object_id_source {
public:
    static object_id_source& instance() {
        static object_id_source source;
        return source;
    }

    void next(std::uint8_t* bytes) noexcept {
        const std::uint64_t number = next_.fetch_add(1, std::memory_order_relaxed);
        const auto seconds = static_cast<std::uint32_t>(std::time(nullptr));
        // Big-endian throughout, so that ids sort by age.
        for (std::size_t i = 0; i < 4; ++i)
            bytes[i] = static_cast<std::uint8_t>(seconds >> (24 - 8 * i));
        for (std::size_t i = 0; i < 8; ++i)
            bytes[4 + i] = static_cast<std::uint8_t>(number >> (56 - 8 * i));
    }

private:
    object_id_source() : next_(random()) {
#if defined(__unix__) || defined(__APPLE__)
        // A forked child starts with a copy of the counter; without a new start it would repeat its
        // parent's ids.
        static_cast<void>(pthread_atfork(nullptr, nullptr, [] {
            object_id_source& source = instance();
            source.next_.store(random(), std::memory_order_relaxed);
        }));
#endif
    }

    [[nodiscard]] static std::uint64_t random() noexcept {
        std::uint64_t number = 0;
        if (ask_system(number))
            return number;
        // No entropy device: the clock's nanoseconds, and the address that layout randomisation
        // gives, mixed as SplitMix64 does.
        number =
            static_cast<std::uint64_t>(std::chrono::system_clock::now().time_since_epoch().count());
        number ^= static_cast<std::uint64_t>(reinterpret_cast<std::uintptr_t>(&number));
        number = (number ^ (number >> 30)) * 0xBF58476D1CE4E5B9;
        number = (number ^ (number >> 27)) * 0x94D049BB133111EB;
        return number ^ (number >> 31);
    }

    static bool ask_system(std::uint64_t& number) noexcept {
#if defined(__linux__) && !defined(__ANDROID__)
        return getrandom(&number, sizeof(number), 0) == sizeof(number);
#elif defined(__APPLE__)
        return getentropy(&number, sizeof(number)) == 0;
#else
        try {
            std::random_device device;
            number = static_cast<std::uint64_t>(device()) << 32 | device();
            return true;
        } catch (const std::exception&) {
            return false;
        }
#endif
    }

    std::atomic<std::uint64_t> next_;
};

} // namespace

void ffi::next_object_id(std::uint8_t* id) noexcept { object_id_source::instance().next(id); }

} // namespace realm::internal
