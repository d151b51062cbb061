// The library behind the headers, in C++ terms: its handles, its statuses and its strings.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>

#include <cpprealm/internal/bridge.hpp>
#include <cpprealm/internal/bridge/status.hpp>
#include <cpprealm/internal/on_use.hpp>

namespace realm::internal {

/// A logged-in user as the library knows it, with what the headers must remember beside it.
struct user_handle {
    rust::Box<ffi::User> user;
    /// The application brought its own transport, so requests may be answered from any thread.
    bool host_transport;
};

inline std::string to_string(const rust::String& text) { return {text.data(), text.size()}; }

/// A path's bytes.
inline std::string to_string(const rust::Vec<std::uint8_t>& bytes) {
    return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

inline rust::Str to_str(std::string_view text) { return {text.data(), text.size()}; }

inline rust::Slice<const std::uint8_t> to_slice(std::string_view bytes) {
    return {reinterpret_cast<const std::uint8_t*>(bytes.data()), bytes.size()};
}

inline bridge::status to_status(const ffi::Status& status) {
    return status.code == 0 ? bridge::status::ok()
                            : bridge::status(to_string(status.name), to_string(status.message));
}

/// Text that is not UTF-8, which headers of an HTTP answer may hold, keeps its readable part.
inline rust::String to_rust(std::string_view text) {
    return rust::String::lossy(text.data(), text.size());
}

// Into the place of what is filled: each vector that comes and goes is code in each file.

template <typename = on_use>
void set_headers(const std::map<std::string, std::string>& headers, rust::Vec<ffi::Header>& out) {
    out.clear();
    for (const auto& [name, value] : headers)
        out.push_back({to_rust(name), to_rust(value)});
}

/// In the place of those that the settings have.
template <typename = on_use>
void set_headers(const std::map<std::string, std::string>& headers, ffi::HttpSettings& out) {
    out.clear_headers();
    for (const auto& [name, value] : headers)
        out.add_header(to_slice(name), to_slice(value));
}

template <typename = on_use>
void set_bytes(std::string_view bytes, rust::Vec<std::uint8_t>& out) {
    out.clear();
    out.reserve(bytes.size());
    for (char byte : bytes)
        out.push_back(static_cast<std::uint8_t>(byte));
}

namespace ffi {

/// A status to be filled by a call. The library makes and destroys it, which is shorter than doing
/// so in each place that calls.
class call_status {
public:
    call_status() noexcept;
    ~call_status();
    call_status(const call_status&) = delete;
    call_status& operator=(const call_status&) = delete;

    operator Status&() noexcept { return status_; }
    [[nodiscard]] bool is_ok() const noexcept { return status_.code == 0; }

private:
    Status status_;
};

/// Says in the status why a session does nothing any more.
void describe_dead_session(Status& status) noexcept;

/// Functions of the bridge with plain pointers, which they take over, in the place of
/// `std::unique_ptr`: to a compiler each of those is a hundred classes.
namespace owned {

rust::Box<App> open_app(const AppConfig& config, const HttpSettings& http, HostTransport* transport,
                        Status& status) noexcept;
bool begin_login(const App& app, rust::Str provider, rust::Slice<const std::uint8_t> body_json,
                 LoginCompletion* completion) noexcept;
void wait_for_upload(const Session& session, Completion* completion) noexcept;
void wait_for_download(const Session& session, Completion* completion) noexcept;

} // namespace owned
} // namespace ffi

/// An empty status to be filled by a call.
inline ffi::Status no_status() { return ffi::Status{0, {}, {}, {}}; }

// Codes, beyond the library's own, of statuses that the compiled part of these headers makes: which
// exception its text is thrown in.
inline constexpr std::uint32_t logic_error_code = 0xffff0001;
inline constexpr std::uint32_t invalid_argument_code = 0xffff0002;
inline constexpr std::uint32_t overflow_error_code = 0xffff0003;
inline constexpr std::uint32_t runtime_error_code = 0xffff0004;

inline void set_refusal(ffi::Status& status, std::uint32_t code, std::string_view text) {
    status.code = code;
    status.message = to_rust(text);
}

template <typename = on_use>
[[noreturn]] void throw_status(const ffi::Status& status) {
    switch (status.code) {
    case logic_error_code:
        throw std::logic_error(to_string(status.message));
    case invalid_argument_code:
        throw std::invalid_argument(to_string(status.message));
    case overflow_error_code:
        throw std::overflow_error(to_string(status.message));
    case runtime_error_code:
        throw std::runtime_error(to_string(status.message));
    default:
        throw bridge::status_error(to_status(status));
    }
}
template <typename = on_use>
void throw_if_failed(const ffi::Status& status) {
    if (status.code != 0)
        throw_status(status);
}

} // namespace realm::internal
