// What an error handler is told.
#pragma once

#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include <cpprealm/internal/bridge/mixed.hpp>
#include <cpprealm/internal/bridge/status.hpp>
#include <cpprealm/internal/library.hpp>
#include <cpprealm/internal/on_use.hpp>
#include <cpprealm/internal/primary_key_json.hpp>

namespace realm::internal::bridge {

/// An object that the server refused for good.
struct compensating_write_error_info {
    /// Its class.
    std::string object_name;
    /// Its primary key; null where it has none that can be read.
    internal::bridge::mixed primary_key;
    /// Why, for people.
    std::string reason;
};

/// Something that went wrong while objects were on their way. A value: copy it and use it anywhere.
struct sync_error {
    /// For the library, which makes them.
    template <typename = on_use>
    explicit sync_error(const ffi::SyncError& error)
        : message_(to_string(error.status.message)), link_(to_string(error.status.link)),
          name_(to_string(error.status.name)), is_fatal_(error.is_fatal),
          compensating_writes_(error.compensating_writes) {}

    /// `Server Log URL`, where the server said so.
    template <typename Text = std::string>
    [[nodiscard]] std::unordered_map<Text, Text> user_info() const {
        std::unordered_map<Text, Text> info;
        if (!link_.empty())
            info.emplace("Server Log URL", link_);
        return info;
    }
    /// The objects that were refused; empty unless the code is `SyncWriteNotAllowed` or
    /// `SyncCompensatingWrite`.
    template <typename = on_use>
    [[nodiscard]] std::vector<compensating_write_error_info> compensating_writes_info() const {
        std::vector<compensating_write_error_info> writes;
        writes.reserve(compensating_writes_.size());
        for (const auto& write : compensating_writes_)
            writes.push_back({to_string(write.object_name),
                              primary_key_from_json(write.primary_key_json),
                              to_string(write.reason)});
        return writes;
    }
    /// Code and reason.
    [[nodiscard]] status get_status() const {
        return status(name_, link_.empty() ? message_ : message_ + " Logs: " + link_);
    }
    /// The session is inactive because of it, until an attempt succeeds: it makes one now and then,
    /// and at once for `reconnect()`, `resume()` and an open. Told once, however often it is met.
    [[nodiscard]] bool is_fatal() const { return is_fatal_; }
    /// What is wrong, for people.
    [[nodiscard]] std::string_view message() const { return message_; }
    /// For a code that the gateway does not send.
    [[nodiscard]] bool is_client_reset_requested() const {
        return name_ == "SyncClientResetRequired";
    }

private:
    std::string message_;
    std::string link_;
    std::string name_;
    bool is_fatal_;
    rust::Vec<ffi::CompensatingWrite> compensating_writes_;
};

} // namespace realm::internal::bridge

namespace realm {
/// What an error handler is told.
using sync_error = internal::bridge::sync_error;
} // namespace realm
