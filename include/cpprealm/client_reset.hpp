// How a database answers a client reset. The gateway keeps no copy of a client's file, so a reset
// never comes: mode and handlers are stored and the mode can be read back.
#pragma once

#include <functional>
#include <utility>

#include <cpprealm/internal/bridge/client_reset_mode.hpp>

namespace realm {
struct db;
} // namespace realm

namespace realm::client_reset {

/// Leaves a reset to the error handler.
struct manual : internal::bridge::client_reset_mode_base<db> {
    /// A handler without functions.
    explicit manual() : client_reset_mode_base(client_reset_mode::manual, {}, {}) {}
};

/// Would drop what is not uploaded.
struct discard_unsynced_changes : internal::bridge::client_reset_mode_base<db> {
    /// Both are kept and never called.
    explicit discard_unsynced_changes(std::function<void(db local)> before,
                                      std::function<void(db local, db remote)> after)
        : client_reset_mode_base(client_reset_mode::discard_unsynced, std::move(before),
                                 std::move(after)) {}
};

/// Would upload again what was not.
struct recover_unsynced_changes : internal::bridge::client_reset_mode_base<db> {
    /// Both are kept and never called.
    explicit recover_unsynced_changes(std::function<void(db local)> before,
                                      std::function<void(db local, db remote)> after)
        : client_reset_mode_base(client_reset_mode::recover, std::move(before), std::move(after)) {}
};

/// Would upload again what was not, or else drop it.
struct recover_or_discard_unsynced_changes : internal::bridge::client_reset_mode_base<db> {
    /// Both are kept and never called.
    explicit recover_or_discard_unsynced_changes(std::function<void(db local)> before,
                                                 std::function<void(db local, db remote)> after)
        : client_reset_mode_base(client_reset_mode::recover_or_discard, std::move(before),
                                 std::move(after)) {}
};

} // namespace realm::client_reset
