// What calls of App and user fail with.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include <cpprealm/internal/library.hpp>

namespace realm {

/// Why the server, the way to it, or this device refused a call. Deliberately no `std::exception`:
/// programs written for realm-cpp tell the two apart. A value; views live as long as it does.
struct app_error {
    app_error() = delete;
    /// For the library, which makes them.
    explicit app_error(const internal::ffi::Status& status)
        : code_(status.code), message_(internal::to_string(status.message)),
          link_(internal::to_string(status.link)) {}

    /// What is wrong, for people: the server's own words where it said so.
    [[nodiscard]] std::string_view message() const { return message_; }
    /// Where the server keeps its log of the call; empty unless it said so.
    [[nodiscard]] std::string_view link_to_server_logs() const { return link_; }

    /// The answer could not be read.
    [[nodiscard]] bool is_json_error() const { return code_ >= 4200 && code_ < 4300; }
    /// The server said what is wrong.
    [[nodiscard]] bool is_service_error() const { return code_ >= 4300 && !is_http_error(); }
    /// An HTTP status without explanation.
    [[nodiscard]] bool is_http_error() const { return code_ == http_error; }
    /// The transport got no answer.
    [[nodiscard]] bool is_custom_error() const { return code_ == custom_error; }
    /// This device refused the call.
    [[nodiscard]] bool is_client_error() const {
        return code_ < custom_error || (code_ >= 4100 && code_ < 4200);
    }

private:
    // Realm's numbers for App Services errors.
    static constexpr std::uint32_t custom_error = 4000;
    static constexpr std::uint32_t http_error = 4309;

    std::uint32_t code_;
    std::string message_;
    std::string link_;
};

namespace internal {

template <typename Error = app_error>
std::optional<Error> to_app_error(const ffi::Status& status) {
    return status.code == 0 ? std::nullopt : std::optional<Error>(Error(status));
}

/// Calls an application's callback with the results and the error that there was.
template <typename Callback, typename... Results>
void answer(const Callback& callback, const ffi::Status& status, Results&&... results) {
    using error = later<Callback, app_error>;
    callback(std::forward<Results>(results)..., to_app_error<error>(status));
}

/// The status of an answer that came and is not what it should be.
inline ffi::Status unreadable_answer(const char* why, std::uint32_t code) {
    return {code, code == 4203 ? "BadBsonParse" : "AppUnknownError", why, {}};
}

template <typename = on_use>
void throw_app_error_if_failed(const ffi::Status& status) {
    if (status.code != 0)
        throw app_error(status);
}

} // namespace internal
} // namespace realm
