// What a wait, a session error or an opening that failed says: a code by name and a reason.
#pragma once

#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>

namespace realm::internal::bridge {

/// The outcome of a session operation. A value: copies are independent and any thread may use one.
struct status {
    /// Success.
    static status ok() { return status(); }

    /// A failure: its code by name, such as `SyncConnectFailed`, and a sentence.
    status(std::string code, std::string reason)
        : code_(std::move(code)), reason_(std::move(reason)) {}

    /// Whether it is a success.
    bool is_ok() const noexcept { return code_ == "OK"; }
    /// What is wrong, for people; empty for success.
    const std::string& reason() const noexcept { return reason_; }
    /// The code by name, for programs; `OK` for success.
    std::string_view code_string() const noexcept { return code_; }

private:
    status() : code_("OK") {}

    std::string code_;
    std::string reason_;
};

/// Thrown by databases and by the futures of session waits; `what()` is the reason.
struct status_error : std::runtime_error {
    /// Of a failure.
    explicit status_error(status s) : std::runtime_error(s.reason()), status_(std::move(s)) {}

    /// The failure.
    const status& get_status() const noexcept { return status_; }
    /// Its code by name.
    std::string_view code_string() const noexcept { return status_.code_string(); }

private:
    status status_;
};

/// The families an error belongs to, as a set of flags.
struct error_category {
    /// One bit each.
    enum type {
        logic_error = 1 << 1,
        runtime_error = 1 << 2,
        invalid_argument = 1 << 3,
        file_access = 1 << 4,
        system_error = 1 << 5,
        app_error = 1 << 6,
        client_error = 1 << 7,
        json_error = 1 << 8,
        service_error = 1 << 9,
        http_error = 1 << 10,
        custom_error = 1 << 11,
        websocket_error = 1 << 12,
        sync_error = 1 << 13,
    };

    /// No flag.
    constexpr error_category() = default;
    /// Whether the flag is set.
    constexpr bool test(type t) const { return (flags_ & t) != 0; }
    /// Sets the flag.
    constexpr error_category& set(type t) {
        flags_ |= t;
        return *this;
    }
    /// Takes the flag away.
    constexpr void reset(type t) { flags_ &= ~static_cast<int>(t); }
    /// All flags as one number.
    constexpr int value() const { return flags_; }

    friend constexpr bool operator==(error_category a, error_category b) {
        return a.flags_ == b.flags_;
    }
    friend constexpr bool operator!=(error_category a, error_category b) { return !(a == b); }

private:
    int flags_ = 0;
};

} // namespace realm::internal::bridge

namespace realm {
/// A `std::exception` that carries the status of what failed.
using status_error = internal::bridge::status_error;
} // namespace realm
