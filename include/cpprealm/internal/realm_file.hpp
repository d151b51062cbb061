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

/// Fills in what the library has to know of the file. The configuration has a user.
template <typename = on_use>
void name_file(const bridge::realm::config& config, ffi::RealmConfig& out) {
    const auto& user = *config_access::settings(config)->user->user;
    const std::string& path = config_access::path(config);
    auto status = no_status();
    // The user's own file is the library's affair, its directories included: it gets no name.
    if (to_string(user.realm_path(status)) != path)
        set_bytes(path, out.path);
    if (const auto& key = config_access::encryption_key(config))
        set_bytes({key->data(), key->size()}, out.encryption_key);
}

} // namespace realm::internal
