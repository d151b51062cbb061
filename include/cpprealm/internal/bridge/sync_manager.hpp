// The one setting that sync managers of realm-cpp have.
#pragma once

#include <cpprealm/logger.hpp>

namespace realm::internal::bridge {

/// From `App::get_sync_manager()` or `user::sync_manager()`. Any thread may use one.
struct sync_manager {
    /// From this level on messages go to `std::cout` as `ADS C++ SDK: <level> : <message>`. Holds
    /// for the whole process; off until it is set.
    template <typename Use = on_use>
    void set_log_level(logger::level level) {
        basic_log_router<Use>::get().set_console_level(level);
    }
};

} // namespace realm::internal::bridge
