// The mode of a client reset and the base of the handlers in client_reset.hpp.
#pragma once

#include <cstdint>
#include <functional>
#include <utility>

namespace realm {
/// What is to become of what a device has not uploaded, where its file is to be made anew.
enum class client_reset_mode : std::uint8_t {
    manual,
    discard_unsynced,
    recover,
    recover_or_discard
};
} // namespace realm

namespace realm::internal::bridge {

/// A mode with the functions an application wants to be called around a reset.
template <typename T>
struct client_reset_mode_base {
    /// Keeps both functions.
    client_reset_mode_base(client_reset_mode mode, std::function<void(T local)> before,
                           std::function<void(T local, T remote)> after)
        : m_mode(mode), m_before(std::move(before)), m_after(std::move(after)) {}
    virtual ~client_reset_mode_base() = default;

    client_reset_mode m_mode;
    std::function<void(T local)> m_before;
    std::function<void(T local, T remote)> m_after;
};

} // namespace realm::internal::bridge
