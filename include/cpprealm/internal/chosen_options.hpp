// The place of `ingest::options` in a configuration. What they are stays in <cpprealm/ingest.hpp>,
// so that only files that include it compile what is done with them.
#pragma once

#include <cstdint>
#include <limits>

#include <cpprealm/internal/bridge.hpp>

namespace realm::internal {

/// What an application chose, as a configuration keeps it. Null stands for the defaults.
struct chosen_options {
    virtual ~chosen_options() = default;
    /// The status says what cannot be.
    virtual void put_into(ffi::IngestOptions& out, ffi::Status& status) const noexcept = 0;
    [[nodiscard]] virtual bool same_as(const chosen_options* other) const = 0;
};

/// Stands for a limit that there is not.
inline constexpr std::uint64_t no_limit = std::numeric_limits<std::uint64_t>::max();
inline constexpr std::uint64_t default_ask_again_ms = 60000;

/// What holds where nothing was chosen.
inline void set_defaults(ffi::IngestOptions& out) noexcept {
    out.max_bytes = no_limit;
    out.max_objects = no_limit;
    out.max_age_ms = no_limit;
    out.bytes_per_second = no_limit;
    out.ask_again_ms = default_ask_again_ms;
}

} // namespace realm::internal
