// What time it is at the server.
#pragma once

#include <chrono>
#include <optional>

#include <cpprealm/app.hpp>
#include <cpprealm/internal/app_access.hpp>
#include <cpprealm/internal/library.hpp>

namespace realm::ingest {

/// What the server's clock shows, as far as that can be told.
struct server_time {
    /// The middle of what is possible.
    std::chrono::system_clock::time_point now;
    /// How far it may be off, either way.
    std::chrono::milliseconds uncertainty{0};
};

/// The server's time by the answers of this App's server so far, whatever the device's own clock
/// shows; none before the first. One answer tells it to a bit more than half a second, several to
/// less. Asks no server. May be called from any thread; throws a `std::exception` after a shutdown.
///
/// It is as true as the server's clock, and without TLS as whoever is on the way.
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wshadow" // the struct may have the name of the function
template <typename = internal::on_use>
std::optional<struct server_time> server_time(const App& app) {
    auto status = internal::no_status();
    auto time = internal::app_access::library(app).server_time(status);
    internal::throw_if_failed(status);
    if (!time.is_known)
        return std::nullopt;
    struct server_time out;
    out.now = std::chrono::system_clock::time_point(
        std::chrono::duration_cast<std::chrono::system_clock::duration>(
            std::chrono::microseconds(time.now_us)));
    out.uncertainty = std::chrono::milliseconds(time.uncertainty_ms);
    return out;
}
#pragma GCC diagnostic pop

} // namespace realm::ingest
