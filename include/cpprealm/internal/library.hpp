// The library behind the headers, in C++ terms: its handles, its statuses and its strings.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <utility>

#include <cpprealm/internal/bridge.hpp>
#include <cpprealm/internal/bridge/status.hpp>

namespace realm::internal {

/// A logged-in user as the library knows it, with what the headers must remember beside it.
struct user_handle {
    rust::Box<ffi::User> user;
    /// The application brought its own transport, so requests may be answered from any thread.
    bool host_transport;
};

inline std::string to_string(const rust::String& text) { return {text.data(), text.size()}; }

inline rust::Str to_str(std::string_view text) { return {text.data(), text.size()}; }

inline rust::Slice<const std::uint8_t> to_slice(std::string_view bytes) {
    return {reinterpret_cast<const std::uint8_t*>(bytes.data()), bytes.size()};
}

inline bridge::status to_status(const ffi::Status& status) {
    return status.code == 0 ? bridge::status::ok()
                            : bridge::status(to_string(status.name), to_string(status.message));
}

/// An empty status to be filled by a call.
inline ffi::Status no_status() { return ffi::Status{0, {}, {}, {}}; }

inline void throw_if_failed(const ffi::Status& status) {
    if (status.code != 0)
        throw bridge::status_error(to_status(status));
}

} // namespace realm::internal
