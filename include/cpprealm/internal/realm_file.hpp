// Which file a configuration means, and with which key.
#pragma once

#include <array>
#include <optional>

#include <cpprealm/internal/bridge/realm.hpp>
#include <cpprealm/internal/library.hpp>
#include <cpprealm/internal/realm_checks.hpp>

namespace realm::internal {

/// The bytes of a key; none where there is no key.
template <typename = on_use>
rust::Slice<const std::uint8_t> to_slice(const std::optional<std::array<char, 64>>& key) noexcept {
    if (!key)
        return {};
    return {reinterpret_cast<const std::uint8_t*>(key->data()), key->size()};
}

/// What the library has to know of the file. The configuration has a user.
template <typename = on_use>
ffi::RealmConfig file_of(const bridge::realm::config& config) {
    const auto& user = *config.sync_config().settings()->user->user;
    auto status = no_status();
    ffi::RealmConfig out;
    // The user's own file is the library's affair, its directories included: it gets no name.
    if (to_string(user.realm_path(status)) != config.path())
        out.path = to_rust_bytes(config.path());
    if (const auto& key = config_access::encryption_key(config))
        out.encryption_key = to_rust_bytes({key->data(), key->size()});
    return out;
}

} // namespace realm::internal
