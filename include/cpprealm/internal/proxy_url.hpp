// A proxy as the library takes it.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

#include <cpprealm/internal/on_use.hpp>

namespace realm::internal {

/// Everything but letters, digits and `-._~`, so that a password may hold any character.
template <typename = on_use>
std::string percent_encode(std::string_view text) {
    static constexpr char hex[] = "0123456789ABCDEF";

    std::string out;
    for (char c : text) {
        auto byte = static_cast<unsigned char>(c);
        bool plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
                     c == '-' || c == '.' || c == '_' || c == '~';
        if (plain)
            out += c;
        else
            out.append(1, '%').append(1, hex[byte >> 4]).append(1, hex[byte & 15]);
    }
    return out;
}

/// `http://[user:password@]address:port`, which is what the library takes for a proxy.
template <typename Proxy>
std::string to_url(const Proxy& proxy) {
    // An address that is a URL already says which protocol the proxy speaks.
    const auto scheme = proxy.address.find("://");
    const std::size_t host = scheme == std::string::npos ? 0 : scheme + 3;
    std::string url = host == 0 ? "http://" : proxy.address.substr(0, host);
    if (proxy.username_password) {
        url.append(percent_encode(proxy.username_password->first)).append(":");
        url.append(percent_encode(proxy.username_password->second)).append("@");
    }
    return url.append(proxy.address, host).append(":").append(std::to_string(proxy.port));
}

} // namespace realm::internal
