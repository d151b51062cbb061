// Which file a configuration means, and with which key.
#pragma once

#include <cstddef>
#include <string_view>

#include <cpprealm/internal/library.hpp>
#include <cpprealm/internal/plain_text.hpp>

namespace realm::internal {

inline constexpr std::size_t encryption_key_bytes = 64;

/// Fills in what the library has to know of the file. A null key is none.
template <typename = on_use>
void name_file(const ffi::User& user, plain_text path, const char* key, ffi::RealmConfig& out) {
    auto status = no_status();
    // The user's own file is the library's affair, its directories included: it gets no name.
    if (path != plain_text(std::string_view(to_string(user.realm_path(status)))))
        set_bytes(path, out.path);
    if (key != nullptr)
        set_bytes({key, encryption_key_bytes}, out.encryption_key);
}

} // namespace realm::internal
