// Where the library's messages go: to the application's logger, to std::cout (or to what is under
// it, in a program without streams), or nowhere.
#pragma once

#include <algorithm>
#include <atomic>
#include <memory>
#include <mutex>
#include <string>
#include <utility>
#ifdef REALM_INGEST_NO_IOSTREAM
#include <cstdio>
#else
#include <iostream>
#endif

#include <cpprealm/internal/library.hpp>
#include <cpprealm/internal/on_use.hpp>

namespace realm {

namespace internal {
/// Set by the router of messages, once there is one.
inline std::atomic<void (*)()> on_threshold_change{nullptr};
} // namespace internal

/// Receives messages: derive from it, override `do_log` and give an object to `set_default_logger`.
/// `do_log` is called from any thread, also from several at once, for messages at or above the
/// threshold. The library keeps the logger until another one takes its place.
struct logger {
    /// In the order of importance: a threshold takes its own level and those behind it.
    enum class level {
        all = 0,
        trace = 1,
        debug = 2,
        detail = 3,
        info = 4,
        warn = 5,
        error = 6,
        fatal = 7,
        off = 8
    };

    /// Takes one message.
    virtual void do_log(level, const std::string&) = 0;

    /// With threshold `info`.
    logger() = default;
    /// Has the other's threshold.
    logger(const logger& other) : m_level_threshold(other.get_level_threshold()) {}
    /// Takes the other's threshold.
    logger& operator=(const logger& other) {
        set_level_threshold(other.get_level_threshold());
        return *this;
    }
    virtual ~logger() noexcept = default;

    /// Takes effect at once, also for the logger in use.
    void set_level_threshold(level l) {
        m_level_threshold = l;
        if (auto* tell = internal::on_threshold_change.load())
            tell();
    }
    /// Messages below it are not made.
    level get_level_threshold() const { return m_level_threshold; }

protected:
    std::atomic<level> m_level_threshold{level::info};
};

namespace internal {

/// Stands between the library and whoever listens, and keeps the library from making messages that
/// nobody wants. One for the process, usable from any thread.
template <typename>
class basic_log_router {
public:
    using level = logger::level;

    static basic_log_router& get() {
        // Never destroyed: the library may speak while the program's statics go away.
        static auto* router = new basic_log_router();
        return *router;
    }

    void set_logger(std::shared_ptr<logger> logger) {
        {
            std::lock_guard lock(mutex_);
            logger_ = std::move(logger);
        }
        update();
    }
    std::shared_ptr<logger> current() const {
        std::lock_guard lock(mutex_);
        return logger_;
    }

    void set_console_level(level l) {
        console_level_ = l;
        update();
    }

    /// Tells the library which messages anybody wants.
    void update() {
        auto logger = current();
        level wanted =
            std::min(console_level_.load(), logger ? logger->get_level_threshold() : level::off);
        std::lock_guard lock(library_mutex_);
        if (installed_) {
            ffi::set_log_level(static_cast<std::uint8_t>(wanted));
        } else if (wanted != level::off) {
            installed_ = true;
            ffi::set_log_sink(std::make_unique<sink>(), static_cast<std::uint8_t>(wanted));
        }
    }

    void log(level l, const std::string& text) const {
        static constexpr const char* names[] = {"all",  "trace", "debug", "detail", "info",
                                                "warn", "error", "fatal", "off"};
        if (l >= console_level_) {
            auto line = std::string("ADS C++ SDK: ") + names[static_cast<int>(l)] + " : " + text;
            std::lock_guard lock(console_mutex_);
#ifdef REALM_INGEST_NO_IOSTREAM
            std::puts(line.c_str());
            std::fflush(stdout);
#else
            std::cout << line << std::endl;
#endif
        }
        if (auto logger = current(); logger && l >= logger->get_level_threshold())
            logger->do_log(l, text);
    }

private:
    basic_log_router() {
        on_threshold_change = [] { get().update(); };
    }

    struct sink final : ffi::LogSink {
        void log(std::uint8_t l, rust::Str text) const override {
            get().log(static_cast<level>(l), std::string(text.data(), text.size()));
        }
    };

    mutable std::mutex mutex_;
    mutable std::mutex console_mutex_;
    std::mutex library_mutex_;
    std::shared_ptr<logger> logger_;
    std::atomic<level> console_level_{level::off};
    bool installed_ = false;
};
using log_router = basic_log_router<on_use>;

} // namespace internal

/// Sends messages to `logger` from now on, whatever is open already; null ends that.
template <typename Use = internal::on_use>
void set_default_logger(std::shared_ptr<struct logger>&& logger) {
    internal::basic_log_router<Use>::get().set_logger(std::move(logger));
}

/// Sets the threshold of the logger in use; without one, messages from that level on go to
/// `std::cout`.
template <typename Use = internal::on_use>
void set_default_level_threshold(logger::level level) {
    auto& router = internal::basic_log_router<Use>::get();
    if (auto logger = router.current())
        logger->set_level_threshold(level);
    else
        router.set_console_level(level);
}

} // namespace realm
