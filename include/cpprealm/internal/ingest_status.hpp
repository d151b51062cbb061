// What a database holds and how its upload goes. Part of <cpprealm/ingest.hpp>.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <utility>

#include <cpprealm/db.hpp>
#include <cpprealm/internal/library.hpp>
#include <cpprealm/internal/observer.hpp>
#include <cpprealm/internal/realm_instance.hpp>

namespace realm::ingest {

/// What waits in a file.
struct pending_data {
    /// Write transactions.
    std::uint64_t transactions = 0;
    /// Objects in them.
    std::uint64_t objects = 0;
    /// Their size before compression.
    std::uint64_t bytes = 0;
};

/// The error that a session met last.
struct last_error {
    /// Such as `SyncConnectFailed`.
    std::string code;
    /// What is wrong, for people.
    std::string message;
    /// When it was met, by the device's clock.
    std::chrono::system_clock::time_point at;
    /// The session has not worked since.
    bool is_current = false;
};

/// What a database holds, and how its upload goes. Times are those of the device's clock.
struct upload_status {
    /// What has not been acknowledged.
    pending_data waiting;
    /// For how long the oldest transaction has waited; none where nothing waits.
    std::optional<std::chrono::milliseconds> oldest_age;
    /// When the backend last answered for transactions; none where it never has.
    std::optional<std::chrono::system_clock::time_point> last_acknowledged;
    /// Of this process; none where it met none.
    std::optional<last_error> error;

    // Since the file was made:

    /// What the cap took.
    pending_data dropped;
    /// What could not be read of a damaged file, as far as it left a trace.
    std::uint64_t damaged_transactions = 0;
    /// What the backend refused for good.
    std::uint64_t refused_objects = 0;
    /// What the backend has answered for, what it refused with it.
    std::uint64_t sent_objects = 0;
    /// Bytes of batches that were given to the network, compressed as they went; what was sent
    /// again counts again. What was sent since the last acknowledgement is lost with the process.
    std::uint64_t sent_bytes = 0;
};

/// How far an upload is.
struct progress {
    /// From 0 to 1: what the backend has answered for, of that and of what waits, since nothing
    /// waited last. 1 where nothing waits.
    double fraction = 1;
    /// What the backend has answered for, since nothing waited last.
    std::uint64_t uploaded_objects = 0;
    /// What has not been acknowledged.
    std::uint64_t waiting_objects = 0;
};

/// What waits, of all threads and processes that write to the path, and how its upload goes. Takes
/// the same time however much waits. Any thread may ask. Throws a `std::exception` where the
/// database is closed or its file cannot be read.
template <typename = internal::on_use>
upload_status status(const db& database) {
    auto called = internal::no_status();
    auto found = database.m_realm.instance()->library().upload_status(called);
    internal::throw_if_failed(called);
    const auto to_pending = [](const auto& from) {
        return pending_data{from.transactions, from.objects, from.bytes};
    };
    const auto to_time = [](std::int64_t ms) {
        return std::chrono::system_clock::time_point(std::chrono::milliseconds(ms));
    };
    upload_status out;
    out.waiting = to_pending(found.waiting);
    if (found.oldest_age_ms >= 0)
        out.oldest_age = std::chrono::milliseconds(found.oldest_age_ms);
    if (found.last_acknowledged_ms >= 0)
        out.last_acknowledged = to_time(found.last_acknowledged_ms);
    if (found.last_error.code != 0)
        out.error = last_error{internal::to_string(found.last_error.name),
                               internal::to_string(found.last_error.message),
                               to_time(found.last_error.at_ms), found.last_error.is_current};
    out.dropped = to_pending(found.dropped);
    out.damaged_transactions = found.damaged_transactions;
    out.refused_objects = found.refused_objects;
    out.sent_objects = found.sent_objects;
    out.sent_bytes = found.sent_bytes;
    return out;
}

/// Calls back on the library's thread, soon with the progress of now, then after each
/// acknowledgement and when more waits, once for several changes where the callback is slow. Return
/// soon, and wait for nothing there. Returns a token for `remove_progress`. Closing the database,
/// as its last handle does, takes the callback away likewise.
template <typename = internal::on_use>
std::uint64_t on_progress(const db& database, std::function<void(const progress&)> callback) {
    struct observer final : internal::ffi::ProgressObserver {
        explicit observer(std::function<void(const progress&)>&& f) : callback(std::move(f)) {}
        void progressed(const internal::ffi::Progress& now) const override {
            callback({now.fraction, now.uploaded_objects, now.waiting_objects});
        }
        std::function<void(const progress&)> callback;
    };
    auto called = internal::no_status();
    const auto token = database.m_realm.instance()->library().observe_progress(
        std::make_unique<observer>(std::move(callback)), called);
    internal::throw_if_failed(called);
    return token;
}

/// When this returns the callback is not running and will not be called again, so what it uses may
/// go. It waits for one that is running, so no lock that it takes may be held here; a callback may
/// take itself away. A token that is not known is ignored.
template <typename = internal::on_use>
void remove_progress(const db& database, std::uint64_t token) {
    database.m_realm.instance()->library().unobserve_progress(token);
}

} // namespace realm::ingest
