// What an error handler is told.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

#include <cpprealm/internal/bridge/mixed.hpp>
#include <cpprealm/internal/bridge/status.hpp>
#include <cpprealm/internal/library.hpp>
#include <cpprealm/internal/primary_key_json.hpp>

namespace realm::internal::bridge {

/// An object that the server refused for good.
struct compensating_write_error_info {
    std::string object_name;
    internal::bridge::mixed primary_key;
    std::string reason;
};

/// Something that went wrong while objects were on their way. A value: copy it and use it anywhere.
struct sync_error {
    explicit sync_error(const ffi::SyncError& error)
        : message_(to_string(error.status.message)), status_(make_status(error.status)),
          is_fatal_(error.is_fatal),
          is_client_reset_(status_.code_string() == "SyncClientResetRequired") {
        if (!error.status.link.empty())
            user_info_.emplace("Server Log URL", to_string(error.status.link));
        compensating_writes_.reserve(error.compensating_writes.size());
        for (const auto& write : error.compensating_writes)
            compensating_writes_.push_back({to_string(write.object_name),
                                            mixed(primary_key_from_json(write.primary_key_json)),
                                            to_string(write.reason)});
    }

    [[nodiscard]] std::unordered_map<std::string, std::string> user_info() const {
        return user_info_;
    }
    /// The objects that were refused; empty unless the code is `SyncWriteNotAllowed` or
    /// `SyncCompensatingWrite`.
    [[nodiscard]] std::vector<compensating_write_error_info> compensating_writes_info() const {
        return compensating_writes_;
    }
    [[nodiscard]] status get_status() const { return status_; }
    /// The session is inactive because of it, until an attempt succeeds: it makes one now and then,
    /// and at once for `reconnect()`, `resume()` and an open. Told once, however often it is met.
    [[nodiscard]] bool is_fatal() const { return is_fatal_; }
    [[nodiscard]] std::string_view message() const { return message_; }
    [[nodiscard]] bool is_client_reset_requested() const { return is_client_reset_; }

private:
    static status make_status(const ffi::Status& from) {
        auto reason = to_string(from.message);
        if (!from.link.empty())
            reason += " Logs: " + to_string(from.link);
        return status(to_string(from.name), std::move(reason));
    }

    std::string message_;
    status status_;
    bool is_fatal_;
    bool is_client_reset_;
    std::unordered_map<std::string, std::string> user_info_;
    std::vector<compensating_write_error_info> compensating_writes_;
};

} // namespace realm::internal::bridge

namespace realm {
using sync_error = internal::bridge::sync_error;
} // namespace realm
