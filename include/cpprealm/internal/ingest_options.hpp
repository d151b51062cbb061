// What an application chooses for a database beyond realm-cpp's configuration.
#pragma once

#include <chrono>
#include <cstdint>
#include <limits>
#include <memory>
#include <optional>
#include <set>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include <cpprealm/internal/bridge/realm.hpp>
#include <cpprealm/internal/library.hpp>
#include <cpprealm/internal/realm_checks.hpp>

namespace realm::ingest {

/// What a commit that returned has survived.
enum class durability : std::uint8_t {
    /// The loss of power.
    full,
    /// The end of the process. The loss of power may take the last moments, newest first.
    relaxed
};

/// What becomes of a write beyond the cap.
enum class cap_policy : std::uint8_t {
    /// It throws, and what is stored stays.
    fail,
    /// The oldest transactions are dropped for it, and those that are too old in any case.
    drop_oldest,
    /// It returns as others do and is dropped.
    drop_newest
};

/// How much may wait in a file. What is dropped is told to the error handler.
struct cap {
    /// As stored, compressed.
    std::optional<std::uint64_t> max_bytes;
    std::optional<std::uint64_t> max_objects;
    /// Since the oldest was written, by the device's clock.
    std::optional<std::chrono::milliseconds> max_age;
    cap_policy policy = cap_policy::fail;
};

/// What is chosen here is the same for all that have a path open: opening it throws for a
/// configuration that says otherwise.
struct options {
    enum durability durability = durability::full;
    struct cap cap;
    /// The classes that overtake the others. They wait in a file of their own beside the
    /// database's, `default.urgent.realm` beside `default.realm`, with a cap as large. A write
    /// transaction with objects of urgent classes and of others throws, and nothing of it is kept.
    /// Each class keeps its order; one that a new release makes urgent, or does not any more, may
    /// overtake what it wrote before.
    std::vector<std::string> urgent;
};

/// Chooses for the databases that are opened with this configuration, or a copy of it made later.
inline void set_options(db_config& config, options chosen) {
    internal::config_access::set_options(config,
                                         std::make_shared<const options>(std::move(chosen)));
}

} // namespace realm::ingest

namespace realm::internal {

inline bool same(const ingest::options& a, const ingest::options& b) {
    return a.durability == b.durability && a.cap.max_bytes == b.cap.max_bytes &&
           a.cap.max_objects == b.cap.max_objects && a.cap.max_age == b.cap.max_age &&
           a.cap.policy == b.cap.policy &&
           std::set(a.urgent.begin(), a.urgent.end()) == std::set(b.urgent.begin(), b.urgent.end());
}

/// Those of a configuration, or the defaults.
inline ingest::options options_of(const bridge::realm::config& config) {
    const auto& chosen = config_access::options(config);
    return chosen ? *chosen : ingest::options();
}

/// Refuses a choice for a path that is open with another one.
inline void check_same_options(const bridge::realm::config& open,
                               const bridge::realm::config& config) {
    if (!same(options_of(open), options_of(config)))
        throw std::logic_error("Realm at path '" + config.path() +
                               "' already opened with different ingest options.");
}

inline ffi::IngestOptions to_library(const ingest::options& chosen) {
    constexpr auto none = std::numeric_limits<std::uint64_t>::max();
    ffi::IngestOptions out;
    out.durability = static_cast<std::uint8_t>(chosen.durability);
    out.max_bytes = chosen.cap.max_bytes.value_or(none);
    out.max_objects = chosen.cap.max_objects.value_or(none);
    out.max_age_ms = none;
    if (const auto& age = chosen.cap.max_age) {
        if (age->count() < 0)
            throw std::invalid_argument("The cap's max_age is negative.");
        out.max_age_ms = static_cast<std::uint64_t>(age->count());
    }
    out.cap_policy = static_cast<std::uint8_t>(chosen.cap.policy);
    for (const auto& name : chosen.urgent)
        out.urgent.push_back(to_rust(name));
    return out;
}

} // namespace realm::internal
