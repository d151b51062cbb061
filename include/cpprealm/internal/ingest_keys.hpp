// Keys of files, and another one for a file. Part of <cpprealm/ingest.hpp>.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <stdexcept>

#include <cpprealm/db.hpp>
#include <cpprealm/internal/config_access.hpp>
#include <cpprealm/internal/library.hpp>
#include <cpprealm/internal/realm_file.hpp>

namespace realm::internal {

/// The bytes of a key; none where there is no key.
template <typename = on_use>
rust::Slice<const std::uint8_t>
to_slice(const std::optional<std::array<char, encryption_key_bytes>>& key) noexcept {
    if (!key)
        return {};
    return {reinterpret_cast<const std::uint8_t*>(key->data()), key->size()};
}

} // namespace realm::internal

namespace realm::ingest {

/// Encrypts the file of the configuration, and that of urgent classes beside it, with the new key;
/// `std::nullopt` stands for no encryption. Their present key is that of the configuration. All
/// that waits stays, and is sent once the file is opened with the new key.
///
/// Takes about as long as copying the file, and as much room beside it meanwhile. A process that
/// ends before it returns leaves a file with one key or with the other; called again with the same
/// keys, this does what is left. What the former file held may be in freed blocks of the disk until
/// they are overwritten, and files that were moved aside as damaged stay as they are.
///
/// Throws a `std::exception` where the configuration has another key than the file, a database is
/// open there, also in another process, there is no such file, or no room for a second one. Then it
/// may be called again as well. May be called from any thread, and in no callback of its session.
template <typename = internal::on_use>
void rekey(const db_config& config, const std::optional<std::array<char, 64>>& new_key) {
    const auto settings = config.sync_config().settings();
    if (!settings || !settings->user)
        throw std::logic_error("The sync configuration has no user.");
    internal::ffi::RealmConfig file;
    internal::name_file(*settings->user->user, std::string_view(config.path()),
                        internal::config_access::encryption_key(config), file);
    internal::throw_if_failed(
        internal::ffi::rekey(*settings->user->user, file, internal::to_slice(new_key)));
}

} // namespace realm::ingest
